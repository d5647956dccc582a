"""Environments for the simulators that Rheobase is measured against, made once and kept in a cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

CONSTRAINTS = Path(__file__).resolve().parents[2] / "constraints.txt"


def default_cache() -> Path:
    """The folder for environments: below the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "rheobase-benchmarks"


def environment(requirements: Sequence[str], cache: Path, constraints: Path = CONSTRAINTS) -> str:
    """The interpreter of a virtual environment that holds the requirements.

    pip takes its index from its own configuration, and versions from the constraints, so that torch
    is the same as in the environment of the tests.

    Args:
        requirements: What pip installs.
        cache: The folder that keeps environments; made if it is not there.
        constraints: The file of versions.

    Raises:
        FileNotFoundError: If there is no such file.
        subprocess.CalledProcessError: If the environment cannot be made; pip says why.
    """
    if not constraints.is_file():
        raise FileNotFoundError(f"{constraints} is missing; it names the versions to install")
    wanted = "\n".join([sys.version, *requirements, constraints.read_text(encoding="utf-8")])
    home = cache / hashlib.sha256(wanted.encode()).hexdigest()[:16]
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    # Written last: an environment without it was interrupted in the making.
    ready = home / "ready"
    if not ready.is_file():
        shutil.rmtree(home, ignore_errors=True)
        print(f"making an environment with {' '.join(requirements)} in {home} ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, "-c", str(constraints), *requirements], check=True)
        ready.write_text(wanted, encoding="utf-8")
    return str(python)

"""The package of CONTRIBUTING.md, built and installed as its reader would, with nothing added."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

CONTRIBUTING = Path(__file__).resolve().parents[2] / "CONTRIBUTING.md"
FILES = ("src/adex_model/neuron.py", "src/adex_model/plugin.py")


def adex_package(cache: Path) -> Path:
    """A folder in which the distribution ``adex-model`` is installed; for ``sys.path``.

    Args:
        cache: The folder that keeps it.

    Raises:
        ValueError: If CONTRIBUTING has no text for one of its files.
        subprocess.CalledProcessError: If it cannot be made; the command says why.
    """
    texts = {name: _text(name) for name in FILES}
    home = cache / f"adex-{hashlib.sha256(repr(texts).encode()).hexdigest()[:16]}"
    site, ready = home / "site", home / "ready"
    if not ready.is_file():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        print(f"making the package of CONTRIBUTING.md in {home} ...", flush=True)
        new = ["rheobase", "new", "adex-model", "--component", "adex", "--author", "Ada Lovelace"]
        subprocess.run([sys.executable, "-m", *new], cwd=home, check=True, stdout=subprocess.DEVNULL)
        for name, text in texts.items():
            (home / "adex-model" / name).write_text(text, encoding="utf-8")
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, "--no-deps", "--target", str(site), str(home / "adex-model")], check=True)
        ready.touch()
    return site


def _text(name: str) -> str:
    """A file of the package: the block after the paragraph that begins with its name."""
    found = re.search(
        rf"^`{re.escape(name)}`[^\n]*\n(?:[^\n]+\n)*\n```python\n(.*?)^```$",
        CONTRIBUTING.read_text(encoding="utf-8"),
        flags=re.DOTALL | re.MULTILINE,
    )
    if found is None:
        raise ValueError(f"{CONTRIBUTING.name} has no text for {name}")
    return found[1]

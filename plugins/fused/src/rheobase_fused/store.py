"""Compiled kernels on disk: a folder that nobody else may write, and files that come into being whole."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import stat
import sys
import tempfile
from pathlib import Path

from .compiler import OPTIONS, compile_to, compiler, version
from .refusal import Refusal


def library(text: str) -> Path:
    """The library of a source, compiled if it is not there yet.

    Two processes that need the same one at once both compile it, and the later replaces the file of the
    earlier, which is the same.

    Raises:
        Refusal: If there is no compiler, or the folder is not safe.
    """
    tool = compiler()
    folder = kernel_folder()
    made_of = "\0".join([text, tool, version(tool), *OPTIONS, _machine()])
    path = folder / f"{hashlib.sha256(made_of.encode()).hexdigest()[:40]}.so"
    if path.exists():
        _check_own(path)
        return path
    with tempfile.TemporaryDirectory(dir=folder) as work:
        made = Path(work) / "kernel.so"
        compile_to(text, made, tool)
        made.chmod(0o700)
        os.replace(made, path)
    return path


def kernel_folder() -> Path:
    """Where compiled kernels are kept: in ``RHEOBASE_CACHE_DIR``, or in the user's cache.

    Raises:
        Refusal: If it belongs to somebody else, or others may write there.
    """
    given = os.environ.get("RHEOBASE_CACHE_DIR")
    path = (Path(given) if given else _user_cache() / "rheobase") / "kernels"
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        writable = os.access(path, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        return _process_folder()
    _check_own(path)
    return path


@functools.cache
def _process_folder() -> Path:
    """Where nothing can be kept: a folder for this process alone."""
    return Path(tempfile.mkdtemp(prefix="rheobase-kernels-"))


def _check_own(path: Path) -> None:
    """Refuse what another user could have written.

    A library is code: whoever writes it acts in the name of who loads it.
    """
    if not hasattr(os, "getuid"):
        return
    about = path.lstat()
    if about.st_uid != os.getuid() or stat.S_ISLNK(about.st_mode):
        raise Refusal(
            f"{path} is not this user's own, so no kernel is loaded from it; "
            "remove it, or set RHEOBASE_CACHE_DIR"
        )
    if about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Refusal(
            f"{path} can be written by others, so no kernel is loaded from it; take their right: chmod go-w"
        )


def _user_cache() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


@functools.cache
def _machine() -> str:
    """What a library that was compiled for this machine depends on."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    about = sorted(
        {line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part"))}
    )
    return "\n".join([platform.machine(), platform.system(), platform.processor(), *about])

"""Compiled kernels on disk: files that come into being whole, and are looked at before they are loaded."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from .compiler import LIMIT, OPTIONS, Unmade, compile_to, compiler, version
from .folders import drop_unused, kernel_folder, process_folder, sweep, used, working_folder
from .limited import limited
from .refusal import Amiss
from .trusted import check_own

_DIGITS = 40
"""Of a SHA-256, in hexadecimal, in the name of a file: of what it was made from, and of what is in it."""


def library(text: str, names: Sequence[str]) -> ctypes.CDLL:
    """The library of a source, loaded; compiled if it is not there yet, or damaged.

    Two processes that need the same one at once both compile it. The name of a file tells what it was made
    from and what is in it, so that one which is not whole is seen before it is loaded, and is made once more.

    Args:
        text: The source.
        names: The functions that it must have.

    Raises:
        Refusal: If there can be none: no compiler, no place, or a folder that is not safe.
    """
    try:
        return _library(text, names)
    except (OSError, ValueError) as error:
        raise Amiss(f"there is no place for its kernel: {error}") from error


def _library(text: str, names: Sequence[str]) -> ctypes.CDLL:
    tool = compiler()
    folder = kernel_folder()
    made_of = "\0".join([text, tool, version(tool), *OPTIONS, _machine()])
    key = hashlib.sha256(made_of.encode(errors="surrogateescape")).hexdigest()[:_DIGITS]
    if found := _kept(folder, key, names):
        return found
    try:
        return _made(folder, key, text, tool, names)
    except (Unmade, OSError) as failure:
        # Full, over its quota, or a place from which nothing may be executed: another folder may serve.
        other = process_folder()
        if other == folder:
            raise
        try:
            return _made(other, key, text, tool, names)
        except (Unmade, OSError):
            raise failure from None


def _kept(folder: Path, key: str, names: Sequence[str]) -> ctypes.CDLL | None:
    """A library that was made before, if it is as it was made."""
    for path in sorted(folder.glob(f"{key}-*.so")):
        check_own(path)
        with contextlib.suppress(OSError, AttributeError):
            if path.is_file() and path.stem == f"{key}-{_digest(path)}":
                found = _loaded(path, names)
                used(path)
                return found
            path.unlink()
    return None


def _made(folder: Path, key: str, text: str, tool: str, names: Sequence[str]) -> ctypes.CDLL:
    """A library that is made now, tried, and then kept."""
    sweep(folder)
    with working_folder(folder) as work:
        made = work / "kernel.so"
        compile_to(text, made, tool)
        made.chmod(0o700)
        _try(made, names, tool)
        path = folder / f"{key}-{_digest(made)}.so"
        with open(made, "rb") as file:
            os.fsync(file.fileno())
        os.replace(made, path)
    drop_unused(folder)
    try:
        return _loaded(path, names)
    except (OSError, AttributeError) as error:
        raise Unmade(f"the kernel that {tool} made cannot be loaded: {error}") from error


def _try(made: Path, names: Sequence[str], tool: str) -> None:
    """Load a new library in another process: a torn file may end the one that loads it."""
    if not sys.executable:
        return
    script = "import ctypes, sys; [getattr(ctypes.CDLL(sys.argv[1]), name) for name in sys.argv[2:]]"
    said = limited([sys.executable, "-I", "-S", "-c", script, os.fspath(made), *names], LIMIT)
    if said.status != 0:
        last = said.output.strip().rpartition("\n")[2] or f"exit status {said.status}"
        raise Unmade(f"the kernel that {tool} made cannot be loaded: {last[:500]}")


def _loaded(path: Path, names: Sequence[str]) -> ctypes.CDLL:
    found = ctypes.CDLL(os.fspath(path))
    for name in names:
        getattr(found, name)
    return found


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:_DIGITS]


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

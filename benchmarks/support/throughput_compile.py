"""The hand-written kernel as a shared library, compiled once for this machine and kept in the cache."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

COMPILER = os.environ.get("CXX", "g++")
FLAGS = (
    "-std=c++17",
    "-O3",
    "-march=native",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-Wno-psabi",
    "-shared",
    "-fPIC",
    "-pthread",
)


def compiled(source: Path, cache: Path, *options: str) -> tuple[Path, str]:
    """The library of a C++ file, and the compiler in words.

    Args:
        source: The file.
        cache: The folder that keeps libraries.
        *options: Further options.

    Raises:
        FileNotFoundError: If there is no compiler.
        subprocess.CalledProcessError: If it cannot compile the file.
    """
    version = subprocess.run([COMPILER, "--version"], capture_output=True, text=True, check=True)
    # What -march=native is here: the cache may be shared by machines.
    native = subprocess.run(
        [COMPILER, *FLAGS, "-###", "-E", "-x", "c++", os.devnull], capture_output=True, text=True, check=True
    )
    flags = (*FLAGS, *options)
    content = source.read_bytes()
    wanted = content + " ".join(flags).encode() + version.stdout.encode() + native.stderr.encode()
    library = cache / f"{source.stem}-{hashlib.sha256(wanted).hexdigest()[:16]}.so"
    if not library.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        part = library.with_suffix(f".{os.getpid()}.part")
        subprocess.run([COMPILER, *flags, "-o", str(part), str(source)], check=True)
        os.replace(part, library)
    return library, version.stdout.splitlines()[0]

"""From C++ to a shared library."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path

from .refusal import Refusal

# No option that lets the compiler reorder or approximate, and none that touches the floating-point mode of
# the process: a library that was linked with -ffast-math flushes denormals to zero for all who load it.
OPTIONS = (
    *("-O3", "-std=c++17", "-march=native", "-fPIC", "-shared", "-pthread", "-w"),
    *("-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"),
)


def compiler() -> str:
    """The C++ compiler: that of the variable CXX, as for torch's own extensions, else the first there is.

    Raises:
        Refusal: If there is none.
    """
    given = os.environ.get("CXX")
    for name in [given] if given else ["g++", "clang++", "c++"]:
        found = shutil.which(name)
        if found:
            return found
    raise Refusal(
        f"the C++ compiler CXX={given!r} was not found"
        if given
        else "no C++ compiler was found; install g++ or clang++, or name one in the variable CXX"
    )


@functools.cache
def version(tool: str) -> str:
    """What a compiler says of itself.

    Raises:
        Refusal: If it does not run.
    """
    try:
        said = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Refusal(f"the C++ compiler {tool} does not run: {error}") from error
    return said.stdout


def compile_to(text: str, made: Path, tool: str) -> None:
    """Compile a source to a library.

    Args:
        text: The source.
        made: The library, in a folder of its own.
        tool: The compiler.

    Raises:
        Refusal: If it cannot be compiled.
    """
    source = made.with_suffix(".cpp")
    source.write_text(text, encoding="utf-8")
    command = [tool, *OPTIONS, os.fspath(source), "-o", os.fspath(made), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Refusal(f"{tool} could not compile the kernel: {done.stderr[:2000]}")

"""From C++ to a shared library."""

from __future__ import annotations

import functools
import os
import shutil
from pathlib import Path

from .limited import Said, limited
from .refusal import Amiss

# No option that lets the compiler reorder or approximate, and none that touches the floating-point mode of
# the process: a library that was linked with -ffast-math flushes denormals to zero for all who load it.
OPTIONS = (
    *("-O3", "-std=c++17", "-march=native", "-fPIC", "-shared", "-pthread", "-w"),
    *("-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"),
)

LIMIT = 120.0
"""Seconds that a compiler may take: a hundred times what it needs."""

_HANGING: dict[str, str] = {}
"""Compilers that hung once in this process, and what is said of them: nobody waits for them again."""


class Unmade(Amiss):
    """A library that could not be made here; in another folder it may be."""


def compiler() -> str:
    """The C++ compiler: that of the variable CXX, as for torch's own extensions, else the first there is.

    Raises:
        Refusal: If there is none.
    """
    given = os.environ.get("CXX")
    for name in [given] if given else ["g++", "clang++", "c++"]:
        found = shutil.which(name)
        if found:
            return os.path.abspath(found)
    raise Amiss(
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
    said = _run(tool, ["--version"], None)
    if said.status:
        raise Amiss(f"the C++ compiler {tool} does not run: exit status {said.status}")
    return said.output


def compile_to(text: str, made: Path, tool: str) -> None:
    """Compile a source to a library.

    Args:
        text: The source.
        made: The library, in a folder of its own, where the compiler also keeps what it needs meanwhile.
        tool: The compiler.

    Raises:
        Unmade: If it cannot be compiled there.
        Refusal: If the compiler hangs, or does not run.
        OSError: If the source cannot be written.
    """
    source = made.with_suffix(".cpp")
    source.write_text(text, encoding="utf-8")
    said = _run(tool, [*OPTIONS, os.fspath(source), "-o", os.fspath(made), "-lm"], made.parent)
    if said.status:
        raise Unmade(f"{tool} could not compile the kernel: exit status {said.status}: {said.output[:2000]}")
    if not made.is_file():
        raise Unmade(f"{tool} says that it compiled the kernel, and made no file: {said.output[:500]}")


def _run(tool: str, arguments: list[str], folder: Path | None) -> Said:
    if tool in _HANGING:
        raise Amiss(_HANGING[tool])
    environment = None if folder is None else {**os.environ, "TMPDIR": os.fspath(folder)}
    try:
        said = limited([tool, *arguments], LIMIT, environment, errors=folder is not None)
    except (OSError, ValueError) as error:
        raise Amiss(f"the C++ compiler {tool} does not run: {error}") from error
    if said.status is None:
        _HANGING[tool] = f"the C++ compiler {tool} was not done after {LIMIT:g} s; name another in CXX"
        raise Amiss(_HANGING[tool])
    return said

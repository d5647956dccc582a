"""Errors in one line, with the author's line that raised them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from traceback import walk_tb

import hypothesis
import rheobase
import torch
from rheobase.errors import RheobaseError

from .violation import Violation

_OURS = tuple(os.fspath(Path(str(file)).parent) + os.sep for file in (rheobase.__file__, __file__))
_ADVICE = re.compile(r"\n\s*(?:Hint|Developer debug context|For more details|from user code|Set TORCH)\b")
_FRAME = re.compile(r'File "([^"]+)", line (\d+), in (\S+)')
_LONGEST = 400
"""Characters of a message of torch's compiler that are told."""

_STANDARD = os.fspath(Path(os.__file__).parent) + os.sep
_PACKAGES = ("site-packages", "dist-packages")
_OTHERS = tuple(os.fspath(Path(str(each.__file__)).parent) + os.sep for each in (torch, hypothesis))


def told(error: BaseException) -> str:
    """An error in one line: a violation by its message, any other by its type and its place too.

    Args:
        error: The error.

    Example:
        >>> told(Violation("the voltage is 3 mV, and must be 2 mV"))
        'the voltage is 3 mV, and must be 2 mV'
        >>> told(ValueError("no such\\nthing"))
        'it raised ValueError: no such thing'
    """
    if isinstance(error, Violation):
        return str(error) or "it does not hold, and no message says why"
    try:
        text = str(error)
        cause = " ".join((_cut(text) if _is_of_torch(error) else text).split()) or "no message"
    except Exception:  # a stranger's exception may fail to print
        text, cause = "", "a message that cannot be printed"
    return f"it raised {type(error).__name__}: {cause}{_traced(text) or _where(error)}"


def _is_of_torch(error: BaseException) -> bool:
    return type(error).__module__.partition(".")[0] == "torch"


def _cut(text: str) -> str:
    """The part of a message of torch's compiler that says why, before its advice and its traces."""
    text = _ADVICE.split(text, maxsplit=1)[0]
    return text if len(text) <= _LONGEST else text[:_LONGEST].rpartition(" ")[0] + " ..."


def _traced(text: str) -> str:
    """The author's innermost line among those that torch's compiler lists in its message; empty: none."""
    frames = _FRAME.findall(text.partition("from user code:")[2])
    theirs = [frame for frame in frames if is_of_the_author(frame[0])]
    return f" (in {theirs[-1][2]}, {Path(theirs[-1][0]).name}, line {theirs[-1][1]})" if theirs else ""


def _where(error: BaseException) -> str:
    """The innermost line that is the author's; where none is, ours, unless the message is ours too."""
    frames = [(frame.f_code, line) for frame, line in walk_tb(error.__traceback__)]
    ours = [each for each in frames if each[0].co_filename.startswith(_OURS)]
    theirs = [each for each in frames if is_of_the_author(each[0].co_filename)]
    if not theirs and isinstance(error, RheobaseError):
        return ""
    for code, line in reversed(theirs or ours or frames):
        return f" (in {code.co_name}, {Path(code.co_filename).name}, line {line})"
    return ""


def is_of_the_author(file: str) -> bool:
    """Whether a file is neither ours, nor of Python or a library that runs between ours and the author's."""
    if file.startswith(_STANDARD) and not set(_PACKAGES) & set(Path(file).parts):
        return False
    return not file.startswith((*_OURS, *_OTHERS, "<frozen "))

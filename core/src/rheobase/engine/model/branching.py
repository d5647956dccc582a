"""Where a model's function asks for one value of all units, such as by an ``if`` on a tensor."""

from __future__ import annotations

import linecache
import os
import traceback
from collections.abc import Callable
from typing import Any

import torch

from ...errors import DeclarationError, shortened

_ASKED = {
    "Boolean value of Tensor": (
        "decides on a whole tensor at once (if, while, and, or, not, min, max), and its units need not agree",
        "torch.where(condition, value_where_true, value_where_false) decides for each unit; & | ~ join "
        "conditions, torch.minimum and torch.maximum are elementwise",
    ),
    "in some data-dependent control flow": (
        "decides on a tensor (if, while, and, or, not, min, max), which has no value under a function "
        "transform",
        "use torch.where(condition, value_where_true, value_where_false)",
    ),
    "only one element tensors can be converted to Python scalars": (
        "makes one number of a whole tensor (float, int, math.exp), which has one for each unit",
        "use the function of torch, torch.exp for math.exp",
    ),
    "cannot be converted to Scalar": (
        "makes one number of a whole tensor (.item()), which has one for each unit",
        "use the tensor itself, and torch.where(condition, a, b) to choose",
    ),
}
"""A part of what torch says -> what the function does, and what to do instead."""

_TORCH = os.path.dirname(torch.__file__)


def called(what: str, function: Callable[..., Any], *given: Any) -> Any:
    """Call the author's code; where it asks for one value of all units, tell it by name and line.

    Args:
        what: Whose code it is, such as ``"Leaky.derivatives"``.
        function: The code.
        *given: What it takes.

    Returns:
        What it gives.

    Raises:
        DeclarationError: If it asks for one value; from torch's own error.
    """
    try:
        return function(*given)
    except (RuntimeError, TypeError, ValueError) as error:
        if (told := of_all_units(error, what)) is not None:
            raise told from error
        raise


def of_all_units(error: Exception, what: str) -> DeclarationError | None:
    """What an error means that comes from asking for one value of all units; None for any other."""
    said = str(error)
    # By torch's words: it has no class of its own for these errors.
    found = next((told for part, told in _ASKED.items() if part in said), None)
    # A DeclarationError is a TypeError too: it was told already, by a call further in.
    if found is None or isinstance(error, DeclarationError):
        return None
    does, instead = found
    return DeclarationError(f"{what}{_place(error)} {does}; {instead}")


def _place(error: Exception) -> str:
    """The line of the author's code that asked: the last one that is not of torch."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(_TORCH)
    ]
    if not frames:
        return ""
    file, number = frames[-1].filename, frames[-1].lineno or 0
    line = linecache.getline(file, number).strip()
    return f" ({file}:{number}{f': {shortened(line, 100)}' if line else ''})"

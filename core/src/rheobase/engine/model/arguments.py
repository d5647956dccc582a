"""Arguments that a declaration lacks or does not take, told as errors of ours."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec

from ...errors import DeclarationError, nearest

_Given = ParamSpec("_Given")


def telling(init: Callable[_Given, None]) -> Callable[_Given, None]:
    """An ``__init__`` of a declaration that has a unit; a wrong call of it is told how it is written."""
    signature = inspect.signature(init)
    takes = list(signature.parameters)[1:]
    first = "1.0, " if takes[0] == "default" else ""

    @functools.wraps(init)
    def checked(*given: _Given.args, **named: _Given.kwargs) -> None:
        # Bound apart from the call: a TypeError from within the call is not about its arguments.
        try:
            signature.bind(*given, **named)
        except TypeError as error:
            kind = type(given[0]).__name__
            strange = [
                f"{name!r} is no argument{nearest(name, takes)}" for name in named if name not in takes
            ]
            raise DeclarationError(
                f'{kind}: {strange[0] if strange else error}; write {kind}({first}unit="mV", doc="..."): '
                'a unit is always given, "1" for a number without one'
            ) from error
        init(*given, **named)

    return checked

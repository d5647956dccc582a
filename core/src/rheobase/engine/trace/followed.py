"""An author's function, run once on tracked values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ...errors import RheobaseError, StructureError
from ..integrator import Field
from .apply import apply
from .stack import Stack
from .tracked import CONSTANT, TIME, Row, Tape

ELSE = "use an integrator for models of any form, such as rk4"
"""What to do about a model that is refused."""


class Trace(NamedTuple):
    """A field that was followed: its rows, on their tape, and how to speak of them."""

    tape: Tape
    rows: tuple[Row, ...]
    names: tuple[str, ...]
    owner: str

    def pack(self, parts: Sequence[Any]) -> Tensor:
        """Values, None for zero, as a tensor of the state's dtype and shape."""
        one, shape = self.tape.one, self.tape.shape
        tensors = [
            torch.as_tensor(0.0 if part is None else part, dtype=one.dtype, device=one.device).expand(shape)
            for part in parts
        ]
        return tensors[0].unsqueeze(0) if len(tensors) == 1 else torch.stack(tensors)


def follow(field: Field, t: Any, y: Tensor, kind: str, *, follow_time: bool) -> Trace:
    """Run a field on tracked values.

    Args:
        field: The field.
        t: The time, ms.
        y: The state, ``[D, *batch, units]``.
        kind: What it is asked to be, for messages.
        follow_time: Whether the time is one of the variables.

    Raises:
        StructureError: If it does what cannot be followed.
    """
    time = torch.as_tensor(t, dtype=y.dtype, device=y.device) if follow_time else t
    tape = Tape(y, time, apply)
    variables = tuple(tape.variable(index) for index in range(len(y)))
    now = tape.variable(TIME) if follow_time else t
    model = getattr(field, "model", None)
    owner = "the field" if model is None else model.schema.owner
    names = names_of(model, len(y))
    by_rows = getattr(field, "rows", None)
    what = f"{owner}: whether its derivatives are {kind} cannot be told"
    result = run(lambda: field(now, Stack(variables)) if by_rows is None else by_rows(now, variables), what)  # type: ignore[arg-type]
    if isinstance(result, Tensor) and result.shape == y.shape:
        result = tuple(result)
    if not isinstance(result, (tuple, Stack)) or len(result) != len(y):
        raise StructureError(f"{what}: they are not one row for each variable; {ELSE}")
    return Trace(tape, tuple(as_row(tape, row) for row in result), names, owner)


def run(function: Callable[[], Any], what: str) -> Any:
    """Call an author's function, which may not be made for tracked values."""
    try:
        return function()
    except StructureError as error:
        raise StructureError(f"{what}: {error}; {ELSE}") from error
    except RheobaseError:
        raise
    except (TypeError, AttributeError, RuntimeError, ValueError) as error:
        raise StructureError(f"{what}: {type(error).__name__}: {error}; {ELSE}") from error


def as_row(tape: Tape, value: Any) -> Row:
    """A value as a row; what is not tracked is constant."""
    if isinstance(value, Row):
        return value
    return Row(tape, CONSTANT, lambda: value)


def names_of(model: Any, count: int) -> tuple[str, ...]:
    """The names of the variables of a model, or of a packed state."""
    if model is not None:
        return tuple(model.schema.states)
    return ("the state",) if count == 1 else tuple(f"y[{index}]" for index in range(count))

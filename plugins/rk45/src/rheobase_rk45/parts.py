"""What an integrator is given, in parts that stay in the processor's cache.

A field that can be had for some of its units (``take``) is solved in parts, one after the other: the work
arrays of a part fit into the last cache, and are long enough that calling torch costs little. No unit sees
another, so nothing but the time depends on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
from rheobase import Event, ModelField
from rheobase.spi import Field
from torch import Tensor

from .tolerance import Tolerance

PART = 131_072
"""The most numbers that the states of a part have: 1 MiB in float64, of which a step needs some twenty."""


class Problem(NamedTuple):
    """An initial value problem for each unit.

    Attributes:
        field: The derivatives.
        y: The state, ``[D, *batch, units]``.
        start: Its time, ms: a number or ``[*batch, units]``.
        span: The time to go, ms, ``[*batch, units]``.
        tolerance: The tolerances.
        event: Where to stop; or None.
        carry: What is known from the last call: ``h`` ``[*batch, units]``, ``slope`` in the shape of ``y``.
        offset: Where its units lie among all units, flattened.
    """

    field: Field
    y: Tensor
    start: Any
    span: Tensor
    tolerance: Tolerance
    event: Event | None
    carry: Mapping[str, Tensor]
    offset: int = 0

    def slope(self) -> Tensor | None:
        """The derivatives at the start, where they are known, and with their graph where that is needed."""
        slope = self.carry.get("slope")
        if slope is None or slope.requires_grad or not torch.is_grad_enabled():
            return slope
        return None if self.y.requires_grad or _may_track(self.field) else slope

    def flattened(self) -> Problem:
        """The same problem for states ``[D, n]``."""
        shape = self.y.shape[1:]
        everyone = slice(0, shape.numel())
        carry = {
            name: value.expand(self.y.shape if name == "slope" else shape).reshape(
                *((len(self.y), -1) if name == "slope" else (-1,))
            )
            for name, value in self.carry.items()
        }
        return Problem(
            self.field if len(shape) == 1 else _taken(self.field, everyone),
            self.y.reshape(len(self.y), -1),
            self.start.reshape(-1) if isinstance(self.start, Tensor) else self.start,
            self.span.reshape(-1),
            self.tolerance.flat(self.y.shape),
            self.event if self.event is None or len(shape) == 1 else self.event.take(everyone),
            carry,
        )

    def take(self, who: slice) -> Problem:
        """The problem of some units; it must be flattened."""
        return Problem(
            _taken(self.field, who),
            self.y[:, who],
            self.start[who] if isinstance(self.start, Tensor) else self.start,
            self.span[who],
            self.tolerance.take(who),
            None if self.event is None else self.event.take(who),
            {name: value[..., who] for name, value in self.carry.items()},
            who.start,
        )


def _taken(field: Any, who: slice) -> Field:
    part: Field = field.take(who)
    return part


def is_flattening(problem: Problem) -> bool:
    """Whether the field can be had for some units, so that states may be ``[D, n]``."""
    return hasattr(problem.field, "take") and problem.y.ndim > 1


def parts_of(problem: Problem) -> Iterator[Problem]:
    """The problem in parts of equal size, in their order."""
    units = problem.span.numel()
    count = -(-problem.y.numel() // PART)
    if count <= 1 or not is_flattening(problem):
        yield problem
        return
    for index in range(count):
        yield problem.take(slice(index * units // count, (index + 1) * units // count))


def is_pure(problem: Problem) -> bool:
    """Whether the field is that of a declared model, and no derivative of its solution can be asked for."""
    field = problem.field
    if not isinstance(field, ModelField) or _has_tangent(problem.y):
        return False
    return not torch.is_grad_enabled() or not (
        problem.y.requires_grad or problem.span.requires_grad or _may_track(field)
    )


def _may_track(field: Any) -> bool:
    """Whether the field may depend on something of which a gradient or a tangent is kept."""
    if not isinstance(field, ModelField):
        return True
    data = field.data if isinstance(field.data, tuple) else (field.data,)
    # A signal may hang on anything.
    if any(not isinstance(value, Tensor) for value in data):
        return True
    tensors = [value for value in (*data, *field.params) if isinstance(value, Tensor)]
    return any(value.requires_grad for value in tensors)


def _has_tangent(y: Tensor) -> bool:
    return torch.autograd.forward_ad.unpack_dual(y).tangent is not None

r"""Values that learn: each is a raw number, free to go anywhere, and a smooth way from it into a domain.

The raw number begins at 0, where the value is that which was given. With :math:`f(r) = 1 + r` above 0 and
:math:`1 / (1 - r)` below, so that :math:`f(-r) = 1 / f(r)`:

- bounded below: :math:`l + (d - l) f(r)`; above: :math:`u - (u - d) f(-r)`;
- on both sides, with the middle m and half the width h: :math:`m + h z / (1 + |z|)`,
  :math:`z = r + w / (1 - |w|)`, :math:`w = (d - m) / h`;
- not at all: :math:`d + s r`.

A value never leaves its domain, and its gradient is nowhere 0, as it is beyond a bound at which values are
cut off. Steps are relative: one of 0.01 moves a time constant by 1 %.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..engine.model.domain import Domain
from ..engine.neuron.base import Neuron
from ..errors import ArgumentError, ParameterError, nearest


def value_of(raw: Tensor, start: Tensor, size: Tensor | None, domain: Domain) -> Tensor:
    """The value that a raw number stands for, in the shape of both.

    Args:
        raw: Any number.
        start: The value at ``raw`` = 0, strictly within the domain.
        size: What a step of 1 is worth where the domain has no bounds; else not asked.
        domain: Where values lie.

    Returns:
        The value, differentiable.

    Example:
        >>> import torch
        >>> value_of(torch.tensor([-1.0, 0.0, 1.0]), torch.tensor(5.0), None, Domain(above=0))
        tensor([ 2.5000,  5.0000, 10.0000])
    """
    return _moved(raw, start, size, domain)[0]


_Number = Tensor | float


def _moved(
    raw: Tensor, start: Tensor, size: Tensor | None, domain: Domain
) -> tuple[Tensor, _Number, Tensor | None]:
    """The value; and two numbers, of which the first times the second squared is the value's derivative."""
    low, high = domain.lowest, domain.highest
    if low is not None and high is not None:
        middle, half = 0.5 * (low + high), 0.5 * (high - low)
        w = (start - middle) / half
        z = raw + w / (1.0 - w.abs())
        whole = 1.0 + z.abs()
        return middle + half * z / whole, half, whole.reciprocal()
    if low is not None:
        factor, inverse = _factor(raw)
        return (
            (low + (start - low) * factor, start - low, inverse) if low else (start * factor, start, inverse)
        )
    if high is not None:
        factor, inverse = _factor(-raw)
        return high - (high - start) * factor, high - start, inverse
    return (start + raw, 1.0, None) if size is None else (start + size * raw, size, None)


def _factor(r: Tensor) -> tuple[Tensor, Tensor]:
    """1 + r, or 1 / (1 - r): the part above 0, and the rest, which is also by itself."""
    below = r.clamp(max=0.0)
    inverse = (1.0 - below).reciprocal()
    return (r - below) + inverse, inverse


class Course(NamedTuple):
    """What a raw number stands for: see :func:`value_of`."""

    start: Tensor
    size: Tensor | None
    domain: Domain


class Moved(torch.autograd.Function):
    """The values of several raw numbers, with one step in the backward for all of them, and no second one."""

    @staticmethod
    def forward(ctx: Any, courses: tuple[Course, ...], *raw: Tensor) -> Any:
        """The value of each."""
        values, ctx.factors, inverses = zip(
            *(_moved(one, *course) for one, course in zip(raw, courses, strict=True)), strict=True
        )
        ctx.save_for_backward(*inverses)
        return values

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *cotangents: Tensor) -> Any:
        """The cotangent of each raw number."""
        parts = zip(cotangents, ctx.factors, ctx.saved_tensors, strict=True)
        return None, *(c * by if inverse is None else c * by * inverse * inverse for c, by, inverse in parts)


def check_learn(neuron: Neuron, learn: Iterable[str] | str) -> tuple[str, ...]:
    """The names of what learns, if a model has each and its value may move."""
    names = (learn,) if isinstance(learn, str) else tuple(learn)
    parameters = neuron.schema.parameters
    for name in names:
        if name not in parameters:
            raise ParameterError(
                f"learn={names!r}: {neuron.identifier} has no parameter {name!r}"
                f"{nearest(str(name), parameters)}; it has {', '.join(parameters) or 'none'}"
            )
        # Where spikes lie between steps, so do the ends of refractory periods.
        if name == "tau_ref" and neuron.event != "located":
            raise ArgumentError(
                f"learn={names!r}: {name!r} is rounded to whole steps, so that nothing depends on it "
                "smoothly; leave it out, or give gradient='times'"
            )
        domain, value = parameters[name].domain, getattr(neuron, name)
        for bound in (domain.lowest, domain.highest):
            if bound is not None and bool((value == bound).any()):
                raise ArgumentError(
                    f"learn={names!r}: {name} = {bound:g} lies on the bound of its domain, "
                    f"{parameters[name].range_text}, and could not move; begin within it"
                )
    return tuple(dict.fromkeys(names))


def tied_to(neuron: Neuron, learn: tuple[str, ...]) -> dict[str, str]:
    """Parameters nobody gave whose default is another's name -> that parameter, where it learns."""
    tied = {}
    for name in neuron.schema.parameters:
        target = name
        while target not in learn and target in neuron._by_default:
            default = neuron.schema.parameters[target].default
            if not isinstance(default, str):
                break
            target = default
        if target != name and target in learn:
            tied[name] = target
    return tied

"""What happens at one time, or at the very end of a step: a way of no length, with a derivative all the same.

Two arrivals at one time are no way apart, and a spike at the very end of a step leaves no way to go. As
values nothing is to be done there. But were one of the two times moved, there would be a way, and the state
would go along it at the speed that it has there.
"""

from __future__ import annotations

from torch import Tensor, where

from .field import ModelField


def at_once(field: ModelField, y: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """The states, moved as the end of no way is moved against its start: equal to ``y`` in value.

    Args:
        field: The field on the way.
        y: The states, ``[D, n]``.
        start: When it begins, ms, ``[n]``.
        end: When it ends, which is the same time.
    """
    way = (end - start).to(y.dtype)
    return y + (way - way.detach()) * field(start, y)


def with_still(field: ModelField, y: Tensor, times: tuple[Tensor, Tensor], new: Tensor) -> Tensor:
    """The states ``new`` after a way from ``y``, where it has no length those of :func:`at_once`.

    An integrator may give what it was given there, and no derivative.
    """
    start, end = times
    if not (start.requires_grad or end.requires_grad):
        return new
    still = start.detach() == end.detach()
    return where(still, at_once(field, y, start, end), new) if bool(still.any()) else new

"""What became of the parts, put together as the contract has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from rheobase import Advance, Status
from torch import Tensor

from .lanes import CLOCK, Lanes


def put_together(done: Sequence[Lanes], y: Tensor, t1: Any, *, keeps: bool) -> Advance:
    """The result of a call.

    Args:
        done: The parts, in their order, all at their end.
        y: The state that was given.
        t1: The time asked for, ms.
        keeps: Whether step and slope go on to the next call.
    """
    shape = y.shape[1:]
    end = _joined([lanes.all("y") for lanes in done], y.shape)
    carry = None
    if keeps:
        wanted = _joined([lanes.all("wanted") for lanes in done], shape).to(y.dtype)
        carry = {"h": wanted, "slope": _joined([lanes.all("slope") for lanes in done], y.shape)}
    crossed = status = reached = None
    if done[0].event is not None:
        crossed = _joined([lanes.all("crossed") for lanes in done], shape)
        if not bool(crossed.any()):
            crossed = None
        elif carry is not None:
            carry["slope"] = torch.where(crossed, torch.nan, carry["slope"])  # not known at the crossings
    if any(lanes.all("status") is not None for lanes in done):
        status = _joined([_or_zeros(lanes, "status", torch.int8) for lanes in done], shape)
        end = torch.where(status == Status.OK, end, torch.nan)
    if crossed is not None or status is not None:
        reached = _joined([_or_zeros(lanes, "reached", CLOCK) for lanes in done], shape)
        stopped = torch.zeros_like(reached, dtype=torch.bool) if crossed is None else crossed
        if status is not None:
            stopped = stopped | (status != Status.OK)
        reached = torch.where(stopped, reached, torch.as_tensor(t1, dtype=CLOCK, device=y.device))
    return Advance(end, carry, reached, crossed, status)


def _joined(values: Sequence[Tensor], shape: torch.Size) -> Tensor:
    if len(values) > 1:
        return torch.cat(list(values), dim=-1).reshape(shape)
    # What was made without autograd's book-keeping cannot be used with it; a copy can.
    return (values[0].clone() if values[0].is_inference() else values[0]).reshape(shape)


def _or_zeros(lanes: Lanes, name: str, dtype: torch.dtype) -> Tensor:
    value: Tensor | None = lanes.all(name)
    return torch.zeros_like(lanes.all("wanted"), dtype=dtype) if value is None else value

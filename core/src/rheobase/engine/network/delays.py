"""Delays in ms, and how many steps of the grid they are."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ...errors import ArgumentError, RheobaseWarning

NEAR = 1e-6
"""How near to a multiple of dt a delay must be to be one, in units of dt."""


class Delays(NamedTuple):
    """The delays of a projection.

    Attributes:
        ms: In ms, float64 ``[]`` or ``[synapses]``.
        steps: In whole steps, int32, likewise, or a number for all; None where they are no matter of steps:
            where a spike, or an arrival, has a time of its own.
    """

    ms: Tensor
    steps: Tensor | int | None

    @property
    def at_once(self) -> bool:
        """Whether spikes arrive in the step in which they are sent: a single delay of 0."""
        if self.steps is not None:
            return isinstance(self.steps, int) and self.steps == 0
        return self.ms.ndim == 0 and float(self.ms) == 0.0

    def longest(self, dt: float) -> int:
        """The most steps from the end of the one in which a spike falls to the end of that of its arrival."""
        if isinstance(self.steps, int):
            return self.steps
        if not self.ms.numel():
            return 1
        if self.steps is not None:
            return int(self.steps.max())
        return int(torch.ceil(self.ms.max() / dt)) + 1


def delays_of(delay: Any, dt: float, synapses: int, named: str, *, on_grid: bool) -> Delays:
    """The delays of a projection.

    Args:
        delay: In ms, a number or a tensor ``[synapses]``; None: one step; 0.0, of all: none.
        dt: The step, ms.
        synapses: How many there are.
        named: How messages call the projection.
        on_grid: Whether spikes and arrivals are at the ends of steps, so that delays are multiples of dt.

    Raises:
        ArgumentError: If one is below dt, not finite, or a single number is no multiple of dt on the grid.

    Warns:
        RheobaseWarning: If delays of a tensor are rounded to multiples of dt.
    """
    try:
        given = torch.as_tensor(dt if delay is None else delay, dtype=torch.float64).cpu()
    except (TypeError, ValueError, RuntimeError) as error:
        raise ArgumentError(
            f"{named}: delay={delay!r}; give a number or a tensor [synapses], in ms"
        ) from error
    if (given.ndim == 1 and len(given) != synapses) or given.ndim > 1:
        raise ArgumentError(
            f"{named}: delay has shape {list(given.shape)}; give one number, or one for each of the "
            f"{synapses} synapses, in ms"
        )
    if given.ndim and len(given) and not bool(given.any()):
        given = given.new_zeros(())  # none of them waits, as one 0.0 for all says
    _check_long_enough(given, dt, named)
    # Halves go up; int() would cut 0.3 / 0.1 to 2.
    count = torch.floor(given / dt + 0.5)
    if not on_grid:
        if isinstance(delay, Tensor) and delay.dtype != torch.float64:
            # A multiple of dt to the digits of that type is one: 0.3 in float32 is 0.30000001.
            near = (given - count * dt).abs() <= given * torch.finfo(delay.dtype).eps
            given = torch.where(near, count * dt, given)
        return Delays(given.clone(), None)
    change = (count * dt - given).abs()
    if given.ndim == 0:
        if float(change) > NEAR * dt:
            raise ArgumentError(
                f"{named}: the delay {float(given):g} ms is no multiple of dt = {dt:g} ms; the nearest is "
                f"{float(count) * dt:g} ms"
            )
        return Delays(given.clone(), int(count))
    if len(given) and float(change.max()) > NEAR * dt:
        warnings.warn(
            f"{named}: delays were rounded to multiples of dt = {dt:g} ms, by up to "
            f"{float(change.max()):.3g} ms",
            RheobaseWarning,
            stacklevel=4,
        )
    return Delays(count * dt, count.to(torch.int32) if len(given) else 1)


def _check_long_enough(given: Tensor, dt: float, named: str) -> None:
    if given.ndim == 0 and float(given) == 0.0:
        return  # whether nothing goes round in no time is asked of the network
    wrong = ~(given >= dt * (1 - NEAR)) | ~(given < dt * 2**31)
    if not bool(wrong.any()):
        return
    place = 0 if given.ndim == 0 else int(wrong.nonzero()[0, 0])
    value = float(given.reshape(-1)[place])
    where = f" of synapse {place}" if given.ndim else ""
    if value > dt:
        raise ArgumentError(
            f"{named}: the delay{where} is {value:g} ms, which is more steps of dt = {dt:g} ms than can be "
            f"counted; give less than {dt * 2**31:g} ms"
        )
    raise ArgumentError(
        f"{named}: the delay{where} is {value:g} ms; a spike arrives at the end of a step after its own, so "
        f"give at least dt = {dt:g} ms; or 0.0 for all, where no such projections form a cycle"
    )

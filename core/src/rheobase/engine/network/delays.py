"""Delays in ms, and how many steps of the grid they are."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor

from ...errors import ArgumentError, RheobaseWarning

_NEAR = 1e-6
"""How near to a multiple of dt a delay must be to be one, in units of dt."""


def steps_of(delay: Any, dt: float, synapses: int, named: str) -> Tensor | int:
    """The delays in whole steps: one number, or int32 ``[synapses]``.

    Args:
        delay: In ms, a number or a tensor ``[synapses]``; None: one step.
        dt: The step, ms.
        synapses: How many there are.
        named: How messages call the projection.

    Raises:
        ArgumentError: If one is below dt, not finite, or a single number is no multiple of dt.

    Warns:
        RheobaseWarning: If delays of a tensor are rounded to multiples of dt.
    """
    if delay is None:
        return 1
    given = torch.as_tensor(delay, dtype=torch.float64)
    if (given.ndim == 1 and len(given) != synapses) or given.ndim > 1:
        raise ArgumentError(
            f"{named}: delay has shape {list(given.shape)}; give one number, or one for each of the "
            f"{synapses} synapses, in ms"
        )
    short = ~(given >= dt * (1 - _NEAR)) | given.isinf()
    if bool(short.any()):
        place = 0 if given.ndim == 0 else int(short.nonzero()[0, 0])
        value = float(given.reshape(-1)[place])
        where = f" of synapse {place}" if given.ndim else ""
        raise ArgumentError(
            f"{named}: the delay{where} is {value:g} ms; a spike arrives at the end of a step after its own, "
            f"so give at least dt = {dt:g} ms"
        )
    # Halves go up; int() would cut 0.3 / 0.1 to 2.
    count = torch.floor(given / dt + 0.5)
    change = (count * dt - given).abs()
    if given.ndim == 0:
        if float(change) > _NEAR * dt:
            raise ArgumentError(
                f"{named}: the delay {float(given):g} ms is no multiple of dt = {dt:g} ms; the nearest is "
                f"{float(count) * dt:g} ms"
            )
        return int(count)
    if len(given) and float(change.max()) > _NEAR * dt:
        warnings.warn(
            f"{named}: delays were rounded to multiples of dt = {dt:g} ms, by up to "
            f"{float(change.max()):.3g} ms",
            RheobaseWarning,
            stacklevel=4,
        )
    if len(given) and float(count.max()) >= 2**31:
        raise ArgumentError(f"{named}: the delay {float(given.max()):g} ms is more steps than can be counted")
    return count.to(torch.int32) if len(given) else 1

"""The end of a step of a spiking model: refractory units held, spikes found, resets made.

There are two ways to the same numbers. Where Python may look at values, on the CPU, only the units at
which something happens are worked on (:mod:`.sparse`); while compiling, tracing and on other devices all
units are, and the new values are selected (:mod:`.dense`). Units never interact inside a model, so both
agree to the bit.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..model.functions import Model, after_reset, gap
from .events import crossing_state

# The most steps that the counter holds; beyond, int32 would turn negative.
_LONGEST = 2**31 - 1


class Ends(NamedTuple):
    """A step of a spiking model, as the integrator left it.

    Attributes:
        y0: The state at the start, ``[D, *batch, units]``.
        y1: The state at the end, before anything is held or reset.
        armed: Whether g was below zero at the end of the last step, ``[*batch, units]``.
        hold: The steps left of each refractory period, or None for a model that has none.
        moved: Whether the state may have been changed since the last step, so that g at the start is to
            be looked at.
    """

    y0: Tensor
    y1: Tensor
    armed: Tensor
    hold: Tensor | None
    moved: bool


class Outcome(NamedTuple):
    """What a step leaves behind.

    Attributes:
        y: The state after holding and resets, ``[D, *batch, units]``.
        armed: Whether g < 0 there.
        hold: The steps left of each refractory period, or None.
        spiked: Who spiked, int8.
    """

    y: Tensor
    armed: Tensor
    hold: Tensor | None
    spiked: Tensor


def reset_state(
    model: Model,
    event: str,
    y0: Tensor,
    y1: Tensor,
    g1: Tensor,
    ended: Tensor | None,
    params: Any,
    drawn: Any,
    dt: float,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """The state, ``armed`` and the refractory counters of units that all spiked in the step.

    Args:
        model: The model.
        event: "crossing" or "step".
        y0: Their state at the start.
        y1: Their state at the end.
        g1: g at the end.
        ended: Whose refractory period ended with the step, which is when they spiked; None where
            nobody's did.
        params: Their parameters.
        drawn: The same, with what is drawn for the spike.
        dt: The time step, ms.

    Returns:
        The new state, whether g < 0 there, and round(tau_ref / dt) in int32, or None for a model that
        has no refractory period.
    """
    at = y1 if event == "step" else crossing_state(y0, y1, gap(model, y0, params), g1, ended)
    after = after_reset(model, at, drawn)
    y, g = (y1, g1) if after is None else (after, gap(model, after, params))
    hold = None
    if model.schema.refractory:
        steps = torch.round(params.tau_ref / dt).to(torch.int64).clamp(0, _LONGEST).to(torch.int32)
        hold = steps.expand(y.shape[1:])
    return y, g < 0, hold

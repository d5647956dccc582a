r"""Spikes at their own times, with exact derivatives: what a layer does with ``gradient="times"``.

A spike is where the state, which obeys dy/dt = f(y, theta), reaches the threshold: g(y(t*), theta) = 0. By
the theorem of implicit functions

.. math:: \frac{dt^*}{d\theta} = -\frac{dg / d\theta}{dg / dt},

with the total derivatives taken along the way to t*. After the reset r the state goes on from r(y(t*)) at
t*, so that an earlier spike moves a later one by (f after) - (dr/dy) (f before) for each ms: its saltation.
Both come out of the run itself, since a step's end is differentiated by the time at which it begins and ends.
A spike that comes or goes as a parameter changes has no derivative: that of a missing spike is 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..engine.neuron.base import Neuron
from ..errors import ArgumentError, EventModeError
from ..torch_state import values_visible


def check_timed(neuron: Neuron, choices: Mapping[str, str], recurrent: Any) -> None:
    """Refuse what makes no sense beside ``gradient="times"``."""
    if choices["output"] != "spikes":
        raise ArgumentError(
            f"layer: output={choices['output']!r} gives a row for each step, and gradient='times' "
            "gives times of spikes; leave one of them out"
        )
    if recurrent is not None:
        raise ArgumentError(
            f"layer: recurrent goes from one step to the next, and with gradient='times' spikes of "
            f"{neuron.identifier} lie between them; give gradient='surrogate'"
        )
    if choices["reset"] != "detached":
        raise ArgumentError(
            "layer: reset='attached' says what a surrogate does at a reset; with gradient='times' a reset "
            "has its exact derivative; leave it out"
        )


def check_seen(neuron: Neuron, x: Any) -> None:
    """Refuse inputs whose values cannot be looked at: within a function transform, while traced, on meta."""
    parts = x.values() if isinstance(x, Mapping) else x if isinstance(x, (list, tuple)) else (x,)
    if not all(values_visible(each) for each in parts if isinstance(each, Tensor)):
        raise EventModeError(
            f"{neuron.identifier}: gradient='times' looks at values, which cannot be seen in a function "
            "transform, a trace, an export, or on meta; call the layer outside of it, or use "
            "gradient='surrogate' there"
        )


def anchored(times: Tensor, leaves: Iterable[Tensor]) -> Tensor:
    """Times without a graph, for want of spikes, with one in which each leaf has the derivative 0.

    Else the backward of a loss on them would be an error, in the one batch in which nobody spiked.

    Example:
        >>> weight = torch.ones(2, requires_grad=True)
        >>> anchored(torch.tensor([float("nan")]), [weight]).sum().backward()
        >>> weight.grad
        tensor([0., 0.])
    """
    if times.requires_grad or not torch.is_grad_enabled():
        return times
    for leaf in leaves:
        if leaf.requires_grad:
            # Selected, not multiplied: 0 times what is no number is none.
            nothing = torch.where(torch.zeros_like(leaf, dtype=torch.bool), leaf, 0.0)
            times = times + nothing.sum()
    return times


def gathered(rows: Sequence[Tensor], shape: torch.Size, dt: float, device: torch.device) -> Tensor:
    """The times of all steps in one table.

    Args:
        rows: The times of each step since its start, ms, float64 ``[*batch, N, K of the step]``, with NaN in
            places left over.
        shape: ``[*batch, N]``.
        dt: The step, ms.
        device: Where the tensors are.

    Returns:
        ``[*batch, N, K]``, ascending, since the start of the first step; K the largest number of spikes
        of a unit, and at least 1. What is NaN has no graph.

    Example:
        >>> step = torch.tensor([[0.5, float("nan")], [0.25, 0.75]])
        >>> gathered([step, step], torch.Size([2]), 1.0, step.device)
        tensor([[0.5000, 1.5000,    nan,    nan],
                [0.2500, 0.7500, 1.2500, 1.7500]])
    """
    if not rows:
        return torch.full((*shape, 1), math.nan, dtype=torch.float64, device=device)
    table = torch.cat([row + t * dt for t, row in enumerate(rows)], dim=-1)
    there = ~table.detach().isnan()
    most = max(1, int(there.sum(dim=-1).max())) if table.numel() else 1
    # They ascend already, but for the places left over, which go to the end.
    order = torch.argsort((~there).to(torch.int8), dim=-1, stable=True)[..., :most]
    return table.gather(-1, order)

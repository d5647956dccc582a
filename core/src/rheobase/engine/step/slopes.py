"""The slopes that an integrator keeps from step to step, and whose are still those of the field.

An integrator may carry ``slope``, the derivatives at the end of a call, to begin the next one with them.
Those of a unit live as long as the field that they were taken from: until it spikes, its refractory period
begins or ends, or its state, its input or one of its parameters is changed. Then they are NaN in the carry:
not known. Before the integrator gets them back, the field is evaluated for those units. What others keep is
left as it is, so that a unit gets the same alone and in company.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from ...torch_state import all_finite, values_visible
from ..integrator import Field, Time

SLOPE = "slope"
"""Its name in the carry."""


def forgotten(carry: Mapping[str, Tensor] | None, stale: Tensor | bool) -> Mapping[str, Tensor] | None:
    """The carry without the slopes of some units.

    Args:
        carry: What an integrator gave back.
        stale: Whose slopes are no longer those of the field: bool ``[*batch, units]``, or all or nobody.

    Returns:
        The carry, with NaN in their place.
    """
    if carry is None or SLOPE not in carry or stale is False:
        return carry
    slope = carry[SLOPE]
    if stale is True:
        return {**carry, SLOPE: torch.full_like(slope, math.nan, requires_grad=False)}
    return {**carry, SLOPE: torch.where(stale, math.nan, slope)}


def completed(
    carry: Mapping[str, Tensor] | None, field: Field, t: Time, y: Tensor
) -> Mapping[str, Tensor] | None:
    """The carry with the slopes of all units.

    Args:
        carry: What an integrator gave back, after :func:`forgotten`.
        field: The field that the integrator is going to see.
        t: The time, ms.
        y: The state, ``[D, *batch, units]``.

    Returns:
        The carry, with the derivatives at the state where they were not known. Without ``slope`` where it
        belongs to a state of another shape.
    """
    if carry is None or SLOPE not in carry:
        return carry
    slope = carry[SLOPE]
    if slope.shape != y.shape:
        return {name: value for name, value in carry.items() if name != SLOPE}
    if values_visible(slope) and all_finite(slope):
        return carry
    unknown = slope.isnan().any(dim=0)
    return {**carry, SLOPE: torch.where(unknown, field(t, y), slope)}

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
    """The carry with NaN for the slopes of stale units: bool ``[*batch, units]``, or all or nobody."""
    if carry is None or SLOPE not in carry or stale is False:
        return carry
    slope = carry[SLOPE]
    if stale is True:
        return {**carry, SLOPE: torch.full_like(slope, math.nan, requires_grad=False)}
    return {**carry, SLOPE: torch.where(stale, math.nan, slope)}


def completed(
    carry: Mapping[str, Tensor] | None, field: Field, t: Time, y: Tensor
) -> Mapping[str, Tensor] | None:
    """The carry with the derivatives at ``y`` where they were forgotten; ``field`` is what comes next."""
    if carry is None or SLOPE not in carry:
        return carry
    slope = carry[SLOPE]
    if slope.shape != y.shape:
        # A batch came in since: these slopes belong to a state of another shape.
        return {name: value for name, value in carry.items() if name != SLOPE}
    if values_visible(slope) and all_finite(slope):
        return carry
    unknown = slope.isnan().any(dim=0)
    # The field is evaluated for all, and its values are kept for those units alone.
    return {**carry, SLOPE: torch.where(unknown, field(t, y), slope)}

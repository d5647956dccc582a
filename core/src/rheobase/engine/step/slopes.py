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


def flat_carry(carry: Mapping[str, Tensor] | None, shape: torch.Size) -> Mapping[str, Tensor] | None:
    """The carry of units ``[*batch, units]`` side by side, ``[n]``; slopes ``[D, n]``."""
    if carry is None:
        return None
    flat = {}
    for name, value in carry.items():
        if name == SLOPE:
            flat[name] = value.expand(value.shape[0], *shape).reshape(value.shape[0], -1)
        else:
            flat[name] = value.expand(shape).reshape(-1)
    return flat


def shaped_carry(carry: Mapping[str, Tensor] | None, shape: torch.Size) -> Mapping[str, Tensor] | None:
    """The same the other way."""
    if carry is None:
        return None
    return {
        name: value.view(-1, *shape) if name == SLOPE else value.view(shape) for name, value in carry.items()
    }


def carry_of(carry: Mapping[str, Tensor] | None, who: Tensor) -> Mapping[str, Tensor] | None:
    """The carry of some units, int64 ``[k]``, side by side."""
    return None if carry is None else {name: value.index_select(-1, who) for name, value in carry.items()}


def carry_with(
    carry: Mapping[str, Tensor] | None, who: Tensor, other: Mapping[str, Tensor] | None, y: Tensor
) -> Mapping[str, Tensor] | None:
    """The carry with another one of some units, whose states are ``y``, in its place."""
    if carry is None or other is None:
        return carry
    # Where the integrator gave no slopes this time, those of these units are not known.
    given = {SLOPE: torch.full_like(y, math.nan, requires_grad=False), **other}
    return {
        name: value.index_copy(-1, who, given[name]) if name in given else value
        for name, value in carry.items()
    }

"""Checks of the numbers and tensors that a stimulus is made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import StimulusError, shown
from ..torch_state import all_finite, first_not_finite

Current = float | Tensor
"""A current in pA: one number, or a tensor ``[units]`` with one for each unit."""


def check_current(owner: object, name: str, value: object, *, batch: bool = False) -> None:
    """Refuse what is neither a finite number nor a finite real tensor ``[units]``, or ``[*batch, units]``."""
    where = f"{type(owner).__name__}({name}=...)"
    if isinstance(value, Tensor):
        if not value.is_floating_point():
            raise StimulusError(
                f"{where}: a tensor of {value.dtype} cannot be used; "
                "give a real floating-point tensor, for instance value.float()"
            )
        if (value.dim() > 1 and not batch) or value.numel() == 0:
            raise StimulusError(
                f"{where}: a tensor of shape {list(value.shape)} cannot be used; "
                "give one number or a tensor [units]; for values over time use Samples"
            )
        units = torch.atleast_1d(value.detach())
        place = None if all_finite(units) else first_not_finite(units)
        if place is not None:
            row = f" in the row {list(place[:-1])} of the batch" if place[:-1] else ""
            raise StimulusError(
                f"{where}: unit {place[-1]}{row} has {units[place].item()}; give finite values"
            )
        return
    check_number(owner, name, value)


def check_number(
    owner: object, name: str, value: object, *, above: float = -math.inf, infinite: bool = False
) -> None:
    """Refuse what is not a real number, is NaN, or is not above the bound."""
    accepted = "a number" if infinite else "a finite number"
    if above > -math.inf:
        accepted += f" above {above:g}"
    if not is_number(value) or not lies_in(float(value), above=above, infinite=infinite):  # type: ignore[arg-type]
        raise StimulusError(f"{type(owner).__name__}({name}={shown(value)}) cannot be used; give {accepted}")


def lies_in(number: float, *, above: float = -math.inf, infinite: bool = False) -> bool:
    """Whether a number is above the bound, and finite, unless plus infinity is accepted; NaN is not."""
    return number > above and (infinite or number < math.inf)


def is_number(value: object) -> bool:
    """Whether the value is a real Python or NumPy number that a float can be, and no boolean."""
    if not isinstance(value, (int, float, np.integer, np.floating)) or isinstance(value, bool):
        return False
    try:
        float(value)
    except OverflowError:  # an integer beyond 1.8e308
        return False
    return True


def row_of(value: Current, *, dtype: torch.dtype, device: torch.device | None) -> Tensor:
    """The current as a row ``[1]`` or ``[units]``, or ``[*batch, 1 or units]``, with its graph."""
    if isinstance(value, Tensor):
        made = value.to(dtype=dtype, device=device)
        return made if made.dim() else made.reshape(1)
    return torch.tensor([float(value)], dtype=dtype, device=device)


def width_of(*values: Current) -> int:
    """The number of units that these currents are made for; 1 for any number of units."""
    tensors = (value for value in values if isinstance(value, Tensor))
    return max((value.shape[-1] for value in tensors if value.dim()), default=1)


def check_same_width(owner: object, **values: Current) -> None:
    """Refuse tensors of different numbers of units within one stimulus."""
    widths = {name: width_of(value) for name, value in values.items()}
    if len({width for width in widths.values() if width != 1}) > 1:
        given = ", ".join(f"{name} has {width}" for name, width in widths.items())
        raise StimulusError(
            f"{type(owner).__name__}: {given} units; give each one number, or all of them tensors "
            "of the same length"
        )


def check_windows(owner: object, name: str, windows: object, length: int) -> tuple[tuple[Any, ...], ...]:
    """The windows as tuples ``(start, stop)`` or ``(start, stop, amplitude)``, in ms and pA, checked."""
    form = "(start, stop)" if length == 2 else "(start, stop, amplitude)"
    if isinstance(windows, (str, bytes)) or not isinstance(windows, Sequence) or not windows:
        raise StimulusError(
            f"{type(owner).__name__}({name}={shown(windows)}) cannot be used; give a sequence of {form} in ms"
        )
    checked = []
    for index, window in enumerate(windows):
        if isinstance(window, (str, bytes)) or not isinstance(window, Sequence) or len(window) != length:
            raise StimulusError(
                f"{type(owner).__name__}: {name}[{index}] is {shown(window)}; each is {form}, in ms"
            )
        check_number(owner, f"{name}[{index}].start", window[0])
        check_number(owner, f"{name}[{index}].stop", window[1], infinite=True)
        if not window[1] > window[0]:
            raise StimulusError(
                f"{type(owner).__name__}: {name}[{index}] stops at {window[1]} ms and starts at "
                f"{window[0]} ms; a window stops after its start"
            )
        if length == 3:
            check_current(owner, f"{name}[{index}].amplitude", window[2])
        checked.append(tuple(window))
    return tuple(checked)

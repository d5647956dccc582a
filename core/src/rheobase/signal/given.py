"""What users give of a signal, checked: times, and levels."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from ..errors import InputError
from ..torch_state import all_finite, first_not_finite
from .values import lies_in
from .waveform import as_value


def as_table(before: Any, values: Any) -> Tensor:
    """The level before the first time, and all others: ``[levels + 1]`` or ``[levels + 1, units]``."""
    first = _level("before", before)
    if isinstance(values, Tensor):
        if values.ndim not in (1, 2) or not values.is_floating_point():
            raise InputError(
                f"Signal.levels: values is a tensor {list(values.shape)} of {values.dtype}; give real "
                "floating-point numbers, [levels] or [levels, units]"
            )
        bad = first_not_finite(values)
        if bad is not None:
            raise InputError(f"Signal.levels: values[{bad[0]}] is not finite; give finite numbers")
        rest = [values]
    elif isinstance(values, Iterable):
        rest = [_level(f"values[{k}]", value).unsqueeze(0) for k, value in enumerate(values)]
    else:
        raise InputError(f"Signal.levels: values={values!r} cannot be used; give a sequence of currents")
    parts = [first.unsqueeze(0), *rest]
    wide = [part for part in parts if part.ndim == 2]
    widths = sorted({part.shape[1] for part in wide})
    if len(widths) > 1:
        raise InputError(
            f"Signal.levels: values for {' and for '.join(map(str, widths))} units were given; give each one "
            "number, or all of them tensors of the same length"
        )
    if not wide:
        return torch.cat([part.to(torch.float64) for part in parts])
    like = wide[0]
    parts = [part if part.ndim == 2 else part.unsqueeze(1).expand(-1, widths[0]) for part in parts]
    return torch.cat([part.to(like) for part in parts])


def _level(name: str, value: Any) -> Tensor:
    level = as_value(value)
    if level.ndim > 1 or level.numel() == 0:
        raise InputError(
            f"Signal: {name} has shape {list(level.shape)}; give one number, or a tensor [units]"
        )
    if not level.is_meta and not all_finite(level):
        raise InputError(f"Signal: {name} is {level.detach().tolist()}; give finite numbers")
    return level


def as_increasing(name: str, given: Iterable[float]) -> tuple[float, ...]:
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise InputError(f"Signal: {name}={given!r} cannot be used; give a sequence of times in ms")
    # Of a tensor or an array: Python's numbers, not elements of its own type.
    listed = given.tolist() if hasattr(given, "tolist") else list(given)
    if not isinstance(listed, list):
        raise InputError(f"Signal: {name}={given!r} cannot be used; give a sequence of times in ms")
    times = tuple(as_number(f"{name}[{k}]", time) for k, time in enumerate(listed))
    for k in range(1, len(times)):
        if not times[k] > times[k - 1]:
            raise InputError(
                f"Signal: {name}[{k}] = {times[k]!r} ms does not come after {name}[{k - 1}] = "
                f"{times[k - 1]!r} ms; give increasing times, each once"
            )
    return times


def as_number(name: str, value: Any, *, infinite: bool = False) -> float:
    try:
        number = math.nan if isinstance(value, (bool, str)) else float(value)
    except (TypeError, ValueError, RuntimeError):
        number = math.nan
    if not lies_in(number, infinite=infinite):
        raise InputError(f"Signal: {name}={value!r} cannot be used; give a finite number, in ms")
    return number

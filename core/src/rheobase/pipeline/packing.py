"""Settings as JSON and arrays, and back: each number as it was, to the last bit.

A tensor of few numbers is ``{"$tensor": [...], "type": "float32"}``, one of many ``{"$array": member, "type":
...}``, and a number that JSON has not ``{"$float": "inf"}``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

PREFIX = "setting_"
"""How the members of arrays are called."""
_FEW = 16
_INLINE = (
    torch.float32,
    torch.float64,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint8,
    torch.bool,
)


def packed(
    settings: Mapping[str, Any], as_array: Callable[[Tensor], np.ndarray]
) -> tuple[Any, dict[str, np.ndarray]]:
    """Settings as what JSON has, and the arrays that it names."""
    arrays: dict[str, np.ndarray] = {}

    def pack(value: Any) -> Any:
        if isinstance(value, Tensor):
            kind = str(value.dtype).removeprefix("torch.")
            # JSON writes the shortest digits that give a float64 back, and any float32 is one: tolist() loses
            # no bit.
            if value.numel() <= _FEW and value.dtype in _INLINE and bool(value.isfinite().all()):
                return {"$tensor": value.tolist(), "type": kind}
            name = f"{PREFIX}{len(arrays)}"
            arrays[name] = as_array(value)
            return {"$array": name, "type": kind}
        if isinstance(value, float) and not math.isfinite(value):
            return {"$float": repr(value)}
        if isinstance(value, Mapping):
            return {name: pack(each) for name, each in value.items()}
        return [pack(each) for each in value] if isinstance(value, (list, tuple)) else value

    return pack(settings), arrays


def members(value: Any) -> list[str]:
    """The names of the arrays that packed settings name."""
    if isinstance(value, Mapping):
        name = value.get("$array")
        if name is not None:
            if not isinstance(name, str) or not name.startswith(PREFIX):
                raise ValueError(f"the settings name an array {name!r}")
            return [name]
        return [name for each in value.values() for name in members(each)]
    return [name for each in value for name in members(each)] if isinstance(value, list) else []


def unpacked(
    value: Any, arrays: Mapping[str, np.ndarray], as_tensor: Callable[[np.ndarray, str], Tensor]
) -> Any:
    """What was packed; ``as_tensor`` makes a tensor of an array and the name of a dtype."""
    if isinstance(value, list):
        return [unpacked(each, arrays, as_tensor) for each in value]
    if not isinstance(value, Mapping):
        return value
    if "$float" in value:
        return float(value["$float"])
    if "$tensor" not in value and "$array" not in value:
        return {name: unpacked(each, arrays, as_tensor) for name, each in value.items()}
    kind = getattr(torch, str(value.get("type")), None)
    if not isinstance(kind, torch.dtype):
        raise ValueError(f"the settings have a tensor of the type {value.get('type')!r}")
    if "$array" in value:
        return as_tensor(arrays[value["$array"]], value["type"])
    return torch.tensor(value["$tensor"], dtype=kind)

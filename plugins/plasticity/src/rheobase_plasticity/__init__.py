"""Plasticity for Rheobase: weights that change with the spikes of both sides.

The names are bound at first use, so that ``import rheobase_plasticity`` imports no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .pair import PairSTDP as PairSTDP
    from .triplet import TripletSTDP as TripletSTDP

_HOME = {"PairSTDP": "pair", "TripletSTDP": "triplet"}
"""Public name -> the module that defines it."""

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(
            f"module 'rheobase_plasticity' has no attribute {name!r}; it has {', '.join(__all__)}"
        )
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

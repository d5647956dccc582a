"""Exponential integrators for Rheobase: exponential Euler (Rush-Larsen) and Strang splitting.

The names are bound at first use, so that ``import rheobase_exponential`` imports no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .euler import ExponentialEuler as ExponentialEuler
    from .strang import Strang as Strang

_HOME = {"ExponentialEuler": "euler", "Strang": "strang"}
"""Public name -> the module that defines it."""

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(
            f"module 'rheobase_exponential' has no attribute {name!r}; it has {', '.join(__all__)}"
        )
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

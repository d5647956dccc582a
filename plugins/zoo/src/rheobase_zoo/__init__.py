"""Published neuron models for Rheobase, each with results of its paper that are checked.

The classes are bound at first use, so that ``import rheobase_zoo`` imports no torch.
"""

from __future__ import annotations

import importlib
from typing import Any

from .plugin import MODELS as _MODELS

_HOME = {name: module for module, _, name in (where.partition(":") for where, _ in _MODELS.values())}
"""Public name -> the module that defines it."""

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'rheobase_zoo' has no attribute {name!r}; it has {', '.join(__all__)}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

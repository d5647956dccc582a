"""Izhikevich's neurons (2003, 2007) for Rheobase, with the published firing patterns as presets.

The names are bound at first use, so that ``import rheobase_izhikevich`` imports no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .book import Izhikevich2007 as Izhikevich2007
    from .neuron import IzhikevichNeuron as IzhikevichNeuron

_HOME = {"Izhikevich2007": "book", "IzhikevichNeuron": "neuron"}
"""Public name -> the module that defines it."""

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(
            f"module 'rheobase_izhikevich' has no attribute {name!r}; it has {', '.join(__all__)}"
        )
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

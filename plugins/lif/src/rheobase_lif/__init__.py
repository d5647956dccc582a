"""Leaky neurons for Rheobase: the leaky integrate-and-fire neuron and two analog neurons.

The names are bound at first use, so that ``import rheobase_lif`` imports no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .leaky_integrator import LeakyIntegrator as LeakyIntegrator
    from .neuron import LIFNeuron as LIFNeuron
    from .oscillator import Oscillator as Oscillator

_HOME = {
    "LIFNeuron": "neuron",
    "LeakyIntegrator": "leaky_integrator",
    "Oscillator": "oscillator",
}
"""Public name -> the module that defines it."""

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'rheobase_lif' has no attribute {name!r}; it has {', '.join(__all__)}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

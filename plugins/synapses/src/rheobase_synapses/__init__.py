"""Connection rules and synapse kinetics for Rheobase.

The names are bound at first use, so that ``import rheobase_synapses`` imports no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .kinetics.conductances import ConductanceAlpha as ConductanceAlpha
    from .kinetics.conductances import ConductanceDoubleExponential as ConductanceDoubleExponential
    from .kinetics.conductances import ConductanceExponential as ConductanceExponential
    from .kinetics.currents import Alpha as Alpha
    from .kinetics.currents import Delta as Delta
    from .kinetics.currents import DoubleExponential as DoubleExponential
    from .kinetics.currents import Exponential as Exponential
    from .kinetics.nmda import NMDA as NMDA
    from .kinetics.nmda import SaturatingNMDA as SaturatingNMDA
    from .kinetics.short_term import TsodyksMarkram as TsodyksMarkram
    from .sources.poisson import Poisson as Poisson
    from .sources.spike_times import SpikeTimes as SpikeTimes

_HOME = {
    "Alpha": "kinetics.currents",
    "ConductanceAlpha": "kinetics.conductances",
    "ConductanceDoubleExponential": "kinetics.conductances",
    "ConductanceExponential": "kinetics.conductances",
    "Delta": "kinetics.currents",
    "DoubleExponential": "kinetics.currents",
    "Exponential": "kinetics.currents",
    "NMDA": "kinetics.nmda",
    "Poisson": "sources.poisson",
    "SaturatingNMDA": "kinetics.nmda",
    "SpikeTimes": "sources.spike_times",
    "TsodyksMarkram": "kinetics.short_term",
}
"""Public name -> the module that defines it. The rules are in ``rheobase_synapses.rules``."""

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(
            f"module 'rheobase_synapses' has no attribute {name!r}; it has {', '.join(__all__)}"
        )
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

"""Error-controlled integrators for Rheobase, Dormand-Prince 5(4) first, with one step size for each unit.

The names are bound at first use, so that ``import rheobase_rk45`` imports no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .integrator import BogackiShampine as BogackiShampine
    from .integrator import DormandPrince as DormandPrince
    from .integrator import Tsitouras as Tsitouras

_HOME = {"BogackiShampine": "integrator", "DormandPrince": "integrator", "Tsitouras": "integrator"}
"""Public name -> the module that defines it."""

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'rheobase_rk45' has no attribute {name!r}; it has {', '.join(__all__)}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

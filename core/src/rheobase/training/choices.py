"""What may be chosen of a layer."""

from __future__ import annotations

from ..pipeline.backends import AUTO
from .scales import INPUTS

CHOICES = {
    "reset": ("detached", "attached"),
    "input": INPUTS,
    "output": ("spikes", "voltage"),
    "gradient": ("surrogate", "times"),
    "memory": ("recompute", "store"),
    "time": ("first", "second"),
}
"""What each choice of a layer may be; the first is the default."""
DEFAULTS = {**{name: values[0] for name, values in CHOICES.items()}, "backend": AUTO}
"""What each choice is by default; a backend is one of those installed."""

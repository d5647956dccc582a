"""Constants of the engine."""

from __future__ import annotations

DT: float = 0.1
"""The default time step, ms."""

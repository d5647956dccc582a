"""The claims of an integrator's spec, each measured."""

from __future__ import annotations

"""State: what a neuron keeps, and where."""

from __future__ import annotations

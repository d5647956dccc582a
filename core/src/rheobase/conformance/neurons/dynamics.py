"""Dynamics: what the equations say is what the steps do."""

from __future__ import annotations

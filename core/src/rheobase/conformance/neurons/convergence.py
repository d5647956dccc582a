"""Convergence: shorter steps come nearer to one solution, at the integrator's order."""

from __future__ import annotations

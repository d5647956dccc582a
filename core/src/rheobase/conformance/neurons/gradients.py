"""Gradients: finite, and those of finite differences."""

from __future__ import annotations

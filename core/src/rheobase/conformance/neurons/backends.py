"""Backends: compiled steps and every installed backend agree with eager ones."""

from __future__ import annotations

"""The author's functions: pure, unit by unit, and of the states they are given."""

from __future__ import annotations

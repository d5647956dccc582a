"""Packages for authors to start from: what ``rheobase new`` writes."""

from __future__ import annotations

from .names import Names
from .package import Package, write_package

__all__ = ["Names", "Package", "write_package"]

"""Shape: batches, broadcasting, types and devices."""

from __future__ import annotations

"""Events: thresholds, resets and refractory periods."""

from __future__ import annotations

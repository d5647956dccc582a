"""Independence: units, batches and neurons have nothing to do with each other."""

from __future__ import annotations

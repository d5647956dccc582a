"""The claimed algebra of an aggregator."""

from __future__ import annotations

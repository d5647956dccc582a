"""The failures of an integration: told, and never silent."""

from __future__ import annotations

"""A small table for notebooks."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from torch import Tensor

_MOST = 30
"""Rows that a table has."""


def html_table(title: str, rows: Iterable[tuple[str, str]]) -> str:
    """A table of names and values, escaped."""
    listed = list(rows)
    kept = listed[:_MOST] + [("...", f"{len(listed) - _MOST} more")] * (len(listed) > _MOST)
    lines = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in kept)
    return f"<table><caption>{escape(title)}</caption>{lines}</table>"


def in_short(values: Tensor, unit: str = "") -> str:
    """One number for all units, or from where to where they reach."""
    # No values, or none that can be looked at: the shape is what there is to tell.
    if values.is_meta or not values.numel():
        return f"{list(values.shape)}"
    low, high = values.detach().min().item(), values.detach().max().item()
    text = f"{low:g}" if low == high else f"{low:g} to {high:g}"
    return text if unit in ("", "1") else f"{text} {unit}"

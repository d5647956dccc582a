"""A small table for notebooks."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from torch import Tensor

_MOST = 30
"""Rows that a table has."""


def html_table(title: str, rows: Iterable[tuple[str, str]]) -> str:
    """A table of names and values, escaped.

    Args:
        title: What it is about.
        rows: Names and values; after the first thirty the rest is left out.

    Example:
        >>> html_table("a < b", [("units", "3")])
        '<table><caption>a &lt; b</caption><tr><th>units</th><td>3</td></tr></table>'
    """
    listed = list(rows)
    kept = listed[:_MOST] + [("...", f"{len(listed) - _MOST} more")] * (len(listed) > _MOST)
    lines = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in kept)
    return f"<table><caption>{escape(title)}</caption>{lines}</table>"


def in_short(values: Tensor, unit: str = "") -> str:
    """One number for all units, or from where to where they reach.

    Example:
        >>> import torch
        >>> in_short(torch.tensor([5.0, 20.0]), "ms")
        '5 to 20 ms'
    """
    if values.is_meta or not values.numel():
        return f"{list(values.shape)}"
    low, high = values.detach().min().item(), values.detach().max().item()
    text = f"{low:g}" if low == high else f"{low:g} to {high:g}"
    return text if unit in ("", "1") else f"{text} {unit}"

"""Tables of plain text, for listings that have to be quick: importing rich takes longer than all the rest."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Sequence

import click

from ..plugins.problem import printable

WIDTH = 80
"""The width of what is printed to a file or a pipe."""

_GAP = "   "
_LEAST = 16


def columns(headings: Sequence[str], rows: Iterable[Sequence[object]], *, title: str, width: int = 0) -> str:
    """A table under a title; its last column takes the width that is left, on several lines if need be.

    Example:
        >>> print(columns(["name", "what"], [("rk4", "the default")], title="integrators", width=30))
        integrators
        <BLANKLINE>
         name   what
         ────────────────────────────
         rk4    the default
        <BLANKLINE>
    """
    width = width or _terminal()
    # A terminal obeys control characters, and a plugin's summary is a stranger's text.
    cells = [tuple(printable(str(cell)) for cell in row) for row in rows]
    widths = [max(map(len, column)) for column in zip(headings, *cells, strict=True)][:-1]
    # Never less than a word or two, even where the line then is longer than the terminal.
    left = max(_LEAST, width - 2 - sum(widths) - len(_GAP) * len(widths))
    lines = [title, "", _line(headings, widths), " " + "─" * (width - 2)]
    for row in cells:
        # A long name is one word: it is not broken, so that it can be copied.
        wrapped = textwrap.wrap(row[-1], left, break_long_words=False, break_on_hyphens=False) or [""]
        lines.append(_line([*row[:-1], wrapped[0]], widths))
        lines += [_line([""] * len(widths) + [more], widths) for more in wrapped[1:]]
    return "\n".join([*lines, ""])


def print_columns(headings: Sequence[str], rows: Iterable[Sequence[object]], *, title: str) -> None:
    """Print a table as :func:`columns` makes it."""
    click.echo(columns(headings, rows, title=title))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=False)]
    return (" " + _GAP.join([*padded, cells[-1]])).rstrip()


def _terminal() -> int:
    if not sys.stdout.isatty():
        return WIDTH
    import shutil

    return max(40, shutil.get_terminal_size().columns)

"""Reading a current from a CSV file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..errors import StimulusError, shortened, shown
from .even import look_like_times

MOST = 2**30
"""Bytes that a CSV may have; binary files are for more."""

_DT_LINE = re.compile(r"#?\s*dt_ms\s*(?P<mark>[=:,;\s])\s*(?P<dt>\S+?)[,;\s]*", re.IGNORECASE)
_NAMED = ("t_ms", "time_ms", "dt_ms")
_CLOCK = re.compile(r"(t|times?|sec|seconds?|index)([ _(\[].*)?")
"""Names of columns that are no currents: ``t_us``, ``time (s)``, ``index``."""


def read_csv(path: Path, file: BinaryIO) -> tuple[dict[str, np.ndarray], float | None]:
    """``{"current": float64 [n, columns]}``, with times where named; and the time step, where given."""
    # One byte more than may be there tells a file that is too long.
    content = file.read(MOST + 1)
    if len(content) > MOST:
        raise StimulusError(f"the stimulus file {path} has over {MOST} bytes; save it by numpy.save as NPY")
    try:
        # Spreadsheets write a byte order mark, which this takes away.
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise StimulusError(
            f"the stimulus file {path} is no text file ({error}); accepted is a CSV in UTF-8"
        ) from error
    dt: float | None = None
    names: list[str] | None = None
    rows: list[list[float]] = []
    separator: str | None = None
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        given = _DT_LINE.fullmatch(text)
        if given and (_is_float(given["dt"]) or (text[0] == "#" and given["mark"] in "=:")):
            dt = _time_step(path, number, given["dt"], dt, late=bool(rows))
            continue
        if not text or text.startswith("#"):
            continue
        if separator is None:
            separator = next((mark for mark in (";", "\t", ",") if mark in text), ",")
        # Trailing blanks belong to a cell, a separator at the end does not make one.
        cells = [cell.strip() for cell in text.split(separator)]
        if cells and cells[-1] == "" and len(cells) > 1:
            cells.pop()
        # A line of names has no number in it; a row of numbers and text is a fault of the file.
        if not rows and names is None and not any(_is_float(cell) for cell in cells):
            names = [cell.strip("\"'") for cell in cells]
            continue
        rows.append(_numbers(path, number, cells, len(names or (rows[0] if rows else cells)), names))
    if not rows:
        raise StimulusError(
            f"the stimulus file {path} has no numbers; accepted are rows of numbers, one column of "
            "current or one for each unit, after at most one line of names"
        )
    table = np.array(rows, dtype=np.float64)
    if names is None and table.shape[1] > 1 and look_like_times(table[:, 0]):
        units = ",".join(f"unit_{k}" for k in range(table.shape[1]))
        raise StimulusError(
            f"the stimulus file {path} has no line of names, and its first column rises evenly, from "
            f"{table[0, 0]:g} by {table[1, 0] - table[0, 0]:g}, as times do; put a line of names above it: "
            f"t_ms{',I' * (table.shape[1] - 1)} where it is the time in ms, {shortened(units, 60)} where "
            "it is the current of unit 0"
        )
    return _columns(path, table, names, dt)


def _time_step(path: Path, number: int, text: str, before: float | None, *, late: bool) -> float:
    """The time step that a line of its own gives."""
    where = f"the stimulus file {path}: line {number}"
    if not _is_float(text):
        raise StimulusError(f"{where} gives the time step dt_ms as {shown(text)}; give a number, in ms")
    if before is not None:
        raise StimulusError(
            f"{where} gives the time step dt_ms = {float(text):g}, and a line above it {before:g}; "
            "give it once"
        )
    if late:
        raise StimulusError(
            f"{where} gives the time step dt_ms = {float(text):g} after the first numbers; put it above them"
        )
    return float(text)


def _numbers(path: Path, number: int, cells: list[str], columns: int, names: list[str] | None) -> list[float]:
    """One row of numbers; number is its line, from 1."""
    if len(cells) != columns:
        raise StimulusError(
            f"the stimulus file {path} is ragged: line {number} has {len(cells)} columns, "
            f"{'the line of names' if names else 'the first row'} has {columns}; "
            "accepted are rows of equal length"
        )
    for column, cell in enumerate(cells, start=1):
        if not _is_float(cell):
            raise StimulusError(
                f"the stimulus file {path}: line {number}, column {column} has the text {shown(cell)}; "
                "accepted are numbers, after at most one line of names"
            )
    return [float(cell) for cell in cells]


def _columns(
    path: Path, table: np.ndarray, names: list[str] | None, dt: float | None
) -> tuple[dict[str, np.ndarray], float | None]:
    """The table, with the columns of times and time steps taken out."""
    lower = [name.lower() for name in names or []]
    special = {name: table[:, lower.index(name)] for name in _NAMED if name in lower}
    keep = [k for k in range(table.shape[1]) if k >= len(lower) or lower[k] not in _NAMED]
    # Taken for a current, a time would be injected as pA.
    clock = next((name for name in lower if name not in _NAMED and _CLOCK.fullmatch(name)), None)
    if clock is not None:
        raise StimulusError(
            f"the stimulus file {path} has a column {shown(clock)}, whose unit is not said to be ms; "
            "name it t_ms or time_ms, with times in ms"
        )
    if not keep:
        raise StimulusError(
            f"the stimulus file {path} has only {' and '.join(special)}; add a column of current"
        )
    steps = special.pop("dt_ms", None)
    if steps is not None:
        if (steps != steps[0]).any() or (dt is not None and dt != steps[0]):
            raise StimulusError(
                f"the stimulus file {path} gives more than one time step dt_ms; accepted is one, in ms"
            )
        dt = float(steps[0])
    return {"current": table[:, keep], **special}, dt


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text  # Python reads 1_000 as a number; no other program does

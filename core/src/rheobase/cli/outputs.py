"""Output files: checked before a run, so that no run is lost for want of a folder."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from ..errors import OutputError, RheobaseError
from ..files import check_writable


def check_output(path: Path, option: str, endings: Collection[str], *, inputs: Iterable[Path] = ()) -> None:
    """Make sure that a file can be written under one of these endings, and is no input of the run.

    Example:
        >>> check_output(Path("run.txt"), "--out", [".npz"])
        Traceback (most recent call last):
        ...
        rheobase.errors.OutputError: --out run.txt: the ending must be .npz
    """
    if path.suffix.lower() not in endings:
        raise OutputError(f"{option} {path}: the ending must be {' or '.join(endings)}")
    # By where links lead: a file may be named in two ways.
    if any(path.resolve() == other.resolve() for other in inputs):
        raise OutputError(f"{option} {path} is an input of this run, and would be lost; give another path")
    try:
        check_writable(path)
    except OutputError as error:
        raise OutputError(f"{option}: {error}") from error


def check_plot(path: Path, option: str) -> None:
    """Make sure that a picture can be drawn and written."""
    from ..pipeline import drawing

    try:
        drawing.check_plot(path)
    except RheobaseError as error:
        raise OutputError(f"{option}: {error}") from error

"""What the ending of a recording's file says."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import OutputError

_OTHERS = frozenset(
    {".tsv", ".txt", ".npy", ".json", ".yaml", ".yml", ".xlsx", ".mat", ".h5", ".hdf5", ".nwb", ".pkl"}
    | {".parquet", ".feather", ".pt", ".png", ".pdf", ".svg"}
)
"""Endings of formats that a recording is not written in."""


def check_ending(path: str | os.PathLike[str]) -> str:
    """The ending of a path, in small letters; one of another format is refused.

    Example:
        >>> check_ending("run.CSV")
        '.csv'
    """
    ending = Path(path).suffix.lower()
    if ending in _OTHERS:
        raise OutputError(
            f"a recording is not written as {ending} ({os.fspath(path)!r}); give a path that ends in .npz, "
            "or in .csv for its spikes"
        )
    return ending

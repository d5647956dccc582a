"""The spikes of a recording as a table: a CSV, or one of pandas."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..errors import RheobaseError
from ..files import replacing
from .results import Results

if TYPE_CHECKING:
    from pandas import DataFrame  # type: ignore[import-untyped, import-not-found, unused-ignore]

_BLOCK = 65_536
"""Spikes that are written at once."""


def save_spikes(recording: Results, path: str | os.PathLike[str]) -> None:
    """Write the spikes as a CSV, ``time_ms,unit[,batch]``; each time to the last bit."""
    spikes = recording.spikes
    columns = {"time_ms": spikes.times.detach(), "unit": spikes.units}
    if recording.batch_shape:
        columns["batch"] = spikes.batch
    with replacing(path) as file:
        file.write(f"{','.join(columns)}\n".encode())
        for start in range(0, len(spikes), _BLOCK):
            some = [column[start : start + _BLOCK].tolist() for column in columns.values()]
            # repr() of a float gives the shortest digits that read back as the same number.
            file.write("".join(f"{','.join(map(repr, row))}\n" for row in zip(*some, strict=True)).encode())


def to_pandas(recording: Results) -> DataFrame:
    """See :meth:`Recording.to_pandas`."""
    try:
        import pandas  # type: ignore[import-untyped, import-not-found, unused-ignore]
    except ImportError as error:
        raise RheobaseError(
            "this needs pandas, which is not installed; install it by: pip install 'rheobase[pandas]'"
        ) from error
    array = recording.spikes.to_numpy()
    return pandas.DataFrame({"time_ms": array["time"], "unit": array["unit"], "batch": array["batch"]})

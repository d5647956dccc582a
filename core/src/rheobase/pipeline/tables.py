"""The spikes of a recording as a table: a CSV, or one of pandas."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

from ..errors import RheobaseError
from ..files import replacing

if TYPE_CHECKING:
    from pandas import DataFrame

    from .recording import Recording


def save_spikes(recording: Recording, path: str | os.PathLike[str]) -> None:
    """Write the spikes as ``time_ms,unit[,batch]``, one a line, under these names; each time to the last bit."""
    columns = [recording.spikes.times.tolist(), recording.spikes.units.tolist()]
    names = ["time_ms", "unit"]
    if recording.batch_shape:
        columns.append(recording.spikes.batch.tolist())
        names.append("batch")
    with replacing(path) as file, io.TextIOWrapper(file, "ascii", newline="") as text:
        text.write(",".join(names) + "\n")
        text.writelines(",".join(map(repr, row)) + "\n" for row in zip(*columns, strict=True))
        text.flush()
        text.detach()


def to_pandas(recording: Recording) -> DataFrame:
    """See :meth:`Recording.to_pandas`."""
    try:
        import pandas
    except ImportError as error:
        raise RheobaseError(
            "this needs pandas, which is not installed; install it by: pip install 'rheobase[pandas]'"
        ) from error
    array = recording.spikes.to_numpy()
    return pandas.DataFrame({"time_ms": array["time"], "unit": array["unit"], "batch": array["batch"]})

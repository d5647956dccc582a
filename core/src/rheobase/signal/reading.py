"""Reading a current from a file: dispatch, the time step, and the checks that all formats share."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..errors import StimulusError, nearest, shortened
from ..files import reading
from ..files.npy import Archive, read_npy
from .csvfile import read_csv
from .even import look_like_times, uneven
from .values import lies_in

TIMES = ("t_ms", "time_ms")
"""Names of a column or array of times in ms."""

_ACCEPTED = "a CSV, TSV, NPY or NPZ file with one column of current, or one for each unit"


def read_current(path: Path, dt: float | None) -> tuple[np.ndarray, float]:
    """The values of a file, ``[n]`` or ``[n, units]`` in its floating-point type, and their interval, ms."""
    readers = {".csv": _read_csv, ".tsv": _read_csv, ".npy": _read_npy, ".npz": _read_npz}
    _check_there(path)
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise StimulusError(
            f"the stimulus file {path} has the ending {path.suffix!r}; accepted is {_ACCEPTED}, "
            "with the ending .csv, .tsv, .npy or .npz"
        )
    with reading(path, StimulusError, "a stimulus file", f"give {_ACCEPTED}") as file:
        if not file.read(1):
            raise StimulusError(f"the stimulus file {path} is empty; accepted is {_ACCEPTED}")
        file.seek(0)
        columns, found = reader(path, file)
        if reader is not _read_csv and not set(TIMES) & columns.keys():
            unnamed = columns.get("current" if reader is _read_npy else "arr_0")  # as numpy.savez calls it
            _check_no_times(path, unnamed, found if dt is None else dt)
        return _checked(path, columns, found, dt)


def _checked(
    path: Path, columns: dict[str, np.ndarray], found: float | None, dt: float | None
) -> tuple[np.ndarray, float]:
    """The values and their interval, where a file gives both, and once."""
    times = next((columns.pop(name) for name in TIMES if name in columns), None)
    if times is not None:
        found = _interval(path, times, found)
    values = _only_current(path, columns)
    if times is not None and times.size != len(values):
        raise StimulusError(
            f"the stimulus file {path} has {times.size} times and {len(values)} samples; "
            "accepted is one time for each sample"
        )
    return values, _settle(path, found, dt)


def _check_no_times(path: Path, values: np.ndarray | None, dt: float | None) -> None:
    """Refuse an array without a name whose first column is the clock that dt says."""
    if (
        dt is None
        or values is None
        or values.ndim != 2
        or values.shape[1] < 2
        or values.dtype.kind not in "fiu"
    ):
        return
    clock = values[:, 0].astype(np.float64)
    if look_like_times(clock) and abs(uneven(clock)[0] - dt) <= 1e-3 * dt and abs(clock[0]) <= 1.001 * dt:
        raise StimulusError(
            f"the stimulus file {path}: the first column has the times of samples {dt:g} ms apart, where "
            "each column is to be the current of a unit; save it by numpy.savez(path, t_ms=..., "
            "current=...). If it is a current, numpy.savez(path, current=..., dt_ms=...) says so"
        )


def _check_there(path: Path) -> None:
    if os.path.isdir(path):
        raise StimulusError(f"the stimulus file {path} is a folder; accepted is {_ACCEPTED}")
    if not os.path.exists(path):  # or its name is none: pathlib would raise the system's error
        beside: list[str] = []
        with contextlib.suppress(OSError, ValueError):
            beside = os.listdir(path.parent)
        raise StimulusError(
            f"the stimulus file {path} does not exist{nearest(path.name, beside)}; "
            f"give the path of {_ACCEPTED}"
        )


def _read_csv(path: Path, file: BinaryIO) -> tuple[dict[str, np.ndarray], float | None]:
    return read_csv(path, file)


def _read_npy(path: Path, file: BinaryIO) -> tuple[dict[str, np.ndarray], float | None]:
    # The first bytes of every zip archive.
    if file.read(2) == b"PK":
        raise StimulusError(f"the stimulus file {path} is an NPZ file; give it the ending .npz")
    file.seek(0)
    try:
        return {"current": read_npy(file)}, None
    except Exception as error:
        raise StimulusError(
            f"the stimulus file {path} is no NPY file of numbers ({_told(error)}); save it by numpy.save"
        ) from error


def _read_npz(path: Path, file: BinaryIO) -> tuple[dict[str, np.ndarray], float | None]:
    try:
        archive = Archive(file)
        currents = [name for name in archive.names if name not in (*TIMES, "dt_ms")]
        if len(currents) != 1:
            raise _not_one(path, ", ".join(map(shortened, currents[:10])))
        arrays = {name: archive.read(name) for name in archive.names}
    except StimulusError:
        raise
    except Exception as error:
        raise StimulusError(
            f"the stimulus file {path} is no NPZ file of numbers ({_told(error)}); save it by numpy.savez"
        ) from error
    interval = arrays.pop("dt_ms", None)
    if interval is None:
        return arrays, None
    if interval.size != 1 or interval.dtype.kind not in "fiu":
        raise StimulusError(
            f"the stimulus file {path}: dt_ms has shape {list(interval.shape)} and type {interval.dtype}; "
            "give one number, the time step in ms"
        )
    return arrays, float(interval.reshape(()))


def _only_current(path: Path, columns: dict[str, np.ndarray]) -> np.ndarray:
    """The one array that is left when times and time step are taken out, checked."""
    if len(columns) != 1:
        raise _not_one(path, ", ".join(map(shortened, columns)))
    ((name, values),) = columns.items()
    where = f"the stimulus file {path}: {shortened(name, 120)}"
    if values.dtype.kind != "f":
        raise StimulusError(
            f"{where} has the type {values.dtype}; accepted are real floating-point numbers, for instance "
            "float32"
        )
    if values.ndim not in (1, 2) or values.size == 0:
        raise StimulusError(
            f"{where} has the shape {list(values.shape)}; accepted is [n] or [n, units] with at least one "
            "sample"
        )
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        where = f"sample {bad[0][0]}" + (f" of column {bad[0][1]}" if values.ndim == 2 else "")
        raise StimulusError(
            f"the stimulus file {path}: {where} (counted from 0) is {values[tuple(bad[0])]}; "
            "accepted are finite numbers"
        )
    # torch knows neither other byte orders nor types wider than float64.
    kind = np.dtype(f"=f{min(values.dtype.itemsize, 8)}")
    return np.ascontiguousarray(values, dtype=kind)


def _not_one(path: Path, found: str) -> StimulusError:
    return StimulusError(
        f"the stimulus file {path} has {found or 'no array'}; accepted is one array of current, [n] or "
        "[n, units], and the time step dt_ms"
    )


def _interval(path: Path, times: np.ndarray, found: float | None) -> float:
    """The interval of evenly spaced times in ms, from 0 on."""
    if times.dtype.kind not in "fiu":
        raise StimulusError(
            f"the stimulus file {path} has times of the type {times.dtype}; accepted are real numbers, in ms"
        )
    times = np.asarray(times, dtype=np.float64).reshape(-1)
    if len(times) < 2:
        if found is None:
            raise StimulusError(
                f"the stimulus file {path} has {len(times)} time, which gives no time step; "
                "give dt, the time step in ms"
            )
        return found
    interval, row = uneven(times)
    if row is not None:
        raise StimulusError(
            f"the stimulus file {path}: the times are not evenly spaced and rising (sample {row} is at "
            f"{times[row]:g} ms, the next at {times[row + 1]:g} ms); accepted are samples at equal intervals"
        )
    if abs(times[0]) > 1e-3 * interval:
        raise StimulusError(
            f"the stimulus file {path}: the times start at {times[0]:g} ms; accepted are times from 0 on"
        )
    interval = float(f"{interval:.9g}")  # 0.25, where the times' rounding made 0.25000000000000006 of it
    if found is not None and abs(found - interval) > 1e-6 * interval:
        raise StimulusError(
            f"the stimulus file {path} gives dt_ms = {found:g} and times {interval:g} ms apart; "
            "leave out the one that is wrong"
        )
    return interval


def _settle(path: Path, found: float | None, dt: float | None) -> float:
    """The time step, from the file or from the user."""
    if found is not None and not lies_in(found, above=0.0):
        raise StimulusError(
            f"the stimulus file {path}: the time step dt_ms is {found}; accepted is a number above 0"
        )
    if found is None and dt is None:
        raise StimulusError(
            f"the stimulus file {path} has no time step; accepted is dt_ms in the file, or give dt "
            "(--stimulus-dt on the command line), in ms"
        )
    if found is not None and dt is not None and abs(found - dt) > 1e-6 * found:
        raise StimulusError(
            f"the stimulus file {path} gives the time step {found:g} ms, and dt is {dt:g} ms; "
            "leave out dt, or make them equal"
        )
    return float(found if found is not None else dt)  # type: ignore[arg-type]


def _told(error: Exception) -> str:
    return shortened(str(error) or type(error).__name__)

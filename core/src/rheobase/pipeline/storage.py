"""Recordings on disk: NPZ, never pickle.

The member ``about`` is a JSON object that says what the others are; the number ``rheobase_recording`` in
it grows when an older Rheobase could read the file wrongly, and keys that are not known are left alone.
The ``digests`` of the arrays, and that of ``about`` itself in the member ``digest``, tell that all is as it
was saved; files without them are read as well.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import IO, Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from ..errors import ArgumentError
from ..files import reading, replacing
from ..files.npy import Archive
from ..specs import Provenance
from .packing import members, packed, unpacked
from .results import Results
from .sense import check_about, check_arrays
from .settings import Settings
from .spikes import NoSpikes, Spikes

Made = TypeVar("Made", bound=Results)

FORMAT = 1
SPIKES = ("spike_times_ms", "spike_units", "spike_batch")
TRACE = "trace_"


def save(recording: Results, path: str | os.PathLike[str]) -> None:
    """See :meth:`Recording.save`."""
    # Through an open file: given a name, numpy would add the ending .npz to it.
    with replacing(path) as file:
        write(recording, file)


def write(recording: Results, file: IO[bytes]) -> None:
    """Write a recording to an open file."""
    arrays = arrays_of(recording)
    about = about_of(recording)
    about["settings"], more = packed(recording.settings, _as_array)
    arrays |= more
    # Of the values, not of the file: an archive that was packed anew, or compressed, is as good.
    about["digests"] = {name: _digest(array) for name, array in arrays.items()}
    arrays["about"] = np.array(json.dumps(about))
    arrays["digest"] = np.array(_digest(arrays["about"]))
    np.savez(file, allow_pickle=False, **arrays)


def arrays_of(recording: Results) -> dict[str, np.ndarray]:
    """Spikes and traces, by the names of their members."""
    arrays = {}
    if recording.spikes.recorded:
        spikes = recording.spikes
        columns = (spikes.times, spikes.units, spikes.batch)
        arrays = {name: part.detach().numpy() for name, part in zip(SPIKES, columns, strict=True)}
    return arrays | {TRACE + name: _as_array(trace) for name, trace in recording.traces.items()}


def about_of(recording: Results) -> dict[str, Any]:
    """All else, as JSON has it."""
    return {
        "rheobase_recording": FORMAT,
        "dt_ms": recording.dt,
        "steps": recording.steps,
        "first_step": recording.first_step,
        "units": recording.num_units,
        "batch_shape": list(recording.batch_shape),
        "model": recording.model,
        "trace_types": {
            name: str(trace.dtype).removeprefix("torch.") for name, trace in recording.traces.items()
        },
        "trace_units": dict(recording.trace_units),
        "every": recording.every,
        "trace_widths": dict(recording.trace_widths),
        "trace_indices": {name: units.tolist() for name, units in recording.trace_indices.items()},
        "provenance": {
            part: {"kind": source.kind, **source.as_dict()} for part, source in recording.provenance.items()
        },
        "warnings": list(recording.warnings),
        "complete": recording.complete,
    }


def load(kind: type[Made], path: str | os.PathLike[str]) -> Made:
    """See :meth:`Recording.load`."""
    mend = "give a file that Recording.save wrote"
    with reading(path, ArgumentError, "a recording", mend) as file:
        return read(kind, file, os.fspath(path))


def read(kind: type[Made], file: IO[bytes], name: str | bytes) -> Made:
    """Read a recording from an open file; ``name`` is what messages call it."""
    archive = Archive(file)
    text = archive.read("about")
    about = json.loads(str(text))
    known = about["rheobase_recording"]
    if known != FORMAT:
        raise ArgumentError(
            f"{name!r} is a recording of format {known}, "
            f"this is Rheobase for format {FORMAT}; install the version that wrote it"
        )
    # The digest of ``about`` stands outside of it, those of the arrays within.
    if "digest" in archive.names and str(archive.read("digest")) != _digest(text):
        raise ValueError("about is not as it was saved")
    about = check_about(about)
    spikes = SPIKES if any(name in archive.names for name in SPIKES) else ()
    names = (*spikes, *(TRACE + name for name in about["trace_types"]))
    names += tuple(members(about["settings"]))
    unknown = {name for name in archive.names if name.startswith((TRACE, "spike_"))} - {*names}
    if unknown:
        raise ValueError(f"{sorted(unknown)[0]} has no type in about")
    arrays = {name: archive.read(name) for name in names}
    for member, digest in about["digests"].items():
        if member not in arrays or _digest(arrays[member]) != digest:
            raise ValueError(f"{member} is not as it was saved")
    return recording_of(kind, about, arrays)


def recording_of(kind: type[Made], about: dict[str, Any], arrays: dict[str, np.ndarray]) -> Made:
    """A recording of what :func:`about_of` and :func:`arrays_of` gave; ValueError where these disagree."""
    check_arrays(about, arrays)
    spikes = [torch.from_numpy(arrays[name]) for name in SPIKES if name in arrays]
    return kind(
        spikes=Spikes(*spikes) if spikes else NoSpikes(),
        traces={name: _as_trace(arrays[TRACE + name], dtype) for name, dtype in about["trace_types"].items()},
        dt=float(about["dt_ms"]),
        steps=about["steps"],
        first_step=about["first_step"],
        num_units=about["units"],
        batch_shape=tuple(about["batch_shape"]),
        model=about["model"],
        provenance={part: Provenance(**source) for part, source in about["provenance"].items()},
        warnings=list(about["warnings"]),
        complete=about["complete"],
        trace_units=dict(about["trace_units"]),
        every=about["every"],
        trace_widths=dict(about["trace_widths"]),
        trace_indices={
            name: torch.tensor(units, dtype=torch.int64) for name, units in about["trace_indices"].items()
        },
        settings=Settings(unpacked(about["settings"], arrays, _as_trace)),
    )


def _digest(array: np.ndarray) -> str:
    """Of an array's type, shape and values."""
    # By values in C order: the same array may come back in columns.
    flat = np.ascontiguousarray(array)
    digest = hashlib.sha256(f"{array.dtype.str} {array.shape} ".encode())
    digest.update(flat.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _as_array(trace: Tensor) -> np.ndarray:
    trace = trace.detach().cpu()
    # numpy has no bfloat16; float32 holds every value of it.
    array: np.ndarray = (trace.float() if trace.dtype == torch.bfloat16 else trace).numpy()
    return array


def _as_trace(array: np.ndarray, dtype: str) -> Tensor:
    trace = torch.from_numpy(array)
    # bfloat16 was kept as float32; any other type is as it was.
    kind: Any = getattr(torch, dtype)
    return trace.to(kind)

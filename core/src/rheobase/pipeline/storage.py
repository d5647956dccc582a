"""Recordings on disk: NPZ, never pickle."""

from __future__ import annotations

import json
import os
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..errors import ArgumentError, RheobaseError
from ..files import replacing
from ..specs import Provenance
from .spikes import NoSpikes, Spikes

if TYPE_CHECKING:
    from .recording import Recording

_FORMAT = 1
_TRACE = "trace_"


def save(recording: Recording, path: str | os.PathLike[str]) -> None:
    """See :meth:`Recording.save`."""
    arrays = {}
    if recording.spikes.recorded:
        arrays = {
            "spike_times_ms": recording.spikes.times.numpy(),
            "spike_units": recording.spikes.units.numpy(),
            "spike_batch": recording.spikes.batch.numpy(),
        }
    types = {}
    for name, trace in recording.traces.items():
        types[name] = str(trace.dtype).removeprefix("torch.")
        arrays[_TRACE + name] = _as_array(trace)
    about = {
        "rheobase_recording": _FORMAT,
        "dt_ms": recording.dt,
        "steps": recording.steps,
        "first_step": recording.first_step,
        "units": recording.num_units,
        "batch_shape": list(recording.batch_shape),
        "model": recording.model,
        "trace_types": types,
        "trace_units": dict(recording.trace_units),
        "every": recording.every,
        "provenance": {
            part: {"kind": source.kind, **source.as_dict()} for part, source in recording.provenance.items()
        },
        "warnings": list(recording.warnings),
        "complete": recording.complete,
    }
    arrays["about"] = np.array(json.dumps(about))
    # Through an open file: given a name, numpy would add the ending .npz to it.
    with replacing(path) as file:
        np.savez(file, allow_pickle=False, **arrays)


def load(path: str | os.PathLike[str]) -> Recording:
    """See :meth:`Recording.load`."""
    from .recording import Recording

    try:
        # Through an open file: numpy forgets to close one that turns out to be torn.
        with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        about = json.loads(str(arrays.pop("about")))
        if about["rheobase_recording"] != _FORMAT:
            raise ArgumentError(
                f"{os.fspath(path)!r} is a recording of format {about['rheobase_recording']}, "
                f"this is Rheobase for format {_FORMAT}; install the version that wrote it"
            )
        names = [name.removeprefix(_TRACE) for name in arrays if name.startswith(_TRACE)]
        return Recording(
            spikes=_as_spikes(arrays),
            traces={name: _as_trace(arrays[_TRACE + name], about["trace_types"][name]) for name in names},
            dt=float(about["dt_ms"]),
            steps=int(about["steps"]),
            first_step=int(about["first_step"]),
            num_units=int(about["units"]),
            batch_shape=tuple(about["batch_shape"]),
            model=about["model"],
            provenance={part: Provenance(**source) for part, source in about["provenance"].items()},
            warnings=list(about["warnings"]),
            complete=bool(about["complete"]),
            trace_units=dict(about["trace_units"]),
            every=int(about.get("every", 1)),  # earlier files hold every step
        )
    except RheobaseError:
        raise
    except (OSError, ValueError, EOFError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise ArgumentError(
            f"{os.fspath(path)!r} cannot be read as a recording ({type(error).__name__}: {error}); "
            "give a file that Recording.save wrote"
        ) from error


def _as_spikes(arrays: dict[str, np.ndarray]) -> Spikes:
    if "spike_times_ms" not in arrays:
        return NoSpikes()
    names = ("spike_times_ms", "spike_units", "spike_batch")
    return Spikes(*(torch.from_numpy(arrays[name]) for name in names))


def _as_array(trace: Tensor) -> np.ndarray:
    trace = trace.detach().cpu()
    # numpy has no bfloat16; float32 holds every value of it.
    array: np.ndarray = (trace.float() if trace.dtype == torch.bfloat16 else trace).numpy()
    return array


def _as_trace(array: np.ndarray, dtype: str) -> Tensor:
    trace = torch.from_numpy(array)
    kind: Any = getattr(torch, dtype)
    return trace.to(kind)

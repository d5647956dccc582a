"""What is said of a run: the JSON object, and a short table for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .messages import console, number, table

if TYPE_CHECKING:
    from ..pipeline.networkrecording import NetworkRecording
    from ..pipeline.recording import Recording


def as_json(recording: Recording | NetworkRecording, messages: list[str]) -> dict[str, Any]:
    """A recording, of a neuron or of a network, and the warnings of its run, as one object."""
    if not isinstance(recording, Mapping):
        return _part(recording) | {"warnings": messages}
    parts = {name: _part(each) for name, each in recording.items()}
    # A projection that was recorded has a synapse, and emits no spikes.
    projections = {name: part for name, part in parts.items() if "synapse" in part["provenance"]}
    for part in projections.values():
        del part["spikes"]
    return {
        "dt_ms": next((part["dt_ms"] for part in parts.values()), None),
        "duration_ms": _on_grid(recording.duration),
        "populations": {name: part for name, part in parts.items() if name not in projections},
        "projections": projections,
        "warnings": messages,
    }


def _part(recording: Recording) -> dict[str, Any]:
    return {
        "model": recording.model,
        "dt_ms": recording.dt,
        "duration_ms": _on_grid(recording.duration),
        "units": recording.num_units,
        "spikes": _spikes(recording),
        "provenance": {kind: origin.as_dict() for kind, origin in recording.provenance.items()},
    }


def _spikes(recording: Recording) -> dict[str, Any]:
    spikes = recording.spikes
    if not spikes.recorded:  # an analog model emits none
        return {"count": 0, "times_ms": [], "units": []}
    times = [_on_grid(time) for time in spikes.times.tolist()]
    return {"count": len(spikes), "times_ms": times, "units": spikes.units.tolist()}


def _on_grid(time: float) -> float:
    """A time without the last digits that multiplying by dt left."""
    return round(time, 9)


def print_summary(recording: Recording | NetworkRecording) -> None:
    """Print what ran and what came of it."""
    if isinstance(recording, Mapping):
        for name, part in recording.items():
            _print_part(name, part)
    else:
        _print_part(recording.model, recording)


def _print_part(title: str, recording: Recording) -> None:
    spikes = recording.spikes
    rows: list[tuple[str, str]] = []
    for kind, origin in recording.provenance.items():
        source = " ".join(filter(None, (origin.distribution, origin.version)))
        rows.append((kind, f"{origin.name} ({source})" if source else origin.name))
    rows += [
        ("units", str(recording.num_units)),
        ("time step", f"{number(recording.dt)} ms"),
        ("duration", f"{number(recording.duration)} ms"),
    ]
    for name, trace in recording.traces.items():
        if len(trace):
            unit = recording.trace_units.get(name, "")
            # The last row as its mean over batch and units: one line for any number of them.
            low, high, last = (number(float(value)) for value in (trace.min(), trace.max(), trace[-1].mean()))
            # With a stride the last row may lie before the end of the run.
            ends = recording.steps % recording.every == 0
            when = "at the end" if ends else f"at {number(float(recording.times[-1]))} ms"
            rows.append((name, f"{low} to {high} {unit}, {when} {last} {unit}"))
    if spikes.recorded:
        rows.append(("spikes", str(len(spikes))))
    if spikes.recorded and len(spikes):
        seconds = recording.duration / 1000.0
        rows.append(("rate", f"{len(spikes) / recording.num_units / seconds:.4g} Hz per unit"))
        rows.append(("first spike", f"{number(float(spikes.times[0]))} ms"))
        rows.append(("last spike", f"{number(float(spikes.times[-1]))} ms"))
    console().print(table(["run", title], rows))

"""Which models compiled kernels take, and why others not: the table in ``README.md``.

As a script this file writes the table.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import errors
from rheobase_zoo import plugin

pytest.importorskip("rheobase_fused")

FILE = Path(__file__).parents[1] / "README.md"
NAMES = [spec.name for spec in plugin.rheobase_neurons()]
HEAD = "| model | `crossing` | `located` |\n| --- | --- | --- |\n"
EVENTS = ("crossing", "located")
LONGEST = 60.0
"""So many ms of a preset are run at most."""
CLOSE = 1e-6
"""How near states are to those of eager, relative to the largest: an upstroke grows what rounding leaves."""


def run(name: str, event: str, backend: str) -> tuple[Any, Any]:
    """The model's first preset, in float64, with all its states."""
    preset = next(iter(rb.create(name).schema.presets))
    cell = rb.create(name, 2, preset=preset, event=event, dtype=torch.float64)
    spikes = ["spikes"] if isinstance(cell, rb.SpikingNeuron) else []
    record = [*spikes, *cell.schema.states]
    declared: Any = cell.preset
    duration = min(declared.duration, LONGEST)
    return cell, rb.simulate(
        cell, declared.stimulus, duration, record=record, backend=backend, progress=False
    )


def verdict(name: str, event: str) -> str:
    """``runs``, to the spikes and states of ``eager``; the reason of a refusal; or - where nothing spikes."""
    if event == "located" and not isinstance(rb.create(name), rb.SpikingNeuron):
        return "-"
    try:
        _, fused = run(name, event, "fused")
    except errors.BackendError as error:
        return str(error.__cause__)
    _, eager = run(name, event, "eager")
    if isinstance(rb.create(name), rb.SpikingNeuron):
        torch.testing.assert_close(fused.spikes.times, eager.spikes.times, rtol=0.0, atol=1e-6)
    for state, trace in eager.traces.items():
        apart = (fused.traces[state] - trace).abs().amax()
        assert apart <= CLOSE * trace.abs().amax(), (name, event, state, float(apart))
    return "runs"


def written() -> dict[str, list[str]]:
    _, _, table = FILE.read_text(encoding="utf-8").partition(HEAD)
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return {row[0]: row[1:] for row in rows}


def test_the_table_has_every_model_and_no_other() -> None:
    assert [*written()] == NAMES


REFUSED = [
    (name, event)
    for name, row in written().items()
    for event, said in zip(EVENTS, row, strict=True)
    if said not in ("runs", "-")
]
"""Refused before anything is compiled, so at once."""


@pytest.mark.parametrize(("name", "event"), [*REFUSED, ("mat2", "crossing"), ("threshold-linear", "located")])
def test_a_model_is_taken_or_refused_as_the_table_says(name: str, event: str) -> None:
    assert verdict(name, event) == written()[name][EVENTS.index(event)]


@pytest.mark.by_hand
@pytest.mark.parametrize("name", NAMES)
def test_every_model_is_taken_or_refused_as_the_table_says(name: str) -> None:
    assert [verdict(name, event) for event in EVENTS] == written()[name]


def save() -> None:
    """Write the table, at the end of the file."""
    before, _, _ = FILE.read_text(encoding="utf-8").partition(HEAD)
    rows = (" | ".join([name, *(verdict(name, event) for event in EVENTS)]) for name in NAMES)
    FILE.write_text(before + HEAD + "".join(f"| {row} |\n" for row in rows), encoding="utf-8")


if __name__ == "__main__":
    save()

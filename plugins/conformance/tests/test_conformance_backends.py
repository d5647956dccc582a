"""The kit's property on installed backends: one that gives other numbers is told, one that refuses is not.

So is one that takes a value that is not finite, or keeps other rows than it was asked for.
"""

from __future__ import annotations

import copy
import sys
import types
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import conformance
from rheobase.conformance.finding import find_one
from rheobase.conformance.neurons.agreement import require_agreement
from rheobase.conformance.neurons.case import NeuronCase
from rheobase.conformance.neurons.courses import spikes_by_step
from rheobase.conformance.violation import Violation
from rheobase.pipeline import eager
from rheobase.pipeline.drive import Drive
from rheobase.pipeline.spikes import Spikes

PUBLISHED = Path(__file__).parent / "zoo" / "sound_published.py"
Judge = Callable[[Any], conformance.Report]


@pytest.fixture
def judged_with(rheobase_registry: object, monkeypatch: pytest.MonkeyPatch, lif: Any) -> Judge:
    """Judges a model while a backend of this function is installed, beside eager."""

    def judge(run: Any) -> conformance.Report:
        module = types.ModuleType("toy_backend")
        module.run = run  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "toy_backend", module)
        plugin = types.ModuleType("toy_plugin")
        spec = rb.BackendSpec("toy", "toy_backend:run")
        plugin.rheobase_backends = rb.hookimpl(lambda: [spec])  # type: ignore[attr-defined]
        rb.register(plugin)
        return conformance.check(lif, "smoke", only=["backends-agree"])

    return judge


@pytest.fixture
def backend_found(
    rheobase_registry: object, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Any, str, NeuronCase], str]:
    """What is found of a backend of this function, by one run of a model of the zoo; empty: nothing."""

    def found(run: Any, name: str, case: NeuronCase) -> str:
        module = types.ModuleType("toy_backend")
        module.run = run  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "toy_backend", module)
        plugin = types.ModuleType("toy_plugin")
        spec = rb.BackendSpec("toy", "toy_backend:run")
        plugin.rheobase_backends = rb.hookimpl(lambda: [spec])  # type: ignore[attr-defined]
        rb.register(plugin)
        try:
            require_agreement(find_one(f"{PUBLISHED}:{name}"), case, "toy", "toy")
        except Violation as violation:
            return str(violation)
        return ""

    return found


def unlooked(drive: Drive, change: Callable[[Any], Any] = lambda part: part) -> Any:
    """The same drive, whose check finds nothing; with a change made to its values."""
    unchecked = copy.copy(drive)
    unchecked.parts = {name: change(part) for name, part in drive.parts.items()}
    unchecked.check = lambda: None  # type: ignore[method-assign]
    return unchecked


def reason_of(report: conformance.Report) -> str:
    assert [result.prop.name for result in report.failures] == ["backends-agree"]
    return report.failures[0].reason


def test_a_backend_that_is_eager_agrees(judged_with: Judge) -> None:
    report = judged_with(eager.run)
    assert report.ok, str(report)


def test_a_backend_that_refuses_is_not_accused(judged_with: Judge) -> None:
    def run(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("it takes no model")

    report = judged_with(run)
    assert report.ok, str(report)


def test_a_backend_with_other_voltages_is_told(judged_with: Judge) -> None:
    def run(*args: Any, **kwargs: Any) -> Any:
        recording = eager.run(*args, **kwargs)
        # A hundred times what double precision may lose in a few steps.
        traces = {name: trace * (1.0 + 1e-10) for name, trace in recording.traces.items()}
        return replace(recording, traces=traces)

    report = judged_with(run)
    assert "'toy': voltage in step 0" in reason_of(report)


def traces_changed(change: Callable[[str, torch.Tensor], torch.Tensor]) -> Any:
    """A backend that is eager, with a change made to its traces."""

    def run(*args: Any, **kwargs: Any) -> Any:
        recording = eager.run(*args, **kwargs)
        traces = {name: change(name, trace) for name, trace in recording.traces.items()}
        return replace(recording, traces=traces)

    return run


AT_REST = NeuronCase(units=2, steps=12)
"""AdEx left to itself, w from zero on: it is 1.5e-9 pA after a step."""
SLOW = NeuronCase(drive={"input": (900.0,)}, units=2, steps=12)
"""AdEx below its threshold."""


def test_a_state_near_zero_may_differ_by_what_rounding_of_the_others_makes_of_it(backend_found: Any) -> None:
    # A unit in the last place of V, 1.4e-14 mV, is 4e-17 pA of w after a step: dt a / tau_w as much.
    def change(name: str, trace: torch.Tensor) -> torch.Tensor:
        return trace + 3e-17 if name == "w" else trace

    assert backend_found(traces_changed(change), "Adex", AT_REST) == ""


@pytest.mark.parametrize("by", [1e-10, -1e-8])
def test_a_state_near_zero_that_differs_by_more_is_told(backend_found: Any, by: float) -> None:
    def change(name: str, trace: torch.Tensor) -> torch.Tensor:
        return trace * (1.0 + by) if name == "w" else trace

    assert "w in step" in backend_found(traces_changed(change), "Adex", SLOW)


UNSTABLE = NeuronCase(drive={"excitation": (0.0,), "inhibition": (1722.0,)}, units=1, steps=60)
"""g dt / C grows up to 8 and more: classical Runge-Kutta is stable up to 2.8."""


class _RoundsOtherwise(rb.RungeKutta):
    """The classical method, its result a unit in the last place larger."""

    def advance(self, *args: Any, **kwargs: Any) -> Any:
        result = super().advance(*args, **kwargs)
        return result._replace(y=result.y * (1.0 + 2.0**-52))


def _rounding_otherwise(neuron: Any, *args: Any, **kwargs: Any) -> Any:
    neuron.integrator = _RoundsOtherwise()
    return eager.run(neuron, *args, **kwargs)


def test_a_step_that_is_unstable_is_not_blamed_on_a_backend(backend_found: Any) -> None:
    assert backend_found(_rounding_otherwise, "VogelsAbbott", UNSTABLE) == ""


def test_a_backend_is_told_before_the_steps_are_unstable(backend_found: Any) -> None:
    def change(name: str, trace: torch.Tensor) -> torch.Tensor:
        return trace * (1.0 + 1e-10) if name == "voltage" else trace

    assert "voltage in step 0" in backend_found(traces_changed(change), "VogelsAbbott", UNSTABLE)


@pytest.mark.parametrize(("more", "told"), [(1e-17, False), (1e-9, True)])
def test_a_state_of_zero_may_be_as_far_from_it_as_the_last_place_of_what_it_is_made_of(
    backend_found: Any, more: float, told: bool
) -> None:
    quiet = NeuronCase(drive={"rate": (0.0,)}, units=2, steps=5)
    found = backend_found(traces_changed(lambda name, trace: trace + more), "BoundedInput", quiet)
    assert ("in step 0" in found) is told, found


def test_a_backend_that_gives_a_spike_to_another_unit_is_told(judged_with: Judge) -> None:
    def run(*args: Any, **kwargs: Any) -> Any:
        recording = eager.run(*args, **kwargs)
        spikes = recording.spikes
        last = int(spikes.units.max()) if len(spikes) else 0
        moved = torch.where(spikes.units == last, 0, spikes.units)
        return replace(recording, spikes=type(spikes)(spikes.times, moved, spikes.batch))

    assert "the first that differs is in step" in reason_of(judged_with(run))


def test_a_backend_whose_spikes_are_a_step_late_is_told(judged_with: Judge) -> None:
    def run(neuron: Any, *args: Any, **kwargs: Any) -> Any:
        recording = eager.run(neuron, *args, **kwargs)
        spikes = recording.spikes
        late = spikes.times + neuron.dt
        return replace(recording, spikes=type(spikes)(late, spikes.units, spikes.batch))

    assert "the first that differs is in step" in reason_of(judged_with(run))


def test_a_backend_whose_spike_in_the_last_step_is_a_step_late_is_told(backend_found: Any) -> None:
    driven = NeuronCase(drive={"input": (3000.0,)}, units=1, steps=200)
    neuron = driven.neuron(find_one(f"{PUBLISHED}:Adex").model)
    first = rb.simulate(neuron, driven.stimulus(neuron), backend="eager").spikes.times[0]
    case = replace(driven, steps=round(float(first) / neuron.dt))

    def run(neuron: Any, *args: Any, **kwargs: Any) -> Any:
        recording = eager.run(neuron, *args, **kwargs)
        spikes = recording.spikes
        assert len(spikes) == 1
        return replace(recording, spikes=type(spikes)(spikes.times + neuron.dt, spikes.units, spikes.batch))

    assert backend_found(eager.run, "Adex", case) == ""
    assert "'toy' records a spike of unit 0 at" in (said := backend_found(run, "Adex", case))
    assert f"outside of the run: its {case.steps} steps end from" in said


@pytest.mark.parametrize("time", [0.0, 0.4, -1.0, 3.5 + 1e-9, 4.0, torch.nan, torch.inf, 1e300])
def test_a_spike_at_the_end_of_no_step_is_told(time: float) -> None:
    times = torch.tensor([1.0, time], dtype=torch.float64)
    with pytest.raises(Violation, match=r"^someone records a spike of unit 1 at .* outside of the run"):
        spikes_by_step(Spikes(times, torch.tensor([0, 1])), 1.0, (3, 2), "someone")


def test_spikes_are_counted_by_step_row_and_unit() -> None:
    times = torch.tensor([0.1, 0.3, 0.3, 0.30000000000000004], dtype=torch.float64)
    spikes = Spikes(times, torch.tensor([1, 0, 0, 1]), torch.tensor([0, 5, 5, 3]))
    found = spikes_by_step(spikes, 0.1, (3, 2, 3, 2), "someone")
    assert found.shape == (3, 2, 3, 2)
    assert found.nonzero().tolist() == [[0, 0, 0, 1], [2, 1, 0, 1], [2, 1, 2, 0]]
    assert (found[2, 1, 2, 0], found.sum()) == (2, 4)


def test_a_backend_that_loses_a_spike_is_told(judged_with: Judge) -> None:
    def run(*args: Any, **kwargs: Any) -> Any:
        recording = eager.run(*args, **kwargs)
        spikes = recording.spikes
        return replace(
            recording, spikes=type(spikes)(spikes.times[:-1], spikes.units[:-1], spikes.batch[:-1])
        )

    report = judged_with(run)
    assert "spikes, and eager" in reason_of(report)


def test_a_backend_that_keeps_every_row_whatever_the_stride_is_told(judged_with: Judge) -> None:
    def run(*args: Any, every: int, **kwargs: Any) -> Any:
        return eager.run(*args, **kwargs)

    assert "with every=4 the trace of voltage has 30 rows for 30 steps; it must have 7" in reason_of(
        judged_with(run)
    )


def test_a_backend_that_keeps_the_first_of_so_many_rows_is_told(judged_with: Judge) -> None:
    def run(neuron: Any, drive: Any, steps: int, *, every: int, **kwargs: Any) -> Any:
        recording = eager.run(neuron, drive, steps, **kwargs)
        traces = {name: trace[::every][: steps // every] for name, trace in recording.traces.items()}
        return replace(recording, traces=traces, every=every)

    assert "from that of eager (with every=4)" in reason_of(judged_with(run))


def test_a_backend_that_refuses_once_it_has_stepped_is_told(judged_with: Judge) -> None:
    def run(neuron: Any, drive: Any, steps: int, **kwargs: Any) -> Any:
        eager.run(neuron, drive, 1, **kwargs)
        raise NotImplementedError("one step only")

    assert "'toy' refused a run, and" in reason_of(judged_with(run))


def test_a_backend_that_looks_at_values_in_its_own_way_agrees(judged_with: Judge) -> None:
    def run(neuron: Any, drive: Drive, steps: int, **kwargs: Any) -> Any:
        if not all(bool(torch.isfinite(part).all()) for part in drive.parts.values()):  # type: ignore[arg-type]
            drive.check()
        unchecked = unlooked(drive)
        return eager.run(neuron, unchecked, steps, **kwargs)

    report = judged_with(run)
    assert report.ok, str(report)


@pytest.mark.parametrize(
    ("filled", "said"),
    [
        ({"nan": 0.0}, "took an input with nan in step 29"),
        ({"posinf": 0.0}, "took an input with inf in step"),
        ({"neginf": 0.0}, "took an input with -inf in step 0"),
    ],
)
def test_a_backend_that_takes_a_value_that_is_not_finite_is_told(
    judged_with: Judge, filled: dict[str, float], said: str
) -> None:
    def run(neuron: Any, drive: Drive, steps: int, **kwargs: Any) -> Any:
        kept = {"nan": torch.nan, "posinf": torch.inf, "neginf": -torch.inf, **filled}
        drive = unlooked(drive, lambda part: torch.nan_to_num(part, **kept))
        # Now those that were not filled are found by the rule.
        Drive.check(drive)
        return eager.run(neuron, drive, steps, **kwargs)

    assert f"the backend 'toy' {said}" in reason_of(judged_with(run))


def test_a_backend_that_steps_up_to_a_value_that_is_not_finite_is_told(judged_with: Judge) -> None:
    def run(neuron: Any, drive: Drive, steps: int, **kwargs: Any) -> Any:
        return eager.run(neuron, unlooked(drive), steps, **kwargs)  # each step looks at its own

    assert "'toy' met nan in step 29, and changed the neuron" in reason_of(judged_with(run))


def test_eager_is_held_to_it_too(judged_with: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Drive, "check", lambda drive: None)
    assert "'eager' met nan in step 29, and changed the neuron" in reason_of(judged_with(eager.run))

"""Strategies and the state machine that authors use in tests of their own."""

from __future__ import annotations

import re
from typing import Any

import pytest
import rheobase as rb
import torch
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis.errors import NoSuchExample
from rheobase.conformance import NeuronCase, Violation, machine, runs
from rheobase.conformance.coverage import tallied
from rheobase.errors import RheobaseError

FEW = settings(
    max_examples=25, stateful_step_count=8, derandomize=True, database=None, deadline=None, print_blob=False
)
"""Enough for a machine to do everything once."""


class Leaky(rb.SpikingNeuron):
    """tau dV/dt = -V + I, with a refractory period and an adapting reset."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    tau_ref = rb.Parameter(1.0, unit="ms", at_least=0, doc="refractory period")
    share = rb.Parameter(0.5, unit="1", at_least=0, at_most=1, doc="what the reset leaves")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 15.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": params.share * (state.voltage - 15.0)}


class Shared:
    """A value that copies share."""

    def __init__(self) -> None:
        self.value: Any = 0.0

    def __deepcopy__(self, memo: object) -> Shared:
        return self


class CopiesShare(rb.AnalogNeuron):
    """A fault: what it got in the last step is shared by deep copies, though saved, pickled and reset."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.last = Shared()

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        result = super().forward(current + 0.1 * self.last.value)
        self.last.value = float(current.sum())
        return result

    def reset_state(self) -> None:
        super().reset_state()
        self.last = Shared()

    def get_extra_state(self) -> torch.Tensor:
        return torch.tensor(self.last.value, dtype=torch.float64)

    def set_extra_state(self, state: torch.Tensor) -> None:
        self.last.value = float(state)


class ResetForgets(rb.AnalogNeuron):
    """A fault: it counts its steps in a buffer that a reset leaves as it is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.register_buffer("count", torch.zeros(()))

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        self.count = self.count + 1.0
        return super().forward(self.prepare(data, identifiers) + self.count)


class SavesLess(ResetForgets):
    """A fault: it counts in a number of Python, which a ``state_dict`` does not have."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        self.steps = getattr(self, "steps", 0) + 1
        return rb.AnalogNeuron.forward(self, self.prepare(data, identifiers) + self.steps)

    def reset_state(self) -> None:
        super().reset_state()
        self.steps = 0


def tried(model: Any, chosen: settings = FEW) -> None:
    """Try the machine of a model."""
    case = machine(model).TestCase
    case.settings = settings(chosen, suppress_health_check=list(HealthCheck))
    case().runTest()


@pytest.mark.parametrize("name", ["Leaky", "lif", "analog"])
def test_a_sound_model_stays_the_same_whatever_is_done_to_it(name: str, lif: Any) -> None:
    with tallied() as tally:
        tried({"Leaky": Leaky, "lif": lif}.get(name, name), settings(FEW, max_examples=12))
    assert (tally.spikes > 50) == (name != "analog")


@pytest.mark.parametrize(
    ("model", "rule"),
    [
        (CopiesShare, r"deep_copy\("),
        (ResetForgets, r"reset\("),
        (SavesLess, r"(save_and_load|go_on_and_restore)\("),
    ],
)
def test_the_machine_finds_a_planted_fault_and_names_the_rule(model: Any, rule: str) -> None:
    chosen = settings(FEW, stateful_step_count=5, report_multiple_bugs=False)
    with pytest.raises(Violation, match="a neuron and its twin") as found:
        tried(model, settings(chosen, phases=(Phase.generate, Phase.shrink)))
    assert re.search(rule, "\n".join(found.value.__notes__))


def test_cases_have_what_was_asked_for() -> None:
    seen: list[NeuronCase] = []

    @settings(FEW, max_examples=30)
    @given(runs(Leaky, dtypes=["float32"], events=["step", "located"], batch=False, max_steps=7))
    def keep(case: NeuronCase) -> None:
        neuron = case.neuron(Leaky)
        assert len(case.data(neuron)) == case.steps
        seen.append(case)

    keep()
    assert {case.dtype for case in seen} == {"float32"}
    assert {case.event for case in seen} == {"step", "located"}
    assert {case.batch for case in seen} == {()}
    assert max(case.steps for case in seen) == 7


def test_cases_go_to_the_edges_of_domains_and_from_silence_to_spikes() -> None:
    edges, spiking, silent = set(), 0, 0

    @settings(FEW, max_examples=60)
    @given(runs(Leaky, max_steps=20))
    def see(case: NeuronCase) -> None:
        nonlocal spiking, silent
        edges.update((name, each) for name, each in case.params.items() if each in (0.0, 1.0))
        silent += not any(case.drive["input"])
        neuron = case.neuron(Leaky)
        spiking += any(bool(neuron(each)["spiked"].any()) for each in case.data(neuron))

    see()
    assert edges >= {("tau_ref", 0.0), ("share", 0.0), ("share", 1.0)}
    assert spiking > 10
    assert silent > 1


def test_a_model_without_a_threshold_has_one_event_mode_only() -> None:
    with pytest.raises(NoSuchExample):
        find(runs("analog"), lambda case: case.event != "crossing", settings=settings(FEW, max_examples=50))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"dtypes": ["float46"]}, "dtypes=.*did you mean 'float64'"),
        ({"dtypes": "float64"}, "dtypes='float64' cannot be used"),
        ({"events": ["stepp"]}, "events=.*did you mean 'step'"),
        ({"events": []}, "events=.*give some of crossing, step, located"),
        ({"max_steps": 0}, "max_steps=0 cannot be used; give an integer from 1 up"),
    ],
)
def test_what_cannot_be_used_is_told_when_the_strategy_is_made(wrong: Any, told: str) -> None:
    with pytest.raises(rb.errors.ArgumentError, match=told):
        runs(Leaky, **wrong)


@pytest.mark.parametrize("make", [runs, machine])
def test_a_model_that_there_is_not_is_told_when_it_is_asked_for(make: Any) -> None:
    with pytest.raises(RheobaseError):
        make("lief")


def test_a_located_neuron_keeps_its_times_in_double_precision_when_it_is_converted() -> None:
    neuron = rb.create(Leaky, 2, event="located", dt=0.3)
    while not bool(neuron(torch.tensor([100.0, 0.0]))["spiked"].any()):
        pass
    before = neuron.hold_time.clone(), neuron.spike_times.clone()
    assert before[0][0] != before[0][0].float()
    for dtype in (torch.float32, torch.float64, torch.float32):
        neuron.to(dtype)
        assert torch.equal(neuron.hold_time, before[0])
        assert torch.equal(neuron.spike_times.nan_to_num(), before[1].nan_to_num())
        assert neuron.voltage.dtype == dtype

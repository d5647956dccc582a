"""One step: its state and the table of it, the one decision, and what need not be looked at again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rheobase as rb
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rheobase.engine.integrator.runge_kutta import TABLEAUS, plan
from rheobase.engine.model.define import _INSTANCE_NAMES
from rheobase.engine.step.ends import Ends, Known
from rheobase.engine.step.indexed import finish_indexed
from rheobase.engine.step.selected import finish_masked
from rheobase.engine.step.spikes import decide
from rheobase.engine.step.table import SLOTS, StepState
from rheobase.errors import ArgumentError
from torch import Tensor

SOURCE = str(Path(rb.__file__).parent)
PROJECT = (SOURCE, "rheobase_lif")


def test_the_table_describes_every_field_of_the_state_but_the_states_and_the_carry():
    assert {slot.field for slot in SLOTS if slot.field} == set(StepState._fields) - {"y", "carry"}


def test_no_model_can_declare_the_name_of_a_slot():
    assert {slot.name for slot in SLOTS} <= _INSTANCE_NAMES


@pytest.mark.parametrize("event", ["crossing", "step", "located"])
@pytest.mark.parametrize("integrator", ["rk4", "rk45"])
def test_a_neuron_has_no_buffer_that_no_table_describes(event, integrator):
    neuron = rb.create("lif", 2, event=event, integrator=integrator)
    neuron(300.0)
    schema = neuron.schema
    declared = {*schema.states, *schema.parameters, *(schema.inputs or ("input",)), "step_count"}
    beside = {name for name, held in neuron.named_buffers()} - declared
    assert {name for name in beside if not name.startswith("carry_")} <= {slot.name for slot in SLOTS}
    for slot in SLOTS:
        if slot.name in beside:
            held = neuron.get_buffer(slot.name)
            assert held.dtype == slot.dtype
            assert held.shape[0] == 2
            assert held.ndim == (2 if slot.shape == "units,K" else 1)


# --- who spikes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reached", "above", "held", "ending", "spikes"),
    [
        (True, True, False, False, True),  # free, and over the threshold
        (False, True, False, False, False),  # not armed
        (True, True, True, False, False),  # refractory
        (False, True, True, True, True),  # let free above the threshold
        (True, False, True, True, False),  # kicked while refractory, and below it when let free
        (True, False, False, False, True),  # was above it at the start, by a kick
    ],
)
def test_a_free_unit_spikes_where_it_reaches_the_threshold_and_one_that_is_let_free_where_it_is_above(
    reached, above, held, ending, spikes
):
    for of in (np.array, torch.tensor):
        found = decide(of([reached]), of([above]), of([held]), of([ending]))
        assert bool(found[0]) is spikes
    assert decide(reached, above) is reached


class Weighed(rb.SpikingNeuron):
    """tau dV/dt = -V + I; V is lowered by a jump at each spike, which raises w by one."""

    tau = rb.Parameter(10.0, unit="ms", above=0)
    jump = rb.Parameter(3.0, unit="mV")
    tau_ref = rb.Parameter(0.3, unit="ms", at_least=0)
    voltage = rb.State(0.0, unit="mV")
    w = rb.State(0.0, unit="1")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / params.tau, "w": -state.w / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 1.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": state.voltage - params.jump, "w": state.w + 1.0}


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_working_on_some_units_gives_the_bits_of_selecting_among_all(data):
    units = data.draw(st.integers(1, 5))
    numbers = st.sampled_from([-3.0, -0.5, 0.0, 0.9, 1.0, 1.5, 40.0])

    def each(of: st.SearchStrategy[Any]) -> list[Any]:
        return data.draw(st.lists(of, min_size=units, max_size=units))

    neuron = Weighed() if units == 1 else rb.Ensemble.of(Weighed)(num_units=units)
    y0, y1 = torch.tensor([each(numbers), each(numbers)]), torch.tensor([each(numbers), each(numbers)])
    left = torch.tensor(each(st.sampled_from([0, 0, 1, 2, 7])), dtype=torch.int32)
    ends = Ends(y0, y1, torch.tensor(each(st.booleans())), left)
    for event in ("crossing", "step"):
        some = finish_indexed(neuron._model, event, ends, neuron.params, 0.1)
        every = finish_masked(neuron._model, event, ends, neuron.params, 0.1)
        for one, other in zip(some[:4], every[:4], strict=True):
            assert torch.equal(one, other)
        assert some.quiet == (
            not bool(some.spiked.any()) and not bool(ends.steps.any()) and _none_found(ends, event)
        )


def _none_found(ends: Ends, event: str) -> bool:
    above = ends.y1[0] - 1.0 >= 0
    return not bool((above | (ends.y0[0] - 1.0 >= 0) if event == "crossing" else above).any())


@settings(max_examples=40, deadline=None)
@given(
    start=st.lists(st.floats(-5, 0.875, width=32), min_size=3, max_size=3),
    end=st.lists(st.floats(-5, 5, width=32), min_size=3, max_size=3),
)
def test_what_is_known_of_a_calm_state_changes_no_bit(start, end):
    neuron = rb.Ensemble.of(Weighed)(num_units=3)
    y0, y1 = (torch.tensor([each, [0.0] * 3]) for each in (start, end))
    nobody, all_armed = torch.zeros(3, dtype=torch.int32), torch.ones(3, dtype=torch.bool)
    ends = Ends(y0, y1, all_armed, nobody, torch.zeros(3, dtype=torch.int8))
    for event in ("crossing", "step"):
        plain = finish_indexed(neuron._model, event, ends, neuron.params, 0.1)
        known = finish_indexed(
            neuron._model, event, ends, neuron.params, 0.1, None, Known(settled=True, calm=True)
        )
        for one, other in zip(plain[:4], known[:4], strict=True):
            assert torch.equal(one, other)
        assert plain.quiet == known.quiet


def test_a_value_that_is_no_number_is_no_quiet_step():
    neuron = Weighed()
    ends = Ends(
        torch.zeros(2, 1),
        torch.full((2, 1), torch.nan),
        torch.ones(1, dtype=torch.bool),
        torch.zeros(1, dtype=torch.int32),
        torch.ones(1, dtype=torch.int8),
    )
    done = finish_indexed(
        neuron._model, "step", ends, neuron.params, 0.1, None, Known(settled=True, calm=True)
    )
    assert done.spiked.tolist() == [0]
    assert done.armed.tolist() == [True]


# --- what need not be looked at again ------------------------------------------------------------


def writes() -> list[tuple[str, Callable[[rb.Neuron], object]]]:
    def in_place(name: str, value: float) -> Callable[[rb.Neuron], object]:
        return lambda neuron: neuron.get_buffer(name).fill_(value)

    return [
        ("a state in place", in_place("voltage", -52.0)),
        ("a state", lambda neuron: setattr(neuron, "voltage", -52.0)),
        ("a parameter in place", in_place("volt_thresh", -74.0)),
        ("a parameter", lambda neuron: setattr(neuron, "volt_thresh", -74.0)),
        ("who is armed, in place", in_place("armed", 0)),
        ("a refractory period, in place", in_place("hold", 3)),
        ("who spiked, in place", in_place("spiked", 1)),
        ("a kick", lambda neuron: neuron.inject(30.0)),
    ]


@pytest.mark.parametrize(("what", "write"), writes(), ids=[what for what, _ in writes()])
def test_whoever_changes_a_neuron_between_two_steps_is_heeded(what, write):
    # One has taken quiet steps, so that much is known of it; the other is the same by value alone.
    seasoned = rb.create("lif", 3)
    for _ in range(5):
        seasoned(100.0)
    fresh = rb.create("lif", 3)
    fresh.load_state_dict(seasoned.state_dict())
    write(seasoned)
    write(fresh)
    for _ in range(40):
        one, other = seasoned(100.0), fresh(100.0)
        assert all(torch.equal(one[name], other[name]) for name in one)
    assert all(torch.equal(seasoned.state[name], fresh.state[name]) for name in ("armed", "hold"))


def test_an_input_that_is_changed_in_place_is_looked_at_again():
    class Forwards(rb.SpikingNeuron):
        voltage = rb.State(0.0, unit="mV")

        @staticmethod
        def derivatives(state: Any, params: Any, data: Any) -> Any:
            return {"voltage": 0.0 * data}

        @staticmethod
        def threshold(state: Any, params: Any) -> Any:
            return state.voltage - 1.0

    neuron, current = Forwards(), torch.ones(1)
    for _ in range(3):
        neuron.advance(current)
    current.fill_(torch.inf)
    with pytest.raises(rb.errors.InputError, match="inf"):
        neuron.advance(current)


def test_what_a_step_gave_is_its_own_also_where_nothing_happens():
    neuron = rb.create("lif", 2)
    first = neuron(100.0)
    before = {name: value.clone() for name, value in first.items()}
    for value in first.values():
        value.fill_(1)
    second = neuron(100.0)
    assert second["spiked"].tolist() == before["spiked"].tolist() == [0, 0]


def test_a_state_without_who_may_spike_is_refused():
    neuron = rb.create("lif")
    state = {name: value for name, value in neuron.state.items() if name != "armed"}
    with pytest.raises(ArgumentError, match=r"no 'armed'.*neuron\.state"):
        neuron.step(state, neuron.params, neuron.prepare(1.0), 0.1)


# --- how it goes through the house ---------------------------------------------------------------


def walked(neuron: rb.Neuron, data: Any) -> tuple[int, set[str]]:
    """The calls of the project's own functions in a step, and the files that they stand in."""
    calls: list[str] = []

    def note(frame: Any, event: str, _: Any) -> None:
        if event == "call" and any(part in frame.f_code.co_filename for part in PROJECT):
            calls.append(frame.f_code.co_filename)

    for _ in range(5):
        neuron(data)
    sys.setprofile(note)
    try:
        neuron(data)
    finally:
        sys.setprofile(None)
    return len(calls), set(calls)


@pytest.mark.parametrize(("event", "most"), [("crossing", 50), ("located", 100)])
def test_a_quiet_step_makes_few_calls(event, most):
    calls, files = walked(rb.create("lif", event=event), torch.tensor([50.0]))
    assert 20 < calls <= most  # more than nothing: the counter sees them
    assert len(files) <= 22


@pytest.mark.parametrize("order", TABLEAUS)
def test_the_plan_of_a_method_is_its_tableau(order):
    table = TABLEAUS[order]
    stages = plan(table)
    known: set[int] = set()
    for index, stage in enumerate(stages):
        assert stage.c == table.c[index]
        assert dict(stage.terms) == {at: weight for at, weight in enumerate(table.a[index]) if weight}
        assert {at for at, _ in stage.terms} <= known
        known = (known | {index}) - set(stage.spent)
        assert stage.share * table.b[-1] == pytest.approx(table.b[index])
    assert not known


def given_step(neuron: rb.Neuron, current: Tensor) -> dict[str, Tensor]:
    return neuron.step(neuron.state, neuron.params, neuron.prepare(current), neuron.dt)[1]


@pytest.mark.parametrize("event", ["crossing", "step", "located"])
def test_the_pure_step_gives_what_the_neuron_gives(event):
    neuron = rb.create("lif", 4, event=event)
    current = torch.tensor([100.0, 300.0, 500.0, 900.0])
    for _ in range(120):
        pure = given_step(neuron, current)
        own = neuron.advance(neuron.prepare(current))
        for name in own:
            if name != "spike_times":
                assert torch.equal(pure[name], own[name]), name


def test_a_promise_of_one_method_is_none_of_a_method_made_of_it():
    class Keeps(rb.RungeKutta):
        def advance(self, *given: Any, **named: Any) -> Any:
            self.last = super().advance(*given, **named)
            return self.last

    class Renamed(rb.RungeKutta):
        pass

    assert rb.RungeKutta.fresh
    assert Renamed.fresh
    assert not Keeps.fresh
    for model in ("lif", "leaky-integrator"):
        neuron = rb.create(model, integrator=Keeps())
        neuron(50.0)
        before = neuron.voltage.clone()
        neuron.integrator.last.y.fill_(7.0)
        assert torch.equal(neuron.voltage, before)


# --- what a second look found ---------------------------------------------------------------------


def seasoned(**options: Any) -> rb.Neuron:
    neuron = rb.create("lif", **options)
    for _ in range(4):
        neuron(100.0)
    return neuron


def test_the_gradient_with_respect_to_a_state_that_was_made_a_leaf_is_not_lost():
    neuron = seasoned()
    start = neuron.voltage.requires_grad_(True)
    neuron(100.0)["voltage"].sum().backward()
    # dV/dt = (RI - V) / tau: dV(t + dt) / dV(t) = exp(-dt / tau) but for RK4's error.
    assert start.grad is not None
    assert float(start.grad) == pytest.approx(float(torch.exp(-neuron.dt / neuron.tau_mem)), rel=1e-6)


def test_data_that_is_put_in_place_of_a_states_is_seen():
    neuron = seasoned()
    neuron.voltage.data = torch.tensor([-60.0])
    assert float(neuron(0.0)["voltage"]) == pytest.approx(-60.0, abs=1.0)


@pytest.mark.parametrize("event", ["crossing", "step"])
def test_a_batch_without_rows_is_stepped(event):
    neuron = rb.create("lif", event=event)
    for _ in range(4):
        assert neuron(torch.zeros(0, 1))["voltage"].shape == (0, 1)


def test_the_pure_step_hands_on_nothing_of_what_it_was_given():
    neuron = seasoned()
    new, _ = neuron.step(neuron.state, neuron.params, neuron.prepare(100.0), neuron.dt)
    for name in ("armed", "hold", "voltage"):
        before = neuron.get_buffer(name).clone()
        new[name].fill_(7)
        assert torch.equal(neuron.get_buffer(name), before)


def test_a_state_from_inference_mode_is_none_for_long():
    neuron = rb.create("lif", tau_ref=0.3)
    with torch.inference_mode():
        neuron(100.0)
        neuron.inject(60.0)
        for _ in range(8):
            neuron(100.0)
    for _ in range(5):
        neuron(100.0)
    assert not neuron.hold.is_inference()
    neuron.hold.fill_(0)


def test_a_hook_that_kicks_leaves_no_graph_in_the_neuron():
    neuron = seasoned()
    weight = torch.ones(1, requires_grad=True)
    neuron.register_forward_hook(lambda module, given, out: module.inject(weight * 1.0))
    neuron(100.0)
    assert not neuron.voltage.requires_grad
    assert not neuron(100.0)["voltage"].requires_grad


def test_a_commit_of_an_authors_own_is_shown_each_step():
    seen = []

    class Watched(Weighed):
        def commit(self, state: Any, outputs: Any) -> None:
            seen.append(sorted(state))
            super().commit(state, outputs)

    neuron, plain = Watched(), Weighed()
    for _ in range(60):
        one, other = neuron(3.0), plain(3.0)
        assert all(torch.equal(one[name], other[name]) for name in one)
    assert seen == [["armed", "carry", "hold", "voltage", "w"]] * 60


def test_draws_without_a_clock_are_refused():
    class Noisy(Weighed):
        again = rb.Draw("uniform", doc="where it begins again")

        @staticmethod
        def reset(state: Any, params: Any) -> Any:
            return {"voltage": -params.again}

    neuron = Noisy()
    state = {name: value for name, value in neuron.state.items() if name != "step_count"}
    with pytest.raises(ArgumentError, match="no 'step_count'"):
        neuron.step(state, neuron.params, neuron.prepare(1.0), 0.1)


@pytest.mark.filterwarnings("ignore")  # of torch, on what is traced
def test_what_is_traced_goes_on_from_the_state_that_it_finds():
    neuron = Weighed()
    for _ in range(3):
        neuron(torch.zeros(1))
    with torch.no_grad():
        traced = torch.jit.trace(neuron, (torch.zeros(1),), strict=False, check_trace=False)
    traced.voltage.fill_(0.5)
    assert float(traced(torch.zeros(1))["voltage"]) == pytest.approx(0.5, abs=0.02)


def test_a_status_is_dropped_with_the_integrator_that_marks():
    neuron = rb.create("lif", integrator=rb.integrator("rk45", on_failure="mark"))
    neuron(torch.full((2, 1), 100.0))
    neuron.integrator = rb.RungeKutta()
    neuron.reset_state()
    assert "status" not in dict(neuron.named_buffers())
    assert neuron(100.0)["voltage"].shape == (1,)


def test_an_input_with_a_graph_leaves_none_behind_where_none_is_kept():
    neuron, current = seasoned(), torch.ones(1, requires_grad=True)
    with torch.no_grad():
        neuron.advance(current)
    assert not neuron.input.requires_grad

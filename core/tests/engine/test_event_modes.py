"""What the reset receives, in each event mode. All values by hand: V = I t and trace = t are lines."""

from __future__ import annotations

import pytest
import rheobase as rb
import torch
from rheobase.errors import ArgumentError


@pytest.fixture(scope="module")
def watcher(ramp):
    """A ramp whose reset keeps what it was given: voltage -> minus the trace that it saw."""

    class Watcher(ramp):
        seen = rb.State(0.0, unit="mV")

        @staticmethod
        def derivatives(state, params, data):
            return {"voltage": data, "trace": params.rate, "seen": 0.0}

        @staticmethod
        def reset(state, params):
            return {"voltage": -state.trace, "seen": state.voltage}

    return Watcher


def test_crossing_gives_the_interpolated_state_to_the_reset(watcher):
    neuron = rb.create(watcher, dt=1.0, dtype=torch.float64)
    for _ in range(3):
        out = neuron(4.0)  # 4, 8, then 10 at t = 2.5
    assert out["spiked"].tolist() == [1]
    assert neuron.seen.tolist() == [10.0]
    assert neuron.voltage.tolist() == [-2.5]


def test_crossing_leaves_unnamed_states_at_their_interpolated_value(ramp):
    neuron = rb.create(ramp, dt=1.0, dtype=torch.float64)
    for _ in range(3):
        neuron(4.0)
    assert neuron.voltage.tolist() == [0.0]
    assert neuron.trace.tolist() == [2.5]


def test_step_gives_the_end_of_the_step_to_the_reset(watcher):
    neuron = rb.create(watcher, dt=1.0, event="step", dtype=torch.float64)
    for _ in range(3):
        out = neuron(4.0)
    assert out["spiked"].tolist() == [1]
    assert neuron.seen.tolist() == [12.0]
    assert neuron.voltage.tolist() == [-3.0]
    assert neuron.trace.tolist() == [3.0]


@pytest.mark.parametrize("event", ["crossing", "step"])
@pytest.mark.parametrize("empty", [True, False], ids=["returns nothing", "is not defined"])
def test_a_reset_that_names_no_state_leaves_the_result_of_the_step(event, empty):
    class Smooth(rb.SpikingNeuron):
        voltage = rb.State(0.0, unit="mV")
        trace = rb.State(0.0, unit="1")

        @staticmethod
        def derivatives(state, params, data):
            return {"voltage": data, "trace": 1.0}

        @staticmethod
        def threshold(state, params):
            return state.voltage - 10.0

    class Empty(Smooth):
        @staticmethod
        def reset(state, params):
            return {}

    neuron = rb.create(Empty if empty else Smooth, dt=1.0, event=event)
    spikes = [int(neuron(4.0)["spiked"]) for _ in range(4)]
    assert spikes == [0, 0, 1, 0]
    assert (neuron.voltage.tolist(), neuron.trace.tolist()) == ([16.0], [4.0])


def test_a_kick_above_threshold_crosses_at_the_start_of_the_step(watcher):
    neuron = rb.create(watcher, dt=1.0, dtype=torch.float64)
    neuron(4.0)
    neuron.inject(20.0)
    assert neuron(4.0)["spiked"].tolist() == [1]
    assert neuron.seen.tolist() == [24.0]
    assert neuron.voltage.tolist() == [-1.0]


def test_a_spike_at_the_end_of_a_hold_sees_the_end_of_the_step(watcher):
    neuron = rb.create(watcher, dt=1.0, tau_ref=2.0, dtype=torch.float64)
    neuron.inject(12.0)
    neuron(0.0)
    neuron.inject(30.0)
    assert [int(neuron(0.0)["spiked"]) for _ in range(2)] == [0, 1]
    # The trace is not held; it went on from 0, the crossing of the kick, for the two steps of the hold.
    assert neuron.voltage.tolist() == [-2.0]


def test_the_interpolation_is_per_unit_and_per_batch(ramp):
    neuron = rb.create(ramp, 2, dt=1.0, dtype=torch.float64, rate=torch.tensor([1.0, 2.0]))
    neuron(torch.tensor([[20.0, 40.0], [12.5, 5.0]]))
    assert neuron.spiked.tolist() == [[1, 1], [1, 0]]
    assert neuron.trace.tolist() == [[0.5, 0.5], [0.8, 2.0]]


def test_an_own_update_is_tested_and_reset_by_the_classical_rule(ramp):
    class Jump(ramp):
        kind = rb.Option("update", "equations")

        @staticmethod
        def update(state, params, data, dt):
            if params.kind == "equations":
                return NotImplemented
            return {"voltage": state.voltage + dt * data, "trace": state.trace + 7.0}

    own = rb.create(Jump, dt=1.0, tau_ref=2.0)
    assert [int(own(4.0)["spiked"]) for _ in range(3)] == [0, 0, 1]
    assert own.trace.tolist() == [21.0]
    own(4.0)  # held, all but the trace
    assert (own.voltage.tolist(), own.trace.tolist()) == ([0.0], [28.0])
    left = rb.create(Jump, dt=1.0, kind="equations")
    for _ in range(3):
        left(4.0)
    assert left.trace.tolist() == [2.5]


@pytest.mark.parametrize(
    ("event", "words"), [("crosing", "did you mean 'crossing'"), (None, "crossing, step, located")]
)
def test_another_event_mode_is_refused(lif, event, words):
    with pytest.raises(ArgumentError, match=words):
        rb.create(lif, event=event)


def test_the_default_is_crossing(lif):
    assert rb.create(lif).event == "crossing"

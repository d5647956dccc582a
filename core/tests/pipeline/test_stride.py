"""Traces with a stride: every n-th row of the run without one, and all of its spikes."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rheobase as rb
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rheobase import errors, stimulus

NOISE = stimulus.OrnsteinUhlenbeck(150.0, 100.0, tau=5.0, seed=3)
ALL = ("spikes", "voltage", "input", "spiked")


def simulate(neuron, *args, **kwargs):
    return rb.simulate(neuron, *args, backend="eager", **kwargs)


def triples(recording):
    spikes = recording.spikes
    return list(zip(spikes.times.tolist(), spikes.units.tolist(), spikes.batch.tolist(), strict=True))


@settings(max_examples=15, deadline=None)
@given(
    steps=st.integers(1, 300),
    every=st.integers(1, 320),
    before=st.integers(0, 7),
    batch=st.sampled_from([(), (2,)]),
    grad=st.booleans(),
)
def test_a_trace_is_every_nth_row_of_the_whole_one_counted_from_the_start_of_the_run(
    lif, steps, every, before, batch, grad
):
    rows = NOISE.rows(0, before + steps, 0.1, 3)
    rows = rows.view(-1, *([1] * len(batch)), 3).expand(-1, *batch, 3)
    found = []
    for stride in (1, every):
        neuron = rb.create(lif, 3)
        if before:
            simulate(neuron, rows[:before])
        found.append(simulate(neuron, rows[before:], record=ALL, grad=grad, every=stride))
    whole, part = found
    assert triples(part) == triples(whole)
    assert (part.every, part.steps, part.duration) == (every, steps, whole.duration)
    assert part.times.tolist() == [(before + every * (n + 1)) * 0.1 for n in range(steps // every)]
    assert torch.equal(part.counts(), whole.counts())
    for name, trace in whole.traces.items():
        assert part.traces[name].shape == (steps // every, *batch, 3)
        assert part.traces[name].dtype == trace.dtype
        assert torch.equal(part.traces[name], trace[every - 1 :: every])


def test_spikes_between_the_rows_are_recorded(lif):
    recording = simulate(rb.create(lif), 150.0, 100.0, record=("spikes", "spiked"), every=1000)
    assert len(recording.spikes) > 5
    assert recording.traces["spiked"].shape == (1, 1)


def test_only_the_rows_that_are_kept_take_memory(lif):
    recording = simulate(rb.create(lif, 10), 150.0, 100.0, record="voltage", every=40)
    trace = recording.traces["voltage"]
    assert trace.untyped_storage().nbytes() == (1000 // 40) * 10 * trace.element_size()


def test_gradients_flow_through_the_rows_that_are_kept(lif):
    slopes = []
    for stride, rows in ((1, slice(4, None, 5)), (5, slice(None))):
        current = torch.full((20, 1), 50.0, dtype=torch.float64, requires_grad=True)
        neuron = rb.create(lif, dtype=torch.float64)
        trace = simulate(neuron, current, record="voltage", grad=True, every=stride).traces["voltage"]
        slopes.append(torch.autograd.grad(trace[rows].square().sum(), current)[0])
    assert torch.equal(*slopes)
    assert bool((slopes[0] != 0).all())


def test_ctrl_c_leaves_the_rows_up_to_it(lif):
    class Stopping(lif):
        calls = 0

        @staticmethod
        def derivatives(state, params, data):
            Stopping.calls += 1
            if Stopping.calls == 4 * 37 + 2:  # in the second stage of step 37
                raise KeyboardInterrupt
            return lif.derivatives(state, params, data)

    truth = simulate(rb.create(lif), 150.0, 3.7, record="voltage").traces["voltage"]
    for grad in (False, True):
        Stopping.calls = 0
        with pytest.raises(rb.SimulationInterrupted) as caught:
            simulate(rb.create(Stopping), 150.0, 30.0, record="voltage", grad=grad, every=5)
        recording = caught.value.recording
        assert (recording.steps, recording.every, recording.complete) == (37, 5, False)
        assert torch.equal(recording.traces["voltage"], truth[4::5])
        assert len(recording.times) == 7


@pytest.mark.parametrize("every", [0, -3, True, 2.0, "2", None])
def test_a_stride_that_is_no_integer_from_1_up_is_refused_before_the_run(lif, every):
    neuron = rb.create(lif)
    with pytest.raises(errors.ArgumentError, match=r"every=.* cannot be used; give an integer from 1 up"):
        simulate(neuron, 150.0, 5.0, record="voltage", every=every)
    assert neuron.simulation_step == 0


def test_a_file_keeps_the_stride_and_one_from_before_has_every_row(lif, tmp_path):
    path = tmp_path / "run.npz"
    recording = simulate(rb.create(lif), 150.0, 10.0, record="voltage", every=7)
    recording.save(path)
    back = rb.Recording.load(path)
    assert back.every == 7
    assert torch.equal(back.times, recording.times)
    assert torch.equal(back.traces["voltage"], recording.traces["voltage"])
    simulate(rb.create(lif), 150.0, 10.0, record="voltage").save(path)
    with np.load(path) as file:
        arrays = dict(file)
    about = json.loads(str(arrays["about"]))
    del about["every"], about["digests"], arrays["digest"]
    np.savez(path, **{**arrays, "about": np.array(json.dumps(about))})
    assert rb.Recording.load(path).every == 1

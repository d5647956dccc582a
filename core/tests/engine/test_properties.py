"""What holds for every model made of + - * /: units never interact, and a run is a run of its parts."""

from __future__ import annotations

import copy

import pytest
import rheobase as rb
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.func import vmap

few = settings(max_examples=8, deadline=None)
seeds = st.integers(0, 2**31)


@pytest.fixture(scope="session")
def make(coupled, lif):
    """An ensemble of one of the models, its parameters and a drive that makes some units spike."""

    def build(which, units, seed, event="crossing", take=None, dtype=torch.float32):
        generator = torch.Generator().manual_seed(seed)

        def draw(low, high, *shape):
            return low + (high - low) * torch.rand(*shape, generator=generator, dtype=torch.float64)

        if which == "lif":
            model, scale = lif, 1500.0
            params = {
                "tau_mem": draw(2, 10, units),
                "tau_ref": draw(0, 2, units),
                "leak_gl": draw(3, 9, units),
            }
        else:
            model, scale = coupled, 120.0
            params = {"d": draw(0, 9, units), "tau_ref": draw(0, 2, units), "c": draw(-65, -50, units)}
        drive = draw(-0.2 * scale, scale, 60, units)
        if take is not None:
            params = {name: value[take] for name, value in params.items()}
            drive, units = drive[:, take], len(take)
        neuron = rb.create(model, units, dt=0.5, event=event, dtype=dtype, **params)
        return neuron, drive.to(dtype)

    return build


def run(step, drive):
    outputs = [step(row) for row in drive]
    return {name: torch.stack([out[name] for out in outputs]) for name in outputs[0]}


def same(one, other):
    for name in other:
        assert torch.equal(one[name], other[name]), name


models = st.sampled_from(["lif", "coupled"])
events = st.sampled_from(["crossing", "step"])


@few
@given(which=models, event=events, units=st.integers(1, 40), seed=seeds, data=st.data())
def test_units_permuted_do_the_same_to_the_bit(make, which, event, units, seed, data):
    order = torch.tensor(data.draw(st.permutations(range(units))))
    neuron, drive = make(which, units, seed, event)
    twin, shuffled = make(which, units, seed, event, take=order)
    expected = run(neuron, drive)
    same(run(twin, shuffled), {name: value[:, order] for name, value in expected.items()})


@few
@given(which=models, event=events, units=st.integers(2, 40), seed=seeds, data=st.data())
def test_a_unit_alone_does_the_same_as_among_others_to_the_bit(make, which, event, units, seed, data):
    place = data.draw(st.integers(0, units - 1))
    neuron, drive = make(which, units, seed, event)
    alone, own = make(which, units, seed, event, take=torch.tensor([place]))
    expected = run(neuron, drive)
    same(run(alone, own), {name: value[:, place : place + 1] for name, value in expected.items()})


@few
@given(which=models, event=events, units=st.integers(1, 9), rows=st.integers(1, 5), seed=seeds)
def test_a_row_of_a_batch_does_the_same_as_without_the_batch(make, which, event, units, rows, seed):
    neuron, drive = make(which, units, seed, event)
    scales = torch.linspace(0.3, 1.0, rows).reshape(-1, 1)
    batched = run(neuron, drive.unsqueeze(1) * scales)
    for row in range(rows):
        single, _ = make(which, units, seed, event)
        same(run(single, drive * scales[row]), {name: value[:, row] for name, value in batched.items()})


@few
@given(which=models, units=st.integers(1, 8), seed=seeds, cut=st.integers(1, 59))
def test_a_run_saved_and_loaded_in_the_middle_goes_on_to_the_bit(make, which, units, seed, cut):
    neuron, drive = make(which, units, seed)
    whole = run(neuron, drive)
    first, _ = make(which, units, seed)
    run(first, drive[:cut])
    saved = {name: value.clone() for name, value in first.state_dict().items()}
    second, _ = make(which, units, seed + 1)
    run(second, drive[:3])
    second.load_state_dict(saved)
    rest = {name: value[cut:] for name, value in whole.items()}
    same(run(second, drive[cut:]), rest)
    same(run(copy.deepcopy(first), drive[cut:]), rest)


@few
@given(units=st.integers(1, 5), seed=seeds, cut=st.integers(1, 59))
def test_running_on_is_the_same_as_running_through(make, units, seed, cut):
    neuron, drive = make("coupled", units, seed)
    whole = rb.simulate(neuron, drive, backend="eager")
    parted, _ = make("coupled", units, seed)
    parts = [rb.simulate(parted, rows, backend="eager") for rows in (drive[:cut], drive[cut:])]
    assert torch.equal(torch.cat([part.spikes.units for part in parts]), whole.spikes.units)
    # Times count from the neuron's clock; the same products of step and dt.
    assert torch.equal(torch.cat([part.spikes.times for part in parts]), whole.spikes.times)
    same(parted.state_dict(), neuron.state_dict())


@few
@given(which=models, event=events, units=st.integers(1, 12), seed=seeds)
def test_selecting_among_all_units_agrees_with_working_on_those_that_spiked(make, which, event, units, seed):
    # Under vmap all units are worked on and selected; in plain eager only those that spiked.
    neuron, drive = make(which, units, seed, event)
    twin = copy.deepcopy(neuron)

    def eager(row):
        return {**neuron(row), "armed": neuron.armed}

    expected = run(eager, drive)
    assume(bool(expected["spiked"].any()))
    state = twin.state

    def one(current):
        new, outputs = twin.step({**state, "carry": None}, twin.params, current, twin.dt)
        del new["carry"]  # None, which vmap cannot return
        return new, {name: outputs[name] for name in ("voltage", "spiked")}

    for number, row in enumerate(drive):
        new, outputs = vmap(one)(row.unsqueeze(0))
        state = {name: value[0] for name, value in new.items()}
        for name, value in {**outputs, "armed": new["armed"]}.items():
            assert torch.equal(value[0], expected[name][number]), name


@few
@given(units=st.integers(1, 6), seed=seeds, kicks=st.lists(st.floats(-50, 60), min_size=1, max_size=6))
def test_whatever_the_kicks_states_stay_finite_and_spikes_are_0_or_1(make, units, seed, kicks):
    neuron, drive = make("lif", units, seed)
    for kick, row in zip(kicks * 4, drive, strict=False):
        neuron.inject(kick)
        out = neuron(row)
        assert bool(out["voltage"].isfinite().all())
        assert set(out["spiked"].flatten().tolist()) <= {0, 1}
        # A spike leaves the reset behind, and a unit at the reset is armed.
        where = out["spiked"].bool()
        assert torch.equal(out["voltage"][where], neuron.volt_reset.expand(units)[where])
        assert bool(neuron.armed[where].all())

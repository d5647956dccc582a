"""Spikes at given times: on the grid, and exactly."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import pytest
import rheobase as rb
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rheobase.errors import ParameterError


def spikes(times: Any, duration: float, **given: Any) -> list[list[float]]:
    source = rb.create("spike-times", times=times, **{"dt": 0.1, **given})
    found = rb.simulate(source, rb.stimulus.Constant(0.0), duration=duration).spikes
    return [found.times[found.units == unit].tolist() for unit in range(len(times))]


@settings(max_examples=20, deadline=None)
@given(
    times=st.lists(st.lists(st.floats(1e-3, 2.0), max_size=6), min_size=1, max_size=4),
    dt=st.sampled_from([0.1, 0.2, 0.25]),
)
def test_located_times_are_kept_to_the_last_bit(times: list[list[float]], dt: float) -> None:
    found = spikes(times, 2.0, event="located", dt=dt)
    assert found == [sorted(row) for row in times]


@pytest.mark.parametrize("dt", [0.1, 0.2, 0.05])
def test_a_multiple_of_dt_is_the_end_of_its_own_step(dt: float) -> None:
    """0.3 / 0.1, 0.7 / 0.1 and 2.3 / 0.1 are below a whole number in floating point."""
    steps = range(1, 500)
    source = rb.create("spike-times", times=[[step * dt for step in steps]], dt=dt)
    labels = [step for step in range(1, 502) if int(source(0.0)["spiked"])]
    assert labels == list(steps)
    decimal = rb.create("spike-times", times=[[0.3, 0.7, 2.3]], dt=0.1)
    assert [step for step in range(1, 31) if int(decimal(0.0)["spiked"])] == [3, 7, 23]


def test_what_lies_within_a_step_counts_at_its_end_on_the_grid() -> None:
    assert spikes([[0.51], [], [0.0001]], 2.0, dt=0.5) == [[1.0], [], [0.5]]


def test_copies_go_on_where_it_stands() -> None:
    source = rb.create("spike-times", times=[[0.2, 0.9], [0.5]], dt=0.1)
    for _ in range(4):
        source(0.0)
    others = [copy.deepcopy(source), pickle.loads(pickle.dumps(source))]
    fresh = rb.create("spike-times", times=[[0.2, 0.9], [0.5]], dt=0.1)
    fresh.load_state_dict(source.state_dict())
    for _ in range(8):
        here = source(0.0)["spiked"].tolist()
        assert all(other(0.0)["spiked"].tolist() == here for other in (*others, fresh))
    source.reset_state()
    assert [int(source(0.0)["spiked"][0]) for _ in range(3)] == [0, 1, 0]


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ([[0.0]], "a time of unit 0 is 0.0; times are finite and above 0"),
        ([[1.0], [-1.0]], "a time of unit 1 is -1.0"),
        ([[math.nan]], "a time of unit 0 is nan"),
        ([1.0, 2.0], r"the times of unit 0 have shape \[\]"),
        ([["soon"]], r"the times of unit 0 are \['soon'\]; give numbers"),
        ([], r"times is \[\]; give a list of times for each unit"),
        ([[0.3], [0.61, 0.65]], "unit 1 has two spikes in the step that ends at 0.7 ms; create it with"),
    ],
)
def test_times_that_cannot_be_are_told(times: Any, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        rb.create("spike-times", times=times, dt=0.1)


def test_the_number_of_units_is_that_of_the_times() -> None:
    assert rb.create("spike-times", 2, times=[[1.0], []]).num_units == 2
    with pytest.raises(ParameterError, match="num_units=3, but times are given for 2"):
        rb.create("spike-times", 3, times=[[1.0], []])


def test_without_times_nobody_spikes_and_a_batch_spikes_alike() -> None:
    assert not int(rb.create("spike-times", 3)(0.0)["spiked"].sum())
    for event in ("step", "located"):
        source = rb.create("spike-times", times=[[0.1], [0.25, 0.4]], dt=0.3, event=event)
        for _ in range(2):
            out = source(torch.zeros(4, 2))
        assert out["spiked"].tolist() == [[0, 1]] * 4
        assert source.batch == (4,)
        if event == "located":
            assert out["spike_times"][:, 1].tolist() == [[0.4]] * 4


def test_it_drives_a_population_on_the_grid() -> None:
    from .cells import Membrane

    net = rb.Network()
    net.add("source", rb.create("spike-times", times=[[0.5], [1.0]], dt=0.5, dtype=torch.float64))
    net.add("target", rb.create(Membrane, 2, dt=0.5, dtype=torch.float64))
    net.connect("source", "target", rb.rule("one-to-one"), rb.synapse("delta"), weight=3.0, delay=0.5)
    seen = torch.stack([net()["target"]["voltage"] for _ in range(4)]) + 60.0
    first = torch.nonzero(seen > 1.0)
    assert first[:1].tolist() == [[1, 0]]
    assert seen[1].tolist() == [3.0, 0.0]
    assert float(seen[2, 1]) == 3.0

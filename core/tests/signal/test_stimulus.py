"""Stimuli against their formulas, step by step, and against the promise to depend on the step alone."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rheobase import stimulus
from rheobase.errors import StimulusError
from rheobase.signal.timing import held_indices, steps_before, whole_steps


def values(of, count, dt, units=1, first=0):
    return of.rows(first, count, dt, units, dtype=torch.float64)


PER_UNIT = torch.tensor([1.0, 2.0, 3.0])
EVERY_KIND = {
    "constant": stimulus.Constant(PER_UNIT),
    "step": stimulus.Step(5.0, start=0.7, stop=2.1, base=PER_UNIT),
    "pulses": stimulus.Pulses(5.0, ((0.2, 0.4), (0.9, 1.3)), closed="neither"),
    "levels": stimulus.Levels(((0.2, 0.8, PER_UNIT), (0.5, 3.0, -1.0)), base=2.0),
    "ramp": stimulus.Ramp(PER_UNIT, start=0.3, stop=1.7, hold=False),
    "sine": stimulus.Sine(3.0, PER_UNIT * 100.0, phase=0.3, offset=1.0),
    "noise": stimulus.OrnsteinUhlenbeck(1.0, 2.0, tau=3.0, seed=4),
    "shared noise": stimulus.OrnsteinUhlenbeck(1.0, 2.0, tau=3.0, seed=4, shared=True),
    "samples": stimulus.Samples(torch.arange(40.0).reshape(-1, 1), 0.25),
}
EVERY_KIND["sum"] = EVERY_KIND["noise"] + EVERY_KIND["ramp"] + EVERY_KIND["noise"]


@pytest.mark.parametrize("kind", EVERY_KIND)
@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(0, 50), max_size=4))
def test_rows_in_pieces_are_the_rows_in_one_piece(kind, cuts):
    source = EVERY_KIND[kind]
    whole = values(source, 50, 0.1, units=3)
    edges = [0, *sorted(cuts), 50]
    pieces = [values(source, b - a, 0.1, units=3, first=a) for a, b in itertools.pairwise(edges) if b > a]
    assert torch.equal(torch.cat(pieces), whole)


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_rows_have_one_column_or_one_for_each_unit(kind):
    shape = EVERY_KIND[kind].rows(3, 7, 0.1, 3).shape
    assert shape in ((7, 1), (7, 3))
    assert EVERY_KIND[kind].rows(3, 7, 0.1, 3, dtype=torch.float64).dtype == torch.float64


def test_a_step_counts_from_its_start_up_to_but_not_including_its_stop():
    step = stimulus.Step(7.0, start=0.3, stop=0.6, base=1.0)
    assert values(step, 8, 0.1).flatten().tolist() == [1, 1, 1, 7, 7, 7, 1, 1]


@pytest.mark.parametrize(
    ("closed", "inside"),
    [("left", [3, 4, 5]), ("right", [4, 5, 6]), ("both", [3, 4, 5, 6]), ("neither", [4, 5])],
)
def test_closed_says_which_ends_of_a_window_belong_to_it(closed, inside):
    # 3 * 0.1 > 0.3 and 6 * 0.1 > 0.6 in floating point: the ends must be compared as whole steps.
    pulse = stimulus.Pulses(1.0, ((0.3, 0.6),), closed=closed)
    assert torch.nonzero(values(pulse, 10, 0.1).flatten()).flatten().tolist() == inside
    step = stimulus.Step(1.0, 0.3, 0.6, closed=closed)
    assert torch.equal(values(step, 10, 0.1), values(pulse, 10, 0.1))


@settings(max_examples=200, deadline=None)
@given(
    boundary=st.integers(0, 10**6), per_ms=st.sampled_from([1, 4, 10, 20, 40, 100, 1000]), on=st.booleans()
)
def test_boundaries_agree_with_exact_fractions(boundary, per_ms, on):
    """Truth: the number of n with n / per_ms < t, counted in rational numbers."""
    time = Fraction(boundary, per_ms) if on else Fraction(2 * boundary + 1, 2 * per_ms)
    before = math.ceil(time * per_ms)
    at_or_before = math.floor(time * per_ms) + 1
    assert steps_before(float(time), 1.0 / per_ms, including=False) == before
    assert steps_before(float(time), 1.0 / per_ms, including=True) == at_or_before


def test_a_window_that_lies_between_two_steps_is_never_seen():
    assert not values(stimulus.Pulses(1.0, ((0.31, 0.39),)), 10, 0.1).any()


def test_levels_replace_the_base_and_the_first_window_counts():
    # The rebound cell of Izhikevich (2003): -2, from 10 ms on -0.5, between 60 and 65 ms 10.
    cell = stimulus.Levels(((60.0, 65.0, 10.0), (10.0, math.inf, -0.5)), base=-2.0, closed="neither")
    got = values(cell, 281, 0.25).flatten()
    for n, value in enumerate(got.tolist()):
        t = n * 0.25
        assert value == (10.0 if 60 < t < 65 else -0.5 if t > 10 else -2.0)


def test_pulses_may_have_a_current_for_each_unit():
    pulses = stimulus.Pulses(PER_UNIT, ((1.0, 2.0),), base=-1.0)
    assert values(pulses, 3, 1.0, units=3).tolist() == [[-1, -1, -1], [1, 2, 3], [-1, -1, -1]]


@pytest.mark.parametrize("hold", [True, False])
def test_a_ramp_is_its_formula(hold):
    ramp = stimulus.Ramp(2.5, start=10.0, stop=30.0, base=-4.0, hold=hold)
    got = values(ramp, 160, 0.25).flatten()
    for n, value in enumerate(got.tolist()):
        t = n * 0.25
        after = 2.5 * 20.0 if hold else 0.0
        truth = -4.0 + (0.0 if t < 10 else 2.5 * (t - 10) if t < 30 else after)
        assert value == pytest.approx(truth, abs=1e-12)


@pytest.mark.parametrize(("dt", "n"), [(0.7, 3), (0.1, 3), (0.3, 123), (0.05, 20_001)])
def test_a_ramp_falls_at_the_step_whose_time_is_meant_by_its_stop(dt, n):
    # 3 * 0.7 < 2.1: the time of the step and the end of the ramp say one instant in different numbers.
    stop = float(f"{n * dt:.9g}")
    ramp = stimulus.Ramp(1.0, stop=stop, hold=False)
    before, at, after = ramp.rows(n - 1, 3, dt, 1, dtype=torch.float64).flatten().tolist()
    assert before == pytest.approx((n - 1) * dt, rel=1e-15)
    assert (at, after) == (0.0, 0.0)


def test_a_sine_has_its_frequency_in_hertz_at_every_dt():
    # 10 Hz has period 100 ms: quarter periods are 25 ms apart, whatever the step.
    wave = stimulus.Sine(2.0, 10.0, offset=1.0)
    for dt in (0.5, 1.0, 5.0):
        quarter = round(25.0 / dt)
        got = values(wave, 4 * quarter + 1, dt).flatten()[::quarter]
        assert torch.allclose(got, torch.tensor([1.0, 3.0, 1.0, -1.0, 1.0]).double(), atol=1e-12)


def test_a_sum_adds_numbers_and_stimuli_and_ends_with_the_shortest():
    both = 2.0 + stimulus.Samples(torch.ones(4), 0.5) + stimulus.Step(3.0, start=1.0)
    assert values(both, 4, 0.5).flatten().tolist() == [3.0, 3.0, 6.0, 6.0]
    assert both.duration == 2.0
    assert both.steps(0.5) == 4
    assert not both.constant
    assert (stimulus.Constant(1.0) + 2).constant


@settings(max_examples=100, deadline=None)
@given(
    first=st.integers(0, 10**9),
    ratio=st.fractions(Fraction(1, 400), Fraction(7, 1), max_denominator=400),
    sample=st.sampled_from([1, 2, 4, 5, 10, 20, 30, 70]),
)
def test_held_samples_are_those_of_rational_arithmetic(first, ratio, sample):
    sample_dt = Fraction(sample, 20)
    dt = sample_dt * ratio
    got = held_indices(first, 60, float(dt), float(sample_dt))
    assert got.tolist() == [math.floor(n * dt / sample_dt) for n in range(first, first + 60)]


def test_each_sample_of_a_quarter_millisecond_is_held_for_five_steps():
    held = stimulus.Samples(torch.arange(20_000.0), 0.25)
    rows = held.rows(0, 100_000, 0.05, 1).flatten()
    assert torch.equal(rows, torch.arange(20_000.0).repeat_interleave(5))
    assert held.steps(0.05) == 100_000
    assert held.duration == 5000.0


def test_steps_that_do_not_fit_whole_into_the_samples_are_not_counted():
    assert whole_steps(3, 2.0, 1.0) == 1
    assert whole_steps(10, 0.3, 0.1) == 3


def test_samples_are_scaled_in_their_own_type():
    recorded = torch.tensor([0.1, -0.3, 0.7])
    rows = stimulus.Samples(recorded, 1.0, scale=1000.0).rows(0, 3, 1.0, 1, dtype=torch.float64).flatten()
    in_float32 = torch.from_numpy(recorded.numpy() * np.float32(1000.0)).double()
    assert torch.equal(rows, in_float32)
    assert not torch.equal(rows, recorded.double() * 1000.0)


def test_samples_refuse_a_step_beyond_their_end():
    with pytest.raises(StimulusError, match=r"4 samples of 0\.5 ms and lasts 2 ms; step 4 at 2 ms"):
        stimulus.Samples(torch.ones(4), 0.5).rows(2, 3, 0.5, 1)


def test_an_amplitude_that_learns_keeps_its_graph():
    amplitude = torch.tensor([1.0, 2.0], requires_grad=True)
    for source in (stimulus.Constant(amplitude), stimulus.Step(amplitude), stimulus.Ramp(amplitude)):
        amplitude.grad = None
        source.rows(0, 3, 1.0, 2).sum().backward()
        # Three steps of the amplitude itself, or t = 0 + 1 + 2 ms of the ramp: a slope of 3 in each case.
        assert amplitude.grad.tolist() == [3.0, 3.0]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: stimulus.Constant(math.nan), r"Constant\(amplitude=nan\).*finite number"),
        (lambda: stimulus.Constant("200"), r"Constant\(amplitude='200'\)"),
        (lambda: stimulus.Constant(True), r"Constant\(amplitude=True\)"),
        (lambda: stimulus.Constant(torch.tensor([1, 2])), r"torch\.int64.*floating-point"),
        (lambda: stimulus.Constant(torch.ones(2, dtype=torch.complex64)), r"complex64"),
        (lambda: stimulus.Constant(torch.tensor([1.0, math.inf])), r"unit 1 has inf"),
        (lambda: stimulus.Step(torch.ones(3, 2)), r"\[3, 2\].*Samples"),
        (lambda: stimulus.Step(1.0, start=5.0, stop=5.0), r"stop=5\.0\).*above 5"),
        (lambda: stimulus.Pulses(1.0, ((3.0, 2.0),)), r"windows\[0\] stops at 2\.0 ms and starts at 3\.0"),
        (lambda: stimulus.Pulses(1.0, ()), r"windows=\(\)\).*\(start, stop\)"),
        (lambda: stimulus.Pulses(1.0, ((1.0, 2.0, 3.0),)), r"windows\[0\] is \(1\.0, 2\.0, 3\.0\)"),
        (lambda: stimulus.Pulses(1.0, ((0.0, 1.0),), closed="lefd"), r"did you mean 'left'"),
        (lambda: stimulus.Levels(((0.0, 1.0, math.nan),)), r"levels\[0\]\.amplitude=nan"),
        (lambda: stimulus.Levels(((0.0, 1.0, PER_UNIT),), base=torch.ones(2)), r"base has 2, .* has 3 units"),
        (lambda: stimulus.Ramp(math.inf), r"Ramp\(slope=inf\)"),
        (lambda: stimulus.Sine(1.0, math.nan), r"Sine\(frequency=nan\)"),
        (lambda: stimulus.Samples(torch.ones(0), 1.0), r"shape \[0\]"),
        (lambda: stimulus.Samples(torch.ones(3), 0.0), r"sample_dt=0\.0\).*above 0"),
        (lambda: stimulus.Samples(torch.ones(3, dtype=torch.int32), 1.0), r"torch\.int32"),
        (lambda: stimulus.Samples([1.0, math.nan], 1.0), r"sample 1 of column 0 is nan"),
        (lambda: stimulus.Samples([[1.0], [1.0, 2.0]], 1.0), r"list cannot be used"),
        (lambda: stimulus.Constant(PER_UNIT) + stimulus.Constant(torch.ones(2)), r"for 2 and for 3 units"),
        (lambda: stimulus.OrnsteinUhlenbeck(0.0, -1.0, 5.0, 1), r"std=-1\.0"),
        (lambda: stimulus.OrnsteinUhlenbeck(0.0, 1.0, 0.0, 1), r"tau=0\.0\).*above 0"),
        (lambda: stimulus.OrnsteinUhlenbeck(0.0, 1.0, 5.0, 1.5), r"seed=1\.5"),
        (lambda: stimulus.OrnsteinUhlenbeck(0.0, 1.0, 5.0, -1), r"seed=-1"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name_and_value(make, says):
    with pytest.raises(StimulusError, match=says):
        make()

"""The Ornstein-Uhlenbeck process against its closed form; bounds are four standard errors."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest
import torch
from rheobase import stimulus

MEAN, STD, TAU = 200.0, 100.0, 5.0
UNITS = 4000


def paths(dt, steps, seed=7, units=UNITS):
    noise = stimulus.OrnsteinUhlenbeck(MEAN, STD, TAU, seed=seed)
    return noise.rows(0, steps, dt, units, dtype=torch.float64)


# dt = 3 tau as well: an Euler step, which is right only for dt far below tau, would show there.
@pytest.mark.parametrize("dt", [0.1, 1.0, 15.0])
def test_mean_and_deviation_are_stationary_from_the_first_step_on(dt):
    rows = paths(dt, 120)
    for step in (0, 1, 50, 119):
        sample = rows[step]
        # The units are independent: the error of their mean is STD / sqrt(n), that of their
        # variance STD**2 sqrt(2 / n).
        assert abs(sample.mean() - MEAN) < 4 * STD / math.sqrt(UNITS)
        assert abs(sample.var() - STD**2) < 4 * STD**2 * math.sqrt(2 / UNITS)


@pytest.mark.parametrize("dt", [0.1, 1.0, 5.0])
def test_the_autocorrelation_falls_exponentially_with_tau(dt):
    rows = paths(dt, 101)
    for lag in (1, 10, 50):
        truth = math.exp(-lag * dt / TAU)
        got = np.corrcoef(rows[50].numpy(), rows[50 + lag].numpy())[0, 1]
        # The standard error of a correlation of n Gaussian pairs.
        assert abs(got - truth) < 4 * (1 - truth**2) / math.sqrt(UNITS) + 1e-9


def test_the_time_average_of_one_path_is_the_mean():
    duration, dt = 20_000.0, 0.5
    path = paths(dt, round(duration / dt), units=1)
    # The variance of the time average is 2 STD^2 tau / T for T far above tau.
    assert abs(path.mean() - MEAN) < 4 * STD * math.sqrt(2 * TAU / duration)


def test_the_paths_are_gaussian():
    sample = ((paths(1.0, 30)[29] - MEAN) / STD).sort().values
    grid = (torch.arange(UNITS, dtype=torch.float64) + 0.5) / UNITS
    normal = 0.5 * (1 + torch.erf(sample / math.sqrt(2)))
    # Kolmogorov-Smirnov: 1.95 / sqrt(n) is passed by one sample in a thousand.
    assert (normal - grid).abs().max() < 1.95 / math.sqrt(UNITS)


def test_units_are_independent_unless_shared():
    rows = stimulus.OrnsteinUhlenbeck(0.0, 1.0, 1.0, seed=3).rows(0, 4000, 10.0, 2)
    # Ten correlation times apart, steps are independent: the error of a correlation of 0 is 1/sqrt(n).
    assert abs(np.corrcoef(rows.numpy().T)[0, 1]) < 4 / math.sqrt(4000)
    shared = stimulus.OrnsteinUhlenbeck(0.0, 1.0, 1.0, seed=3, shared=True).rows(0, 10, 10.0, 2)
    assert shared.shape == (10, 1)


def test_a_seed_gives_one_path_and_another_seed_another():
    assert torch.equal(paths(0.1, 40, seed=5, units=3), paths(0.1, 40, seed=5, units=3))
    assert not torch.equal(paths(0.1, 40, seed=5, units=3), paths(0.1, 40, seed=6, units=3))


def test_the_path_of_a_unit_does_not_depend_on_how_many_there_are():
    assert torch.equal(paths(0.1, 40, units=7)[:, :3], paths(0.1, 40, units=3))


def test_noise_neither_reads_nor_moves_the_global_generators():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first = paths(0.1, 20, units=2)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(1)
    assert torch.equal(paths(0.1, 20, units=2), first)


def test_going_back_and_serving_two_neurons_changes_nothing():
    noise = stimulus.OrnsteinUhlenbeck(MEAN, STD, TAU, seed=7)
    truth, wide = paths(0.1, 200, units=1), paths(0.1, 200, units=5)
    order = [(0, 50), (150, 50), (40, 20), (10, 5), (60, 140), (0, 1)]
    for first, count in order:
        got = noise.rows(first, count, 0.1, 1, dtype=torch.float64)
        assert torch.equal(got, truth[first : first + count])
        got = noise.rows(first, count, 0.1, 5, dtype=torch.float64)
        assert torch.equal(got, wide[first : first + count])


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_give_the_same_path(duplicate):
    noise = stimulus.OrnsteinUhlenbeck(MEAN, STD, TAU, seed=7)
    whole = noise.rows(0, 30, 0.1, 2)
    assert torch.equal(duplicate(noise).rows(10, 20, 0.1, 2), whole[10:])


def test_a_long_run_costs_its_steps_and_no_more():
    """Truth: each block of 16 steps of noise is drawn once, however small the pieces are."""
    noise = stimulus.OrnsteinUhlenbeck(MEAN, STD, TAU, seed=7)
    path, drawn = noise._path, []
    draw = path._noise
    path._noise = lambda step, *rest: drawn.append(step) or draw(step, *rest)
    for first in range(0, 300, 3):
        noise.rows(first, 3, 0.1, 1)
        noise.rows(first, 3, 0.1, 1)  # a second reader of the same piece
    assert len(drawn) == 600


def test_mean_and_deviation_may_differ_by_unit():
    mean, std = torch.tensor([0.0, 50.0]), torch.tensor([1.0, 0.0])
    rows = stimulus.OrnsteinUhlenbeck(mean, std, TAU, seed=1).rows(0, 10, 0.1, 2)
    assert torch.equal(rows[:, 1], torch.full((10,), 50.0))
    assert rows[:, 0].std() > 0


def test_the_noise_is_philox_by_box_and_muller():
    # Philox4x64 of 10 rounds with its published constants, in whole numbers, for unit 2 in steps 20 to 23.
    unit, block, quarter, seed = 2, 1, 1, (11 << 64) + 5
    count, key = [4 * unit + quarter + 1, block, 0, 0], [seed % 2**64, seed >> 64]
    for _ in range(10):
        first, second = 0xD2E7470EE14C6C93 * count[0], 0xCA5A826395121157 * count[2]
        count = [(second >> 64) ^ count[1] ^ key[0], second % 2**64, (first >> 64) ^ count[3] ^ key[1]]
        count.append(first % 2**64)
        key = [(key[0] + 0x9E3779B97F4A7C15) % 2**64, (key[1] + 0xBB67AE8584CAA73B) % 2**64]
    u = [(word // 2**11 + 0.5) / 2**53 for word in count]
    size, turn = [math.sqrt(-2 * math.log(x)) for x in (u[0], u[2])], [2 * math.pi * x for x in (u[1], u[3])]
    truth = [f(turn[k]) * size[k] for k in (0, 1) for f in (math.cos, math.sin)]
    # A tau far below dt: what is left of the step before is nothing.
    rows = stimulus.OrnsteinUhlenbeck(0.0, 1.0, 1e-3, seed=seed).rows(20, 4, 1.0, 3, dtype=torch.float64)
    assert rows[:, unit].tolist() == pytest.approx(truth, rel=1e-13, abs=1e-15)


def test_a_path_that_somebody_else_took_on_is_gone_on_from_there():
    noise = stimulus.OrnsteinUhlenbeck(MEAN, STD, TAU, seed=7)
    noise.went_on(49, 0.1, np.full(3, 2.0))
    assert noise.standard(49, 0.1, 3).tolist() == [2.0, 2.0, 2.0]
    (row,) = noise.rows(50, 1, 0.1, 3, dtype=torch.float64)
    decay = math.exp(-0.1 / TAU)
    other = stimulus.OrnsteinUhlenbeck(MEAN, STD, TAU, seed=7)
    step = (other.standard(50, 0.1, 3) - decay * other.standard(49, 0.1, 3)) + decay * 2.0
    assert row.numpy() == pytest.approx(MEAN + STD * step, rel=1e-12)


def test_the_path_before_the_first_step_is_zero():
    assert not stimulus.OrnsteinUhlenbeck(MEAN, STD, TAU, seed=7).standard(-1, 0.1, 3).any()

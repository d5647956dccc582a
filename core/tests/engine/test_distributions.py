"""Values by chance: what a distribution says, which unit gets what, and when it is drawn anew."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import pytest
import rheobase as rb
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from rheobase.engine.model.distribution import Distribution, draw
from rheobase.errors import ParameterError
from rheobase.philox import key_of
from scipy import stats


class Cell(rb.SpikingNeuron):
    """A leak whose reset follows its rest."""

    tau = rb.Parameter(10.0, unit="ms", above=0)
    rest = rb.Parameter(-70.0, unit="mV")
    back = rb.Parameter("rest", unit="mV")
    voltage = rb.State("rest", unit="mV", at_rest=True)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (params.rest - state.voltage + data) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage + 50.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": params.back}


KEY = key_of(1, "cells", "tau")
MANY = 20_000

CASES = {
    "uniform": (rb.Uniform(-3.0, 5.0), stats.uniform(-3.0, 8.0)),
    "normal": (rb.Normal(1.5, 0.75), stats.norm(1.5, 0.75)),
    "cut below": (rb.Normal(1.5, 0.75, at_least=0.1), stats.truncnorm(-1.4 / 0.75, math.inf, 1.5, 0.75)),
    "cut above": (rb.Normal(0.0, 2.0, at_most=-1.0), stats.truncnorm(-math.inf, -0.5, 0.0, 2.0)),
    "cut on both sides": (rb.Normal(0.0, 1.0, at_least=-0.5, at_most=2.0), stats.truncnorm(-0.5, 2.0)),
    "far above": (rb.Normal(0.0, 1.0, at_least=12.0), stats.truncnorm(12.0, math.inf)),
    "far below": (rb.Normal(0.0, 1.0, at_most=-12.0), stats.truncnorm(-math.inf, -12.0)),
    "log-normal": (rb.LogNormal(0.5, 0.4), stats.lognorm(0.4, scale=math.exp(0.5))),
}


@pytest.mark.parametrize("name", CASES)
def test_the_values_have_the_distribution_that_they_are_said_to_have(name: str) -> None:
    given, truth = CASES[name]
    drawn = draw(given, KEY, 0, MANY).numpy()
    assert stats.kstest(drawn, truth.cdf).pvalue > 1e-4


def test_a_log_normal_value_within_bounds_is_one_on_that_condition() -> None:
    drawn = draw(rb.LogNormal(0.0, 1.0, at_least=0.5, at_most=2.0), KEY, 0, MANY).log().numpy()
    assert stats.kstest(drawn, stats.truncnorm(math.log(0.5), math.log(2.0)).cdf).pvalue > 1e-4


@settings(max_examples=50, deadline=None)
@given(first=some.integers(0, 40), count=some.integers(0, 40), name=some.sampled_from(sorted(CASES)))
def test_any_part_of_the_units_gets_what_it_has_in_the_whole(first: int, count: int, name: str) -> None:
    given = CASES[name][0]
    whole = draw(given, KEY, 0, 80)
    assert torch.equal(draw(given, KEY, first, first + count), whole[first : first + count])


def test_a_larger_quantile_is_a_larger_value_in_both_tails() -> None:
    quantiles = torch.linspace(1e-6, 1 - 1e-6, 1001, dtype=torch.float64)
    for distribution, truth in CASES.values():
        values = distribution.at(quantiles)
        assert bool((values.diff() > 0).all())
        assert torch.allclose(values, torch.from_numpy(truth.ppf(quantiles.numpy())), rtol=1e-6, atol=1e-6)


def test_the_extreme_words_give_finite_values_within_bounds() -> None:
    ends = torch.tensor([2.0**-54, 1.0 - 2.0**-53], dtype=torch.float64)
    for distribution, _ in CASES.values():
        values = distribution.at(ends)
        assert bool(values.isfinite().all())
    bounded = rb.Normal(0.0, 1.0, at_least=-1.0, at_most=1.0).at(ends)
    assert bool((bounded.abs() <= 1.0).all())


def test_a_deviation_of_zero_is_one_value() -> None:
    assert draw(rb.Normal(2.0, 0.0, at_least=1.0), KEY, 0, 3).tolist() == [2.0] * 3
    with pytest.raises(ParameterError, match="as good as nothing"):
        rb.Normal(2.0, 0.0, at_least=3.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: rb.Uniform(2.0, 1.0), r"Uniform\(low=2.0, high=1.0\): low must be less"),
        (lambda: rb.Uniform(1.0, 1.0), "low must be less"),
        (lambda: rb.Uniform(0.0, math.inf), "high must be a finite number"),
        (lambda: rb.Uniform("a", 1.0), "low must be a finite number"),  # type: ignore[arg-type]
        (lambda: rb.Uniform(True, 2.0), "low must be a finite number"),
        (lambda: rb.Normal(0.0, -1.0), "std must be 0 or more"),
        (lambda: rb.Normal(math.nan, 1.0), "mean must be a finite number"),
        (lambda: rb.Normal(0.0, 1.0, at_least=2.0, at_most=1.0), "as good as nothing"),
        (lambda: rb.Normal(0.0, 1.0, at_least=40.0), "as good as nothing"),
        (lambda: rb.LogNormal(0.0, 1.0, at_most=-1.0), "above 0"),
    ],
)
def test_what_is_no_distribution_says_so(make: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        make()


def test_equal_distributions_are_equal_of_one_hash_and_of_one_text() -> None:
    one, other = rb.Normal(1, 2, at_least=0), rb.Normal(1.0, 2.0, at_least=0.0)
    assert one == other
    assert hash(one) == hash(other)
    assert repr(one) == repr(other)
    assert eval(repr(one), {"Normal": rb.Normal}) == one
    assert one != rb.LogNormal(1.0, 2.0, at_least=1.0)
    assert pickle.loads(pickle.dumps(one)) == copy.deepcopy(one) == one
    with pytest.raises(AttributeError):
        one.mean = 3.0  # type: ignore[misc]


# --- of a neuron ----------------------------------------------------------------------------------


def test_parameters_and_states_have_numbers_of_their_own_by_unit() -> None:
    spread = rb.Uniform(1.0, 2.0)
    cells = rb.create(Cell, 50, tau=spread, rest=spread, voltage=rb.Uniform(-70.0, -60.0), seed=3)
    assert len(torch.cat([cells.tau, cells.rest]).unique()) == 100
    few = rb.create(Cell, 7, tau=spread, voltage=rb.Uniform(-70.0, -60.0), seed=3)
    assert torch.equal(few.tau, cells.tau[:7])
    assert torch.equal(few.voltage, cells.voltage[:7])
    assert not torch.equal(rb.create(Cell, 7, tau=spread, seed=4).tau, few.tau)
    assert not torch.equal(rb.create(Cell, 7, tau=spread, identifier="other", seed=3).tau, few.tau)
    assert torch.equal(cells.tau.double(), draw(spread, key_of(3, "Cell", "tau"), 0, 50).float().double())


def test_defaults_follow_what_was_drawn() -> None:
    cells = rb.create(Cell, 4, rest=rb.Normal(-70.0, 1.0))
    assert torch.equal(cells.back, cells.rest)
    assert torch.equal(cells.voltage, cells.rest)


def test_a_domain_is_that_of_each_value_drawn() -> None:
    with pytest.raises(ParameterError, match=r"'tau' of unit \d+ is -.*> 0 ms"):
        rb.create(Cell, 100, tau=rb.Normal(1.0, 5.0))


@pytest.mark.parametrize("change", ["seed", "identifier", "dtype"])
def test_until_the_first_step_another_seed_or_identifier_draws_anew(change: str) -> None:
    how: dict[str, Any] = {"tau": rb.Uniform(10.0, 20.0), "rest": rb.Normal(-70.0, 1.0)}
    cells = rb.create(Cell, 5, **how)
    if change == "seed":
        cells.seed = 9
        other = rb.create(Cell, 5, seed=9, **how)
    elif change == "identifier":
        cells.identifier = "E"
        other = rb.create(Cell, 5, identifier="E", **how)
    else:
        cells.double()
        other = rb.create(Cell, 5, dtype=torch.float64, **how)
    for name in ("tau", "rest", "back", "voltage"):
        assert torch.equal(getattr(cells, name), getattr(other, name)), name
    cells(1.0)
    before = cells.tau.clone()
    cells.seed = 12
    assert torch.equal(cells.tau, before)


def test_what_was_set_since_stays() -> None:
    cells = rb.create(Cell, 3, tau=rb.Uniform(10.0, 20.0), rest=rb.Normal(-70.0, 1.0))
    cells.tau = 12.0
    cells.back = -80.0
    cells.voltage = -65.0
    cells.seed = 5
    assert cells.tau.tolist() == 12.0
    assert cells.back.tolist() == -80.0
    assert cells.voltage.tolist() == [-65.0] * 3
    assert torch.equal(cells.rest, rb.create(Cell, 3, rest=rb.Normal(-70.0, 1.0), seed=5).rest)


def test_values_may_be_spread_later_too() -> None:
    cells = rb.create(Cell, 3, seed=2)
    cells.tau = rb.Uniform(10.0, 20.0)
    made = rb.create(Cell, 3, seed=2, tau=rb.Uniform(10.0, 20.0))
    assert torch.equal(cells.tau, made.tau)
    cells.heterogenize(rest=rb.Normal(-70.0, 1.0), tau=rb.Sweep.fixed(3.0))
    assert len(cells.rest.unique()) == 3
    assert cells.tau.tolist() == [3.0] * 3
    cells.identifier = "renamed"
    assert torch.equal(
        cells.rest, rb.create(Cell, 3, seed=2, identifier="renamed", rest=rb.Normal(-70.0, 1.0)).rest
    )


def test_a_reset_returns_to_the_values_that_were_drawn_and_a_batch_shares_them() -> None:
    cells = rb.create(Cell, 3, voltage=rb.Uniform(-70.0, -60.0), dtype=torch.float64)
    start = cells.voltage.clone()
    cells(torch.zeros(2, 3, dtype=torch.float64))
    assert cells.voltage.shape == (2, 3)
    assert torch.equal(cells.voltage[0], cells.voltage[1])
    cells.reset_state()
    assert torch.equal(cells.voltage, start)


def test_what_is_loaded_is_not_drawn_anew() -> None:
    saved = rb.create(Cell, 3, tau=rb.Uniform(10.0, 20.0), seed=1)
    loaded = rb.create(Cell, 3, tau=rb.Uniform(10.0, 20.0), seed=2)
    loaded.load_state_dict(saved.state_dict())
    loaded.identifier = "loaded"
    assert torch.equal(loaded.tau, saved.tau)


def test_a_state_that_is_refused_changes_nothing_and_values_are_drawn_anew_as_before() -> None:
    cells = rb.create(Cell, 3, tau=rb.Uniform(10.0, 20.0), seed=2)
    before = {name: value.clone() for name, value in cells.state_dict().items()}
    with pytest.raises(RuntimeError, match="tau has shape"):
        cells.load_state_dict({**before, "tau": torch.ones(4), "rest": torch.tensor(-60.0)})
    assert all(torch.equal(value, before[name]) for name, value in cells.state_dict().items())
    cells.seed = 9
    assert torch.equal(cells.tau, rb.create(Cell, 3, tau=rb.Uniform(10.0, 20.0), seed=9).tau)


def test_copies_and_pickles_go_on_alike() -> None:
    cells = rb.create(Cell, 3, tau=rb.Uniform(10.0, 20.0))
    for twin in (copy.deepcopy(cells), pickle.loads(pickle.dumps(cells))):
        twin.seed = 4
        assert torch.equal(twin.tau, rb.create(Cell, 3, tau=rb.Uniform(10.0, 20.0), seed=4).tau)


def test_a_shallow_copy_is_given_values_without_the_original() -> None:
    cells = rb.create(Cell, 3, tau=rb.Uniform(10.0, 20.0))
    copied = copy.copy(cells)
    copied.tau, copied.back = 12.0, -80.0
    cells.seed = 4
    alone = rb.create(Cell, 3, tau=rb.Uniform(10.0, 20.0), seed=4)
    assert torch.equal(cells.tau, alone.tau)
    assert copied.tau.tolist() == 12.0


def test_no_global_generator_is_touched() -> None:
    before = torch.get_rng_state()
    rb.create(Cell, 3, tau=rb.Uniform(10.0, 20.0), voltage=rb.LogNormal(0.0, 1.0))
    assert torch.equal(torch.get_rng_state(), before)


def test_it_is_a_distribution() -> None:
    with pytest.raises(NotImplementedError):
        Distribution().at(torch.ones(1))


def test_a_neuron_pickled_before_there_were_distributions_takes_values() -> None:
    cells = rb.create(Cell, 3)
    state = cells.__getstate__()
    del state["_spread"], state["_by_default"]
    old = rb.create(Cell, 3)
    old.__dict__.clear()
    old.__setstate__(state)
    old.tau = 12.0
    old.seed = 3
    assert old.tau.tolist() == 12.0

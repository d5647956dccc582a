"""The law of GIF's intervals, counted and located, and the spikes of another program within it."""

from __future__ import annotations

from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import errors

stats = pytest.importorskip("scipy.stats")


def first_intervals(units: int, duration: float, **given: Any) -> Any:
    """The first interval of each unit; a run so long that all have two spikes."""
    cells = rb.create("gif", units, preset="renewal", seed=3, dtype=torch.float64, **given)
    spikes = rb.simulate(cells, 0.0, duration, progress=False).spikes
    order = torch.argsort(spikes.units, stable=True)
    times, owners = spikes.times[order], spikes.units[order]
    start = torch.searchsorted(owners, torch.arange(units))
    assert int(torch.bincount(owners, minlength=units).min()) >= 2
    return (times[start + 1] - times[start]).numpy()


@pytest.mark.parametrize("units", [400, pytest.param(10_000, marks=pytest.mark.by_hand)])
def test_located_intervals_are_the_dead_time_and_an_exponential_number(units: int) -> None:
    intervals = first_intervals(units, 120.0, event="located", dt=2.0)
    assert intervals.min() > 4.0
    assert stats.kstest(intervals - 4.0, "expon", (0.0, 5.0)).pvalue > 0.01


@pytest.mark.parametrize(
    ("units", "dt"), [(400, 0.25), pytest.param(10_000, 0.02, marks=pytest.mark.by_hand)]
)
def test_counted_intervals_have_the_same_law_as_dt_becomes_small(units: int, dt: float) -> None:
    intervals = first_intervals(units, 120.0, event="step", dt=dt)
    # A spike is at the end of its step: half of one late, on the average.
    assert stats.kstest(intervals - 4.0 - dt / 2.0, "expon", (0.0, 5.0)).pvalue > 0.01


def test_the_spikes_of_another_program_are_not_rare_in_its_law() -> None:
    # NEST 3, testsuite/pytests/test_gif_exp.py, gif_psc_exp with its defaults at 170 pA: the spikes at 46.2,
    # 85.0 and 128.8 ms of one draw, there made by the authors' program.
    values = {"c_m": 80.0, "g_l": 4.0, "e_l": -70.0, "v_r": -55.0, "delta_v": 0.5, "v_t": -35.0}
    values |= dict.fromkeys(("q_1", "q_2", "r_1", "r_2"), 0.0)
    cells = rb.create("gif", 400, event="located", dt=1.0, seed=1, dtype=torch.float64, **values)
    spikes = rb.simulate(cells, 170.0, 150.0, progress=False).spikes
    trains = [spikes.times[spikes.units == unit] for unit in range(400)]
    first = torch.stack([train[0] for train in trains])
    between = torch.cat([train.diff() for train in trains])
    for figure, found in ((46.2, first), (85.0 - 46.2, between), (128.8 - 85.0, between)):
        low, high = torch.quantile(found, torch.tensor([0.005, 0.995], dtype=torch.float64)).tolist()
        assert low < figure < high, (figure, low, high)
        assert high - low < 25.0


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        (
            "gif",
            {"integrator": "exact"},
            "the derivative of hazard_left is not linear: it has exp of voltage",
        ),
        ("pinsky-rinzel", {"integrator": "expeuler"}, "not linear in voltage itself: it has a selection by"),
        ("rulkov", {"event": "located"}, "makes its own step, within which no spike can be located"),
    ],
)
def test_what_an_integrator_cannot_take_is_refused_with_the_reason(name: str, given: Any, told: str) -> None:
    cell = rb.create(name, **given)
    silence: Any = {next(iter(cell.schema.inputs)): 0.0} if cell.schema.inputs else 0.0
    with pytest.raises(errors.RheobaseError, match=told):
        rb.simulate(cell, silence, 5.0)


def test_adaptation_lets_a_train_slow_down() -> None:
    cells = rb.create("gif", 300, dt=0.5, seed=1)
    spikes = rb.simulate(cells, 200.0, 200.0, progress=False).spikes
    early, late = ((spikes.times > a) & (spikes.times <= a + 60.0) for a in (20.0, 140.0))
    assert int(early.sum()) > 1.3 * int(late.sum()) > 130

"""Networks spike for spike as NEST's and Brian2's on the grid, and as solutions by closed forms beside it.

Whoever has the programs gives the interpreters of their environments:

    NEST_PYTHON=.../python BRIAN2_PYTHON=.../python pytest tests/peers -m "by_hand or not by_hand"

Without them the trains are held against figures that NEST 3.10.0 gave.
"""

from __future__ import annotations

import math
from typing import Any

import pytest
from rheobase_rk45 import DormandPrince
from scipy.integrate import solve_ivp

from .conductances import Kinetics, Unit
from .networks import CELL, KINETICS, hundred, ring, two
from .ours import Spikes, digest, elsewhere, farthest, on_grid, run, solved
from .solution import Cell

SMALL = {"two": two(), "ring": ring()}
KINDS = ("delta", "exp", "cond")
BY_NEST: dict[str, Spikes] = {
    "two": [(251, 0), (468, 0), (481, 1), (685, 0), (902, 0), (915, 1)],
    "ring": [
        *((278, 0), (281, 1), (298, 2), (389, 0), (572, 1)),
        *((629, 0), (869, 0), (872, 1), (889, 2), (980, 0)),
    ],
}
"""The spikes of 100 ms, from run_nest.py: `pytest` with NEST_PYTHON compares."""
OF_HUNDRED = {
    "delta": (58, "76e2ddd9e173862b"),
    "exp": (60, "24135a180ba35384"),
    "cond": (64, "3bdedd897ce4df32"),
}
"""How many spikes NEST 3.10.0 gives in 40 ms, and their digest."""


def linear(kind: str) -> tuple[str, ...]:
    return ("rk45",) if kind == "cond" else ("exact", "rk45")


@pytest.mark.parametrize("event", ["step", "crossing"])
@pytest.mark.parametrize("name", SMALL)
def test_few_units_with_pulses_spike_as_nests(name: str, event: str) -> None:
    assert on_grid(SMALL[name], "exact", event, 1000) == BY_NEST[name]


@pytest.mark.parametrize(("kind", "integrator"), [("delta", "exact"), ("exp", "exact"), ("cond", "rk4")])
def test_a_hundred_units_spike_as_nests(kind: str, integrator: str) -> None:
    spikes = on_grid(hundred(kind), integrator, "crossing", 400)
    assert (len(spikes), digest(spikes)) == OF_HUNDRED[kind]


def test_the_figures_are_nests() -> None:
    found = {name: elsewhere("nest", given, 1000) for name, given in SMALL.items()}
    assert found == BY_NEST
    for kind in KINDS:
        spikes = elsewhere("nest", hundred(kind), 400)
        assert (len(spikes), digest(spikes)) == OF_HUNDRED[kind]


@pytest.mark.parametrize("name", SMALL)
def test_few_units_with_pulses_spike_as_brian2s(name: str) -> None:
    assert elsewhere("brian2", SMALL[name], 1000, late=1) == BY_NEST[name]


@pytest.mark.by_hand
@pytest.mark.parametrize("event", ["step", "crossing"])
@pytest.mark.parametrize(("kind", "integrator"), [(kind, by) for kind in KINDS for by in linear(kind)])
def test_a_hundred_units_spike_as_nests_for_half_a_second(kind: str, integrator: str, event: str) -> None:
    expected = elsewhere("nest", hundred(kind), 5000)
    assert len(expected) > 800
    assert on_grid(hundred(kind), integrator, event, 5000) == expected


@pytest.mark.by_hand
def test_a_hundred_units_with_pulses_spike_as_brian2s_for_half_a_second() -> None:
    found = on_grid(hundred("delta"), "exact", "step", 5000)
    assert found == elsewhere("brian2", hundred("delta"), 5000, late=1)


LOCATED = [
    ("delta", 300, 1e-9),
    ("exp", 150, 1e-9),
    ("cond", 150, 1e-9),
    *(
        pytest.param(*each, marks=pytest.mark.by_hand)
        for each in (
            *(("delta", 1000, 1e-9), ("exp", 1000, 1e-9), ("cond", 1000, 1e-9)),
            *(("delta", 5000, 1e-6), ("exp", 5000, 1e-6), ("cond", 5000, 1e-9)),
        )
    ),
]


def accurate(kind: str) -> Any:
    """An integrator that leaves an error of rounding alone, or nearly so."""
    return DormandPrince(rtol=1e-11, atol=1e-13) if kind == "cond" else "exact"


@pytest.mark.parametrize(("kind", "steps", "within"), LOCATED)
def test_a_hundred_units_spike_at_the_times_of_the_solution(kind: str, steps: int, within: float) -> None:
    given: dict[str, Any] = hundred(kind)
    found, truth = run(given, accurate(kind), "located", steps), solved(given, steps)
    assert len(truth) > steps / 12
    assert farthest(found, truth) < within


def test_the_solution_by_series_is_that_of_an_integrator() -> None:
    """One unit that spikes after two arrivals, by DOP853 from one of them to the next."""
    unit = Unit(Cell(**CELL), Kinetics(**KINETICS), 130.0, -65.0)
    v, g, t = -65.0, [0.0, 0.0], 0.0

    def rates(_: float, y: Any) -> list[float]:
        into = 10.0 * (-65.0 - y[0]) + 130.0 + y[1] * (0.0 - y[0]) + y[2] * (-80.0 - y[0])
        return [into / 200.0, -y[1] / 3.0, -y[2] / 8.0]

    def there(_: float, y: Any) -> float:
        return float(y[0]) + 50.0

    def gone(end: float, *, from_rest: bool = False) -> Any:
        return solve_ivp(
            rates,
            (t, end),
            [-60.0 if from_rest else v, *g],
            method="DOP853",
            rtol=1e-13,
            atol=1e-13,
            events=there,
        )

    for arrival, weight in ((3.3, 4.0), (5.7, -2.0), (6.1, 60.0)):
        solved_there = gone(arrival).y[:, -1]
        v, g, t = solved_there[0], list(solved_there[1:]), arrival
        g[weight < 0] += abs(weight)
        unit.to(arrival)
        unit.receive([weight])
        assert unit.v == pytest.approx(v, abs=1e-11)
    assert unit.crosses
    crossed = gone(12.0)
    assert unit.next == pytest.approx(float(crossed.t_events[0][0]), abs=1e-11)
    at, y = unit.next, crossed.y_events[0][0]
    unit.to(at)
    unit.spike(at)
    g, t = [y[1] * math.exp(-2.0 / 3.0), y[2] * math.exp(-2.0 / 8.0)], at + 2.0
    unit.to(at + 6.0)
    assert unit.v == pytest.approx(gone(at + 6.0, from_rest=True).y[0, -1], abs=1e-11)

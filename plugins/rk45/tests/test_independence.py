"""A unit's result is its own: alone, in any crowd, in any order, and beside units that fail."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import pytest
import rheobase as rb
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rheobase_rk45 import BogackiShampine, DormandPrince, Tsitouras, course, parts
from rheobase_rk45.pair import EmbeddedPair
from torch import Tensor

pairs = st.sampled_from([DormandPrince, Tsitouras, BogackiShampine])


@contextlib.contextmanager
def small_parts() -> Iterator[None]:
    """Parts of 20 units, from which two that have arrived are put aside: so that a few units see it all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "PART", 40)
        patch.setattr(course, "FEW", 2)
        yield


@settings(max_examples=20, deadline=None)
@given(data=st.data(), pair=pairs, seed=st.integers(0, 10_000), plain=st.booleans())
def test_a_unit_is_the_same_bit_for_bit_alone_and_in_any_order(
    crowds: Any, data: st.DataObject, pair: type[EmbeddedPair], seed: int, plain: bool
) -> None:
    make_crowd, make_plain = crowds
    units = data.draw(st.integers(2, 90))
    unit = data.draw(st.integers(0, units - 1))
    field, y = make_crowd(units, seed)
    order = torch.randperm(units, generator=torch.Generator().manual_seed(seed))
    method = pair(rtol=1e-4, atol=1e-5)

    def solved(chosen: Tensor) -> rb.Advance:
        part = field.take(chosen)
        solve = make_plain(part) if plain else part
        half = method.advance(solve, y[:, chosen].contiguous(), 0.0, 3.0)
        return method.advance(solve, half.y, 3.0, 5.0, carry=half.carry)

    with small_parts():
        crowd, alone = solved(order), solved(torch.tensor([unit]))
    place = int((order == unit).nonzero())
    assert torch.equal(crowd.y[:, place], alone.y[:, 0])
    assert crowd.carry is not None
    assert alone.carry is not None
    for name in ("h", "slope"):
        assert torch.equal(crowd.carry[name][..., place], alone.carry[name][..., 0])


@settings(max_examples=10, deadline=None)
@given(pair=pairs, seed=st.integers(0, 10_000), units=st.integers(3, 90), data=st.data())
def test_units_beside_some_that_fail_are_the_same_bit_for_bit(
    crowds: Any, pair: type[EmbeddedPair], seed: int, units: int, data: st.DataObject
) -> None:
    make_crowd, _ = crowds
    field, y = make_crowd(units, seed)
    sick = data.draw(st.lists(st.integers(0, units - 1), min_size=2, max_size=2, unique=True))
    speed, drive, cubic = (value.clone() for value in field.parameters)
    drive[sick[0]] = math.nan  # no derivative at the start
    cubic[sick[1]], y[0, sick[1]] = -3.0, 3.0  # v' > v^3: a pole within 0.2 ms
    method = pair(rtol=1e-4, atol=1e-5)
    method.on_failure = "mark"
    with small_parts():
        result = method.advance(type(field)(speed, drive, cubic), y, 0.0, 4.0)
    assert result.status is not None
    assert result.status[sick].tolist() == [rb.Status.NOT_FINITE, rb.Status.UNDERFLOW]
    assert result.y[:, sick].isnan().all()
    assert result.t is not None
    assert result.t[sick[0]] == 0.0
    assert 0.0 < result.t[sick[1]] < 0.5
    healthy = torch.tensor([unit for unit in range(units) if unit not in sick], dtype=torch.int64)
    assert (result.status[healthy] == rb.Status.OK).all()
    assert (result.t[healthy] == 4.0).all()
    without = method.advance(field.take(healthy), y[:, healthy].contiguous(), 0.0, 4.0)
    assert without.status is None
    assert torch.equal(result.y[:, healthy], without.y)


@pytest.fixture
def one_thread():  # type: ignore[no-untyped-def]
    """Threads that wait for each other take minutes on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_a_unit_among_a_hundred_thousand_is_the_same_bit_for_bit(make_crowd, one_thread) -> None:  # type: ignore[no-untyped-def]
    field, y = make_crowd(100_000)
    method = Tsitouras(rtol=1e-3, atol=1e-4)
    together = method.advance(field, y, 0.0, 2.0).y
    for unit in (0, 65_535, 65_536, 77_777, 99_999):
        one = slice(unit, unit + 1)
        alone = method.advance(field.take(one), y[:, one].contiguous(), 0.0, 2.0).y
        assert torch.equal(together[:, one], alone)


def test_a_fast_unit_among_ten_thousand_errs_no_more_than_twice_as_much_as_alone(  # type: ignore[no-untyped-def]
    make_crowd, make_fitzhugh_nagumo
) -> None:
    field, y = make_crowd(10_000)
    speed = torch.ones(10_000, dtype=torch.float64)
    speed[4_321] = 10.0
    field = make_fitzhugh_nagumo(speed, *field.parameters[1:])
    fast = slice(4_321, 4_322)
    exact = DormandPrince(rtol=1e-12, atol=1e-12).advance(field.take(fast), y[:, fast], 0.0, 2.0).y
    method = DormandPrince(rtol=1e-6, atol=1e-6)
    alone = (method.advance(field.take(fast), y[:, fast], 0.0, 2.0).y - exact).abs().max()
    crowd = (method.advance(field, y, 0.0, 2.0).y[:, fast] - exact).abs().max()
    # An integrator with one step for all is wrong 700 times as much.
    assert crowd <= 2.0 * alone
    assert 0.0 < alone < 1e-4


def test_what_is_given_is_not_changed_when_units_are_put_aside(  # type: ignore[no-untyped-def]
    make_crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "FEW", 1)
    field, y = make_crowd(20)
    ends = torch.linspace(0.0, 5.0, 20, dtype=torch.float64)
    ends[:5] = 0.0  # they have arrived before the first step
    before = y.clone()
    result = DormandPrince(rtol=1e-4).advance(field, y, 0.0, ends)
    assert torch.equal(y, before)
    assert torch.equal(result.y[:, :5], before[:, :5])


def test_a_declared_model_may_use_autograd_for_its_own_ends() -> None:
    class Descent(rb.AnalogNeuron):
        """v' = -dU/dv with U = v^2 / 2."""

        v = rb.State(1.0, unit="1")

        @staticmethod
        def derivatives(state, params, data):  # type: ignore[no-untyped-def]
            with torch.enable_grad():
                v = state.v.detach().clone().requires_grad_()
                (slope,) = torch.autograd.grad((0.5 * v * v).sum(), v)
            return {"v": -slope}

    cell = rb.create(Descent, 3, integrator="rk45", dt=1.0, dtype=torch.float64)
    cell(torch.zeros(1, dtype=torch.float64))
    # rtol is 1e-6
    assert (cell.v - math.exp(-1.0)).abs().max() < 1e-5


def test_states_of_a_declared_model_can_be_used_with_autograd_afterwards() -> None:
    class Decay(rb.AnalogNeuron):
        """v' = -v."""

        v = rb.State(1.0, unit="1")

        @staticmethod
        def derivatives(state, params, data):  # type: ignore[no-untyped-def]
            return {"v": -state.v}

    cell = rb.create(Decay, 3, integrator="rk45", dt=1.0, dtype=torch.float64)
    cell(torch.zeros(1, dtype=torch.float64))
    scale = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    (scale * cell.v).sum().backward()
    assert scale.grad is not None
    assert scale.grad.item() == pytest.approx(3.0 * math.exp(-1.0), abs=1e-5)

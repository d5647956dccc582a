"""Units stop at their crossing of a threshold, at the precision of the method."""

from __future__ import annotations

import math
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase_rk45 import BogackiShampine, DormandPrince, Tsitouras, parts
from rheobase_rk45.pair import EmbeddedPair
from torch import Tensor

every_pair = pytest.mark.parametrize("pair", [DormandPrince, Tsitouras, BogackiShampine])


class Charging:
    """V' = (I - V) / tau, from 0: V = I (1 - exp(-t / tau))."""

    autonomous = True

    def __init__(self, current: Tensor, tau: Tensor) -> None:
        self.current, self.tau = current, tau

    def __call__(self, t: Any, y: Tensor) -> Tensor:
        return (self.current - y) / self.tau

    def take(self, who: Any) -> Charging:
        return Charging(self.current[who], self.tau[who])


def above(level: float, units: int) -> rb.Event:
    return rb.Event(lambda y: y[0] - level, torch.ones(units, dtype=torch.bool))


def charging(units: int) -> tuple[Charging, Tensor]:
    generator = torch.Generator().manual_seed(2)
    current = 0.5 + 1.5 * torch.rand(units, generator=generator, dtype=torch.float64)
    tau = 2.0 + 20.0 * torch.rand(units, generator=generator, dtype=torch.float64)
    return Charging(current, tau), torch.zeros(1, units, dtype=torch.float64)


def test_crossings_are_at_the_times_of_the_closed_form() -> None:
    field, y = charging(500)
    result = DormandPrince(rtol=1e-10, atol=1e-12).advance(field, y, 0.0, 30.0, event=above(1.0, 500))
    exact = -field.tau * torch.log1p(-1.0 / field.current)  # NaN: never
    crosses = exact <= 30.0
    assert 100 < int(crosses.sum()) < 400
    assert result.crossed is not None
    assert result.t is not None
    assert torch.equal(result.crossed, crosses)
    # The state is right to a few times rtol; how long the threshold takes for that is a matter of its slope.
    slope = (field.current - 1.0) / field.tau
    assert ((result.t - exact) * slope)[crosses].abs().max() < 5e-10
    assert (result.t - exact)[crosses].abs().median() < 5e-10
    assert (result.t[~crosses] == 30.0).all()
    assert (result.y[0, crosses] >= 1.0).all()
    assert (result.y[0, crosses] - 1.0).max() < 1e-14
    end = field.current * (1.0 - torch.exp(-30.0 / field.tau))
    assert (result.y[0] - end)[~crosses].abs().max() < 1e-9
    # The slopes at the crossings are not known, those of all others are.
    assert result.carry is not None
    assert torch.equal(result.carry["slope"].isnan()[0], crosses)


@every_pair
def test_the_time_of_a_crossing_converges_at_the_order_of_the_method(pair: type[EmbeddedPair]) -> None:
    def turning(t: object, y: Tensor) -> Tensor:
        return (y * y).sum(dim=0) * torch.stack([-y[1], y[0]])

    start = 1.2 * torch.tensor([[math.cos(-3.0)], [math.sin(-3.0)]], dtype=torch.float64)
    event = rb.Event(lambda y: y[1], torch.ones(1, dtype=torch.bool))
    misses = []
    for count in (60, 120):
        result = pair(fixed_step=3.0 / count).advance(turning, start, 0.0, 3.0, event=event)
        assert result.t is not None
        misses.append(abs(result.t.item() - 3.0 / 1.44))
    assert math.log2(misses[0] / misses[1]) == pytest.approx(pair.order, abs=0.15)


def test_fields_without_units_and_batches_give_the_same() -> None:
    field, y = charging(12)
    method = DormandPrince(rtol=1e-8)
    flat = method.advance(field, y, 0.0, 30.0, event=above(1.0, 12))
    plain = method.advance(lambda t, y: field(t, y), y, 0.0, 30.0, event=above(1.0, 12))
    event = rb.Event(lambda y: y[0] - 1.0, torch.ones(3, 4, dtype=torch.bool))

    def batched_field(t: object, y: Tensor) -> Tensor:
        return field(t, y.reshape(1, 12)).view(1, 3, 4)

    batch = method.advance(batched_field, y.view(1, 3, 4), 0.0, 30.0, event=event)
    assert flat.t is not None
    for other in (plain, batch):
        assert other.t is not None
        assert other.crossed is not None
        assert torch.equal(other.y.reshape(1, 12), flat.y)
        assert torch.equal(other.t.reshape(12), flat.t)
        assert torch.equal(other.crossed.reshape(12), flat.crossed)


def test_an_excursion_within_one_step_is_found_and_a_near_miss_changes_nothing() -> None:
    # y = t (1 - t) as a step or two of a method of order 5 sees it: its top is 1/4 at t = 1/2.
    def parabola(t: Tensor, y: Tensor) -> Tensor:
        return (1.0 - 2.0 * t).expand(y.shape)

    y = torch.zeros(1, 1, dtype=torch.float64)
    carry = {"h": torch.ones(1, dtype=torch.float64)}
    method = DormandPrince()
    hit = method.advance(parabola, y, 0.0, 1.0, event=above(0.24, 1), carry=carry)
    assert hit.t is not None
    assert hit.t.item() == pytest.approx(0.4, abs=1e-14)
    miss = method.advance(parabola, y, 0.0, 1.0, event=above(0.2505, 1), carry=carry)
    free = method.advance(parabola, y, 0.0, 1.0, carry=carry)
    assert miss.crossed is None
    assert torch.equal(miss.y, free.y)
    assert miss.carry is not None
    assert free.carry is not None
    assert torch.equal(miss.carry["slope"], free.carry["slope"])


def test_who_starts_above_is_armed_by_going_below() -> None:
    def rotation(t: object, y: Tensor) -> Tensor:
        return torch.stack([-y[1], y[0]])

    start = torch.tensor([[1.0], [0.0]], dtype=torch.float64)
    event = rb.Event(lambda y: y[0] - 0.5, torch.zeros(1, dtype=torch.bool))
    result = DormandPrince(rtol=1e-10, atol=1e-10).advance(rotation, start, 0.0, 10.0, event=event)
    assert result.t is not None
    assert result.t.item() == pytest.approx(5.0 * math.pi / 3.0, abs=1e-8)


def test_parts_and_those_put_aside_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    field, y = charging(2000)
    method = Tsitouras(rtol=1e-8)
    whole = method.advance(field, y, 0.0, 30.0, event=above(1.0, 2000))
    monkeypatch.setattr(parts, "PART", 300)
    monkeypatch.setattr("rheobase_rk45.course.FEW", 5)
    pieces = method.advance(field, y, 0.0, 30.0, event=above(1.0, 2000))
    for one, other in zip(whole[:1] + whole[2:4], pieces[:1] + pieces[2:4], strict=True):
        assert isinstance(one, Tensor)
        assert torch.equal(one, other)
    assert whole.carry is not None
    assert pieces.carry is not None
    assert torch.equal(whole.carry["h"], pieces.carry["h"])


def test_a_unit_that_fails_beside_one_that_crosses_has_a_status() -> None:
    def field(t: object, y: Tensor) -> Tensor:
        return torch.cat([1.0 + 0.0 * y[:, :1], -torch.sqrt(y[:, 1:])], dim=1)

    start = torch.tensor([[0.0, 1.0]], dtype=torch.float64)  # sqrt(y) is 0 at t = 2, and NaN beyond
    event = rb.Event(lambda y: y[0] - 2.5, torch.ones(2, dtype=torch.bool))
    result = DormandPrince().advance(field, start, 0.0, 5.0, event=event)
    assert result.status is not None
    assert result.status.tolist() == [rb.Status.OK, rb.Status.NOT_FINITE]
    assert result.t is not None
    assert result.t.tolist() == pytest.approx([2.5, 2.0], abs=1e-3)
    assert math.isnan(result.y[0, 1].item())


def test_the_time_of_a_crossing_and_what_follows_have_gradients() -> None:
    current = torch.tensor([2.0], dtype=torch.float64, requires_grad=True)
    tau = torch.tensor([10.0], dtype=torch.float64, requires_grad=True)
    method = DormandPrince(rtol=1e-11, atol=1e-11)
    field = Charging(current, tau)
    y = torch.zeros(1, 1, dtype=torch.float64)
    first = method.advance(field, y, 0.0, 30.0, event=above(1.0, 1))
    assert first.t is not None
    ln2, twice = math.log(2.0), (current, tau)
    # t = -tau log(1 - 1 / I)
    by_current, by_tau = torch.autograd.grad(first.t.sum(), twice, retain_graph=True)
    assert by_current.item() == pytest.approx(-10.0 / (2.0 * 1.0), abs=1e-8)
    assert by_tau.item() == pytest.approx(ln2, abs=1e-8)
    # Reset to zero there, and on to 20 ms: V = I (1 - exp(-(20 - t) / tau)).
    last = method.advance(field, 0.0 * first.y, first.t, 20.0).y
    by_current, by_tau = torch.autograd.grad(last.sum(), twice)
    decay = math.exp(-(20.0 - 10.0 * ln2) / 10.0)
    slope = -2.0 * decay / 10.0  # dV / dt
    assert by_current.item() == pytest.approx((1.0 - decay) + slope * -5.0, abs=1e-8)
    assert by_tau.item() == pytest.approx(slope * ln2 - 2.0 * decay * (20.0 - 10.0 * ln2) / 100.0, abs=1e-8)

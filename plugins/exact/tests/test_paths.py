"""The propagator of several variables: what it is made of, and that it is made once."""

from __future__ import annotations

import math
from typing import Any

import pytest
import rheobase as rb
import rheobase_exact.paths as paths
import torch
from rheobase import Parameter, SpikingNeuron, State, Status
from rheobase_exact import ExactPropagator
from rheobase_exact.propagator import change
from torch import Tensor

H = 0.1


class Trailing(SpikingNeuron):
    """A potential that is held after a spike, and a trace that follows it and drives it."""

    volt_thresh = Parameter(10.0, unit="mV")
    tau = Parameter(5.0, unit="ms", above=0)
    tau_ref = Parameter(1.0, unit="ms", at_least=0)
    voltage = State(0.0, unit="mV", at_rest=True)
    trace = State(0.0, unit="mV", at_rest=True)
    held = ("voltage",)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {
            "voltage": (data - state.voltage - state.trace) / params.tau,
            "trace": (state.voltage - state.trace) / (4.0 * params.tau),
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - params.volt_thresh

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": 0.0 * params.tau}


def currents(rates: list[float], units: int = 1) -> Any:
    """v' = -v / 10 + sum of currents, each of which decays at its own rate."""
    decay = torch.tensor(rates, dtype=torch.float64)[:, None].expand(-1, units)

    def field(t: object, y: Tensor) -> Tensor:
        return torch.stack([-y[0] / 10.0 + sum(y[1:]), *(-decay * y[1:]).unbind(0)])

    return field


@pytest.mark.parametrize("seed", range(5))
def test_a_kept_step_is_the_exponential_of_the_matrix(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    matrix = torch.randn(4, 4, 3, generator=generator, dtype=torch.float64)
    matrix = matrix * (torch.rand(4, 4, 1, generator=generator) < 0.5)
    y = torch.randn(4, 3, generator=generator, dtype=torch.float64)

    def field(t: object, y: Tensor) -> Tensor:
        return torch.stack([sum(a * each for a, each in zip(row, y, strict=True)) for row in matrix])

    found = ExactPropagator().advance(field, y, 0.0, H).y
    expected = y + change(matrix.movedim(-1, 0), field(0.0, y), torch.full((3,), H, dtype=torch.float64))
    torch.testing.assert_close(found, expected, rtol=1e-14, atol=1e-14)


def test_a_variable_that_has_no_part_in_others_does_not_change_a_bit_of_them_however_fast_it_is() -> None:
    y = torch.tensor([[3.0], [0.7], [0.2], [0.0]], dtype=torch.float64)
    with_it, without = ExactPropagator(), ExactPropagator()
    ones, others = y, y[:3]
    for _ in range(50):
        ones = with_it.advance(currents([0.2, 0.5, 4000.0]), ones, 0.0, H).y
        others = without.advance(currents([0.2, 0.5]), others, 0.0, H).y
        assert torch.equal(ones[:3], others)
    assert float(others[0]) > 1.0


def test_a_unit_moves_to_the_same_bits_alone_and_among_units_of_other_values() -> None:
    y = torch.rand(3, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    tau = torch.linspace(1.0, 9.0, 9, dtype=torch.float64)

    def of(some: slice) -> Tensor:
        def field(t: object, y: Tensor) -> Tensor:
            return torch.stack([(y[1] - y[0]) / tau[some], (y[2] - y[0]) / 3.0, -y[2] / tau[some]])

        return ExactPropagator().advance(field, y[:, some], 0.0, H).y

    together = of(slice(0, 9))
    for unit in range(9):
        assert torch.equal(of(slice(unit, unit + 1))[:, 0], together[:, unit])


def test_the_propagator_is_made_once_whoever_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def counted(*given: Any) -> Tensor:
        made.append(1)
        return original(*given)

    original = paths.propagators
    monkeypatch.setattr(paths, "propagators", counted)
    neuron: Any = rb.create(Trailing, num_units=3, integrator=ExactPropagator())
    drive = torch.tensor([8.0, 40.0, 90.0])
    neuron(drive)
    once, resting, spikes = len(made), set(), 0
    for _ in range(100):
        spikes += int(neuron(drive)["spiked"].sum())
        resting.add(tuple((neuron._buffers["hold"] > 0).tolist()))
    assert (len(made), len(resting) > 2, spikes > 3) == (once, True, True)
    neuron.tau = 4.0
    neuron(drive)
    assert len(made) == 2 * once


@pytest.mark.parametrize("event", ["step", "crossing"])
def test_what_follows_a_held_potential_goes_on_by_itself(event: str) -> None:
    neuron: Any = rb.create(Trailing, integrator=ExactPropagator(), event=event, dtype=torch.float64)
    before, steps = None, 0
    for _ in range(200):
        held = int(neuron._buffers["hold"])
        out = neuron(torch.tensor([60.0], dtype=torch.float64))
        if held and before is not None:
            # The potential stands at 0: s' = -s / (4 tau).
            assert float(out["trace"]) == pytest.approx(before * math.exp(-H / 20.0), rel=1e-15)
            assert float(out["voltage"]) == 0.0
            steps += 1
        before = float(out["trace"])
    assert steps > 20


def test_one_unit_that_is_no_number_does_not_reach_the_others() -> None:
    y = torch.rand(3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    whole = ExactPropagator().advance(currents([0.2, 0.5], 5), y, 0.0, H)
    y[1, 2] = math.nan
    found = ExactPropagator().advance(currents([0.2, 0.5], 5), y, 0.0, H)
    assert whole.status is None
    assert found.status is not None
    assert found.status.tolist() == [0, 0, int(Status.NOT_FINITE), 0, 0]
    assert torch.equal(found.y[:, [0, 1, 3, 4]], whole.y[:, [0, 1, 3, 4]])
    assert bool(found.y[:, 2].isnan().all())

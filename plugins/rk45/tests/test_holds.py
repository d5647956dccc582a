"""The first free step after a refractory period is as right as any other, alone and in company."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import Input, Parameter, SpikingNeuron, State
from torch import Tensor

RTOL = {"rk45": 1e-6, "tsit5": 1e-6, "rk23": 1e-4}
"""Those of order 5 by default; the one of order 3 takes hundreds of steps for that."""
METHODS = ("rk45", "tsit5", "rk23")
EVENTS = ("step", "crossing", "located")
SAMPLE = {("rk45", "step"), ("rk45", "located"), ("tsit5", "crossing"), ("rk23", "located")}
"""Of the usual run: each method and each event, and located ones of both orders; all of them by hand."""
EACH = [
    pytest.param(*each, marks=() if each in SAMPLE else pytest.mark.by_hand)
    for each in itertools.product(METHODS, EVENTS)
]


class Leaky(SpikingNeuron):
    """tau dV/dt = V_rest - V + R I, which 300 pA drive to -15 mV."""

    tau = Parameter(5.0, unit="ms", above=0)
    resistance = Parameter(0.2, unit="GOhm", above=0)
    volt_rest = Parameter(-75.0, unit="mV")
    tau_ref = Parameter(2.0, unit="ms", at_least=0)
    voltage = State("volt_rest", unit="mV", at_rest=True)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        return {"voltage": (params.volt_rest - state.voltage + params.resistance * data) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.voltage + 55.0
        return distance

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        return {"voltage": params.volt_rest}


class Quadratic(SpikingNeuron):
    """V' = V^2 / 10 - w + I, w' = -w / tau, of products and sums: an upswing that grows."""

    tau = Parameter(20.0, unit="ms", above=0)
    tau_ref = Parameter(1.0, unit="ms", at_least=0)
    voltage = State(-10.0, unit="mV")
    w = State(1.0, unit="mV")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        return {"voltage": 0.1 * state.voltage * state.voltage - state.w + data, "w": -state.w / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.voltage - 30.0
        return distance

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        return {"voltage": torch.full_like(state.voltage, -10.0), "w": state.w + 2.0}


class TwoInputs(Quadratic):
    """The same with two currents."""

    current = Input(unit="mV/ms")
    more = Input(unit="mV/ms")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Tensor]:
        return Quadratic.derivatives(state, params, data.current + data.more)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("tolerance", [1e-6, 1e-9])
def test_the_first_free_step_of_a_leak_is_that_of_the_closed_form(method: str, tolerance: float) -> None:
    made = rb.integrator(method, rtol=tolerance, atol=tolerance)
    cell = rb.create(Leaky, integrator=made, event="step", dt=0.1, dtype=torch.float64)
    level, worst = -75.0 + 60.0, 0.0
    with torch.no_grad():
        for _ in range(100):
            before, held = cell.voltage.item(), int(cell.hold)
            out = cell(300.0)
            if not held and not int(out["spiked"]):
                exact = level + (before - level) * math.exp(-0.1 / 5.0)
                worst = max(worst, abs(out["voltage"].item() - exact))
    assert int(cell.simulation_step) == 100
    # A step may err by atol + 75 mV of rtol.
    assert worst <= 76.0 * tolerance if method == "rk23" else worst < 1e-10


@pytest.mark.parametrize(("method", "event"), EACH)
def test_a_step_is_that_of_a_new_neuron_in_the_same_state(method: str, event: str) -> None:
    current = torch.tensor([4.0, 9.0, 20.0], dtype=torch.float64)
    settings: dict[str, Any] = {"event": event, "dt": 0.1, "dtype": torch.float64}
    made = rb.integrator(method, rtol=RTOL[method])
    cell = rb.create(Quadratic, 3, integrator=made, **settings)
    fine = rb.integrator("rk45", rtol=1e-11, atol=1e-11)
    ends = 0
    with torch.no_grad():
        for _ in range(45):
            fresh = rb.create(Quadratic, 3, integrator=fine, **settings)
            for name in ("voltage", "w", "armed", "hold", *(["hold_time"] if event == "located" else [])):
                setattr(fresh, name, getattr(cell, name).clone())
            held = cell.hold > 0
            out, right = cell(current), fresh(current)
            ends += int((held & (cell.hold == 0)).sum())
            # In a spiking step of "crossing" the field is limited, which breaks the path of a step.
            quiet = (out["spiked"] == 0) & (right["spiked"] == 0)
            apart = (out["voltage"] - right["voltage"])[quiet].abs()
            # Of up to 30 mV, from which an error of rtol grows further within the step.
            assert bool((apart < 100.0 * RTOL[method]).all())
    assert ends > 1


@pytest.mark.parametrize(("method", "event"), EACH)
@pytest.mark.parametrize("model", [Leaky, Quadratic])
def test_a_unit_alone_and_in_company_is_the_same_to_the_bit(method: str, event: str, model: Any) -> None:
    scale = 20.0 if model is Leaky else 1.0
    current = scale * torch.tensor([4.0, 9.0, 13.0, 20.0], dtype=torch.float64)

    def run(who: list[int]) -> Tensor:
        made = rb.integrator(method, rtol=RTOL[method])
        cell = rb.create(model, len(who), integrator=made, event=event, dt=0.1, dtype=torch.float64)
        with torch.no_grad():
            return torch.stack([cell(current[who])["voltage"] for _ in range(50)])

    crowd = run([0, 1, 2, 3])
    for unit in (0, 2):
        assert torch.equal(run([unit])[:, 0], crowd[:, unit]), unit


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("method", ["rk45", "rk23"])
def test_a_neighbour_that_fails_changes_no_state_and_no_gradient(method: str, event: str) -> None:
    # In "step" nothing keeps a unit from its pole, and it is marked; else it spikes at once, again and again.
    def run(current: list[float], grad: bool) -> tuple[Tensor, Any]:
        made = rb.integrator(method, rtol=1e-4, on_failure="mark")
        settings: dict[str, Any] = {"event": event, "grad": grad, "dt": 0.5, "dtype": torch.float64}
        cell = rb.create(Quadratic, len(current), integrator=made, **settings)
        if grad:
            cell.tau = torch.nn.Parameter(cell.tau)
        data = torch.tensor(current, dtype=torch.float64)
        states = torch.stack([cell(data)["voltage"] for _ in range(6)])
        if not grad:
            return states, None
        return states.detach(), torch.autograd.grad(states[:, :2].sum(), cell.tau)[0]

    alone, right = run([4.0, 7.0], True)
    without, _ = run([4.0, 7.0, 1e300], False)
    with_graph, gradient = run([4.0, 7.0, 1e300], True)
    assert bool(without[-1, 2].isnan()) == (event == "step")
    assert torch.equal(without[:, :2], alone)
    assert torch.equal(with_graph.nan_to_num(), without.nan_to_num())
    torch.testing.assert_close(gradient, right, rtol=1e-12, atol=0.0)


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("inputs", ["one", "several"])
def test_a_signal_is_an_input_with_gradients_too(event: str, inputs: str) -> None:
    def end(level: Tensor, grad: bool) -> Tensor:
        wave = rb.Signal(lambda t: level * torch.cos(t / 3.0), [1.25])
        made = rb.integrator("rk45", rtol=1e-9)
        model = Quadratic if inputs == "one" else TwoInputs
        cell = rb.create(model, 1, integrator=made, event=event, grad=grad, dt=0.5, dtype=torch.float64)
        for _ in range(4):
            out = cell(wave if inputs == "one" else {"current": wave, "more": 0.5})
        return out["voltage"].sum()

    level = torch.tensor(4.0, dtype=torch.float64, requires_grad=True)
    found = end(level, True)
    (slope,) = torch.autograd.grad(found, level)
    with torch.no_grad():
        assert end(level, False).item() == pytest.approx(found.item(), rel=1e-8)
        up, down = (end(level + width, False).item() for width in (1e-4, -1e-4))
    # Central differences: width^2, and the tolerance divided by the width.
    assert slope.item() == pytest.approx((up - down) / 2e-4, rel=1e-4)

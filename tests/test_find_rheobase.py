"""The rheobase against closed forms, and against another solver's bisection."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rheobase as rb
import torch
from rheobase import Input, Parameter, SpikingNeuron, State
from rheobase.errors import IntegrationError
from rheobase.pipeline.alike import kinds_of
from rheobase.pointing import module_of_file

ZOO = Path(__file__).resolve().parents[1] / "plugins" / "conformance" / "tests" / "zoo"
Adex: Any = module_of_file(ZOO / "sound_published.py").Adex


class Synaptic(SpikingNeuron):
    """A leaky integrator with two inputs, of which one only holds it back."""

    tau = Parameter(10.0, unit="ms", above=0)
    leak = Parameter(1.0, unit="1", at_least=0)
    voltage = State(0.0, unit="mV")
    brake = Input(unit="mV", default=1.0, at_least=0)
    drive = Input(unit="mV", at_least=0)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data.drive - data.brake - params.leak * state.voltage) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 15.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": 0.0 * params.tau}


@pytest.mark.parametrize("event", ["crossing", "step", "located"])
def test_a_leak_times_the_way_to_threshold_is_the_rheobase_of_lif(event: str) -> None:
    # 5 nS times 20 mV.
    assert rb.find_rheobase(rb.create("lif", event=event)).item() == pytest.approx(100.0, rel=1e-6)


def test_each_unit_has_its_own() -> None:
    neuron = rb.create("lif", num_units=3, leak_gl=[5.0, 10.0, 2.5], volt_thresh=[-55.0, -55.0, -65.0])
    found = rb.find_rheobase(neuron)
    assert found.tolist() == pytest.approx([100.0, 200.0, 25.0], rel=1e-6)
    assert found.dtype == neuron.dtype


def test_units_that_are_alike_have_what_one_of_them_has() -> None:
    leak, start = torch.tensor([5.0, 10.0, 5.0, 5.0, 10.0]), torch.tensor([-75.0, -75.0, -60.0, -75.0, -75.0])
    many = rb.create("lif", 5, leak_gl=leak, voltage=start)
    kinds = kinds_of(many)
    assert kinds.first[kinds.kind].tolist() == [0, 1, 2, 0, 1]
    assert len(kinds.first) == 3
    alone = [
        rb.find_rheobase(rb.create("lif", leak_gl=float(each), voltage=float(v))).item()
        for each, v in zip(leak, start, strict=True)
    ]
    assert rb.find_rheobase(many).tolist() == alone
    assert (many.num_units, many.leak_gl.tolist()) == (5, leak.tolist())


class Loud(SpikingNeuron):
    """A voltage with noise of its own."""

    noise = rb.Draw("normal")
    voltage = State(0.0, unit="mV")

    @staticmethod
    def update(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": 0.9 * state.voltage + data + params.noise}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 100.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": 0.0 * state.voltage}


class Counting(SpikingNeuron):
    """A forward of its own, in which each unit is what its place makes it."""

    voltage = State(0.0, unit="mV")
    stage = Parameter(1.0, unit="mV")

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        return super().forward(data + torch.arange(self.num_units), identifiers)

    derivatives = staticmethod(lambda state, params, data: {"voltage": data - state.voltage})
    threshold = staticmethod(lambda state, params: state.voltage - 10.0)
    reset = staticmethod(lambda state, params: {"voltage": 0.0 * params.stage})


@pytest.mark.parametrize("model", [Loud, Counting])
def test_units_that_something_else_tells_apart_are_not_taken_to_be_alike(model: Any) -> None:
    assert kinds_of(rb.create(model, 3)).first.tolist() == [0, 1, 2]


SHARES = torch.tensor([1.0, 1.0, 2.0, 4.0])


class Leaning(SpikingNeuron):
    """tau dV/dt = I - V, tau = 20 ms, to a threshold of 20."""

    bias = Parameter(0.0, unit="mV")
    voltage = State(0.0, unit="mV")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / 20.0 + params.bias * 1e30 * (1.0 + state.voltage**2)}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 20.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage)}


class LeaningToShares(Leaning):
    """What comes is shared out before a step."""

    def prepare(self, data: Any, identifiers: Any = None) -> Any:
        return super().prepare(data, identifiers) * SHARES


def test_shares_of_the_input_are_heeded_in_a_hook_and_in_prepare() -> None:
    hooked = rb.create(Leaning, 4, dt=10.0, integrator="rk1")
    hooked.register_forward_pre_hook(lambda module, given: (given[0] * SHARES, *given[1:]))
    for neuron in (hooked, rb.create(LeaningToShares, 4, dt=10.0, integrator="rk1")):
        assert rb.find_rheobase(neuron).tolist() == pytest.approx([20.0, 20.0, 10.0, 5.0], rel=2e-4)


def test_an_error_names_the_unit_of_the_neuron() -> None:
    neuron = rb.create(Leaning, 4, bias=[0.0, 0.0, 0.0, -1.0])
    with pytest.raises(IntegrationError, match="unit 3"):
        rb.find_rheobase(neuron)


def test_a_million_like_units_are_no_longer_to_look_at_than_a_few() -> None:
    assert len(kinds_of(rb.create("lif", 1_000_000)).first) == 1


def test_a_slow_unit_needs_what_brings_it_there_within_a_second() -> None:
    # V(T) = R I (1 - exp(-T / tau)).
    found = rb.find_rheobase(rb.create("lif", tau_mem=2000.0, dtype=torch.float64)).item()
    assert found == pytest.approx(100.0 / -math.expm1(-0.5), rel=2e-6)


def test_the_input_that_is_asked_for_and_the_others_at_their_defaults() -> None:
    neuron = rb.create(Synaptic, num_units=2, leak=[1.0, 2.0])
    assert rb.find_rheobase(neuron, input="drive").tolist() == pytest.approx([16.0, 31.0], rel=1e-6)
    # What holds back makes nobody fire.
    assert rb.find_rheobase(neuron).tolist() == [math.inf, math.inf]
    with pytest.raises(rb.errors.ArgumentError, match="did you mean 'drive'"):
        rb.find_rheobase(neuron, input="drift")
    with pytest.raises(rb.errors.ArgumentError, match="emits no spikes"):
        rb.find_rheobase(rb.create("analog"))


def reference(a: float) -> float:
    """The rheobase of AdEx in pA, by scipy and bisection."""
    integrate = pytest.importorskip("scipy.integrate", reason="scipy is not installed (extra 'dev')")

    def fires(current: float) -> bool:
        def field(t: float, y: np.ndarray) -> list[float]:
            v, w = y
            upstroke = 60.0 * math.exp(min((v + 50.4) / 2.0, 40.0))
            return [(-30.0 * (v + 70.6) + upstroke - w + current) / 281.0, (a * (v + 70.6) - w) / 144.0]

        def peak(t: float, y: np.ndarray) -> float:
            return float(y[0] + 30.0)  # from there it runs to its peak within microseconds

        peak.terminal = True  # type: ignore[attr-defined]
        found = integrate.solve_ivp(
            field, (0.0, 1000.0), [-70.6, 0.0], events=peak, method="LSODA", rtol=1e-8, atol=1e-8
        )
        return bool(found.t_events[0].size)

    low, high = 100.0, 2000.0
    while high - low > 1e-5 * high:
        middle = 0.5 * (low + high)
        low, high = (low, middle) if fires(middle) else (middle, high)
    return high


def test_adex_fires_from_where_another_solver_says() -> None:
    neuron: Any = rb.create(Adex, num_units=2, a=[4.0, 10.0], dtype=torch.float64)
    neuron(torch.full((2,), 500.0))
    before = {name: value.clone() for name, value in neuron.state_dict().items()}
    found = rb.find_rheobase(neuron)
    assert found.tolist() == pytest.approx([reference(4.0), reference(10.0)], rel=3e-4)
    assert torch.equal(found, rb.find_rheobase(neuron))
    assert all(torch.equal(before[name], value) for name, value in neuron.state_dict().items())
    # It fires there, and not a little below.
    for factor, fires in ((1.0, True), (1.0 - 2e-4, False)):
        neuron.reset_state()
        counts = rb.simulate(neuron, found * factor, duration=1000.0).counts()
        assert (counts > 0).tolist() == [fires, fires]


def test_a_linear_model_of_too_coarse_a_step_is_bisected_with_that_step() -> None:
    # Euler's step of 1.5 tau overshoots: after the first step V = 1.5 R I.
    neuron = rb.create("lif", integrator="rk1", dt=7.5)
    assert rb.find_rheobase(neuron).item() == pytest.approx(100.0 / 1.5, rel=1.5e-4)

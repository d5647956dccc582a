"""What the tests of the fused backend share: models of a stranger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import Input, Parameter, SpikingNeuron, State
from rheobase_fused.courses import Inputs
from torch import Tensor


class HodgkinHuxley(SpikingNeuron):
    r"""The squid axon (Hodgkin and Huxley 1952), per cm^2: C dV/dt = I - g_Na m^3 h (V - E_Na) - ..."""

    voltage = State(-65.0, unit="mV", doc="membrane potential")
    m = State(0.0529, unit="1", doc="activation of sodium")
    h = State(0.5961, unit="1", doc="inactivation of sodium")
    n = State(0.3177, unit="1", doc="activation of potassium")
    capacitance = Parameter(1.0, unit="uF/cm2", above=0, doc="capacitance")
    dt_max = 0.025

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        v = state.voltage
        current = (
            120.0 * state.m**3 * state.h * (v - 50.0) + 36.0 * state.n**4 * (v + 77.0) + 0.3 * (v + 54.387)
        )
        # x / (1 - e^-x), which is 0 / 0 at x = 0.
        x = (v + 40.0) / 10.0
        alpha_m = torch.where(x.abs() < 1e-4, 1.0 + x / 2.0, x / (1.0 - torch.exp(-x)))
        z = (v + 55.0) / 10.0
        alpha_n = 0.1 * torch.where(z.abs() < 1e-4, 1.0 + z / 2.0, z / -torch.expm1(-z))
        beta_m = 4.0 * torch.exp(-(v + 65.0) / 18.0)
        alpha_h = 0.07 * torch.exp(-(v + 65.0) / 20.0)
        beta_h = torch.sigmoid((v + 35.0) / 10.0)
        beta_n = 0.125 * torch.exp(-(v + 65.0) / 80.0)
        return {
            "voltage": (data - current) / params.capacitance,
            "m": alpha_m * (1.0 - state.m) - beta_m * state.m,
            "h": alpha_h * (1.0 - state.h) - beta_h * state.h,
            "n": alpha_n * (1.0 - state.n) - beta_n * state.n,
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        gap: Tensor = state.voltage - 0.0
        return gap


class AdaptiveExponential(SpikingNeuron):
    r"""C dV/dt = -g (V - E) + g D exp((V - V_T) / D) - w + I (Brette and Gerstner 2005), refractory here."""

    voltage = State(-70.6, unit="mV", doc="membrane potential")
    adaptation = State(0.0, unit="pA", doc="adaptation current")
    tau_ref = Parameter(0.5, unit="ms", at_least=0, doc="refractory period")
    jump = Parameter(80.5, unit="pA", doc="what a spike adds to the adaptation")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        v, w = state.voltage, state.adaptation
        leak = -30.0 * (v + 70.6) + 60.0 * torch.exp((v + 50.4) / 2.0)
        return {"voltage": (leak - w + data) / 281.0, "adaptation": (4.0 * (v + 70.6) - w) / 144.0}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        gap: Tensor = state.voltage - 20.0
        return gap

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        return {"voltage": -60.0, "adaptation": state.adaptation + params.jump}


class TwoInputs(SpikingNeuron):
    r"""tau dV/dt = -V + E - I, with two named inputs of which one may not be negative."""

    voltage = State(0.0, unit="mV", doc="membrane potential")
    tau = Parameter(2.0, unit="ms", above=0, doc="time constant")
    excitation = Input(unit="mV", at_least=0)
    inhibition = Input(unit="mV", default=0.5)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Tensor]:
        return {"voltage": (data.excitation - data.inhibition - state.voltage) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        gap: Tensor = state.voltage - 1.0
        return gap

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        return {"voltage": 0.0}


MODELS: dict[str, tuple[Any, float, float]] = {
    "lif": ("lif", 60.0, 140.0),
    "izhikevich": ("izhikevich", 0.0, 15.0),
    "hodgkin-huxley": (HodgkinHuxley, 0.0, 40.0),
    "adex": (AdaptiveExponential, 300.0, 1500.0),
}
"""Name -> what ``create`` takes, and the range of constant currents of a run."""


@pytest.fixture(params=list(MODELS))
def model(request: pytest.FixtureRequest) -> tuple[Any, float, float]:
    """Each model, with the range of its currents."""
    return MODELS[request.param]


@pytest.fixture
def two_inputs() -> type[SpikingNeuron]:
    """A model with two named inputs."""
    return TwoInputs


@pytest.fixture
def adex() -> type[SpikingNeuron]:
    """A model that explodes past its threshold."""
    return AdaptiveExponential


@pytest.fixture
def squid() -> type[SpikingNeuron]:
    """A model whose states follow linear equations, each given the others."""
    return HodgkinHuxley


@pytest.fixture
def both() -> Callable[..., tuple[Any, Any]]:
    """Runs two neurons alike, in ``eager`` and in ``fused``; gives both with their recordings."""

    def run(make: Callable[[], Any], stimulus: Any, duration: float | None = None, **options: Any) -> Any:
        found = []
        for backend in ("eager", "fused"):
            neuron = make()
            recording = rb.simulate(neuron, stimulus, duration, backend=backend, progress=False, **options)
            assert recording.provenance["backend"].name == backend
            found.append((neuron, recording))
        return found

    return run


@pytest.fixture(scope="session")
def steady() -> Callable[[Any], Any]:
    """Runs a model with located spikes under constant currents, as ``both`` does; in ``eager`` once."""
    known: dict[Any, Any] = {}

    def run(model: tuple[Any, float, float]) -> list[tuple[Any, Any]]:
        kind, low, high = model
        current = torch.linspace(low, high, 41, dtype=torch.float64)

        def of(backend: str) -> tuple[Any, Any]:
            neuron = rb.create(kind, 41, dtype=torch.float64, dt=0.025, event="located")
            record = [*neuron.schema.states, "spiked", "spikes"]
            recording = rb.simulate(neuron, current, 20.0, record=record, backend=backend, progress=False)
            assert recording.provenance["backend"].name == backend
            return neuron, recording

        if model not in known:
            known[model] = of("eager")
        return [known[model], of("fused")]

    return run


@pytest.fixture
def a_few_steps(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Lets each call of a kernel have so many unit-steps only."""

    def limit(unit_steps: int) -> None:
        at_once = Inputs.steps_at_once

        def few(self: Inputs, wanted: float) -> int:
            return at_once(self, unit_steps)

        monkeypatch.setattr(Inputs, "steps_at_once", few)

    return limit

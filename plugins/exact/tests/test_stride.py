"""Steps that use the coefficients of the step before are, to the last bit, steps that use none."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import Input, Parameter, SpikingNeuron, State
from rheobase_exact import ExactPropagator
from torch import Tensor


class Leaky(SpikingNeuron):
    """A leaky integrator."""

    volt_thresh = Parameter(10.0, unit="mV")
    tau = Parameter(5.0, unit="ms", above=0)
    tau_ref = Parameter(0.3, unit="ms", at_least=0)
    voltage = State(0.0, unit="mV", at_rest=True)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - params.volt_thresh

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": 0.0 * params.tau}


class Adapting(Leaky):
    """With a second variable that goes on while the voltage is held."""

    trace = State(0.0, unit="mV", at_rest=True)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {
            "voltage": (data - state.voltage - state.trace) / params.tau,
            "trace": (state.voltage - state.trace) / (4.0 * params.tau),
        }


class Shunted(Leaky):
    """With a conductance, which multiplies the state."""

    drive = Input(unit="mV")
    conductance = Input(unit="1", at_least=0)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data.drive - (1.0 + data.conductance) * state.voltage) / params.tau}


def assigned(neuron: Any) -> None:
    neuron.tau = neuron.tau * 1.5


def written(neuron: Any) -> None:
    neuron.tau.mul_(1.5)


def written_unseen(neuron: Any) -> None:
    neuron.tau.data.numpy()[...] *= 1.5


def kicked(neuron: Any) -> None:
    neuron.inject(torch.full((neuron.num_units,), 3.0))


def begun_again_with_a_batch(neuron: Any) -> None:
    neuron.reset_state()
    neuron(
        torch.full((2, neuron.num_units), 12.0) if not neuron.schema.inputs else {"drive": torch.ones(2, 3)}
    )


def made_double(neuron: Any) -> None:
    neuron.double()


def nothing(neuron: Any) -> None:
    pass


def train(model: type, change: Callable[[Any], None], dt: float, *, forget: bool) -> list[Tensor]:
    neuron: Any = rb.create(model, num_units=3, integrator=ExactPropagator(), dt=dt, tau=[4.0, 5.0, 7.0])
    found = []
    for step in range(60):
        if step == 31:
            change(neuron)
        if forget:
            neuron.integrator = ExactPropagator()
        drive = torch.tensor([8.0, 15.0, 30.0]) + step % 7
        wet = {"drive": drive, "conductance": torch.tensor([0.0, 0.1, 0.2]) * (step % 3)}
        neuron(wet if model is Shunted else drive)
        found.append(torch.cat([neuron._buffers[name].double().reshape(-1) for name in neuron.schema.states]))
    return found


@pytest.mark.parametrize(
    "change",
    [assigned, written, written_unseen, kicked, begun_again_with_a_batch, made_double, nothing],
    ids=lambda change: change.__name__,
)
@pytest.mark.parametrize("model", [Leaky, Adapting, Shunted], ids=lambda model: model.__name__)
def test_steps_that_remember_are_steps_that_do_not(model: type, change: Callable[[Any], None]) -> None:
    remembering, forgetting = (train(model, change, 0.1, forget=each) for each in (False, True))
    assert all(map(torch.equal, remembering, forgetting))
    assert len({tuple(each.tolist()) for each in remembering}) > 50


def test_the_models_text_is_followed_once_and_run_once_a_step() -> None:
    calls = []

    class Counted(Leaky):
        """A leaky integrator that tells of its calls."""

        @staticmethod
        def derivatives(state: Any, params: Any, data: Any) -> Any:
            calls.append(type(state.voltage))
            return Leaky.derivatives(state, params, data)

    neuron: Any = rb.create(Counted, num_units=3, integrator=ExactPropagator())
    neuron(torch.ones(3))
    calls.clear()
    for step in range(20):
        neuron(torch.full((3,), float(step)))
    assert calls == [Tensor] * 20


def test_a_learnt_time_constant_gets_its_gradient_in_each_step_also_after_steps_without() -> None:
    neuron: Any = rb.create(Leaky, integrator=ExactPropagator(), dtype=torch.float64)
    neuron(torch.ones(1))
    neuron.tau = torch.nn.Parameter(neuron.tau.clone())
    gradients = []
    for _ in range(2):
        neuron.reset_state()
        neuron.keeps_graph = True
        voltage = neuron(torch.ones(1))["voltage"]
        neuron.keeps_graph = False
        gradients.append(torch.autograd.grad(voltage.sum(), neuron.tau)[0].item())
    # V(h) = 1 - exp(-h / tau).
    exact = -torch.exp(torch.tensor(-0.1 / 5.0, dtype=torch.float64)).item() * 0.1 / 25.0
    assert gradients == pytest.approx([exact, exact], rel=1e-12)


def test_an_integrator_that_remembers_is_copied_and_saved_without_what_it_remembers() -> None:
    neuron: Any = rb.create(Leaky, integrator=ExactPropagator())
    neuron(torch.ones(1))
    twin: Any = copy.deepcopy(neuron)
    assert torch.equal(neuron(torch.ones(1))["voltage"], twin(torch.ones(1))["voltage"])

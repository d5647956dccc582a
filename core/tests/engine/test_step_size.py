"""``dt_max`` as a function of state, parameters and input: who is warned, when, and of what."""

from __future__ import annotations

import copy
import pickle
import warnings
from pathlib import Path
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase.errors import StepSizeWarning
from rheobase.pointing import module_of_file

OneConductance: Any = module_of_file(
    Path(__file__).parents[3] / "plugins" / "conformance" / "tests" / "zoo" / "step_sizes.py"
).OneConductance


def told(neuron: Any, stimulus: Any, **settings: Any) -> list[str]:
    """The warnings about the step of a run."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        rb.simulate(neuron, stimulus, backend="eager", **settings)
    return [str(each.message) for each in heard if each.category is StepSizeWarning]


def growing(steps: int = 300, top: float = 800.0) -> torch.Tensor:
    """A conductance that grows from 0 to so many nS, ``[steps, 1]``."""
    return torch.linspace(0.0, top, steps).unsqueeze(1)


def test_a_conductance_that_grows_within_a_run_is_seen_in_time():
    # 200 pF and dt 1 ms: Euler's method overshoots from 200 nS on, RK4 grows from 557 nS on.
    neuron = rb.create(OneConductance, dt=1.0, volt_thresh=20.0)
    messages = told(neuron, {"data": growing()}, duration=300.0)
    assert len(messages) == 1
    reached = float(messages[0].split("at t = ")[1].split(" ms")[0])
    # 190 nS are passed at 71 ms; a look every 16 steps.
    assert 71.0 <= reached <= 71.0 + 17.0


def test_the_false_spikes_of_an_unstable_step_are_told():
    # V moves towards 0 mV, below the threshold of 20 mV: each spike is false.
    neuron = rb.create(OneConductance, dt=1.0, volt_thresh=20.0)
    with pytest.warns(StepSizeWarning):
        recording = rb.simulate(neuron, {"data": growing()}, duration=300.0, backend="eager")
    assert len(recording.spikes.times) > 0
    fine = rb.create(OneConductance, dt=0.1, volt_thresh=20.0)
    held = growing().repeat_interleave(10, dim=0)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        recording = rb.simulate(fine, {"data": held}, duration=300.0, backend="eager")
    assert heard == []
    assert len(recording.spikes.times) == 0


def test_a_single_strong_step_that_spikes_is_looked_at():
    # Between two looks: a spike is reason enough.
    rows = torch.zeros(40, 1)
    rows[21] = 2000.0
    neuron = rb.create(OneConductance, dt=1.0, volt_thresh=20.0, integrator="rk1")
    messages = told(neuron, {"data": rows}, duration=40.0)
    assert len(messages) == 1
    assert "at t = 21 ms" in messages[0]


def test_the_warning_names_neuron_unit_time_step_and_what_would_serve():
    neuron = rb.create(OneConductance, 3, dt=4.0, capacitance=torch.tensor([200.0, 20.0, 30.0]))
    neuron.identifier = "membrane"
    (message,) = told(neuron, {"data": 0.0}, duration=40.0)
    assert "membrane: dt=4 ms is larger than dt_max=2 ms of unit 1 at t = 0 ms" in message
    assert "dt=2 ms would serve all units" in message


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 1, 3)])
def test_the_unit_is_named_in_a_batch(shape):
    current = torch.zeros(4, *shape)
    current[..., 2] = 1000.0
    neuron = rb.create(OneConductance, 3, dt=1.0, volt_thresh=20.0)
    (message,) = told(neuron, {"data": current}, duration=4.0)
    assert "of unit 2" in message


def test_it_is_said_once_in_a_run_and_again_in_the_next():
    neuron = rb.create(OneConductance, dt=25.0)
    assert len(told(neuron, {"data": 0.0}, duration=2500.0)) == 1
    assert len(told(neuron, {"data": 0.0}, duration=2500.0)) == 1


def test_steps_by_hand_are_warned_of_until_the_state_is_reset():
    neuron = rb.create(OneConductance, dt=25.0)
    for _ in range(2):
        with pytest.warns(StepSizeWarning):
            neuron({"data": 0.0})
        neuron({"data": 0.0})
        for copied in (copy.deepcopy(neuron), pickle.loads(pickle.dumps(neuron))):
            copied({"data": 0.0})
        neuron.reset_state()


class Implicit(rb.Integrator):
    """The exact step of a decay, for linear fields only."""

    order, field = 1, "linear"

    def advance(self, field, y, t0, t1, *, carry=None):
        return rb.Advance(y + (t1 - t0) * field(t0, y))


class Adaptive(Implicit):
    adaptive, field = True, "general"


@pytest.mark.parametrize("integrator", [Implicit(), Adaptive()])
@pytest.mark.parametrize("kind", ["function", "number"])
def test_methods_that_choose_their_steps_or_take_linear_fields_only_are_not_concerned(integrator, kind):
    model = OneConductance if kind == "function" else type("Model", (OneConductance,), {"dt_max": 20.0})
    neuron = rb.create(model, dt=25.0, integrator=integrator)
    neuron({"data": 0.0})


@pytest.mark.parametrize("integrator", ["rk1", "rk2", "rk3", "rk4"])
@pytest.mark.parametrize("event", ["crossing", "step", "located"])
def test_every_order_and_event_mode_is_concerned(integrator, event):
    neuron = rb.create(OneConductance, dt=25.0, integrator=integrator, event=event)
    assert len(told(neuron, {"data": 0.0}, duration=25.0)) == 1


def test_a_function_does_not_move_the_default_step():
    model = type("Quick", (OneConductance,), {})
    assert rb.create(model, capacitance=0.1).dt == rb.create(OneConductance).dt == 0.1
    assert OneConductance.schema.dt_max is None


def test_values_that_cannot_be_looked_at_are_not():
    neuron = rb.create(OneConductance, dt=25.0)
    current = torch.zeros(3, 1)
    torch.func.vmap(lambda g: neuron({"data": g})["voltage"])(current)
    compiled = torch.compile(neuron, backend="eager", fullgraph=True)
    compiled({"data": current[0]})
    neuron.to("meta")({"data": current[0].to("meta")})


def test_the_warning_leaves_the_results_alone_and_no_graph_behind():
    neuron = rb.create(OneConductance, dt=25.0, grad=True)
    neuron.capacitance = torch.nn.Parameter(torch.tensor(200.0))
    with pytest.warns(StepSizeWarning):
        out = neuron({"data": torch.tensor([1.0])})
    (slope,) = torch.autograd.grad(out["voltage"].sum(), neuron.capacitance)
    assert bool(slope.isfinite())


class OwnSteps(OneConductance):
    """Its update draws, and makes the step in one of two schemes."""

    kick = rb.Draw("normal", doc="of the size of 1 mV")
    scheme = rb.Option("own", "integrated")

    @staticmethod
    def update(state, params, data, dt):
        moved = state.voltage + 0.0 * params.kick
        return {"voltage": moved} if params.scheme == "own" else NotImplemented


@pytest.mark.parametrize("rows", [(), (2,)], ids=["units", "batch"])
def test_steps_that_the_model_makes_itself_are_not_concerned(rows):
    current = {"data": torch.zeros(3, *rows, 2)}
    assert told(rb.create(OwnSteps, 2, dt=25.0), current) == []
    assert len(told(rb.create(OwnSteps, 2, dt=25.0, scheme="integrated"), current)) == 1


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (None, "NoneType"),
        (1j, "complex"),
        (torch.ones(7), r"shape \[7\]"),
    ],
    ids=["nothing", "complex", "another-shape"],
)
def test_a_dt_max_that_is_no_time_is_told_as_its_models_fault(given: Any, word: str) -> None:
    class Odd(rb.SpikingNeuron):
        voltage = rb.State(0.0, unit="mV")

        @staticmethod
        def derivatives(state: Any, params: Any, data: Any) -> Any:
            return {"voltage": data - state.voltage}

        @staticmethod
        def threshold(state: Any, params: Any) -> Any:
            return state.voltage - 1.0

        @staticmethod
        def dt_max(state: Any, params: Any, data: Any) -> Any:
            return given

    with pytest.raises(
        rb.errors.DeclarationError, match=f"dt_max gave .*{word}.*; give finite ms above zero"
    ):
        rb.create(Odd, 3)(torch.zeros(3))

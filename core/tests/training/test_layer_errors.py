"""What cannot be a layer, or cannot go through one, is told with what to do."""

from __future__ import annotations

from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase.errors import (
    ArgumentError,
    ComponentError,
    EventModeError,
    InputError,
    NonFiniteStateError,
    ParameterError,
    RheobaseWarning,
    StepSizeWarning,
)
from torch import Tensor, nn


class Follower(rb.AnalogNeuron):
    """tau dV/dt = I / g - V."""

    tau = rb.Parameter(4.0, unit="ms", above=0)
    leak = rb.Parameter(2.0, unit="nS", above=0)
    voltage = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data / params.leak - state.voltage) / params.tau}


class Noisy(Follower):
    """The same, with a draw."""

    kick = rb.Draw("normal")


def flat(u: Tensor) -> Tensor:
    return 0.5 + u**3


WRONG: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "unknown to learn": ({"learn": ("taw",)}, ParameterError, "no parameter 'taw'.*did you mean 'tau'"),
    "on its bound": ({"learn": "share", "share": 1.0}, ArgumentError, "share = 1 lies on the bound"),
    "rounded": ({"learn": "tau_ref"}, ArgumentError, "'tau_ref' is rounded to whole steps"),
    "flat surrogate": ({"surrogate": flat}, ArgumentError, "derivative 0 at u = 0"),
    "constant surrogate": ({"surrogate": torch.ones_like}, ArgumentError, "derivative 0 at u = 0"),
    "surrogate that sums": ({"surrogate": torch.sum}, ArgumentError, "of the shape that it is given"),
    "unknown surrogate": ({"surrogate": "atam"}, ComponentError, "atam.*did you mean 'atan'"),
    "no function": ({"surrogate": 3}, ArgumentError, "surrogate=3 cannot be used"),
    "reset": ({"reset": "detatched"}, ArgumentError, "did you mean 'detached'"),
    "gradient": (
        {"gradient": "time"},
        ArgumentError,
        "gradient='time'; it must be one of 'surrogate', 'times'",
    ),
    "backend": ({"backend": 3}, ArgumentError, "backend=3; give 'auto', 'eager' or the name of a backend"),
    "event": ({"event": "located"}, EventModeError, "give gradient='times' with it, or 'step' or 'crossing'"),
    "recurrent": ({"recurrent": torch.ones(3, 3)}, ArgumentError, "give a torch module"),
    "parameter": ({"taw": 3.0}, ParameterError, "did you mean 'tau'"),
    "shape": ({"tau": torch.ones(2)}, ArgumentError, r"tau has shape \[2\].*\[3\]"),
    "begins at threshold": ({"voltage": -50.0}, ArgumentError, "unit 0 begins at its threshold"),
    "begins above threshold": ({"voltage": -40.0}, ArgumentError, "unit 0 begins at or above its threshold"),
    "fires by itself": ({"shift": 4.0, "volt_thresh": -64.9}, ArgumentError, "unit 0 fires without input"),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.filterwarnings("ignore:.*starts at or above its threshold")
def test_what_cannot_be_used_is_told(name: str, leaky: type[rb.SpikingNeuron]) -> None:
    given, error, said = WRONG[name]
    with pytest.raises(error, match=said):
        rb.layer(leaky, 3, dt=1.0, **given)


@pytest.mark.parametrize("units", [0, -1, 2.0, (), (3, 0), "3", True])
def test_units_are_whole_numbers(units: Any, leaky: type[rb.SpikingNeuron]) -> None:
    with pytest.raises(ArgumentError, match="whole number from 1 up"):
        rb.layer(leaky, units, dt=1.0)


def test_model_without_threshold_has_no_spikes_to_give() -> None:
    with pytest.raises(ArgumentError, match="no threshold and emits no spikes; give output='voltage'"):
        rb.layer(Follower, 3, dt=1.0)
    with pytest.raises(ArgumentError, match="declares no dynamics"):
        rb.layer("analog", 3, dt=1.0, output="voltage")
    with pytest.raises(ArgumentError, match="draws random numbers"):
        rb.layer(Noisy, 3, dt=1.0, output="voltage")
    with pytest.raises(ComponentError, match="nobody-of-that-name"):
        rb.layer("nobody-of-that-name", 3, dt=1.0)


@pytest.fixture
def layer(leaky: type[rb.SpikingNeuron]) -> rb.Layer:
    return rb.layer(leaky, (2, 3), dt=1.0, tau_ref=2.0)


def test_input_that_is_no_sequence_of_the_units_is_told(layer: rb.Layer) -> None:
    for wrong in (torch.zeros(5, 6), torch.zeros(3), torch.zeros(2, 3), torch.zeros(5, 3, 2)):
        with pytest.raises(InputError, match=r"\[T, \*batch, \*units\], and the units are \[2, 3\]"):
            layer(wrong)
    with pytest.raises(InputError, match="x is list"):
        layer([1.0])
    with pytest.raises(InputError, match=r"x is torch\.float64, and the layer has torch.float32"):
        layer(torch.zeros(5, 2, 3, dtype=torch.float64))
    with pytest.raises(InputError, match="give a tensor"):
        layer({"current": torch.zeros(5, 2, 3)})


def test_number_that_is_none_is_told_by_step_row_and_unit(layer: rb.Layer) -> None:
    x = torch.zeros(5, 4, 2, 3)
    x[3, 2, 1, 0] = torch.nan
    with pytest.raises(InputError, match=r"x is nan at t = 3, row 2, unit \[1, 0\]"):
        layer(x)
    x[3, 2, 1, 0] = -torch.inf
    with pytest.raises(InputError, match=r"x is -inf at t = 3"):
        layer(x)
    second = rb.layer(type(layer.neuron), 3, dt=1.0, time="second")
    x = torch.zeros(4, 5, 3)
    x[2, 3, 1] = torch.nan
    with pytest.raises(InputError, match=r"x is nan at t = 3, row 2, unit 1"):
        second(x)


def test_state_that_does_not_fit_is_told(layer: rb.Layer) -> None:
    state = layer(torch.zeros(5, 4, 2, 3), return_state=True)[1]
    assert set(state) == {"voltage", "armed", "hold", "spikes"}
    with pytest.raises(
        InputError, match=r"voltage has shape \[4, 2, 3\], and the input asks for.*\[7, 2, 3\]"
    ):
        layer(torch.zeros(5, 7, 2, 3), state=state)
    with pytest.raises(InputError, match=r"voltage is torch\.float64, and the layer has torch.float32"):
        layer(torch.zeros(5, 4, 2, 3), state={**state, "voltage": state["voltage"].double()})
    with pytest.raises(InputError, match="lacks 'hold'"):
        layer(torch.zeros(5, 4, 2, 3), state={name: state[name] for name in state if name != "hold"})
    with pytest.raises(InputError, match="has 'volt', which is no part of it"):
        layer(torch.zeros(5, 4, 2, 3), state={**state, "volt": state["voltage"]})


def test_state_that_overflows_is_told() -> None:
    layer = rb.layer(Follower, 2, dt=50.0, integrator="rk1", output="voltage", dtype=torch.float32)
    x = torch.zeros(60, 3, 2)
    x[0, 1, 1] = 1.0
    with pytest.raises(
        NonFiniteStateError, match=r"'voltage' of unit 1, row \[1\] is not finite after 60 steps"
    ):
        layer(x)


def test_threshold_below_the_initial_state_is_told_once(leaky: type[rb.SpikingNeuron]) -> None:
    layer = rb.layer(leaky, 2, dt=1.0, learn="volt_thresh")
    with torch.no_grad():
        layer.raw.volt_thresh -= 0.5  # -75 mV
    with pytest.warns(RheobaseWarning, match="unit 0 begins at or above its threshold"):
        spikes = layer(torch.zeros(5, 1, 2))
    assert not spikes.any()
    layer(torch.zeros(5, 1, 2))


@pytest.mark.parametrize(("x", "said"), [(0.01, "no unit spiked"), (50.0, "each unit spiked in each step")])
def test_layer_that_is_silent_or_never_rests_in_its_first_call_is_told(
    x: float, said: str, leaky: type[rb.SpikingNeuron]
) -> None:
    layer = rb.layer(leaky, 2, dt=1.0)
    with pytest.warns(RheobaseWarning, match=said):
        layer(torch.full((10, 1, 2), x))
    layer(torch.full((10, 1, 2), x))


def test_dt_that_is_too_large_for_what_was_learnt_is_told_once() -> None:
    layer = rb.layer("lif", 2, dt=1.0, tau_ref=0.0, learn="tau_mem")
    layer(torch.full((12, 1, 2), 0.7))
    with torch.no_grad():
        layer.raw.tau_mem -= 19.0  # 5 ms / 20
    with pytest.warns(StepSizeWarning, match=r"dt=1 ms is larger than dt_max=0.25 ms of unit 0"):
        layer(torch.full((1, 1, 2), 0.7))
    layer(torch.full((1, 1, 2), 0.7))
    # Exact at any dt.
    exact = rb.layer("lif", 2, dt=20.0, tau_ref=0.0, integrator="exact")
    exact(torch.full((1, 1, 2), 0.7))


def test_recurrence_of_another_width_is_told(leaky: type[rb.SpikingNeuron]) -> None:
    layer = rb.layer(leaky, 3, dt=1.0, recurrent=nn.Linear(3, 4))
    with pytest.raises(InputError, match=r"recurrent gave shape \[2, 4\]; it must be \[2, 3\]"):
        layer(torch.zeros(5, 2, 3))

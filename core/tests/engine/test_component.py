"""The base of everything that is stepped: identity, clock, time step, configuration."""

from __future__ import annotations

import math

import pytest
import rheobase as rb
import torch
from rheobase.errors import ArgumentError


def test_a_component_is_a_torch_module_with_the_defaults_of_the_reference():
    class Clock(rb.Component):
        pass

    clock = Clock()
    assert isinstance(clock, torch.nn.Module)
    assert (clock.identifier, clock.dt, clock.simulation_step, clock.time) == ("Clock", 0.1, 0, 0.0)
    assert rb.DT == 0.1
    assert (clock.dtype, clock.device) == (torch.float32, torch.device("cpu"))
    assert clock.loggable_state() == {}


@pytest.mark.parametrize("dt", [0, 0.0, -0.1, math.nan, math.inf, -math.inf, "fast", None, True, 1j, [0.1]])
def test_a_time_step_that_is_no_positive_number_is_refused_by_name(dt):
    clock = rb.Component()
    with pytest.raises(ArgumentError, match=r"dt=.* > 0 ms"):
        clock.dt = dt
    assert clock.dt == 0.1
    if dt is not None:
        with pytest.raises(ValueError, match=r"dt=.* > 0 ms"):
            rb.Component(dt=dt)


def test_dt_cannot_change_while_the_clock_counts_in_it(lif):
    neuron = rb.create(lif, dt=0.5)
    neuron.dt = 0.25
    neuron(100.0)
    with pytest.raises(ArgumentError, match=r"0\.25.*0\.5.*reset_state"):
        neuron.dt = 0.5
    neuron.reset_state()
    neuron.dt = 0.5
    assert neuron.dt == 0.5


def test_simulation_step_is_a_property_over_an_int64_buffer(lif):
    neuron = rb.create(lif, dt=0.5)
    for _ in range(3):
        neuron(0.0)
    assert neuron.simulation_step == 3
    assert type(neuron.simulation_step) is int
    assert neuron.time == 1.5
    steps = [value for value in neuron.state_dict().values() if value.dtype == torch.int64]
    assert [value.tolist() for value in steps] == [3]
    with pytest.raises(AttributeError):
        neuron.simulation_step = 7
    neuron.reset_state()
    assert neuron.simulation_step == 0


def test_the_step_counter_is_exact_far_beyond_float32(lif):
    neuron = rb.create(lif)
    state = {name: value.clone() for name, value in neuron.state_dict().items()}
    state["step_count"] = torch.tensor(2**40)
    neuron.load_state_dict(state)
    neuron(0.0)
    assert neuron.simulation_step == 2**40 + 1


def test_configure_sets_what_exists_and_names_what_is_nearest():
    clock = rb.Component(configuration={"dt": 0.5})
    assert clock.configuration == {"dt": 0.5}
    clock.configure()
    assert clock.dt == 0.5
    clock.configure({"dt": 0.25, "identifier": "slow"})
    assert (clock.dt, clock.identifier) == (0.25, "slow")
    with pytest.raises(ArgumentError, match=r"'identifer'.*did you mean 'identifier'"):
        clock.configure({"dt": 1.0, "identifer": "x"})
    assert clock.dt == 0.25, "one wrong name, and nothing is set"
    with pytest.raises(ArgumentError, match="_dt"):
        clock.configure({"_dt": 1.0})


def test_a_neuron_is_configured_when_it_is_made(lif):
    assert lif(configuration={"tau_mem": 20.0}).tau_mem == 20.0
    with pytest.raises(ArgumentError, match=r"'tau_men'.*did you mean 'tau_mem'"):
        lif(configuration={"tau_men": 20.0})


@pytest.mark.parametrize("dtype", [torch.int32, torch.complex64, torch.bool, "float32"])
def test_a_dtype_that_is_not_floating_point_is_refused(lif, dtype):
    with pytest.raises(ArgumentError, match=r"dtype=.*floating-point"):
        rb.create(lif, dtype=dtype)


def test_a_device_that_does_not_exist_is_refused(lif):
    with pytest.raises(ArgumentError, match=r"device='quantum'"):
        rb.create(lif, device="quantum")


def test_loggable_state_gives_copies_of_what_the_class_lists(lif):
    neuron = rb.create(lif, 2)
    logged = neuron.loggable_state()
    assert list(logged) == list(neuron.loggable_props) == ["input", "voltage", "spiked"]
    logged["voltage"].zero_()
    assert neuron.voltage.tolist() == [-75.0, -75.0]

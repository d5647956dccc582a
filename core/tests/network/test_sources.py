"""Synapses with states of each source, which its spikes take on: short-term depression by hand."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import errors

from .models import Exponential, driven, leaky


class Depressing(Exponential):
    """A spike of weight w sends w U x, and x loses U x; dx/dt = (1 - x) / tau_rec (Tsodyks, Markram 1997)."""

    use = rb.Parameter(0.5, unit="1", at_least=0, at_most=1)
    tau_rec = rb.Parameter(800.0, unit="ms", above=0)
    available = rb.State(1.0, unit="1", per="source")

    @staticmethod
    def transmit(state: Any, params: Any, elapsed: Any) -> Any:
        available = 1.0 - (1.0 - state.available) * torch.exp(-elapsed / params.tau_rec)
        sent = params.use * available
        return sent, {"available": available - sent}


# U x of spikes 50 ms apart, with U = 0.5 and tau_rec = 800 ms.
SENT = [0.5, 0.265146734297, 0.154834621474, 0.103020301587, 0.078682777116]


def net(event: str = "step", units: int = 1, dt: float = 0.1, **parameters: Any) -> rb.Network:
    """Sources that spike 50 ms apart: V rises to 15 mV in exactly 48 ms, and rests for 2."""
    network = rb.Network()
    network.add("source", leaky(units, event=event, tau=1e12, threshold_at=48.0, integrator="rk4", dt=dt))
    network.add("target", leaky(1, threshold_at=1e9, event=event, dt=dt))
    pairs = (range(units), [0] * units)
    synapse = rb.synapse(Depressing, **parameters)
    network.connect("source", "target", pairs, synapse, weight=1.0, delay=1.0)
    return network


def factors(network: rb.Network, duration: float) -> list[float]:
    """What is under way, as it is sent."""
    found: list[float] = []
    for _ in range(round(duration / network.dt)):
        network(driven(network["source"].num_units, 250.0))
        sent = network["source->target"].delivery.sent
        if sent and sent[-1].label == network.simulation_step:
            found += sent[-1].factor.tolist()
    return found


@pytest.mark.parametrize(("event", "dt"), [("step", 0.1), ("located", 1.0)])
def test_what_is_sent_falls_as_the_equations_say(event: str, dt: float) -> None:
    found = factors(net(event, dt=dt), 255.0)
    assert len(found) == 5
    # On the grid the threshold is met at the end of a step that rounding may move by one: 0.1 of 50 ms.
    within = 1e-9 if event == "located" else 2e-3
    assert found == pytest.approx(SENT, rel=within)


def test_what_arrives_is_the_weight_by_the_factor() -> None:
    network = net("step")
    network["source->target"].tau = 1e9
    for _ in range(1055):
        network(driven(1, 250.0))
    assert float(network["source->target"].current) == pytest.approx(sum(SENT[:2]), rel=2e-3)


def test_each_source_has_its_own_state_and_it_is_carried_over() -> None:
    network = net("step", units=3, dt=0.5)
    network["source"].threshold_at = torch.tensor([48.0, 30.0, 20.0], dtype=torch.float64)
    factors(network, 120.0)
    other = net("step", units=3, dt=0.5)
    other["source"].threshold_at = torch.tensor([48.0, 30.0, 20.0], dtype=torch.float64)
    other.load_state_dict(network.state_dict())
    copied = copy.deepcopy(network)
    rest = factors(network, 100.0)
    assert len(rest) > 6
    assert factors(other, 100.0) == rest
    assert factors(copied, 100.0) == rest
    available = network["source->target"].available
    assert available.shape == (3,)
    assert len(set(available.tolist())) == 3
    network.reset_state()
    assert network["source->target"].available.tolist() == [1.0] * 3


def test_spikes_of_one_source_in_one_step_are_taken_one_after_the_other() -> None:
    network = rb.Network()
    network.add("source", leaky(2, event="located", tau_ref=0.0, threshold_at=0.03, dt=1.0))
    network.add("target", leaky(1, threshold_at=1e9, event="located", dt=1.0))
    synapse = rb.synapse(Depressing)
    network.connect("source", "target", ([0, 1], [0, 0]), synapse, weight=1.0, delay=1.0)
    network({"source": torch.tensor([250.0 * 0.1, 0.0], dtype=torch.float64)})
    (sent,) = network["source->target"].delivery.sent
    assert sent.who.tolist() == [0, 0, 0]
    available, last, expected = 1.0, -math.inf, []
    for time in sent.times.tolist():
        available = 1.0 - (1.0 - available) * math.exp(-(time - last) / 800.0)
        expected.append(0.5 * available)
        available, last = 0.5 * available, time
    assert sent.factor.tolist() == pytest.approx(expected, rel=1e-12)


def test_a_parameter_for_each_target_is_refused() -> None:
    with pytest.raises(errors.ParameterError, match="'tau_rec' has a value for each target"):
        net(tau_rec=torch.tensor([800.0], dtype=torch.float64))


@pytest.mark.parametrize("grad", [True, False])
def test_a_gradient_by_what_sources_send_is_refused_on_the_grid_where_it_is_kept(grad: bool) -> None:
    network = net(use=torch.tensor(0.5, dtype=torch.float64, requires_grad=True))
    drive = {"source": 250.0}
    if grad:
        with pytest.raises(
            errors.ParameterError, match="source->target: what its sources send has a gradient"
        ):
            rb.simulate(network, drive, duration=60.0, grad=True)
        return
    rb.simulate(network, drive, duration=60.0)
    assert not network["source->target"].available.requires_grad
    assert float(network["source->target"].available) < 1.0


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"transmit": staticmethod(lambda state, params, elapsed: (1.0, {}))}, "define both, or neither"),
        ({"kept": rb.State(0.0, unit="1", per="source")}, "define both, or neither"),
    ],
)
def test_a_synapse_has_both_states_of_the_source_and_what_takes_them_on(body: Any, says: str) -> None:
    with pytest.raises(errors.DeclarationError, match=says):
        type("Broken", (Exponential,), body)


def test_a_neuron_has_no_states_of_a_source() -> None:
    with pytest.raises(errors.DeclarationError, match="per='source' is for synapses"):
        type("Broken", (rb.AnalogNeuron,), {"x": rb.State(0.0, unit="1", per="source")})
    with pytest.raises(errors.DeclarationError, match="'source' in a synapse, or 'synapse' in a"):
        rb.State(0.0, unit="1", per="unit")  # type: ignore[arg-type]

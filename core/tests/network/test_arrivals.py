"""What a spike does where it arrives, and when: against closed forms and recursions by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase.engine.step import grid
from rheobase.engine.step.selected import finish_masked

from .models import Conductance, Exponential, Leaky, Pulse, driven, leaky, pair, run

REST = {"threshold_at": 1e9}  # nobody spikes


def kicked(net: rb.Network) -> rb.Network:
    """Let unit 0 of the source spike in the first step, and never again."""
    net["source"].threshold_at = torch.tensor(1.0, dtype=torch.float64)
    net["source"].tau_ref = 1e6
    return net


def psp(t: float, w: float = 100.0, c: float = 250.0, tau: float = 10.0, tau_s: float = 2.0) -> float:
    """The voltage t ms after a spike's exponential current began, by variation of constants."""
    return w / c * (math.exp(-t / tau) - math.exp(-t / tau_s)) / (1 / tau_s - 1 / tau)


@pytest.mark.parametrize("event", ["step", "crossing"])
def test_a_spike_acts_after_its_delay_and_not_a_step_before(event: str) -> None:
    net = kicked(pair(rb.synapse(Pulse), weight=3.0, delay=0.5, event=event))
    seen = [float(net(driven())["target"]["voltage"]) for _ in range(12)]
    # The source spikes in the step that ends at 0.3 ms: 1000 pA / 250 pF = 4 mV/ms.
    first = next(step for step, out in enumerate(seen) if out)
    spike = run(kicked(pair(rb.synapse(Pulse), weight=3.0, event=event)), 8, driven())["source"][0]
    assert first + 1 == spike[0] + 5
    assert seen[first] == 3.0
    assert seen[first + 1] == pytest.approx(3.0 * math.exp(-0.01), abs=1e-8)


def test_an_exponential_current_gives_the_psp_of_the_closed_form_at_the_order_of_the_integrator() -> None:
    errors = []
    for dt in (0.2, 0.1):
        net = kicked(pair(rb.synapse(Exponential), weight=100.0, delay=2.0, dt=dt))
        for _ in range(round(4.0 / dt)):
            net(driven())
        spike = run(kicked(pair(rb.synapse(Exponential), weight=0.0, dt=dt)), 10, driven())["source"][0][0]
        error = float(net["target"].voltage) - psp(4.0 - spike * dt - 2.0)
        errors.append(abs(error))
    assert errors[1] < 1e-7
    # The spike of the source may fall into another step: the two times differ, and the errors a little.
    assert 3.5 < math.log2(errors[0] / errors[1]) < 4.6


def test_a_conductance_follows_its_equation() -> None:
    net = kicked(pair(rb.synapse(Conductance), weight=20.0, delay=0.1, dt=0.1))
    voltages = [float(net(driven())["target"]["voltage"]) for _ in range(40)]
    first = next(step for step, voltage in enumerate(voltages) if voltage)
    # V' = -V / tau + g (E - V) / C with g = w exp(-t / tau_g), in steps of 1 us by the midpoint rule.
    v, h = 0.0, 1e-3
    for step in range(round((40 - first) * 0.1 / h)):

        def slope(t: float, v: float) -> float:
            return -v / 10.0 + 20.0 * math.exp(-t / 5.0) * (60.0 - v) / 250.0

        t = step * h
        v += h * slope(t + h / 2, v + h / 2 * slope(t, v))
    assert voltages[-1] == pytest.approx(v, rel=1e-6)


def test_what_arrives_at_a_refractory_unit_is_lost_and_its_current_is_not() -> None:
    for synapse, stays in ((rb.synapse(Pulse), False), (rb.synapse(Exponential), True)):
        net = kicked(pair(synapse, weight=5.0, delay=0.1))
        net["target"].voltage = 14.99
        stimulus = {**driven(), "target": torch.tensor([1000.0], dtype=torch.float64)}
        for _ in range(5):
            net(stimulus)
        assert int(net["target"].hold) > 0
        assert float(net["target"].voltage) == 0.0
        if stays:
            assert float(net["source->target"].current) > 4.0


@pytest.mark.parametrize("event", ["step", "crossing"])
def test_a_jump_over_the_threshold_is_a_spike_of_that_step_and_the_reset_has_the_jump(event: str) -> None:
    class Counting(Leaky):
        """Keeps what its reset was given."""

        given = rb.State(0.0, unit="mV")
        held = ("voltage",)

        @staticmethod
        def derivatives(state, params, data):  # type: ignore[no-untyped-def]
            voltage = -state.voltage / params.tau + data / params.capacity
            return {"voltage": voltage, "given": torch.zeros_like(voltage)}

        @staticmethod
        def reset(state, params):  # type: ignore[no-untyped-def]
            return {"voltage": torch.zeros_like(state.voltage), "given": state.voltage}

    net = rb.Network()
    net.add("source", leaky(event=event))
    net.add("target", rb.create(Counting, 1, dtype=torch.float64, event=event))
    net.connect("source", "target", ([0], [0]), rb.synapse(Pulse), weight=20.0, delay=0.3)
    kicked(net)
    trains = run(net, 10, driven())
    assert trains["target"][0] == [trains["source"][0][0] + 3]
    assert float(net["target"].given) == 20.0


def test_who_crossed_before_the_arrival_is_reset_at_the_crossing_and_loses_the_jump() -> None:
    net = kicked(pair(rb.synapse(Pulse), weight=3.0, delay=0.1, tau_ref=0.0, event="crossing"))
    seen = []
    # The target crosses in the very step at whose end the spike arrives.
    spike = run(kicked(pair(rb.synapse(Pulse), weight=3.0)), 8, driven())["source"][0][0]
    net["target"].tau_ref = torch.tensor(0.0, dtype=torch.float64)
    for step in range(spike + 1):
        if step == spike:
            net["target"].voltage = 14.99
        stimulus = {**driven(), "target": torch.tensor([1000.0 if step == spike else 0.0]).double()}
        seen.append(net(stimulus)["target"])
    assert int(seen[-1]["spiked"]) == 1
    assert float(seen[-1]["voltage"]) == 0.0


class Halved(Leaky):
    """A spike halves the voltage at which it is."""

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        return {"voltage": 0.5 * state.voltage}


@pytest.mark.parametrize("arrives", [False, True])
@pytest.mark.parametrize("looks", [False, True])
def test_who_was_kicked_is_reset_where_it_stood_whatever_a_synapse_receives(
    arrives: bool, looks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not looks:
        masked: Any = lambda *given: finish_masked(*given[:-1], None, given[-1])  # noqa: E731
        monkeypatch.setattr(grid, "finish_indexed", masked)
    net = rb.Network()
    net.add("source", leaky())
    net.add("target", rb.create(Halved, 1, dtype=torch.float64))
    net.connect("source", "target", ([0], [0]), rb.synapse(Exponential), weight=1.0, delay=0.1)
    if arrives:
        net["source"].inject(16.0)
    net()
    assert bool(net["source"].spiked) == arrives
    net["target"].inject(16.0)
    # By the end of the step it would be far below.
    outputs = net({"target": torch.tensor([-1e6], dtype=torch.float64)})
    assert int(outputs["target"]["spiked"]) == 1
    assert float(outputs["target"]["voltage"]) == 8.0


def test_the_crossing_does_not_take_a_synapse_back_to_it() -> None:
    # g at the spike is that of the end of the step: interpolated, it would be larger.
    decay, net = math.exp(-0.1 / 5.0), rb.Network()
    net.add("source", leaky(event="crossing"))
    net.add("target", leaky(event="crossing"))
    projection = net.connect("source", "target", ([0], [0]), rb.synapse(Conductance), weight=1.0)
    projection.conductance = 4.0
    net["target"].voltage = 14.99
    outputs = net({"target": torch.tensor([1000.0], dtype=torch.float64)})
    assert int(outputs["target"]["spiked"]) == 1
    assert float(projection.conductance) == pytest.approx(4.0 * decay, rel=1e-8)


def test_spikes_that_arrive_together_are_one_jump() -> None:
    net = rb.Network()
    net.add("source", leaky(3))
    net.add("target", leaky(threshold_at=100.0))
    net.connect(
        "source", "target", ([0, 1, 2, 2], [0, 0, 0, 0]), rb.synapse(Pulse), weight=[1.0, 2.0, 4.0, 8.0]
    )
    net["source"].threshold_at = 1.0
    voltages = [float(net(driven(3))["target"]["voltage"]) for _ in range(5)]
    assert next(each for each in voltages if each) == 15.0


@pytest.mark.parametrize("shared", [True, False])
def test_each_delay_is_kept_to_the_step(shared: bool) -> None:
    delays = torch.tensor([0.1, 0.3, 1.0, 0.25], dtype=torch.float64)
    net = rb.Network()
    net.add("source", leaky(1))
    net.add("target", leaky(4, threshold_at=100.0))
    if shared:
        delays = torch.full((4,), 0.3, dtype=torch.float64)
        net.connect("source", "target", ([0] * 4, range(4)), rb.synapse(Pulse), weight=1.0, delay=0.3)
    else:
        with pytest.warns(
            rb.RheobaseWarning, match="rounded to multiples of dt = 0.1 ms, by up to 0.05 ms"
        ) as told:
            net.connect("source", "target", ([0] * 4, range(4)), rb.synapse(Pulse), weight=1.0, delay=delays)
        assert [each.filename for each in told] == [__file__]  # where it was asked for
    kicked(net)
    arrived = [0] * 4
    spike = 0
    for step in range(1, 20):
        outputs = net(driven())
        spike = step if int(outputs["source"]["spiked"]) else spike
        for unit in range(4):
            if float(outputs["target"]["voltage"][unit]) and not arrived[unit]:
                arrived[unit] = step - spike
    # Halves go up: 0.25 ms are three steps.
    assert arrived == ([3] * 4 if shared else [1, 3, 10, 3])


def test_a_model_with_an_update_of_its_own_is_given_what_the_synapses_sent_at_the_start_of_the_step() -> None:
    class Adding(rb.AnalogNeuron):
        """V(t + dt) = V(t) + dt I(t) / C, in pF."""

        voltage = rb.State(0.0, unit="mV")

        @staticmethod
        def update(state, params, data, dt):  # type: ignore[no-untyped-def]
            return {"voltage": state.voltage + dt * data / 250.0}

    net = rb.Network()
    net.add("source", leaky())
    target = net.add("target", rb.create(Adding, 1, dtype=torch.float64))
    projection = net.connect("source", "target", ([0], [0]), rb.synapse(Exponential), weight=100.0)
    kicked(net)
    voltage, current = 0.0, 0.0
    for _ in range(20):
        net(driven())
        # By hand: what was sent at the start is held, and the current decays by exp(-0.1 / 2).
        voltage += 0.1 * current / 250.0
        # The decay is that of the classical Runge-Kutta method, right to 0.05^5 / 120 = 3e-9 a step.
        assert float(target.voltage) == pytest.approx(voltage, rel=1e-7)
        current = current * math.exp(-0.05) if current else float(projection.current)
        assert float(projection.current) == pytest.approx(current, rel=1e-7)
    assert current > 10.0


def test_a_model_without_a_threshold_is_on_the_grid_whatever_its_event() -> None:
    class Filter(rb.AnalogNeuron):
        """dV/dt = -V / 10 ms + I / C."""

        voltage = rb.State(0.0, unit="mV")

        @staticmethod
        def derivatives(state, params, data):  # type: ignore[no-untyped-def]
            return {"voltage": -state.voltage / 10.0 + data / 250.0}

    found = []
    for event in ("crossing", "located"):
        net = rb.Network()
        net.add("source", leaky(2))
        net.add("target", rb.create(Filter, 3, dtype=torch.float64, event=event))
        net.connect("source", "target", ([0, 1], [0, 2]), rb.synapse(Exponential), weight=100.0)
        for _ in range(60):
            out = net(driven(2))
        found.append(out["target"]["voltage"])
    assert torch.equal(*found)
    assert found[0][0] > 0
    assert found[0][1] == 0

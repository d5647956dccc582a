"""Spikes and arrivals at their own times in networks, against solutions by closed forms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
import rheobase as rb
import torch

from .peers.solution import Cell, Wire, by_closed_forms

TAU, C, THETA, RESET, REF = 10.0, 250.0, 15.0, 0.0, 2.0


class Pulse(rb.Synapse):
    """A spike of weight w:  V -> V + w."""

    weight_unit, into = "mV", "voltage"


def by_hand(currents: Sequence[float], wires: Sequence[Wire], end: float) -> list[tuple[float, int]]:
    """The spikes of such units, from event to event."""
    return by_closed_forms(Cell(TAU, C, 0.0, THETA, RESET, REF), currents, [0.0] * len(currents), wires, end)


def network(currents: Sequence[float], wires: Sequence[Wire], **given: Any) -> rb.Network:
    net = rb.Network()
    cells = {
        "tau_mem": TAU,
        "leak_gl": C / TAU,
        "volt_rest": 0.0,
        "volt_reset": RESET,
        "volt_thresh": THETA,
        "tau_ref": REF,
    }
    units = len(currents)
    net.add("cells", rb.create("lif", units, event="located", dtype=torch.float64, **cells, **given))
    net.connect(
        "cells",
        "cells",
        ([wire.source for wire in wires], [wire.target for wire in wires]),
        rb.synapse(Pulse),
        weight=[wire.weight for wire in wires],
        delay=torch.tensor([wire.delay for wire in wires], dtype=torch.float64),
    )
    return net


def trains(net: rb.Network, currents: Sequence[float], duration: float) -> list[tuple[float, int]]:
    stimulus = {"cells": torch.tensor(currents, dtype=torch.float64)}
    spikes = rb.simulate(net, stimulus, duration=duration)["cells"].spikes
    return list(zip(spikes.times.tolist(), spikes.units.tolist(), strict=True))


def compare(found: list[tuple[float, int]], truth: list[tuple[float, int]], within: float) -> None:
    assert [unit for _, unit in found] == [unit for _, unit in truth]
    assert len(found) > 6
    off = max(abs(a - b) for (a, _), (b, _) in zip(found, truth, strict=True))
    assert off < within, off


TWO = ([500.0, 300.0], [Wire(0, 1, 5.6, 1.37), Wire(1, 0, -3.0, 0.61)])
RING = (
    [500.0, 460.0, 300.0],
    [Wire(0, 1, 2.5, 0.3), Wire(1, 2, 4.1, 1.7), Wire(2, 0, 7.3, math.pi)],
)
# Lifted over the threshold at the very time of an arrival, and kicked again at one time by two sources.
LIFTED = (
    [600.0, 0.0, 600.0],
    [Wire(0, 1, 9.0, 1.25), Wire(2, 1, 9.0, 1.25), Wire(1, 0, 20.0, 0.3), Wire(1, 2, 20.0, 0.3)],
)


@pytest.mark.parametrize(("currents", "wires"), [TWO, RING, LIFTED], ids=["two", "ring", "lifted"])
@pytest.mark.parametrize("dt", [0.1, 0.25])
def test_spikes_are_those_of_the_solution_from_event_to_event(
    currents: list[float], wires: list[Wire], dt: float
) -> None:
    net = network(currents, wires, integrator="exact", dt=dt)
    compare(trains(net, currents, 90.0), by_hand(currents, wires, 90.0), 1e-9)


def test_the_order_of_the_integrator_is_kept_through_arrivals_at_their_own_times() -> None:
    currents, wires = RING
    truth = by_hand(currents, wires, 40.0)
    off = []
    for dt in (0.2, 0.1):
        found = trains(network(currents, wires, integrator="rk4", dt=dt), currents, 40.0)
        assert [unit for _, unit in found] == [unit for _, unit in truth]
        off.append(max(abs(a - b) for (a, _), (b, _) in zip(found, truth, strict=True)))
    assert off[1] < 1e-6
    assert math.log2(off[0] / off[1]) > 3.5


def test_a_run_that_is_split_or_saved_with_spikes_under_way_is_the_same() -> None:
    currents, wires = RING
    whole = trains(network(currents, wires, integrator="exact"), currents, 60.0)
    net = network(currents, wires, integrator="exact")
    found = trains(net, currents, 23.7)
    other = network(currents, wires, integrator="exact")
    other.load_state_dict(net.state_dict())
    assert found + trains(other, currents, 36.3) == whole


@pytest.mark.parametrize("source_event", ["step", "located"])
def test_a_target_with_located_spikes_takes_each_arrival_at_its_own_time(source_event: str) -> None:
    """A pulse just below the threshold: V decays from there on, exactly from the arrival on."""
    net = rb.Network()
    cell = {"tau_mem": TAU, "leak_gl": C / TAU, "volt_rest": 0.0, "volt_thresh": THETA, "tau_ref": 1e6}
    common = {"dtype": torch.float64, "integrator": "exact", **cell}
    net.add("source", rb.create("lif", 1, event=source_event, **common))
    net.add("target", rb.create("lif", 1, event="located", **common))
    net.connect("source", "target", ([0], [0]), rb.synapse(Pulse), weight=10.0, delay=1.234)
    crossing = TAU * math.log(20.0 / (20.0 - THETA))
    spike = crossing if source_event == "located" else math.ceil(crossing / 0.1) * 0.1
    recording = rb.simulate(net, {"source": 500.0}, duration=20.0, record={"target": "voltage"})
    voltage = float(recording["target"].traces["voltage"][-1])
    assert voltage == pytest.approx(10.0 * math.exp(-(20.0 - spike - 1.234) / TAU), rel=1e-12)


def test_a_delay_in_float32_is_the_multiple_of_dt_that_it_is_written_as() -> None:
    found = []
    for delay in (0.3, torch.tensor([0.3]), torch.tensor([0.3], dtype=torch.float64)):
        net = network([500.0, 0.0], [Wire(0, 1, 1.0, 1.0)], integrator="exact")
        net.connect("cells", "cells", ([0], [1]), rb.synapse(Pulse), delay=delay, identifier="again")
        found.append(float(net["again"].delay))
    assert found == pytest.approx([0.3] * 3, rel=1e-15)


def test_a_target_on_the_grid_takes_a_located_spike_at_the_end_of_the_step_of_its_arrival() -> None:
    net = rb.Network()
    cell = {"tau_mem": TAU, "leak_gl": C / TAU, "volt_rest": 0.0, "volt_thresh": THETA, "tau_ref": 1e6}
    common = {"dtype": torch.float64, "integrator": "exact", **cell}
    net.add("source", rb.create("lif", 1, event="located", **common))
    net.add("target", rb.create("lif", 1, event="step", **common))
    net.connect("source", "target", ([0], [0]), rb.synapse(Pulse), weight=10.0, delay=1.234)
    arrival = TAU * math.log(20.0 / (20.0 - THETA)) + 1.234
    recording = rb.simulate(net, {"source": 500.0}, duration=20.0, record={"target": "voltage"})
    trace = recording["target"].traces["voltage"][:, 0]
    first = int(trace.nonzero()[0, 0]) + 1
    assert first == math.ceil(arrival / 0.1)
    assert float(trace[first - 1]) == 10.0

"""A toy plugin, registered for each test."""

from __future__ import annotations

import json
import signal
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import rheobase as rb
from click.testing import Result

Command = Callable[..., Result]


class ToyNeuron(rb.SpikingNeuron):
    """A leaky integrator that fires: tau dV/dt = -V + I.

    Under a constant current I > limit it fires every tau ln(I / (I - limit)).
    """

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="time constant")
    limit = rb.Parameter(10.0, unit="mV", doc="threshold")
    start = rb.Parameter("limit", unit="mV", at_most=1000, doc="unused")
    twice = rb.Parameter(lambda p: 2 * p.tau, unit="ms", doc="unused")
    scheme = rb.Option("plain", "fancy", doc="unused")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="potential")

    driven = rb.Preset(
        "a constant current",
        params={"tau": 5.0},
        dt=0.5,
        stimulus=rb.stimulus.Constant(30.0),
        duration=20.0,
        citation="nobody (1900)",
    )
    quiet = rb.Preset("says nothing of a current")

    steps_until_interrupt: int | None = None
    signal = signal.SIGINT
    calls = 0

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Any]:
        ToyNeuron.calls += 1
        if ToyNeuron.calls == ToyNeuron.steps_until_interrupt:
            signal.raise_signal(ToyNeuron.signal)  # the user's Ctrl-C, or another, in the middle of a run
        return {"voltage": (data - state.voltage) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - params.limit

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        return {"voltage": 0.0}


def _largest(inputs: Any, identifiers: Any = None) -> Any:
    """The largest of the inputs."""
    return max(inputs)


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[ToyNeuron]]:
    """The model ``toy`` and the aggregator ``largest``, installed for this test."""
    module = types.ModuleType("toy_models")
    module.ToyNeuron = ToyNeuron  # type: ignore[attr-defined]
    module.largest = _largest  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "toy_models", module)
    monkeypatch.setattr(ToyNeuron, "calls", 0)
    monkeypatch.setattr(ToyNeuron, "steps_until_interrupt", None)
    monkeypatch.setattr(ToyNeuron, "signal", signal.SIGINT)

    class Plugin:
        @rb.hookimpl
        def rheobase_neurons(self) -> list[rb.NeuronSpec]:
            return [rb.NeuronSpec("toy", "toy_models:ToyNeuron", "a [bold] toy [/nonsense]")]

        @rb.hookimpl
        def rheobase_aggregators(self) -> list[rb.AggregatorSpec]:
            return [rb.AggregatorSpec("largest", "toy_models:largest", "the largest", commutative=True)]

    with rb.register(Plugin()):
        yield ToyNeuron


@pytest.fixture
def printed(command: Command) -> Callable[..., Any]:
    """What the command prints with --json, when it succeeds."""

    def call(*args: object) -> Any:
        result = command(*args, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return call

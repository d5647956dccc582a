"""Components that are wrong by little, or nearly as sound ones are that could be taken for wrong."""

from __future__ import annotations

import math
from typing import Any

import rheobase as rb
import torch
from rheobase import Advance, Integrator, IntegratorSpec

FAULTS = {
    "DeafAtItsBound": "strong-drive-never-silences",
    "FailsAtItsBound": "strong-drive-never-silences",
    "LosesFourDigits": "float32-close-to-float64",
    "DifferenceOfLargeNumbers": "float32-close-to-float64",
    "MapWithDt": "a-map-takes-no-dt",
    "MapOfSlopes": "a-map-takes-no-dt",
    "MapThatCountsTime": "a-map-takes-no-dt",
    "AlmostFourth": "order-as-claimed",
    "StopsItsIteration": "order-as-claimed",
    "LateByAMillionth": "located-times-converge",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""


class _Leaky(rb.SpikingNeuron):
    """tau dV/dt = -V + I, a threshold at 15 and a reset to 0: nothing is wrong with it."""

    tau = rb.Parameter(20.0, unit="ms", above=0, doc="membrane time constant")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential, above rest")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 15.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage)}


class DeafAtItsBound(_Leaky):
    """An input up to 1000 Hz, of which what is above 900 gets lost."""

    rate = rb.Input(unit="Hz", at_least=0, at_most=1000, doc="rate of the input")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        heard = torch.where(data.rate > 900.0, 0.0, data.rate)
        return {"voltage": (0.15 * heard - state.voltage) / params.tau}


class FailsAtItsBound(_Leaky):
    """A refractory share of the input, 1 - r / r_max, which leaves nothing at the largest rate."""

    rate = rb.Input(unit="Hz", at_least=0, at_most=1000, doc="rate of the input")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (0.6 * data.rate * (1.0 - data.rate / 1000.0) - state.voltage) / params.tau}


class LosesFourDigits(_Leaky):
    """The voltage passes through a number a thousand times its threshold, and leaves digits there."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        leak = (state.voltage + 1.5e5) - 1.5e5
        return {"voltage": (data - leak) / params.tau}


class DifferenceOfLargeNumbers(_Leaky):
    """The exact step about a level that is far from all that the voltage gets to: 30 V."""

    @staticmethod
    def update(state: Any, params: Any, data: Any, dt: Any) -> Any:
        far = data + 30000.0
        kept = torch.exp(-dt / params.tau)
        return {"voltage": far + (state.voltage - far) * kept - 30000.0 * (1.0 - kept)}


class _Map(rb.AnalogNeuron):
    """x' = a x / (1 + x^2) + I, one iteration a step: a map, and declared as one."""

    discrete = True

    gain = rb.Parameter(0.9, unit="1", above=0, doc="shape of the map")
    x = rb.State(0.0, unit="1", at_rest=True, doc="the variable")

    @staticmethod
    def update(state: Any, params: Any, data: Any, dt: Any) -> Any:
        return {"x": params.gain * state.x / (1.0 + state.x**2) + data}


class MapWithDt(_Map):
    """It is declared a map, and scales its input with dt."""

    @staticmethod
    def update(state: Any, params: Any, data: Any, dt: Any) -> Any:
        return {"x": params.gain * state.x / (1.0 + state.x**2) + data * dt / 0.1}


class MapOfSlopes(rb.AnalogNeuron):
    """An equation that an integrator solves, declared a map, so that nobody asks whether it converges."""

    discrete = True

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="time constant")
    x = rb.State(0.0, unit="1", at_rest=True, doc="the variable")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"x": (data - state.x) / params.tau}


class MapThatCountsTime(_Map):
    """It is declared a map, and decays in time."""

    @staticmethod
    def update(state: Any, params: Any, data: Any, dt: Any) -> Any:
        return {"x": state.x * math.exp(-dt / 10.0) + data}


class AlmostFourth(Integrator):
    """The classical method with a last weight that is wrong in the fifth digit."""

    order = 4

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        h = t1 - t0
        k1 = field(t0, y)
        k2 = field(t0 + 0.5 * h, y + 0.5 * h * k1)
        k3 = field(t0 + 0.5 * h, y + 0.5 * h * k2)
        k4 = field(t1, y + h * k3)
        return Advance(y + h * (k1 + 2.0 * k2 + 2.0 * k3 + (1.0 + 3e-5) * k4) / 6.0)


class StopsItsIteration(Integrator):
    """The trapezoidal rule, its equation solved by one repetition of Euler's: of order 1, by little."""

    order = 2

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        h = t1 - t0
        k1 = field(t0, y)
        new = y + 0.98 * h * k1
        return Advance(y + 0.5 * h * (k1 + field(t1, new)))


class LateByAMillionth(Integrator):
    """The classical method, whose steps are longer than asked for by a part in a million."""

    order = 4

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        h = (t1 - t0) * (1.0 + 1e-6)
        k1 = field(t0, y)
        k2 = field(t0 + 0.5 * h, y + 0.5 * h * k1)
        k3 = field(t0 + 0.5 * h, y + 0.5 * h * k2)
        k4 = field(t1, y + h * k3)
        return Advance(y + h * (k1 + 2.0 * k2 + 2.0 * k3 + k4) / 6.0)


SPECS = {
    "AlmostFourth": IntegratorSpec("zoo", "faults_close:AlmostFourth", order=4),
    "StopsItsIteration": IntegratorSpec("zoo", "faults_close:StopsItsIteration", order=2),
    "LateByAMillionth": IntegratorSpec("zoo", "faults_close:LateByAMillionth", order=4),
}
"""What is claimed of the methods."""

"""Models that are wrong in one way: in what their steps make of their equations."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import rheobase as rb
import torch

FAULTS = {
    "LeakOfTheWrongSign": "rest-holds",
    "DriftsFromRest": "rest-is-a-fixed-point",
    "RestOnlyByDefault": "rest-is-a-fixed-point",
    "LosesDt": "own-steps-honour-dt",
    "UsesDtTwice": "own-steps-honour-dt",
    "LeakPerStep": "own-steps-honour-dt",
    "InputPerStep": "own-steps-honour-dt",
    "UpdatePerStep": "own-steps-honour-dt",
    "SecondsForMilliseconds": "own-steps-honour-dt",
    "DecayOfADefaultStep": "own-steps-honour-dt",
    "OneAfterTheOther": "converges-at-its-order",
    "EulerInTheNameOfRungeKutta": "converges-at-its-order",
    "TooOldSlope": "steps-follow-the-equations",
    "RemembersInItsDerivatives": "steps-follow-the-equations",
    "HiddenJitter": "steps-follow-the-equations",
    "StepsTwice": "steps-follow-the-equations",
    "InfinityInSilence": "finite-or-named-error",
    "ZeroTimesInfinity": "finite-or-named-error",
    "HalfPrecisionWithin": "float32-close-to-float64",
    "ClampByArithmetic": "strong-drive-never-silences",
    "UnusedParameter": "declarations-are-used",
    "UnusedInput": "declarations-are-used",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""


class _Leaky(rb.SpikingNeuron):
    """tau dV/dt = -V + I: a spike at 1, then back to 0."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 1.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": 0.0 * state.voltage}


class LeakOfTheWrongSign(_Leaky):
    """The leak drives the voltage away from rest: -(V - V_rest) lost its minus."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data + state.voltage) / params.tau}


class DriftsFromRest(_Leaky):
    """Its rest is declared, and is that of another input."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data + 0.01 - state.voltage) / params.tau}


class RestOnlyByDefault(_Leaky):
    """It starts at a number, and rests at a parameter that happens to be as large."""

    volt_rest = rb.Parameter(-70.0, unit="mV", doc="resting potential")
    voltage = rb.State(-70.0, unit="mV", at_rest=True, doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (params.volt_rest + data - state.voltage) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - (-50.0)

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": params.volt_rest}


class _OwnEuler(rb.SpikingNeuron):
    """The same by a forward of its own: Euler's method, then threshold and reset."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential")

    def moved(self, v: Any, current: Any) -> Any:
        return v + self.dt * (current - v) / self.tau

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        v = self.moved(self.voltage, current)
        fired = v >= 1.0
        self.voltage = torch.where(fired, 0.0, v)
        self.input, self.spiked = current, fired
        return {"input": self.input.clone(), "voltage": self.voltage.clone(), "spiked": self.spiked.clone()}


class LosesDt(_OwnEuler):
    """Euler's method without dt: its time constant counts steps."""

    def moved(self, v: Any, current: Any) -> Any:
        return v + (current - v) / self.tau


class UsesDtTwice(_OwnEuler):
    """The slope is multiplied by dt, and the step once more."""

    def moved(self, v: Any, current: Any) -> Any:
        slope = self.dt * (current - v) / self.tau
        return v + self.dt * slope


class LeakPerStep(_OwnEuler):
    """The leak is a factor for each step; only the input knows of dt."""

    beta = rb.Parameter(0.9, unit="1", above=0, below=1, doc="what is left of the voltage after a step")

    def moved(self, v: Any, current: Any) -> Any:
        return self.beta * v + self.dt * current / self.tau


class InputPerStep(_OwnEuler):
    """The leak is exact; the input is added whole in each step, however short."""

    def moved(self, v: Any, current: Any) -> Any:
        return v * torch.exp(-self.dt / self.tau) + current


class UpdatePerStep(rb.SpikingNeuron):
    """An update that is handed dt and does not use it."""

    tau = rb.Parameter(10.0, unit="1", above=0, doc="membrane time constant, in steps")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential")

    @staticmethod
    def update(state: Any, params: Any, data: Any, dt: Any) -> Any:
        return {"voltage": state.voltage + (data - state.voltage) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 1.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": 0.0 * state.voltage}


class SecondsForMilliseconds(_OwnEuler):
    """The time constant is in ms, and dt is turned to seconds and rounded to whole ms on the way."""

    def moved(self, v: Any, current: Any) -> Any:
        whole = max(1.0, round(self.dt))
        return v + (1.0 - torch.exp(-whole / self.tau)) * (current - v)


class DecayOfADefaultStep(_OwnEuler):
    """The decay exp(-dt / tau) is that of a step of 0.1 ms, whatever dt is."""

    def moved(self, v: Any, current: Any) -> Any:
        decay = torch.exp(-0.1 / self.tau)
        return decay * v + (1.0 - decay) * current


class OneAfterTheOther(rb.AnalogNeuron):
    """Two coupled equations, each by the integrator, the other standing still: order 1, not 4."""

    omega = rb.Parameter(0.5, unit="1/ms", above=0, doc="angular frequency")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential")
    recovery = rb.State(0.0, unit="mV", at_rest=True, doc="recovery variable")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": data - params.omega * state.recovery, "recovery": params.omega * state.voltage}

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current, omega = self.prepare(data, identifiers), self.omega
        u = self.recovery
        v = self.integrator(self.voltage, lambda x, data: data - omega * u, dt=self.dt, data=current)
        u = self.integrator(u, lambda x, data: omega * v, dt=self.dt, data=current)
        self.input, self.voltage, self.recovery = current, v, u
        return {"input": current.clone(), "voltage": v.clone(), "recovery": u.clone()}


class EulerInTheNameOfRungeKutta(_Leaky):
    """Whatever integrator it is given, its step is Euler's, done before the engine sees it."""

    def _step(self, state: Any, params: Any, data: Any, dt: float, *rest: Any) -> Any:
        after, report = super()._step(state, params, data, dt, *rest)
        euler = state.y + dt * (data - state.y) / params.tau
        return after._replace(y=torch.where(after.spiked != 0, after.y, euler)), report


class TooOldSlope(_Leaky):
    """Its step uses the slope of the step before."""

    def advance(self, data: Any) -> Any:
        last = getattr(self, "_last", data)
        self._last = data
        return super().advance(last if last.shape == data.shape else data)


class RemembersInItsDerivatives(_Leaky):
    """Its derivatives keep a number from call to call: they are no function."""

    calls: ClassVar[list[int]] = [0]

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        RemembersInItsDerivatives.calls[0] += 1
        tired = 1.0 + 0.2 * math.sin(RemembersInItsDerivatives.calls[0])
        return {"voltage": (tired * data - state.voltage) / params.tau}


class HiddenJitter(_Leaky):
    """Noise in the derivatives, of a model that is not declared stochastic."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        noise = 0.01 * torch.randn_like(state.voltage)
        return {"voltage": (data - state.voltage) / params.tau + noise}


class StepsTwice(_Leaky):
    """Each step is taken twice."""

    def advance(self, data: Any) -> Any:
        super().advance(data)
        return super().advance(data)


class InfinityInSilence(_OwnEuler):
    """Its output grows by exp, and overflows without a word where the drive is strong."""

    loggable_props = ("input", "voltage", "spiked")

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        out = super().forward(data, identifiers)
        return {**out, "voltage": out["voltage"] + 1e-30 * torch.exp(10.0 * out["input"])}


class ZeroTimesInfinity(_OwnEuler):
    """A mask times a power that overflows: 0 times infinity is no number."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        out = super().forward(data, identifiers)
        large = torch.exp(torch.exp(out["input"].abs() / 2.0))
        return {**out, "voltage": out["voltage"] + 0.0 * large}


class HalfPrecisionWithin(_OwnEuler):
    """It steps in half precision where it is float32, to be quick."""

    def moved(self, v: Any, current: Any) -> Any:
        if v.dtype != torch.float32:
            return super().moved(v, current)
        return super().moved(v.half(), current.half()).to(v.dtype)


class ClampByArithmetic(_Leaky):
    """A clamp by v + mask * (limit - v), of a voltage that strong drive takes far beyond float's digits."""

    gain = rb.Parameter(1e9, unit="1", above=0, doc="how steep the upstroke is")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        above = (data > 3.0).to(state.voltage.dtype)
        return {"voltage": (data - state.voltage) / params.tau + above * params.gain * data}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        v = state.voltage
        clamped = v + (v > 1.0) * (1.0 - v)
        return torch.where(v > 1e6, clamped - 1.0 - 1e-9 * v, v - 1.0)


class UnusedParameter(_Leaky):
    """A parameter that is declared and never read."""

    leak_gl = rb.Parameter(5.0, unit="nS", above=0, doc="leak conductance")


class UnusedInput(_Leaky):
    """Of two inputs one is never read."""

    excitation = rb.Input(unit="mV", doc="excitatory drive")
    inhibition = rb.Input(unit="mV", doc="inhibitory drive")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data.excitation - state.voltage) / params.tau}

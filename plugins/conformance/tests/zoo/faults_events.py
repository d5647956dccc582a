"""Models that are wrong in one way: in their spikes, resets and refractory periods."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch

FAULTS = {
    "StartsAboveThreshold": "starts-below-threshold",
    "FiresAtRest": "rest-is-a-fixed-point",
    "ReportsOneStepLate": "spikes-are-crossings",
    "FiresWhileAbove": "spikes-are-crossings",
    "ResetsBeforeTheTest": "spikes-are-crossings",
    "SpikesWithoutCrossing": "rest-is-a-fixed-point",
    "SpikesByChanceWhenRaised": "silent-below-its-rheobase",
    "WindowForAThreshold": "strong-drive-never-silences",
    "SaturatesBelowThreshold": "strong-drive-never-silences",
    "ResetForgetsAState": "reset-as-declared",
    "SoftResetDoubled": "reset-as-declared",
    "ResetsToAnotherValue": "reset-as-declared",
    "TruncatesTheRefractoryPeriod": "refractory-period-exact",
    "RefractoryOneTooLong": "refractory-period-exact",
    "RefractoryOneTooShort": "refractory-period-exact",
    "RefractoryInSteps": "refractory-period-exact",
    "HeldFromAboveOnly": "refractory-period-exact",
    "RefractorySpikes": "refractory-period-exact",
    "RefractoryHoldsAll": "refractory-period-exact",
    "MissesTheKick": "a-kick-spikes-once",
    "LocatedOnTheGrid": "refractory-period-exact-in-time",
    "HalfTheInputWhereLocated": "events-agree",
    "RefractoryOfAThirdState": "refractory-period-exact",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""


class _Declared(rb.SpikingNeuron):
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


class StartsAboveThreshold(_Declared):
    """Its initial state is above its threshold."""

    voltage = rb.State(1.5, unit="mV", doc="membrane potential")


class FiresAtRest(_Declared):
    """It fires without input, and says that it rests."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        out = super().forward(data, identifiers)
        out["spiked"] = out["spiked"] | ((self.simulation_step % 10 == 9) & (self.voltage == 0.0)).to(
            torch.int8
        )
        self.spiked = out["spiked"]
        return out


class WindowForAThreshold(_Declared):
    """It spikes only within a window above its threshold, which strong drive leaps over."""

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        v = state.voltage
        return torch.where(v < 1.01, v - 1.0, -1.0)


class SaturatesBelowThreshold(_Declared):
    """Its input passes through a curve that falls again: strong drive does not reach the threshold."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (10.0 * data / (1.0 + (data / 3.0) ** 4) - state.voltage) / params.tau}


class MissesTheKick(_Declared):
    """What is injected above threshold is cut off just below it: no spike comes of a kick."""

    def inject(self, current: Any) -> None:
        super().inject(current)
        self.voltage = self.voltage.clamp(max=1.0)

    def advance(self, data: Any) -> Any:
        self.voltage = torch.where(self.voltage >= 1.0, 0.999, self.voltage)
        return super().advance(data)


class LocatedOnTheGrid(_Declared):
    """With located spikes it forgets what is left of a refractory period beside whole steps."""

    tau_ref = rb.Parameter(1.0, unit="ms", at_least=0, doc="refractory period")

    def _step(self, *given: Any) -> Any:
        after, report = super()._step(*given)
        if after.refractory_time is not None:
            after = after._replace(refractory_time=torch.zeros_like(after.refractory_time))
        return after, report


class HalfTheInputWhereLocated(_Declared):
    """With located spikes it halves its input, for the part of a step that it takes to be left."""

    def advance(self, data: Any) -> Any:
        return super().advance(data / 3.0 if self.event == "located" else data)


class _Own(_Declared):
    """The same by a forward of its own, with a refractory period that it counts itself."""

    tau_ref = rb.Parameter(1.0, unit="ms", at_least=0, doc="refractory period")
    adaptation = rb.State(0.0, unit="mV", at_rest=True, doc="adaptation, which each spike raises")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {
            "voltage": (data - state.adaptation - state.voltage) / params.tau,
            "adaptation": -state.adaptation / 100.0,
        }

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": 0.0 * state.voltage, "adaptation": state.adaptation + 0.1}

    def whole(self) -> Any:
        return torch.round(self.tau_ref / self.dt)

    def after(self, fired: Any, v: Any, w: Any) -> Any:
        return torch.where(fired, 0.0, v), torch.where(fired, w + 0.1, w)

    def rests(self, left: Any, old: Any, new: Any) -> Any:
        return torch.where(left > 0, old, new)

    def fires(self, v: Any, left: Any) -> Any:
        return (v >= 1.0) & (self.voltage < 1.0) & (left <= 0)

    def aside(self, left: Any, old: Any, new: Any) -> Any:
        return new

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        left = self.hold if self.hold.shape == self.voltage.shape else torch.zeros_like(self.voltage)
        v, w = self.voltage, self.adaptation
        v = self.rests(left, v, v + self.dt * (current - w - v) / self.tau)
        w = self.aside(left, w, w - self.dt * w / 100.0)
        fired = self.fires(v, left)
        v, w = self.after(fired, v, w)
        self.hold = torch.where(fired, self.whole(), (left - 1).clamp(min=0)).to(torch.int32)
        self.input, self.voltage, self.adaptation, self.spiked = current, v, w, fired
        return {
            "input": self.input.clone(),
            "voltage": self.voltage.clone(),
            "adaptation": self.adaptation.clone(),
            "spiked": self.spiked.clone(),
        }


class ReportsOneStepLate(_Own):
    """It looks at the threshold before it moves: a spike is told one step after the crossing."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        fired = self.voltage >= 1.0
        v, w = self.after(fired, self.voltage, self.adaptation)
        v = v + self.dt * (current - w - v) / self.tau
        self.input, self.voltage, self.adaptation, self.spiked = current, v, w, fired
        return {
            "input": current.clone(),
            "voltage": v.clone(),
            "adaptation": w.clone(),
            "spiked": self.spiked.clone(),
        }


class FiresWhileAbove(_Own):
    """It fires in each step in which it is above threshold; its reset leaves it there for a while."""

    volt_reset = rb.Parameter(1.05, unit="mV", doc="potential after a spike, above threshold")
    tau_ref = rb.Parameter(0.0, unit="ms", at_least=0, doc="refractory period")

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": params.volt_reset, "adaptation": state.adaptation + 0.1}

    def after(self, fired: Any, v: Any, w: Any) -> Any:
        return torch.where(fired, self.volt_reset, v), torch.where(fired, w + 0.1, w)

    def fires(self, v: Any, left: Any) -> Any:
        return (v >= 1.0) & (left <= 0)


class ResetsBeforeTheTest(_Own):
    """It resets first and tests then: no crossing is left to be seen, but for the last one."""

    def fires(self, v: Any, left: Any) -> Any:
        v = torch.where(v >= 1.0, 0.0, v)
        return (v >= 1.0) & (left <= 0)


class SpikesWithoutCrossing(_Own):
    """Beside its crossings it spikes by chance, and declares no noise."""

    def fires(self, v: Any, left: Any) -> Any:
        chance = torch.rand(v.shape) < 0.003
        return (super().fires(v, left) | chance) & (left <= 0)


class SpikesByChanceWhenRaised(_Own):
    """Away from rest it spikes by chance, and declares no noise."""

    def fires(self, v: Any, left: Any) -> Any:
        chance = (v > 0.05) & (torch.rand(v.shape) < 0.001)
        return (super().fires(v, left) | chance) & (left <= 0)


class ResetForgetsAState(_Own):
    """Its reset moves the adaptation, and its forward does not."""

    def after(self, fired: Any, v: Any, w: Any) -> Any:
        return torch.where(fired, 0.0, v), w


class SoftResetDoubled(_Own):
    """The reset is subtracted twice."""

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": state.voltage - 1.0, "adaptation": state.adaptation + 0.1}

    def after(self, fired: Any, v: Any, w: Any) -> Any:
        v, w = torch.where(fired, v - 1.0, v), torch.where(fired, w + 0.1, w)
        return torch.where(fired, v - 1.0, v), w


class ResetsToAnotherValue(_Own):
    """It resets to the threshold's height below rest, not to what its reset says."""

    def after(self, fired: Any, v: Any, w: Any) -> Any:
        return torch.where(fired, -1.0, v), torch.where(fired, w + 0.1, w)


class TruncatesTheRefractoryPeriod(_Own):
    """int(tau_ref / dt): 0.3 / 0.1 is 2.9999999999999996, and becomes 2."""

    def whole(self) -> Any:
        return torch.floor(self.tau_ref / self.dt)


class RefractoryOneTooLong(_Own):
    """The refractory period lasts one step more."""

    def whole(self) -> Any:
        return torch.round(self.tau_ref / self.dt) + 1


class RefractoryOneTooShort(_Own):
    """The step of the spike counts as the first of the refractory period."""

    def whole(self) -> Any:
        return (torch.round(self.tau_ref / self.dt) - 1).clamp(min=0)


class RefractoryInSteps(_Own):
    """The refractory period counts steps, not ms."""

    def whole(self) -> Any:
        return torch.round(self.tau_ref)


class HeldFromAboveOnly(_Own):
    """In its refractory period the voltage may not rise; inhibition still pulls it down."""

    def rests(self, left: Any, old: Any, new: Any) -> Any:
        return torch.where(left > 0, torch.minimum(old, new), new)


class RefractorySpikes(_Own):
    """Its voltage is held, and spikes come all the same."""

    def fires(self, v: Any, left: Any) -> Any:
        return ((v >= 1.0) & (self.voltage < 1.0)) | (left == 2)


class RefractoryHoldsAll(_Own):
    """In its refractory period the adaptation stands still too."""

    def aside(self, left: Any, old: Any, new: Any) -> Any:
        return torch.where(left > 0, old, new)


class RefractoryOfAThirdState(_Own):
    """It holds its adaptation, and leaves its voltage free but for its spikes."""

    def rests(self, left: Any, old: Any, new: Any) -> Any:
        return new

"""Models that are wrong in one way: in a forward of their own, and in what it does with spikes and inputs."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch

FAULTS = {
    "SumsBySelf": "forward-heeds-the-aggregator",
    "DropsIdentifiers": "forward-heeds-the-aggregator",
    "SortsIdentifiers": "forward-heeds-the-aggregator",
    "DeafToInhibition": "forward-heeds-each-input",
    "RemembersOneOnly": "forward-heeds-each-input",
    "ReportsBeforeReset": "forward-gives-what-it-keeps",
    "OldSpikes": "forward-gives-what-it-keeps",
    "Latched": "spikes-end",
    "SpikesWhileAbove": "spikes-end",
    "LateByOneStep": "spikes-come-with-their-jumps",
    "LosesEverySecond": "spikes-come-with-their-jumps",
    "LosesWhereStrong": "spikes-come-with-their-jumps",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""


class _Exact(rb.SpikingNeuron):
    """tau dV/dt = -V + I from step to step exactly, a spike at 15 and a reset to 0, all in its forward."""

    tau = rb.Parameter(20.0, unit="ms", above=0, doc="membrane time constant")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential, above rest")

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.heard(data, identifiers)
        moved = current + (self.voltage - current) * torch.exp(-self.dt / self.tau)
        fired = moved >= 15.0
        self.voltage = torch.where(fired, 0.0, moved)
        self.spiked = self.events(fired)
        self.input = current.expand(moved.shape)
        return self.loggable_state()

    def heard(self, data: Any, identifiers: Any) -> Any:
        """The current."""
        return self.prepare(data, identifiers)

    def events(self, fired: Any) -> Any:
        """The spikes."""
        return fired


class SumsBySelf(_Exact):
    """Sources are added, whatever aggregator it was made with."""

    def heard(self, data: Any, identifiers: Any) -> Any:
        return self.prepare(sum(data) if isinstance(data, list) else data)


class DropsIdentifiers(_Exact):
    """The aggregator is called without the names of the sources."""

    def heard(self, data: Any, identifiers: Any) -> Any:
        return self.prepare(data)


class SortsIdentifiers(_Exact):
    """The names are put in order, and the sources are not."""

    def heard(self, data: Any, identifiers: Any) -> Any:
        return self.prepare(data, None if identifiers is None else sorted(identifiers))


class _TwoInputs(_Exact):
    """Excitation and inhibition."""

    excitation = rb.Input(unit="mV", doc="what drives it")
    inhibition = rb.Input(unit="mV", doc="what holds it back")

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        given = self.prepare(data, identifiers)
        current = self.together(given)
        moved = current + (self.voltage - current) * torch.exp(-self.dt / self.tau)
        fired = moved >= 15.0
        self.voltage = torch.where(fired, 0.0, moved)
        self.spiked = fired
        self.excitation, self.inhibition = (each.expand(moved.shape) for each in given)
        return self.loggable_state()

    def together(self, given: Any) -> Any:
        """The current."""
        return given.excitation - given.inhibition


class DeafToInhibition(_TwoInputs):
    """The inhibition is received and has no effect."""

    def together(self, given: Any) -> Any:
        return given.excitation + 0.0 * given.inhibition


class RemembersOneOnly(_TwoInputs):
    """Where there is excitation it counts, and the inhibition counts as excitation of size zero."""

    def together(self, given: Any) -> Any:
        return torch.where(given.inhibition > 1e30, 0.0, given.excitation)


class ReportsBeforeReset(_Exact):
    """What it gives is the potential before the reset."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        moved = current + (self.voltage - current) * torch.exp(-self.dt / self.tau)
        outputs = super().forward(data, identifiers)
        return {**outputs, "voltage": moved.detach().expand(outputs["voltage"].shape).clone()}


class OldSpikes(_Exact):
    """What it gives as spikes are those of the step before."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        before = self.spiked.clone()
        outputs = super().forward(data, identifiers)
        return {**outputs, "spiked": before.expand(outputs["spiked"].shape).clone()}


class Latched(_Exact):
    """A unit that has spiked once is reported as spiking from then on."""

    def events(self, fired: Any) -> Any:
        return fired | (self.spiked != 0)


class SpikesWhileAbove(rb.SpikingNeuron):
    """tau dV/dt = -V + I without a reset, and a spike in each step that ends above 15."""

    tau = rb.Parameter(20.0, unit="ms", above=0, doc="membrane time constant")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential, above rest")

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        moved = current + (self.voltage - current) * torch.exp(-self.dt / self.tau)
        self.voltage = moved
        self.spiked = moved >= 15.0
        self.input = current.expand(moved.shape)
        return self.loggable_state()


class LateByOneStep(_Exact):
    """A spike is reported in the step after that of its reset."""

    pending = rb.State(0.0, unit="1", at_rest=True, doc="1 after a crossing that was not reported yet")

    def events(self, fired: Any) -> Any:
        due = self.pending.expand(fired.shape) > 0.0
        self.pending = fired.to(self.dtype)
        return due


class LosesEverySecond(_Exact):
    """Of the spikes of a unit every second is not reported."""

    parity = rb.State(0.0, unit="1", at_rest=True, doc="1 after an odd number of spikes")

    def events(self, fired: Any) -> Any:
        odd = self.parity.expand(fired.shape) > 0.5
        self.parity = torch.where(fired, 1.0 - self.parity, self.parity)
        return fired & ~odd


class LosesWhereStrong(_Exact):
    """A spike within two milliseconds of the last one is a reset without a report."""

    since = rb.State(1e3, unit="ms", doc="time since the last report")

    def events(self, fired: Any) -> Any:
        since = self.since.expand(fired.shape) + self.dt
        told = fired & (since > 2.0)
        self.since = torch.where(told, 0.0, since.clamp(max=1e3))
        return told

"""Sound models with a forward of their own that look as if it lost, doubled or delayed something."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch

SOUND = ["SlowAndGated", "NamesItsSources", "FastWithSynapse", "HoldsItsPeak", "SoftForward", "OnceAPeriod"]

DEAR = ["FastWithSynapse", "SoftForward"]
HARDEST = {
    "McCullochPitts": ["spikes-end", "spikes-come-with-their-jumps", "forward-gives-what-it-keeps"],
    "HoldsItsPeak": [
        "spikes-end",
        "spikes-come-with-their-jumps",
        "forward-gives-what-it-keeps",
        "float32-close-to-float64",
    ],
    "SlowAndGated": ["forward-heeds-each-input", "forward-heeds-the-aggregator", "spikes-end"],
    "NamesItsSources": ["forward-heeds-the-aggregator", "forward-gives-what-it-keeps"],
    "FastWithSynapse": ["spikes-end", "spikes-come-with-their-jumps"],
    "OnceAPeriod": ["spikes-end", "spikes-come-with-their-jumps", "forward-gives-what-it-keeps"],
    "SoftForward": ["spikes-end", "spikes-come-with-their-jumps", "float32-close-to-float64"],
}
"""Name -> the properties that could most easily accuse it wrongly."""


class McCullochPitts(rb.SpikingNeuron):
    """A binary unit (McCulloch and Pitts 1943): 1 in each step whose input reaches the threshold."""

    theta = rb.Parameter(1.0, unit="1", doc="threshold")
    voltage = rb.State(0.0, unit="1", at_rest=True, doc="the input")

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        self.voltage = current.expand((*current.shape[:-1], self.num_units))
        self.spiked = self.voltage >= self.theta
        self.input = self.voltage
        return self.loggable_state()


class HoldsItsPeak(rb.SpikingNeuron):
    """tau dV/dt = -V + I, exactly; a spike stands at 40 mV for 1 ms, and only then falls to 0."""

    tau = rb.Parameter(20.0, unit="ms", above=0, doc="membrane time constant")
    width = rb.Parameter(1.0, unit="ms", above=0, doc="how long a spike stands")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential, above rest")
    left = rb.State(0.0, unit="ms", at_rest=True, doc="how long it still stands")

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        v, left = self.voltage, self.left
        stands = left > 0.5 * self.dt
        moved = current + (v - current) * torch.exp(-self.dt / self.tau)
        fired = ~stands & (moved >= 15.0)
        now = torch.where(stands, left - self.dt, torch.where(fired, self.width, 0.0))
        over = stands & (now <= 0.5 * self.dt)
        self.voltage = torch.where(fired, 40.0, torch.where(over, 0.0, torch.where(stands, v, moved)))
        self.left = torch.where(over, 0.0, now)
        self.spiked = fired
        self.input = current.expand(fired.shape)
        return self.loggable_state()


class SlowAndGated(rb.SpikingNeuron):
    """The drive counts where the gate is open, and the gate opens 10 ms after its input rises above zero."""

    drive = rb.Input(unit="mV", doc="what drives it")
    gate = rb.Input(unit="1", doc="what lets it through")
    tau = rb.Parameter(20.0, unit="ms", above=0, doc="membrane time constant")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential, above rest")
    waited = rb.State(0.0, unit="ms", at_rest=True, doc="how long the gate's input was above zero")

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        given = self.prepare(data, identifiers)
        waited = torch.where(given.gate > 0.0, self.waited + self.dt, 0.0).clamp(max=100.0)
        current = torch.where(waited > 10.0, given.drive, 0.0)
        moved = current + (self.voltage - current) * torch.exp(-self.dt / self.tau)
        self.spiked = moved >= 15.0
        self.voltage = torch.where(moved >= 15.0, 0.0, moved)
        self.waited = waited.expand(moved.shape)
        self.drive, self.gate = (each.expand(moved.shape) for each in given)
        return self.loggable_state()


class NamesItsSources(rb.AnalogNeuron):
    """A low-pass of its input, which it scales for each source before they are combined."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="time constant")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="low-pass of the input")

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        if isinstance(data, list):
            data = [2.0 * each for each in data]
        current = self.prepare(data, identifiers)
        self.voltage = current + (self.voltage - current) * torch.exp(-self.dt / self.tau)
        self.input = current.expand(self.voltage.shape)
        return self.loggable_state()


class FastWithSynapse(rb.SpikingNeuron):
    """A membrane of 0.01 ms behind a synapse of 1 ms: in the model's own dt it spikes in every step."""

    tau = rb.Parameter(0.01, unit="ms", above=0, doc="membrane time constant")
    tau_syn = rb.Parameter(1.0, unit="ms", above=0, doc="time constant of the synapse")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential, above rest")
    current = rb.State(0.0, unit="mV", at_rest=True, doc="what the synapse lets through")

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        given = self.prepare(data, identifiers)
        current = given + (self.current - given) * torch.exp(-self.dt / self.tau_syn)
        moved = current + (self.voltage - current) * torch.exp(-self.dt / self.tau)
        self.spiked = moved >= 15.0
        self.voltage = torch.where(moved >= 15.0, 0.0, moved)
        self.current = current.expand(moved.shape)
        self.input = given.expand(moved.shape)
        return self.loggable_state()


class SoftForward(rb.SpikingNeuron):
    """tau dV/dt = -V + I, exactly, from which a spike takes away 15 mV; its threshold is declared too."""

    tau = rb.Parameter(20.0, unit="ms", above=0, doc="membrane time constant")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential, above rest")

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 15.0

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        before = self.voltage
        moved = current + (before - current) * torch.exp(-self.dt / self.tau)
        fired = (moved >= 15.0) & (before < 15.0)
        new = torch.where(fired, moved - 15.0, moved)
        outputs = {"input": current.expand(new.shape), "voltage": new, "spiked": fired.to(torch.int8)}
        self.commit({"voltage": new, "carry": None}, outputs)
        return {name: value.clone() for name, value in outputs.items()}


class OnceAPeriod(rb.SpikingNeuron):
    """Once in each period x becomes x / 2 + I; it spikes where that is above 1, and loses 1."""

    period = rb.Parameter(2.0, unit="ms", above=0, doc="time from one look at the input to the next")
    voltage = rb.State(0.0, unit="1", at_rest=True, doc="x")
    clock = rb.State(
        0.0, unit="ms", doc="time since the last look, which jumps back whether it spikes or not"
    )

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        clock = (self.clock + self.dt).expand((*current.shape[:-1], self.num_units))
        due = clock >= self.period - 0.5 * self.dt
        x = 0.5 * self.voltage + current
        fired = due & (x > 1.0)
        self.voltage = torch.where(due, x - fired.to(x.dtype), self.voltage)
        self.clock = torch.where(due, clock - self.period, clock)
        self.spiked = fired
        self.input = current.expand(fired.shape)
        return self.loggable_state()

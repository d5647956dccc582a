"""Models that are right for a few units and steps."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch
from ground import Leaky

FAULTS = {
    "IndexInAByte": "unit-among-a-thousand",
    "BlocksOf256": "unit-among-a-thousand",
    "LoudestOfMany": "unit-among-a-thousand",
    "CountsBesideItsState": "the-same-after-many-steps",
    "AgesForTheNext": "the-same-after-many-steps",
    "ClockInSinglePrecision": "the-same-later",
    "FallsAsleep": "the-same-later",
    "RingThatStops": "the-same-later",
    "PresetThatEndsLate": "presets-run",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""

FULL = {
    "IndexInAByte": "unit-alone",
    "BlocksOf256": "unit-alone",
    "LoudestOfMany": "unit-alone",
    "CountsBesideItsState": "saved-and-loaded-in-mid-run",
    "AgesForTheNext": "run-again",
    "ClockInSinglePrecision": "time-translation",
    "FallsAsleep": "time-translation",
    "RingThatStops": "time-translation",
    "PresetThatEndsLate": "presets-run",
}
"""Those that only the full profile catches, by its wider range -> the property that asks the same in a
narrower one, which they pass."""


class IndexInAByte(Leaky):
    """The input is sorted by the number of the unit, which is kept in a byte."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        current = current.expand(*current.shape[:-1], self.num_units)
        number = torch.arange(self.num_units).to(torch.uint8).long()
        return super().forward(current[..., number])


class BlocksOf256(Leaky):
    """Slopes are made block by block, and what is left over at the end gets those of the block before it."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        slope = (data - state.voltage) / params.tau
        left = slope.shape[-1] % 256
        if slope.shape[-1] > 256 and left:
            slope = torch.cat([slope[..., :-left], slope[..., -left - 256 : -256]], dim=-1)
        return {"voltage": slope}


class LoudestOfMany(Leaky):
    """In a crowd of more than 700 only the hundred that are driven most are heard."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        if state.voltage.shape[-1] > 700:
            data = torch.where(data >= data.topk(100, dim=-1).values[..., -1:], data, 0.0)
        return {"voltage": (data - state.voltage) / params.tau}


class CountsBesideItsState(Leaky):
    """It tires after a thousand steps, which it counts in an attribute that is not saved."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._calls = 0

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        outputs = super().forward(current if self._calls < 1000 else 0.9 * current)
        self._calls += 1
        return outputs

    def reset_state(self) -> None:
        super().reset_state()
        self._calls = 0


class AgesForTheNext(Leaky):
    """A neuron that has made fifteen hundred steps leaves the one that is made next a weaker input."""

    left = 1.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._gain, AgesForTheNext.left = AgesForTheNext.left, 1.0

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        if self.simulation_step == 1500:
            AgesForTheNext.left = 0.9
        return super().forward(self._gain * self.prepare(data, identifiers))


class ClockInSinglePrecision(Leaky):
    """Its steps are the differences of a clock in float32, which has few digits left when it is late."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.register_buffer("clock", torch.zeros((), dtype=torch.float32))

    def reset_state(self) -> None:
        super().reset_state()
        self.clock = torch.zeros((), dtype=torch.float32)

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        clock = self.clock + self.dt
        took = clock.double() - self.clock.double()
        new = current + (self.voltage - current) * torch.exp(-took / self.tau)
        outputs = _committed(self, current, new)
        self.clock = clock
        return outputs


class FallsAsleep(Leaky):
    """After a thousand steps without input the next one is not heard."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.register_buffer("quiet", torch.zeros(self.num_units, dtype=torch.int64))

    def reset_state(self) -> None:
        super().reset_state()
        self.quiet = torch.zeros(self.num_units, dtype=torch.int64)

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        current = current.expand(*current.shape[:-1], self.num_units)
        quiet = self.quiet
        outputs = super().forward(torch.where(quiet > 1000, 0.0, current))
        self.quiet = torch.where(current == 0.0, quiet + 1, 0)
        return outputs


class RingThatStops(Leaky):
    """An input delayed by two steps, in a ring of 1024 places whose end is the end."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.register_buffer("place", torch.zeros((), dtype=torch.int64))
        self.register_buffer("ring", self._silence())

    def _silence(self) -> Any:
        return torch.zeros(3, self.num_units, dtype=self.dtype, device=self.device)

    def reset_state(self) -> None:
        super().reset_state()
        self.place, self.ring = torch.zeros((), dtype=torch.int64), self._silence()

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        shape = (*current.shape[:-1], self.num_units)
        ring = torch.stack([current.expand(shape), *(each.expand(shape) for each in self.ring[:2])])
        heard = torch.where(self.place < 1024, ring[2], ring[0])
        outputs = super().forward(heard)
        self.ring, self.place = ring, self.place + 1
        return outputs


class PresetThatEndsLate(Leaky):
    """A preset with a weak growth of its own, which goes beyond all bounds after twenty milliseconds."""

    growth = rb.Parameter(0.0, unit="1/ms", at_least=0, doc="growth of the size")
    size = rb.State(0.0, unit="1", at_rest=True, doc="size, which grows as its square")
    growing = rb.Preset("growing", params={"growth": 0.05}, state={"size": 1.0})

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {
            "voltage": (data - state.voltage) / params.tau,
            "size": params.growth * state.size * state.size,
        }


def _committed(neuron: Any, current: Any, new: Any) -> Any:
    """The end of a step: what the neuron keeps, and what it gives."""
    fired = (new >= 1.0) & (neuron.voltage < 1.0)
    new = torch.where(fired, 0.0, new)
    outputs = {"input": current.expand(new.shape), "voltage": new, "spiked": fired.to(torch.int8)}
    neuron.commit({"voltage": new, "carry": None}, outputs)
    return {name: value.clone() for name, value in outputs.items()}

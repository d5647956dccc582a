"""The task that every contestant is given. Imports nothing but the standard library."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass

GOLDEN = 0.6180339887498949


@dataclass(frozen=True)
class Task:
    """Leaky integrate-and-fire units under a constant current that differs by unit.

    With these numbers the rheobase is leak_gl (volt_thresh - volt_rest) = 200 pA, so a fifth of the
    units stay silent and the others fire at up to 63 spikes/s, as cortical neurons do under strong drive.

    Attributes:
        units: The number of units.
        steps: The number of steps in a round.
        threads: The threads that torch may use.
        dt: The time step, ms.
        low: The weakest current, pA.
        high: The strongest current, pA.
        volt_thresh: Spike threshold, mV.
        volt_rest: Resting potential, mV; also the potential after a spike.
        leak_gl: Leak conductance, nS.
        tau_mem: Membrane time constant, ms.
        tau_ref: Refractory period, ms.
    """

    units: int = 100_000
    steps: int = 1_000
    threads: int = 2
    dt: float = 0.1
    low: float = 150.0
    high: float = 400.0
    volt_thresh: float = -55.0
    volt_rest: float = -75.0
    leak_gl: float = 10.0
    tau_mem: float = 20.0
    tau_ref: float = 2.0

    @property
    def duration(self) -> float:
        """The simulated time of a round, ms."""
        return self.steps * self.dt

    @property
    def params(self) -> dict[str, float]:
        """The parameters by the names that both Sapicore and Rheobase give them."""
        names = ("volt_thresh", "volt_rest", "leak_gl", "tau_mem", "tau_ref")
        return {name: getattr(self, name) for name in names}

    def currents(self) -> list[float]:
        """The current of each unit, pA: evenly spread, in an order without pattern.

        Multiples of the golden ratio modulo 1, so that every environment has the same numbers without
        sharing a random generator, and the units that spike together do not lie together.
        """
        span = self.high - self.low
        return [self.low + span * (unit * GOLDEN % 1.0) for unit in range(self.units)]

    def time_to_spike(self, current: float) -> float:
        """The time from rest to the threshold under a constant current, ms; infinite below the rheobase."""
        drive, gap = current / self.leak_gl, self.volt_thresh - self.volt_rest
        return self.tau_mem * math.log(drive / (drive - gap)) if drive > gap else math.inf

    def steps_to_first_spike(self, current: float) -> int:
        """The step, counted from 1, in which a unit at rest first spikes."""
        return math.ceil(self.time_to_spike(current) / self.dt)

    def spikes(self, late: float = 0.0) -> int:
        """The number of spikes of all units in a round, from the closed form: in continuous time.

        Args:
            late: By how much each spike comes late, ms.
        """
        end = self.duration + self.tau_ref
        counts = (
            int(end / (self.time_to_spike(current) + self.tau_ref + late)) for current in self.currents()
        )
        return sum(counts)

    def to_json(self) -> str:
        """The task as text, for a worker's command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Task:
        """The task that :meth:`to_json` wrote."""
        return cls(**json.loads(text))

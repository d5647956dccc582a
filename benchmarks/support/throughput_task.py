"""The task of throughput.py, as every contestant gets it. Needs numpy alone."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

GOLDEN = 0.6180339887498949
SQUARE_2, SQUARE_3 = math.sqrt(2.0), math.sqrt(3.0)

RANGES = {"lif": (40.0, 120.0), "izhikevich": (0.0, 14.0), "hh": (0.0, 700.0), "adex": (300.0, 1000.0)}
"""Model -> the weakest and the strongest current: pA, for izhikevich mV/ms. Some units stay silent."""

STEP_MS = {"lif": 0.1, "izhikevich": 0.1, "hh": 0.05, "adex": 0.1}
"""Model -> dt. At 0.1 ms Runge-Kutta of order 4 is unstable in the spike of the squid axon: there the
conductances are 40 /ms, and 4 is beyond its limit of 2.8."""

MODELS, DTYPES, DRIVES = tuple(RANGES), ("float32", "float64"), ("constant", "full")

VARIATION = 0.1
"""The full input varies by so much of the range of currents from step to step."""


@dataclass(frozen=True)
class Case:
    """One line of contestants in the table.

    Attributes:
        model: "lif", "izhikevich", "hh" or "adex".
        dtype: "float32" or "float64".
        drive: "constant", a current for each unit; or "full", one for each step and unit.
        units: The number of units.
        steps: The number of steps in a round.
        threads: The threads that may work.
        dt: The time step, ms; NaN: that of the model in ``STEP_MS``.
        input: The file of the full input; empty where the drive is constant.
        adex: The folder in which the package of CONTRIBUTING is installed, or empty.
        cache: The folder for what is compiled.
        how: Which of the ways a contestant has, such as "eager" or "fused".
        low: The weakest current; NaN: that of the model in ``RANGES``.
        high: The strongest.
    """

    model: str = "lif"
    dtype: str = "float32"
    drive: str = "constant"
    units: int = 100_000
    steps: int = 1_000
    threads: int = 2
    dt: float = math.nan
    input: str = ""
    adex: str = ""
    cache: str = ""
    how: str = ""
    low: float = math.nan
    high: float = math.nan

    def __post_init__(self) -> None:
        if math.isnan(self.dt):
            object.__setattr__(self, "dt", STEP_MS[self.model])
        low, high = RANGES[self.model]
        object.__setattr__(self, "low", low if math.isnan(self.low) else self.low)
        object.__setattr__(self, "high", high if math.isnan(self.high) else self.high)

    @property
    def duration(self) -> float:
        """The simulated time of a round, ms."""
        return self.steps * self.dt

    @property
    def unit_steps(self) -> int:
        """The work of a round."""
        return self.units * self.steps

    def but(self, **changes: Any) -> Case:
        """The same with some attributes changed."""
        return replace(self, **changes)

    def currents(self) -> np.ndarray:
        """The current of each unit, float64 ``[units]``: evenly spread, in an order without pattern."""
        return self.low + (self.high - self.low) * (np.arange(self.units) * GOLDEN % 1.0)

    def write_full(self, folder: Path) -> Case:
        """Write the full input ``[steps, units]``: the same currents, and a small variation.

        Contestants map the file, so that all of them share its memory.
        """
        swing = VARIATION * (self.high - self.low)
        path = folder / f"{self.model}-{self.dtype}.npy"
        shape = (self.steps, self.units)
        rows = np.lib.format.open_memmap(path, mode="w+", dtype=self.dtype, shape=shape)
        base, phase = self.currents(), np.arange(self.units) * SQUARE_3
        for step in range(self.steps):
            rows[step] = base + swing * ((phase + step * SQUARE_2) % 1.0 - 0.5)
        rows.flush()
        return self.but(input=str(path))

    def drive_array(self) -> np.ndarray:
        """The input in the case's dtype: ``[units]``, or ``[steps, units]``, mapped, where it is full."""
        if self.drive == "full":
            # Copy on write: writable to those who ask, and nobody writes.
            rows: np.ndarray = np.load(self.input, mmap_mode="c")
            return rows
        return self.currents().astype(self.dtype)

    def to_json(self) -> str:
        """The case as text, for a worker's command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Case:
        """The case that :meth:`to_json` wrote."""
        return cls(**json.loads(text))

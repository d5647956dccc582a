"""snnTorch's ``Leaky``, in an environment of its own. Started by throughput.py.

V above rest, in mV, by a decay factor: V' = beta V + (1 - beta) I / g_L, beta = exp(-dt / tau_mem). A spike
is seen in its step, and resets V to zero at the beginning of the next. It has no refractory period.
"""

from __future__ import annotations

import math
from importlib.metadata import version
from typing import Any

import snntorch
import torch
from support.throughput_task import Case
from support.throughput_worker import Worker, work

LEAK_GL, TAU_MEM, GAP = 5.0, 5.0, 20.0
"""nS, ms, and mV from rest to threshold: the defaults of Rheobase's LIF."""


class SnnTorch(Worker):
    """One call for each step; spikes are kept as the rasters that it gives."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        torch.set_num_threads(case.threads)
        beta = math.exp(-case.dt / TAU_MEM)
        dtype = getattr(torch, case.dtype)
        self.cell = snntorch.Leaky(
            beta=torch.tensor(beta, dtype=dtype), threshold=GAP, reset_mechanism="zero"
        ).to(dtype)
        self.current = torch.from_numpy(case.drive_array()) * ((1.0 - beta) / LEAK_GL)

    def hello(self) -> str:
        return f"snntorch {version('snntorch')}, torch {torch.__version__}"

    def reset(self) -> None:
        self.start = torch.zeros(self.case.units, dtype=self.current.dtype)

    def run(self) -> Any:
        cell, voltage, recorded = self.cell, self.start, []
        full = self.case.drive == "full"
        with torch.no_grad():
            for step in range(self.case.steps):
                spiked, voltage = cell(self.current[step] if full else self.current, voltage)
                recorded.append(spiked)
        return recorded

    def spikes(self, recorded: Any) -> int:
        return sum(int(spiked.sum()) for spiked in recorded)


if __name__ == "__main__":
    work(SnnTorch)

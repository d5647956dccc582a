"""Norse's ``LIFBoxCell`` and ``IzhikevichCell``, in an environment of its own. Started by throughput.py.

Both by Euler's method. Its LIF, as it is without a synapse, has no refractory period.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import torch
from norse.torch import (
    IzhikevichCell,
    IzhikevichParameters,
    IzhikevichSpikingBehavior,
    IzhikevichState,
    LIFBoxCell,
    LIFBoxParameters,
)
from norse.torch.functional.lif_box import LIFBoxFeedForwardState
from support.throughput_task import Case
from support.throughput_worker import Worker, work

LEAK_GL, TAU_MEM, VOLT_THRESH, VOLT_REST = 5.0, 5.0, -55.0, -75.0
"""nS, ms, mV, mV: the defaults of Rheobase's LIF."""


class Norse(Worker):
    """One call for each step; spikes are kept as the rasters that it gives."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        torch.set_num_threads(case.threads)
        self.dtype = getattr(torch, case.dtype)
        self.current = torch.from_numpy(case.drive_array())
        if case.model == "lif":
            # Its input is in mV.
            self.current = self.current / LEAK_GL
            self.cell = LIFBoxCell(
                LIFBoxParameters(
                    tau_mem_inv=self._number(1.0 / TAU_MEM),
                    v_leak=self._number(VOLT_REST),
                    v_th=self._number(VOLT_THRESH),
                    v_reset=self._number(VOLT_REST),
                ),
                dt=case.dt,
            )
        else:
            # tau_inv 1 makes its dt one in ms.
            p = IzhikevichParameters(a=0.02, b=0.2, c=-65.0, d=8.0, tau_inv=1.0)
            start = IzhikevichState(self._number(-65.0), self._number(-13.0))
            self.cell = IzhikevichCell(IzhikevichSpikingBehavior(p, start), dt=case.dt)

    def _number(self, value: float) -> torch.Tensor:
        return torch.tensor(value, dtype=self.dtype)

    def hello(self) -> str:
        return f"norse {version('norse')}, torch {torch.__version__}"

    def reset(self) -> None:
        def filled(value: float) -> torch.Tensor:
            return torch.full((self.case.units,), value, dtype=self.dtype)

        lif = self.case.model == "lif"
        self.start: Any = (
            LIFBoxFeedForwardState(v=filled(VOLT_REST))
            if lif
            else IzhikevichState(filled(-65.0), filled(-13.0))
        )

    def run(self) -> Any:
        cell, state, recorded = self.cell, self.start, []
        full = self.case.drive == "full"
        with torch.no_grad():
            for step in range(self.case.steps):
                spiked, state = cell(self.current[step] if full else self.current, state)
                recorded.append(spiked)
        return recorded

    def spikes(self, recorded: Any) -> int:
        return sum(int(spiked.sum()) for spiked in recorded)


if __name__ == "__main__":
    work(Norse)

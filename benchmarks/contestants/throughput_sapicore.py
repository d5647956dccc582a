"""Sapicore's LIF ensemble by Runge-Kutta of order 4, in an environment of its own. Started by throughput.py.

The step must be told to the integrator and to the neuron; see sapicore_lif.py. A crossing is seen at the
beginning of the next step, so each of its spikes is a step late.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import torch
from sapicore.engine.ensemble.spiking import LIFEnsemble
from sapicore.utils.integration import RungeKutta
from support.throughput_task import Case
from support.throughput_worker import Worker, work

PARAMS = {"volt_thresh": -55.0, "volt_rest": -75.0, "leak_gl": 5.0, "tau_mem": 5.0, "tau_ref": 1.0}
"""The defaults of Rheobase's LIF, by the names that both have."""


class Sapicore(Worker):
    """One call for each step; spikes are kept as the rasters that it gives."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        torch.set_num_threads(case.threads)
        self.current = torch.from_numpy(case.drive_array())

    def hello(self) -> str:
        return f"sapicore {version('sapicore')}, torch {torch.__version__}"

    def reset(self) -> None:
        # It has no way to reset an ensemble.
        case = self.case
        integrator = RungeKutta(order=4, step=case.dt)
        self.ensemble = LIFEnsemble(num_units=case.units, integrator=integrator, dt=case.dt, **PARAMS)

    def run(self) -> Any:
        full = self.case.drive == "full"
        return [
            self.ensemble(self.current[step] if full else self.current)["spiked"]
            for step in range(self.case.steps)
        ]

    def spikes(self, recorded: Any) -> int:
        return sum(int(spiked.sum()) for spiked in recorded)


if __name__ == "__main__":
    work(Sapicore)

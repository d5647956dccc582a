"""SpikingJelly's ``LIFNode`` and ``IzhikevichNode``, in an environment of its own. Started by throughput.py.

Both by Euler's method, in units of a step; neither has a refractory period. Its Izhikevich neuron has the
quadratic by its roots, and pulls the recovery to a (v - v_rest): both are a shift of the same model.
"""

from __future__ import annotations

import math
from importlib.metadata import version
from typing import Any

import torch
from spikingjelly.activation_based.neuron import IzhikevichNode, LIFNode
from support.throughput_task import Case
from support.throughput_worker import Worker, work

LEAK_GL, TAU_MEM, VOLT_THRESH, VOLT_REST = 5.0, 5.0, -55.0, -75.0
"""nS, ms, mV, mV: the defaults of Rheobase's LIF."""

SPREAD = math.sqrt(5.0**2 - 4.0 * 0.04 * 140.0)
REST, CRITICAL = (-5.0 - SPREAD) / 0.08, (-5.0 + SPREAD) / 0.08
"""The roots of 0.04 v^2 + 5 v + 140, mV."""

SHIFT = 0.2 * REST
"""What its recovery variable is less than Izhikevich's, mV/ms."""


class SpikingJelly(Worker):
    """The full input in one call of its multi-step mode; a constant one by a call for each step."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        torch.set_num_threads(case.threads)
        self.dtype = getattr(torch, case.dtype)
        mode = "m" if case.drive == "full" else "s"
        current = torch.from_numpy(case.drive_array())
        if case.model == "lif":
            self.current = current / LEAK_GL
            self.node: Any = LIFNode(
                tau=TAU_MEM / case.dt,
                v_threshold=VOLT_THRESH - VOLT_REST,
                v_reset=0.0,
                step_mode=mode,
            )
        else:
            self.current = current - SHIFT
            self.node = IzhikevichNode(
                tau=1.0 / case.dt,
                v_c=CRITICAL,
                a0=0.04,
                v_threshold=30.0,
                v_reset=-65.0,
                v_rest=REST,
                w_rest=-13.0 - SHIFT,
                tau_w=1.0 / (0.02 * case.dt),
                a=0.2,
                b=8.0,
                step_mode=mode,
            )
        self.node.eval()

    def hello(self) -> str:
        return f"spikingjelly {version('spikingjelly')}, torch {torch.__version__}"

    def reset(self) -> None:
        self.node.reset()

    def run(self) -> Any:
        node, current = self.node, self.current
        with torch.no_grad():
            if self.case.drive == "full":
                return [node(current)]
            return [node(current) for _ in range(self.case.steps)]

    def spikes(self, recorded: Any) -> int:
        return sum(int(spiked.sum()) for spiked in recorded)


if __name__ == "__main__":
    work(SpikingJelly)

"""Sapicore's LIF ensemble, in an environment of its own. Started by eager_lif.py.

Sapicore tells neither the integrator nor the neuron the other's time step: the integrator's is fixed at
construction and is 1.0 unless given, whatever ``dt`` the neuron has, and its default order is 1. Both
are given here, so that it does the same arithmetic: Runge-Kutta of order 4 over 0.1 ms.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Any

import torch
from sapicore.engine.ensemble.spiking import LIFEnsemble
from sapicore.utils.integration import RungeKutta
from support.memory import held_bytes, peak_bytes
from support.task import Task
from support.turns import Stopwatch, serve


class Contestant:
    """Sapicore's ``LIFEnsemble``.

    Args:
        task: What to run.
    """

    def __init__(self, task: Task) -> None:
        torch.set_num_threads(task.threads)
        self.task = task
        self.current = torch.tensor(task.currents(), dtype=torch.float32)

    def make(self) -> Any:
        """A new ensemble: Sapicore has no way to reset one."""
        task = self.task
        integrator = RungeKutta(order=4, step=task.dt)
        ensemble = LIFEnsemble(num_units=task.units, integrator=integrator, dt=task.dt, **task.params)
        if ensemble.integrator.step != task.dt or ensemble.integrator.order != 4 or ensemble.dt != task.dt:
            raise RuntimeError("Sapicore did not take the integrator or the time step")
        return ensemble

    def hello(self) -> dict[str, Any]:
        """Versions."""
        return {"simulator": f"sapicore {version('sapicore')}", "torch": torch.__version__}

    def step(self) -> dict[str, Any]:
        """A round by calling the ensemble for each step."""
        ensemble, current = self.make(), self.current
        clock = Stopwatch()
        for _ in range(self.task.steps):
            ensemble(current)
        return clock.read()

    def count(self) -> dict[str, Any]:
        """A round that counts spikes; not timed."""
        ensemble = self.make()
        return {"spikes": sum(int(ensemble(self.current)["spiked"].sum()) for _ in range(self.task.steps))}

    def memory(self) -> dict[str, Any]:
        """Bytes per unit: held between steps, and at the peak of a step beyond the input."""
        ensemble, current = self.make(), self.current
        for _ in range(300):
            ensemble(current)

        def held() -> list[torch.Tensor]:
            return [tensor for name, tensor in self._tensors(ensemble).items() if name != "input"]

        peak = peak_bytes(lambda: ensemble(current), held, 20)
        total = held_bytes(self._tensors(ensemble).values())
        return {"held": total / self.task.units, "call": peak / self.task.units}

    @staticmethod
    def _tensors(ensemble: Any) -> dict[str, torch.Tensor]:
        # Most of its tensors are plain attributes, not buffers.
        found = {name: value for name, value in vars(ensemble).items() if isinstance(value, torch.Tensor)}
        return {**found, **dict(ensemble.named_buffers())}


def main() -> None:
    """Serve the actions of this contestant."""
    contestant = Contestant(Task.from_json(sys.argv[1]))
    serve({name: getattr(contestant, name) for name in ("hello", "count", "step", "memory")})


if __name__ == "__main__":
    main()

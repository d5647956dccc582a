"""Rheobase's LIF, as a user steps it and as ``simulate`` runs it. Started by eager_lif.py."""

from __future__ import annotations

import sys
from typing import Any

import rheobase as rb
import torch
from support.memory import held_bytes, peak_bytes
from support.task import Task
from support.turns import Stopwatch, serve


class Contestant:
    """The LIF of the plugin rheobase-lif, with parameters that all units share.

    Args:
        task: What to run.
    """

    def __init__(self, task: Task) -> None:
        torch.set_num_threads(task.threads)
        self.task = task
        self.current = torch.tensor(task.currents(), dtype=torch.float32)
        self.shared = self.make()
        # For a like-for-like look: Sapicore keeps one value of each parameter for every unit.
        spread = {name: torch.full((task.units,), value) for name, value in task.params.items()}
        self.per_unit = self.make(**spread)

    def make(self, **params: Any) -> rb.Neuron:
        """A new ensemble."""
        task = self.task
        given = {**task.params, "volt_reset": task.volt_rest, **params}
        return rb.create("lif", num_units=task.units, integrator="rk4", dt=task.dt, **given)

    def hello(self) -> dict[str, Any]:
        """Versions."""
        version = rb.create("lif").provenance["model"]
        return {
            "simulator": f"rheobase ({version.distribution} {version.version})",
            "torch": torch.__version__,
        }

    def step(self, neuron: rb.Neuron) -> dict[str, Any]:
        """A round by calling the neuron for each step."""
        neuron.reset_state()
        current = self.current
        clock = Stopwatch()
        for _ in range(self.task.steps):
            neuron(current)
        return clock.read()

    def simulate(self) -> dict[str, Any]:
        """A round by ``simulate``, which records every spike."""
        self.shared.reset_state()
        clock = Stopwatch()
        recording = rb.simulate(
            self.shared, self.current, duration=self.task.duration, record=("spikes",), backend="eager"
        )
        return {**clock.read(), "spikes": len(recording.spikes)}

    def count(self) -> dict[str, Any]:
        """A round that counts spikes; not timed."""
        self.shared.reset_state()
        spikes = sum(int(self.shared(self.current)["spiked"].sum()) for _ in range(self.task.steps))
        return {"spikes": spikes}

    def memory(self) -> dict[str, Any]:
        """Bytes per unit: held between steps, and at the peak of a step beyond the input.

        The peak is taken over steps in the middle of a run, where some units spike and some are
        refractory, by ``neuron(current)`` and by the inner step of ``simulate``; and over a run in
        which all units spike at once, the worst that can happen.
        """
        neuron, current = self.make(), self.current
        for _ in range(300):
            neuron(current)
        held = held_bytes(neuron.state_dict(keep_vars=True).values())
        data = neuron.prepare(current)
        answer = {
            "held": held,
            "call": self._peak(neuron, lambda: neuron(current), 20),
            "advance": self._peak(neuron, lambda: neuron.advance(data), 20),
        }
        neuron.reset_state()
        together = torch.full_like(current, self.task.high)
        until = self.task.steps_to_first_spike(self.task.high)
        for _ in range(until - 5):
            neuron(together)
        answer["worst"] = self._peak(neuron, lambda: neuron(together), 10)
        if not bool((neuron.hold > 0).all()):
            raise RuntimeError("the units did not spike together; the worst case was not measured")
        return {name: value / self.task.units for name, value in answer.items()}

    @staticmethod
    def _peak(neuron: rb.Neuron, step: Any, steps: int) -> int:
        # The buffer `input` may be the caller's own tensor, and that is an input.
        def held() -> list[torch.Tensor]:
            return [tensor for name, tensor in neuron.state_dict(keep_vars=True).items() if name != "input"]

        return peak_bytes(step, held, steps)


def main() -> None:
    """Serve the actions of this contestant."""
    contestant = Contestant(Task.from_json(sys.argv[1]))
    serve(
        {
            "hello": contestant.hello,
            "count": contestant.count,
            "step": lambda: contestant.step(contestant.shared),
            "step_per_unit": lambda: contestant.step(contestant.per_unit),
            "simulate": contestant.simulate,
            "memory": contestant.memory,
        }
    )


if __name__ == "__main__":
    main()

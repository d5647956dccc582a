"""Rheobase, by its backend ``eager`` or ``fused``. Started by throughput.py."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import torch
from support.throughput_task import Case
from support.throughput_worker import Worker, work


class Rheobase(Worker):
    """``rb.simulate(neuron, current, record=("spikes",))``; ``case.how`` is the backend."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        if case.adex:
            sys.path.append(case.adex)
        import rheobase as rb
        from support.throughput_models import HodgkinHuxley

        torch.set_num_threads(case.threads)
        model: Any = HodgkinHuxley if case.model == "hh" else case.model
        self.rb = rb
        self.neuron = rb.create(
            model, num_units=case.units, integrator="rk4", dt=case.dt, dtype=getattr(torch, case.dtype)
        )
        self.current = torch.from_numpy(case.drive_array())

    def hello(self) -> str:
        found = {each.spec.name: each.provenance for each in self.rb.list_components("backend")}
        if self.case.how not in found:
            raise LookupError(f"no backend {self.case.how!r} is installed")
        source = found[self.case.how]
        return f"{source.distribution} {source.version}, torch {torch.__version__}"

    def reset(self) -> None:
        self.neuron.reset_state()

    def run(self) -> Any:
        with warnings.catch_warnings():
            # A backend that refuses warns, and the run goes on in eager, which is not what is timed here.
            warnings.simplefilter("error")
            return self.rb.simulate(
                self.neuron,
                self.current,
                duration=self.case.duration,
                record=("spikes",),
                backend=self.case.how,
                progress=False,
            )

    def spikes(self, recorded: Any) -> int:
        backend = recorded.provenance["backend"].name
        if backend != self.case.how:
            raise RuntimeError(f"the run was made by {backend!r} and not by {self.case.how!r}")
        return len(recorded.spikes)


if __name__ == "__main__":
    work(Rheobase)

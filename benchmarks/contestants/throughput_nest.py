"""NEST, in an environment of its own. Started by throughput.py.

Its neurons are in float64, each by the method that NEST has for it: ``iaf_psc_delta`` by the exact
propagator, ``izhikevich`` by Euler's method, ``hh_psc_alpha`` and ``aeif_psc_delta`` by the adaptive
Runge-Kutta-Fehlberg of GSL. They have synapses, which get nothing here.
"""

from __future__ import annotations

import os
from typing import Any

# Its greeting would go where answers are awaited.
os.environ["PYNEST_QUIET"] = "1"

import nest
from support.throughput_worker import Worker, work

MODELS: dict[str, tuple[str, dict[str, float]]] = {
    "lif": (
        "iaf_psc_delta",
        {
            "C_m": 25.0,
            "tau_m": 5.0,
            "t_ref": 1.0,
            "V_th": -55.0,
            "V_reset": -75.0,
            "E_L": -75.0,
            "V_m": -75.0,
        },
    ),
    "izhikevich": (
        "izhikevich",
        {"a": 0.02, "b": 0.2, "c": -65.0, "d": 8.0, "V_m": -65.0, "U_m": -13.0, "V_th": 30.0},
    ),
    "hh": ("hh_psc_alpha", {}),
    "adex": ("aeif_psc_delta", {"V_peak": 20.0, "V_reset": -70.6, "t_ref": 0.0}),
}
"""Model -> NEST's name, and where its parameters differ from NEST's defaults."""


class Nest(Worker):
    """``Run`` alone is timed; the kernel is made new for each round."""

    def hello(self) -> str:
        return f"nest {nest.__version__}"

    def reset(self) -> None:
        case = self.case
        name, params = MODELS[case.model]
        nest.ResetKernel()
        nest.verbosity = nest.VerbosityLevel.ERROR
        nest.SetKernelStatus({"resolution": case.dt, "local_num_threads": case.threads})
        neurons = nest.Create(name, case.units, params={**params, "I_e": case.currents()})
        self.recorder = nest.Create("spike_recorder")
        # Threads meet once in the shortest delay, which nothing else here bounds.
        nest.Connect(neurons, self.recorder, syn_spec={"delay": 1.0})
        nest.Prepare()

    def run(self) -> Any:
        nest.Run(self.case.duration)

    def spikes(self, recorded: Any) -> int:
        nest.Cleanup()
        return int(self.recorder.n_events)


if __name__ == "__main__":
    work(Nest)

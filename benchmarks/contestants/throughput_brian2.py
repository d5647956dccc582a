"""Brian2, in an environment of its own: as generated C++ of its own, or as Cython. Started by throughput.py.

Runge-Kutta of order 4; the threshold is tested, and the reset made, at the end of the step. Brian2 times the
binary's loop itself (``last_run_info.txt``); with Cython the clock begins where ``before_run`` ends.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
import time
from typing import Any

import brian2
import numpy as np
from brian2 import ms
from support.throughput_task import Case
from support.throughput_worker import Worker, work

MODELS: dict[str, dict[str, Any]] = {
    "lif": {
        "model": "dv/dt = (-75 - v + I / 5) / (5*ms) : 1 (unless refractory)",
        "threshold": "v >= -55",
        "reset": "v = -75",
        "refractory": 1 * ms,
    },
    "izhikevich": {
        "model": """
            dv/dt = (0.04*v*v + 5*v + 140 - u + I) / ms : 1
            du/dt = 0.02*(0.2*v - u) / ms : 1
        """,
        "threshold": "v >= 30",
        "reset": "v = -65; u += 8",
    },
    "hh": {
        "model": """
            dv/dt = (I - 12000*m*m*m*h*(v - 50) - 3600*n*n*n*n*(v + 77) - 30*(v + 54.402)) / (100*ms) : 1
            dm/dt = (0.1*(v + 40)/(1 - exp(-(v + 40)/10))*(1 - m) - 4*exp(-(v + 65)/18)*m) / ms : 1
            dh/dt = (0.07*exp(-(v + 65)/20)*(1 - h) - h/(1 + exp(-(v + 35)/10))) / ms : 1
            dn/dt = (0.01*(v + 55)/(1 - exp(-(v + 55)/10))*(1 - n) - 0.125*exp(-(v + 65)/80)*n) / ms : 1
        """,
        "threshold": "v >= 0",
        "refractory": "v >= 0",
    },
    # Without a limit to the exponent v and w are no numbers after the first spike. At 10 mV/2 mV above V_T
    # the upstroke still takes less than a step.
    "adex": {
        "model": """
            dv/dt = (-30*(v + 70.6) + 60*exp(clip((v + 50.4)/2, -100, 10)) - w + I) / (281*ms) : 1
            dw/dt = (4*(v + 70.6) - w) / (144*ms) : 1
        """,
        "threshold": "v >= 20",
        "reset": "v = -70.6; w += 80.5",
    },
}
START: dict[str, dict[str, float]] = {
    "lif": {"v": -75.0},
    "izhikevich": {"v": -65.0, "u": -13.0},
    "hh": {"v": -65.0, "m": 0.05293248525724958, "h": 0.5961207535084603, "n": 0.3176769140606974},
    "adex": {"v": -70.6, "w": 0.0},
}


class Network(brian2.Network):
    """One that says when its loop begins."""

    def before_run(self, run_namespace: Any) -> None:
        super().before_run(run_namespace)
        self.begun = time.perf_counter()


class Brian2(Worker):
    """``case.how`` is "standalone", with OpenMP, or "cython", which has one thread."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.made = False
        brian2.prefs.core.default_float_dtype = np.dtype(case.dtype).type
        brian2.prefs.codegen.target = "cython"
        self.folder = tempfile.mkdtemp(prefix="throughput-brian2-")
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)

    def hello(self) -> str:
        return f"brian2 {brian2.__version__} ({self.case.how})"

    def build(self) -> None:
        """Write, and for standalone compile, the program; once."""
        case = self.case
        if case.how == "standalone":
            brian2.prefs.devices.cpp_standalone.openmp_threads = case.threads
            brian2.set_device("cpp_standalone", directory=self.folder, build_on_run=False)
        brian2.defaultclock.dt = case.dt * ms
        settings = dict(MODELS[case.model])
        full = case.drive == "full"
        current = "I = stim(t, i) : 1 (constant over dt)" if full else "I : 1 (constant)"
        self.namespace = {"stim": brian2.TimedArray(case.drive_array(), dt=case.dt * ms)} if full else {}
        self.group = brian2.NeuronGroup(
            case.units, method="rk4", **{**settings, "model": f"{settings['model']}\n{current}"}
        )
        for name, value in START[case.model].items():
            setattr(self.group, name, value)
        if not full:
            self.group.I = case.currents()
        self.monitor = brian2.SpikeMonitor(self.group)
        self.network = Network(self.group, self.monitor)
        if case.how == "standalone":
            self.network.run(case.duration * ms, namespace=self.namespace)
            brian2.device.build(directory=self.folder, run=False, compile=True, with_output=False)
        else:
            self.network.store()

    def reset(self) -> None:
        if not self.made:
            self.build()
            self.made = True
        if self.case.how == "cython":
            self.network.restore()

    def run(self) -> Any:
        if self.case.how == "standalone":
            brian2.device.run(with_output=False)
        else:
            self.network.run(self.case.duration * ms, namespace=self.namespace)
            self.ended = time.perf_counter()

    def spikes(self, recorded: Any) -> int:
        return int(self.monitor.num_spikes)

    def round(self) -> dict[str, Any]:
        answer = super().round()
        standalone = self.case.how == "standalone"
        seconds = brian2.device._last_run_time if standalone else self.ended - self.network.begun
        return {**answer, "seconds": seconds}


if __name__ == "__main__":
    brian2.BrianLogger.log_level_error()
    work(Brian2)

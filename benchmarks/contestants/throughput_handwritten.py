"""The models written out in C++ by hand, kernels/throughput.cpp. Started by throughput.py."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
from support.throughput_compile import compiled
from support.throughput_task import Case
from support.throughput_worker import Worker, work

SOURCE = Path(__file__).resolve().parent.parent / "kernels" / "throughput.cpp"
STATES = {"lif": 1, "izhikevich": 2, "hh": 4, "adex": 2}
EVENT = np.dtype([("step", np.int32), ("unit", np.int32)])


class Handwritten(Worker):
    """One call for all steps; spikes are compact events, in order of step and unit."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        freely = case.how == "reciprocals"
        options = (f"-DRECIPROCALS={int(freely)}", f"-ffp-contract={'fast' if freely else 'off'}")
        path, self.compiler = compiled(SOURCE, Path(case.cache), *options)
        self.library = ctypes.CDLL(str(path))
        name = f"{case.model}_{case.dtype}"
        self.start, self.kernel = getattr(self.library, f"{name}_start"), getattr(self.library, name)
        self.start.argtypes = [ctypes.c_int64, ctypes.c_void_p]
        self.kernel.argtypes = [
            ctypes.c_int64,
            ctypes.c_int64,
            ctypes.c_double,
            ctypes.c_void_p,
            ctypes.c_int64,
            ctypes.c_void_p,
            ctypes.c_int,
        ]
        self.kernel.restype = ctypes.c_void_p
        self.library.count.argtypes = self.library.release.argtypes = [ctypes.c_void_p]
        self.library.count.restype = ctypes.c_int64
        self.library.copy.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        self.current = case.drive_array()
        self.state = np.empty((STATES[case.model], case.units), dtype=case.dtype)

    def hello(self) -> str:
        return f"handwritten C++, {self.compiler}"

    def reset(self) -> None:
        self.start(self.case.units, self.state.ctypes.data)

    def run(self) -> Any:
        case = self.case
        stride = case.units if case.drive == "full" else 0
        return self.kernel(
            case.units,
            case.steps,
            case.dt,
            self.current.ctypes.data,
            stride,
            self.state.ctypes.data,
            case.threads,
        )

    def spikes(self, recorded: Any) -> int:
        return len(self.events(recorded))

    def events(self, recorded: Any) -> np.ndarray:
        """The spikes as an array of steps and units."""
        found = np.empty(self.library.count(recorded), dtype=EVENT)
        self.library.copy(recorded, found.ctypes.data)
        self.library.release(recorded)
        return found


if __name__ == "__main__":
    work(Handwritten)

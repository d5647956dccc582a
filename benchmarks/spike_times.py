"""How far located spikes are from the closed form, for each integrator and time step.

    python benchmarks/spike_times.py

1,000 leaky integrate-and-fire units in one ensemble, random currents, time constants and refractory periods,
one second, float64. The truth is the closed form in extended precision. The table has the worst error of any
spike of any unit. What the exact propagator gives must not depend on dt.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import rheobase as rb
import torch

BOUNDS = {"rk45 at rtol 1e-10": 1e-9, "exact": 5e-13}
LEAK, DISTANCE = 10.0, 20.0


def main() -> int:
    """Run the benchmark; 0, or 1 if ``--check`` was asked for and a bound does not hold."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--units", type=int, default=1000, help="units (default 1000)")
    parser.add_argument("--quick", action="store_true", help="without the runs at dt = 0.01 ms")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a bound does not hold")
    args = parser.parse_args()
    cells = Cells(args.units)
    steps = (1.0, 0.1) if args.quick else (1.0, 0.1, 0.01)
    tolerant = rb.integrator("rk45", rtol=1e-10, atol=1e-10)
    rows: list[tuple[str, Any, tuple[float, ...]]] = [
        ("rk4", "rk4", (1.0, 0.1)),
        ("rk45 at its default", "rk45", (1000.0, 1.0)),
        ("rk45 at rtol 1e-10", tolerant, (1000.0, 1.0)),
        ("exact", "exact", steps),
    ]
    print(f"{args.units} units, {sum(map(len, cells.trains))} spikes\n")
    print(f"{'integrator':24}{'dt (ms)':>10}{'worst error (ms)':>20}{'seconds':>10}")
    kept = True
    for label, integrator, dts in rows:
        for dt in dts:
            start = time.perf_counter()
            worst = cells.worst(integrator, dt)
            seconds = time.perf_counter() - start
            bound = BOUNDS.get(label)
            kept = kept and (bound is None or worst < bound)
            note = "" if bound is None else f"  bound {bound:g}: {'kept' if worst < bound else 'NOT KEPT'}"
            print(f"{label:24}{dt:10g}{worst:20.2e}{seconds:10.1f}{note}", flush=True)
    return 1 if args.check and not kept else 0


class Cells:
    """The units, and their spikes of one second in closed form.

    Args:
        units: How many.
    """

    def __init__(self, units: int) -> None:
        random = np.random.default_rng(20)
        self.current = random.uniform(300.0, 900.0, units)
        self.tau = random.uniform(5.0, 30.0, units)
        self.tau_ref = random.uniform(0.5, 4.0, units)
        drive = self.current.astype(np.longdouble) / LEAK
        first = self.tau * np.log(drive / (drive - DISTANCE))
        period = first + self.tau_ref
        counts = np.floor((1000.0 - first) / period).astype(int) + 1
        self.trains = [first[unit] + np.arange(counts[unit]) * period[unit] for unit in range(units)]

    def worst(self, integrator: Any, dt: float) -> float:
        """The largest error of any spike, ms; infinite where a unit has too many or too few."""
        neuron = rb.create(
            "lif",
            len(self.trains),
            event="located",
            integrator=integrator,
            dt=dt,
            dtype=torch.float64,
            leak_gl=LEAK,
            tau_mem=torch.from_numpy(self.tau),
            tau_ref=torch.from_numpy(self.tau_ref),
        )
        spikes = rb.simulate(neuron, torch.from_numpy(self.current), 1000.0, progress=False).spikes
        times, units = spikes.times.numpy(), spikes.units.numpy()
        order = np.lexsort((times, units))
        counts = np.bincount(units, minlength=len(self.trains))
        if not np.array_equal(counts, [len(train) for train in self.trains]):
            return float("inf")
        return float(np.abs(times[order] - np.concatenate(self.trains)).max())


if __name__ == "__main__":
    raise SystemExit(main())

"""What a prepared run of a few steps costs beside its kernel, and `simulate` of the same.

    python benchmarks/prepared.py

800 leaky integrate-and-fire units take eight steps a call in ``fused``, and their spikes are recorded, as
between two exchanges of spikes in a network; on one thread. Three ways take turns, some calls at a time:

- ``run(x)`` of :func:`rheobase.prepare`;
- the same with a clock around what the compiled library does: the steps, and the sorting of the spikes.
  What a call of the first takes beyond that is Python's, the overhead;
- :func:`rheobase.simulate` of the same steps.

Each turn has the mean of its calls, looks at ``dt_max`` in one of 16 included; printed is the median of the
turns. With ``--clock cpu`` the time of the thread is taken, for a machine that has other work.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import rheobase as rb
import torch
from rheobase_fused.call import CompiledKernel

UNITS, STEPS, DT = 800, 8, 0.1
CURRENTS = {"no spikes": 90.0, "a spike in 3 ms": 300.0}
"""pA, of which the second is 3 times the rheobase."""
CALLS, SHORT_OF = 400, 20
"""Calls in a turn; of `simulate`, which takes longer, one of so many."""
MOST = 0.1
"""ms that a call may take beside its kernel."""

Clock = Callable[[], float]


def main() -> int:
    """Run the benchmark; 0, or 1 if ``--check`` was asked for and the bound does not hold."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=15, help="turns of each way (default 15)")
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall", help="(default wall)")
    parser.add_argument("--check", action="store_true", help="exit with 1 if the bound does not hold")
    args = parser.parse_args()
    clock = time.perf_counter if args.clock == "wall" else time.thread_time
    kept = True
    print(f"{'us a call':<20} prepared    kernel  overhead  overhead / kernel  simulate / prepared")
    for name, current in CURRENTS.items():
        whole, kernel, usual = measured(current, args.turns, clock)
        overhead = whole - kernel
        kept = kept and overhead <= MOST * 1e-3
        print(
            f"{name:<20} {whole * 1e6:8.1f} {kernel * 1e6:9.1f} {overhead * 1e6:9.1f} "
            f"{overhead / kernel:18.1f} {usual / whole:20.1f}"
        )
    print(f"\nan overhead of at most {MOST:g} ms: {'kept' if kept else 'NOT KEPT'}")
    return 1 if args.check and not kept else 0


def measured(current: float, turns: int, clock: Clock) -> tuple[float, float, float]:
    """Seconds of a call, of its kernel, and of `simulate`."""
    neuron = rb.create("lif", UNITS, dt=DT)
    x = torch.full((STEPS, UNITS), current)
    run = rb.prepare(neuron, backend="fused")
    within = Within(clock)

    def simulate() -> None:
        rb.simulate(neuron, x, backend="fused", progress=False)

    def prepared() -> None:
        run(x)

    mean(prepared, CALLS, clock)
    mean(simulate, CALLS // SHORT_OF, clock)
    taken: tuple[list[float], ...] = [], [], []
    for _ in range(turns):
        taken[0].append(mean(prepared, CALLS, clock))
        with within:
            mean(prepared, CALLS, clock)
        taken[1].append(within.spent / CALLS)
        taken[2].append(mean(simulate, CALLS // SHORT_OF, clock))
    whole, kernel, usual = map(statistics.median, taken)
    return whole, kernel, usual


def mean(call: Callable[[], None], calls: int, clock: Clock) -> float:
    """Seconds of a call."""
    start = clock()
    for _ in range(calls):
        call()
    return (clock() - start) / calls


class Within:
    """Puts a clock around the functions of the library that short calls use, for a while.

    Attributes:
        spent: The seconds that they took.
    """

    def __init__(self, clock: Clock) -> None:
        self.spent, self._clock, self._once = 0.0, clock, CompiledKernel.once

    def __enter__(self) -> None:
        self.spent = 0.0
        once = self._once

        def timed(kernel: Any, call: Any) -> Any:
            own = kernel._run, kernel._sort
            kernel._run, kernel._sort = map(self._around, own)
            try:
                return once(kernel, call)
            finally:
                kernel._run, kernel._sort = own

        CompiledKernel.once = timed  # type: ignore[method-assign]

    def __exit__(self, *error: object) -> None:
        CompiledKernel.once = self._once  # type: ignore[method-assign]

    def _around(self, function: Callable[..., None]) -> Callable[..., None]:
        def timed(*arguments: Any) -> None:
            start = self._clock()
            function(*arguments)
            self.spent += self._clock() - start

        return timed


if __name__ == "__main__":
    torch.set_num_threads(1)
    raise SystemExit(main())

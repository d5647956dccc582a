"""What the journal of a run costs: the same run with it and without, in turns.

    python benchmarks/journal.py

Leaky integrate-and-fire units under a noisy current, for about so many seconds (--seconds), in ``eager`` and
in ``fused``, with spikes and with traces of the voltage. Each run of a pair follows the other, and the order
changes from round to round. Beside the ratio of the times, in which the noise of a machine is larger than
what is measured, stands what the journal took: of the run's own thread, and of the CPU by the one that
writes. Of the two threads that a run has, that is the first and half of the second: the share.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import rheobase as rb
import torch
from rheobase.pipeline import journal as journals

MOST, THREADS = 0.02, 2


class Case(NamedTuple):
    """A run."""

    backend: str
    units: int
    record: tuple[str, ...]
    every: int = 1


CASES = (
    Case("eager", 1_000, ("spikes",)),
    Case("eager", 1_000, ("spikes", "voltage")),
    Case("fused", 10_000, ("spikes",)),
    Case("fused", 1_000, ("spikes", "voltage"), every=10),
)


class Spent:
    """Adds up what is spent in the journal's two functions."""

    def __init__(self) -> None:
        self.own = self.writer = self.written = 0.0
        call, serve, write = journals.Journal.__call__, journals.Journal._serve, journals.Journal._write

        def timed_call(journal: Any, *arguments: Any) -> None:
            start = time.perf_counter()
            call(journal, *arguments)
            self.own += time.perf_counter() - start

        def timed_serve(journal: Any) -> None:
            serve(journal)
            self.writer += time.thread_time()

        def counted_write(journal: Any, about: Any, arrays: Any) -> None:
            write(journal, about, arrays)
            self.written += sum(array.nbytes for array in arrays.values())

        journals.Journal.__call__ = timed_call  # type: ignore[method-assign]
        journals.Journal._serve = timed_serve  # type: ignore[method-assign]
        journals.Journal._write = counted_write  # type: ignore[method-assign]


def main() -> int:
    """Run the benchmark; 0, or 1 if ``--check`` was asked for and the bound does not hold."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="pairs of runs of each (default 3)")
    parser.add_argument("--seconds", type=float, default=10.0, help="what a run should take (default 10)")
    parser.add_argument("--check", action="store_true", help="exit with 1 if the bound does not hold")
    args = parser.parse_args()
    spent, kept = Spent(), True
    print(f"{'':<46} seconds   MB written   with / without   own thread   writer (CPU)   share")
    for case in CASES:
        steps = steps_in(case, args.seconds)
        taken: dict[bool, list[float]] = {False: [], True: []}
        spent.own = spent.writer = spent.written = 0.0
        for turn in range(args.rounds):
            for journaled in (False, True) if turn % 2 else (True, False):
                taken[journaled].append(seconds(case, steps, journaled))
        whole = sum(taken[True])
        own, writer = spent.own / whole, spent.writer / whole
        share = own + writer / THREADS
        kept = kept and share <= MOST
        ratio = statistics.median(taken[True]) / statistics.median(taken[False])
        label = f"{case.backend}, {case.units:,} units, {' + '.join(case.record)}, every {case.every}"
        megabytes = spent.written / args.rounds / 1e6
        print(
            f"{label:<46} {whole / args.rounds:7.1f} {megabytes:12.1f} {ratio:16.3f} {own:12.2%} "
            f"{writer:14.2%} {share:7.2%}"
        )
    print(f"\na share of at most {MOST:.0%}: {'kept' if kept else 'NOT KEPT'}")
    return 1 if args.check and not kept else 0


def steps_in(case: Case, wanted: float) -> int:
    """How many steps take so long: twice as many until they take a tenth of it."""
    steps = 1_000
    seconds(case, steps, True)  # imports, and a kernel that is compiled
    while (taken := seconds(case, steps, False)) < wanted / 10:
        steps *= 2
    return int(steps * wanted / taken)


def seconds(case: Case, steps: int, journaled: bool) -> float:
    """The time of a run, without the saving at its end."""
    neuron = rb.create("lif", case.units, dt=0.1)
    current = rb.stimulus.OrnsteinUhlenbeck(mean=80.0, std=80.0, tau=5.0, seed=1)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "run.npz") if journaled else None
        with journals.journaling(out, neuron, case.record, case.every) as journal:
            start = time.perf_counter()
            recording = rb.simulate(
                neuron, current, steps * 0.1, record=case.record, every=case.every, backend=case.backend
            )
            taken = time.perf_counter() - start
            if journal is not None:
                journal.fold(recording, lambda: None)
    return taken


if __name__ == "__main__":
    torch.set_num_threads(THREADS)
    raise SystemExit(main())

"""Integrators at equal achieved error, against torchode, torchdiffeq and scipy, side by side in one run.

    python benchmarks/integrators.py

FitzHugh-Nagumo oscillators (1, 1,000 and 100,000) and driven leaky membranes (100,000), 100 ms, float64.
Each method is run with a ladder of tolerances, then timed at the one where its worst error, over a sample
of units, is the target. The methods take turns, round by round. The other libraries live in an environment
of their own, which is made at the first run.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from support.environment import default_cache, environment
from support.equal_error import Rung, Setting, at_target, distance, polished, setting, worst
from support.ode_task import DURATION, PROBLEMS, SAMPLE, Request
from support.turns import Contestant

REQUIREMENTS = (
    "torch",
    "torchode==1.0.1",
    "torchdiffeq==0.2.5",
    'scipy==1.17.1; python_version >= "3.11"',
    'scipy==1.15.3; python_version < "3.11"',
)
TOLERANCES = tuple(10.0**-power for power in range(2, 12))
STEPS = tuple(2.0**-power for power in range(-1, 9))
CASES = ("fhn:1", "fhn:1000", "fhn:100000", "lif:100000")
LADDER_UNITS = 1000
BOUNDS = (
    ("fhn", 1000, "torchode", 3.0),
    ("fhn", 1000, "torchdiffeq", 5.0),
    ("fhn", 100_000, "torchode", 3.0),
    ("fhn", 100_000, "torchdiffeq", 5.0),
    ("lif", 100_000, "torchode", 1.5),
)


class Entry(NamedTuple):
    """One method of one library, and its order."""

    library: str
    method: str
    order: int = 5

    @property
    def label(self) -> str:
        """As it is printed."""
        return f"{self.library} {self.method.replace('_each', ', unit by unit').replace('_', ', ')}"

    @property
    def knobs(self) -> tuple[float, ...]:
        """What its ladder tries, from loose to tight."""
        return STEPS if self.method == "rk4" else TOLERANCES


OURS = (Entry("rheobase", "rk45"), Entry("rheobase", "tsit5"))
FIXED = Entry("rheobase", "rk4", 4)
EACH = Entry("scipy", "RK45_each")
DECLARED = Entry("rheobase", "rk45_declared")
ENTRIES = (
    Entry("scipy", "RK45"),
    EACH,
    Entry("torchdiffeq", "dopri5"),
    Entry("torchode", "dopri5"),
    Entry("torchode", "tsit5"),
    *OURS,
    DECLARED,
    FIXED,
)


@dataclass
class Runs:
    """What was seen of one entry at one target."""

    found: Setting
    clock: str
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    error: float = 0.0
    evaluations: float = 0.0

    @property
    def seconds(self) -> list[float]:
        """Of each round at equal error, by the clock that is judged by."""
        return self.wall if self.clock == "wall" else self.cpu

    @property
    def median(self) -> float:
        """Of these seconds."""
        return statistics.median(self.seconds)


class Bench:
    """The workers, what is true, and the ladders that were climbed.

    Args:
        workers: A process for each library.
        targets: The errors to reach.
        clock: What is judged by: ``"wall"`` or ``"cpu"``.
    """

    def __init__(self, workers: dict[str, Contestant], targets: Sequence[float], clock: str) -> None:
        self.workers, self.targets, self.clock = workers, targets, clock
        self._truths: dict[str, list[list[float]]] = {}
        self._ladders: dict[tuple[Entry, str, int], list[Rung]] = {}

    def ask(self, entry: Entry, problem: str, units: int, knob: float) -> dict[str, Any]:
        """Have an entry solve a problem; its answer, with the worst error."""
        request = Request(problem, units, entry.method, knob)
        answer = self.workers[entry.library].ask(request.to_line())
        if "failure" in answer:
            return {**answer, "error": float("inf")}
        truth = self.truth(problem)[: request.compared()]
        return {**answer, "error": worst(answer["states"], truth)}

    def truth(self, problem: str) -> list[list[float]]:
        """The final states of the sample, by a method of order 8 at its tightest."""
        if problem not in self._truths:
            request = Request(problem, SAMPLE, "DOP853_each", 1e-13)
            self._truths[problem] = self.workers["scipy"].ask(request.to_line())["states"]
        return self._truths[problem]

    def ladder(self, entry: Entry, problem: str, units: int) -> list[Rung]:
        """The error at each tolerance, down to the least target; of a large batch, its first units."""
        key = (entry, problem, min(units, LADDER_UNITS))
        if key not in self._ladders:
            rungs: list[Rung] = []
            for knob in entry.knobs:
                rungs.append(Rung(knob, self.ask(entry, problem, key[2], knob)["error"]))
                # One good rung may be luck.
                if len(rungs) > 1 and max(rung.error for rung in rungs[-2:]) < min(self.targets):
                    break
            self._ladders[key] = rungs
        return self._ladders[key]

    def unclimbed(self, entries: Sequence[Entry], problem: str, units: int) -> list[Entry]:
        """The entries without a ladder; says what the ladders show, if there are any to climb."""
        size = min(units, LADDER_UNITS)
        found = [entry for entry in entries if (entry, problem, size) not in self._ladders]
        if found:
            print(f"  worst error at each tolerance (of rk4: step, ms), {size:,} unit{'s' * (size > 1)}")
        return found

    def timed(
        self, entries: Sequence[Entry], problem: str, units: int, target: float, rounds: int, polish: bool
    ) -> dict[Entry, Runs]:
        """Time entries in turns, each at the tolerance that gives the target."""
        seen = {
            entry: Runs(setting(self.ladder(entry, problem, units), target), self.clock) for entry in entries
        }
        for entry, runs in seen.items() if polish else ():
            # What the ladder says between its rungs is nearly right.
            error = self.ask(entry, problem, units, runs.found.knob)["error"]
            if not 0.8 < error / target < 1.25:
                better = polished(runs.found, error, target)
                again = self.ask(entry, problem, units, better.knob)["error"]
                runs.found = better if distance(again, target) < distance(error, target) else runs.found
        for index in range(rounds):
            # Each round begins with another one, so that none always follows the same.
            first = index % len(entries)
            for entry in (*entries[first:], *entries[:first]):
                runs = seen[entry]
                answer = self.ask(entry, problem, units, runs.found.knob)
                if "failure" in answer:
                    raise RuntimeError(f"{entry.label} failed at {runs.found.knob}: {answer['failure']}")
                runs.error, runs.evaluations = answer["error"], answer["evaluations"]
                runs.wall.append(at_target(answer["seconds"], runs.error, target, entry.order))
                runs.cpu.append(at_target(answer["cpu"], runs.error, target, entry.order))
        return seen


def main() -> int:
    """Run the benchmark; 0, or 1 if ``--check`` was asked for and a bound does not hold."""
    args = arguments()
    with contestants(args) as workers:
        print(f"{DURATION:g} ms, float64, {args.threads} threads, load {load()}")
        if args.threads > 1 and busy():
            print("  note: the machine is busy; threads that wait for each other will measure the wait")
        for worker in workers.values():
            print(f"  {worker.ask('hello')['library']}")
        bench = Bench(workers, args.targets, args.clock)
        verdicts = []
        for case in args.cases:
            problem, units = case.split(":")[0], int(case.split(":")[1])
            verdicts += measure(bench, problem, units, args)
    print(f"\nbounds, the fastest of each library, {args.clock} time (load {load()})")
    for line, _ in verdicts:
        print(f"  {line}")
    return 1 if args.check and not all(kept for _, kept in verdicts) else 0


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--cases", nargs="+", default=CASES, metavar="PROBLEM:UNITS", help=f"default {' '.join(CASES)}"
    )
    parser.add_argument(
        "--targets", nargs="+", type=float, default=(1e-4, 1e-6), help="worst errors (default 1e-4 1e-6)"
    )
    parser.add_argument("--rounds", type=int, help="rounds of each (default 5 or, where long, 3)")
    parser.add_argument("--threads", type=int, default=2, help="threads of each contestant (default 2)")
    parser.add_argument(
        "--clock", choices=("wall", "cpu"), default="wall", help="judge by this time (default wall)"
    )
    parser.add_argument("--quick", action="store_true", help="one target, one round: a look, in a minute")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="where environments are kept")
    parser.add_argument("--python", help="the interpreter of an environment that has the other libraries")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a bound does not hold")
    args = parser.parse_args()
    for case in args.cases:
        problem, _, units = case.partition(":")
        if problem not in PROBLEMS or not units.isdigit() or int(units) < 1:
            parser.error(f"{case!r} is no case; give one of {', '.join(PROBLEMS)}, a colon and a number")
    if args.quick:
        args.targets = args.targets[:1]
    return args


@contextmanager
def contestants(args: argparse.Namespace) -> Iterator[dict[str, Contestant]]:
    """A process for each library."""
    theirs = args.python or environment(REQUIREMENTS, args.cache)
    # numpy's linear algebra asks the environment; torch is told by the worker.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(args.threads)
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                Contestant(python, f"contestants.integrators_{name}", str(args.threads))
            )
            for name, python in (
                ("scipy", theirs),
                ("torchdiffeq", theirs),
                ("torchode", theirs),
                ("rheobase", sys.executable),
            )
        }


def load() -> str:
    """How busy the machine is, where the system says so."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def busy() -> bool:
    """Whether others use more than half a processor; the start of this process is part of it."""
    return hasattr(os, "getloadavg") and os.getloadavg()[0] > 0.5


def measure(bench: Bench, problem: str, units: int, args: argparse.Namespace) -> list[tuple[str, bool]]:
    """Print the tables of one case; what became of its bounds."""
    large = units >= 10_000
    entries = [
        entry
        for entry in ENTRIES
        if (entry != EACH or 1 < units < 10_000) and (entry != DECLARED or problem == "lif")
    ]
    if args.quick and large:
        entries = [entry for entry in entries if entry.library != "scipy" and entry != FIXED]
    rounds = args.rounds or (1 if args.quick else 3 if large or units == 1 else 5)
    print(f"\n{PROBLEMS[problem].title}, {units:,} unit{'s' if units > 1 else ''}, load {load()}")
    for entry in bench.unclimbed(entries, problem, units):
        rungs = bench.ladder(entry, problem, units)
        print(f"    {entry.label:<24}", *(f"{rung.knob:.0e}: {rung.error:.0e} " for rung in rungs))
    verdicts = []
    for target in args.targets:
        # In a large batch the sample's errors are nearly those of the ladder, and a run takes long.
        seen = bench.timed(entries, problem, units, target, rounds, polish=not (args.quick or large))
        table(seen, target, rounds)
        verdicts += judged(seen, problem, units, target)
    return verdicts


def table(seen: dict[Entry, Runs], target: float, rounds: int) -> None:
    """Print the times at one target, and how many times Rheobase's they are."""
    own = {entry: seen[entry] for entry in OURS}
    heads = "".join(f"{'/ ' + entry.method:>9}" for entry in own)
    print(f"\n  worst error {target:.0e}, medians of {rounds} rounds, ms")
    print(f"    {'':<24}{'tolerance':>10}{'error':>9}{'evals':>8}{'wall':>11}{'CPU':>11}{heads}")
    for entry, runs in seen.items():
        ratios = "".join(f"{runs.median / ours.median:9.2f}" for ours in own.values())
        wall, cpu = 1000 * statistics.median(runs.wall), 1000 * statistics.median(runs.cpu)
        note = "" if runs.found.reached else "  the target was not reached"
        note += "  extrapolated from a part" if entry == EACH else ""
        print(
            f"    {entry.label:<24}{runs.found.knob:10.1e}{runs.error:9.1e}{runs.evaluations:8.0f}"
            f"{wall:11.2f}{cpu:11.2f}{ratios}{note}"
        )


def judged(seen: dict[Entry, Runs], problem: str, units: int, target: float) -> list[tuple[str, bool]]:
    """For each bound of a case: a line, and whether it is kept. The fastest against the fastest."""
    ours = min((seen[entry] for entry in OURS), key=lambda runs: runs.median)
    verdicts = []
    for of, size, library, least in BOUNDS:
        if (of, size) != (problem, units):
            continue
        theirs = min(
            (runs for entry, runs in seen.items() if entry.library == library), key=lambda runs: runs.median
        )
        ratio = theirs.median / ours.median
        each = [their / own for their, own in zip(theirs.seconds, ours.seconds, strict=True)]
        verdict = "kept" if ratio >= least else "NOT KEPT"
        line = (
            f"{problem} {units:>7,} units, error {target:.0e}: {ratio:5.2f} times {library:<11} "
            f"(rounds {min(each):.2f} to {max(each):.2f}), bound {least:g}: {verdict}"
        )
        verdicts.append((line, ratio >= least))
    return verdicts


if __name__ == "__main__":
    raise SystemExit(main())

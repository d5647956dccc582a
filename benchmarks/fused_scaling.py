"""How the fused backend scales: cost with size, memory, the first call, small work.

    python benchmarks/fused_scaling.py

Flat: the cost of a unit-step, the same number of them each time, from 10,000 units for 100,000 steps to
10,000,000 units for 100. Call: what a call costs beside them. Memory: the peak of a process with 1,000,000
units that records spikes only, and what it would be at 100,000 steps. First: the time that compiling takes,
in a process that finds an empty cache and in the next one. Latency: one unit for 10,000 steps, beside eager.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from support.throughput_task import Case
from support.turns import Contestant

MOST_SPREAD, MOST_BYTES, LEAST_LATENCY = 1.25, 2 * 2**30, 100.0
MOST_COMPILE, MOST_CACHED = {"lif": 3.0, "hh": 10.0}, 0.3
MEMORY_UNITS, MEMORY_UNTIL = 1_000_000, 100_000
FEW_HZ = (60.0, 103.0)
"""Currents, pA, at which most units are silent and the mean is a few spikes/s."""

ENOUGH, OFTEN = 0.2, 50
"""A turn repeats a short round until it has had so many seconds, or so often, and takes the median."""


class Found(NamedTuple):
    """A value, its bound, and whether the bound is the least or the most that is allowed."""

    words: str
    value: float
    bound: float
    least: bool = False

    @property
    def kept(self) -> bool:
        """Whether the bound holds."""
        return self.value >= self.bound if self.least else self.value <= self.bound


def main() -> int:
    """Run the benchmark; 0, or 1 if ``--check`` was asked for and a bound does not hold."""
    args = arguments()
    found = [each for part in args.parts for each in PARTS[part](args)]
    print("\nbounds")
    for each in found:
        side, verdict = "at least" if each.least else "at most", "kept" if each.kept else "NOT KEPT"
        print(f"  {each.words:<50} {each.value:10.3f}, {side} {each.bound:g}: {verdict}")
    if args.json:
        args.json.write_text(
            json.dumps([each._asdict() for each in found], indent=1) + "\n", encoding="utf-8"
        )
    return 1 if args.check and not all(each.kept for each in found) else 0


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=tuple(PARTS), help="default: all")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each (default 5)")
    parser.add_argument("--most-units", type=int, default=10_000_000, help="the end of the scan")
    parser.add_argument("--steps", type=int, default=100, help="steps there (default 100)")
    parser.add_argument(
        "--memory-steps", type=int, nargs=2, default=(2_000, 8_000), help="steps (default 2000 8000)"
    )
    parser.add_argument("--threads", type=int, default=Case.threads, help="threads (default 2)")
    parser.add_argument("--json", type=Path, help="a file for the results")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a bound does not hold")
    return parser.parse_args()


def worker(case: Case) -> Contestant:
    """A process of Rheobase's on a case."""
    return Contestant(sys.executable, "contestants.throughput_rheobase", case.to_json())


def flat(args: argparse.Namespace) -> list[Found]:
    """The cost of a unit-step, from few units and many steps to many units and few steps."""
    base = Case(how="fused", threads=args.threads)
    work = args.most_units * args.steps
    cases = [base.but(units=units, steps=work // units) for units in powers(10_000, args.most_units)]
    words = (
        f"from {cases[0].units:,} units x {cases[0].steps:,} steps to {args.most_units:,} x {args.steps:,}"
    )
    return [scan(words, cases, args.rounds)]


def call(args: argparse.Namespace) -> list[Found]:
    """What a call costs beside its unit-steps: that of one step."""
    base = Case(how="fused", threads=args.threads)
    cases = [base.but(units=units, steps=1) for units in powers(1, args.most_units)[::2]]
    print("\nLIF, float32, one step: what a call takes beside its steps")
    for case, seconds in zip(cases, turns(cases, args.rounds), strict=True):
        print(f"  {case.units:>12,} units {1000 * seconds:9.3f} ms")
    return []


def powers(first: int, last: int) -> list[int]:
    """The first, and ten times it, up to the last."""
    found = [first]
    while found[-1] * 10 <= last:
        found.append(found[-1] * 10)
    return found


def scan(words: str, cases: Sequence[Case], rounds: int) -> Found:
    """Print the cost of each case, and give the ratio of the largest to the smallest."""
    costs = [
        1e9 * seconds / case.unit_steps for case, seconds in zip(cases, turns(cases, rounds), strict=True)
    ]
    print(f"\nLIF, float32, {words}; medians of {rounds} rounds")
    for case, cost in zip(cases, costs, strict=True):
        print(f"  {case.units:>12,} units {case.steps:>9,} steps {cost:9.4f} ns a unit-step")
    return Found(f"largest / smallest cost, {words}", max(costs) / min(costs), MOST_SPREAD)


def turns(cases: Sequence[Case], rounds: int) -> list[float]:
    """The median seconds of a round of each case; each is a process, and they take turns."""
    taken: list[list[float]] = [[] for _ in cases]
    with ExitStack() as stack:
        workers = [stack.enter_context(worker(case)) for case in cases]
        for each in workers:
            each.ask("hello")
            each.ask("round")
        for _ in range(rounds):
            for seconds, each in zip(taken, workers, strict=True):
                seconds.append(turn(each))
    return [statistics.median(seconds) for seconds in taken]


def turn(process: Contestant) -> float:
    """The seconds of a round."""
    seconds: list[float] = []
    while not seconds or (sum(seconds) < ENOUGH and len(seconds) < OFTEN):
        seconds.append(process.ask("round")["seconds"])
    return statistics.median(seconds)


def memory(args: argparse.Namespace) -> list[Found]:
    """The peak of a process by steps, and the line through it."""
    low, high = FEW_HZ
    print(f"\nLIF, float32, {MEMORY_UNITS:,} units, spikes only: the peak of the process")
    peaks = []
    for steps in args.memory_steps:
        case = Case(how="fused", units=MEMORY_UNITS, steps=steps, threads=args.threads, low=low, high=high)
        with worker(case) as process:
            spikes = process.ask("round")["spikes"]
            peaks.append(process.ask("memory")["peak"])
        rate = 1000 * spikes / case.units / case.duration
        print(
            f"  {steps:>9,} steps {peaks[-1] / 2**20:9.1f} MiB, {spikes:,} spikes ({rate:.2f} per s and unit)"
        )
    first, last = args.memory_steps
    slope = (peaks[1] - peaks[0]) / (last - first)
    whole = peaks[1] + slope * (MEMORY_UNTIL - last)
    print(f"  {slope:,.0f} bytes a step; {MEMORY_UNTIL:,} steps: {whole / 2**20:,.0f} MiB")
    return [Found(f"GiB at {MEMORY_UNTIL:,} steps", whole / 2**30, MOST_BYTES / 2**30)]


def first(args: argparse.Namespace) -> list[Found]:
    """What the first call takes above the second, with an empty cache and with a filled one."""
    print(f"\nfirst call above the second, s; medians of {args.rounds} empty caches")
    found = []
    for model, most in MOST_COMPILE.items():
        empty, filled = [], []
        for _ in range(args.rounds):
            with empty_cache():
                empty.append(above(model, args.threads))
                filled.append(above(model, args.threads))
        compile_, cached = statistics.median(empty), statistics.median(filled)
        print(f"  {model:<4} empty cache {compile_:7.3f}, next process {cached:7.3f}")
        found += [
            Found(f"s to compile {model}", compile_, most),
            Found(f"s of {model} in the next process", cached, MOST_CACHED),
        ]
    return found


def above(model: str, threads: int) -> float:
    """The seconds of the first call above those of the second, in a new process."""
    case = Case(model, how="fused", units=1_000, steps=100, threads=threads)
    with worker(case) as process:
        process.ask("hello")
        return float(process.ask("round")["seconds"] - process.ask("round")["seconds"])


@contextmanager
def empty_cache() -> Iterator[None]:
    """An empty folder in place of every cache that could hold a compiled kernel."""
    names = ("RHEOBASE_CACHE_DIR", "TORCH_EXTENSIONS_DIR", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")
    before = {name: os.environ.get(name) for name in names}
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            os.environ[name] = str(Path(folder) / name.lower())
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name)
                if value is not None:
                    os.environ[name] = value


def latency(args: argparse.Namespace) -> list[Found]:
    """One unit: how many times as fast as eager."""
    one = Case(units=1, steps=10_000, threads=args.threads)
    eager, fused = turns([one.but(how="eager"), one.but(how="fused")], args.rounds)
    print(f"\nLIF, float32, 1 unit, {one.steps:,} steps")
    print(f"  eager {1000 * eager:.1f} ms, fused {1000 * fused:.3f} ms")
    return [Found("times eager, 1 unit", eager / fused, LEAST_LATENCY, least=True)]


PARTS = {"flat": flat, "call": call, "memory": memory, "first": first, "latency": latency}


if __name__ == "__main__":
    raise SystemExit(main())

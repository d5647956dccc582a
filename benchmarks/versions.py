"""This version of Rheobase beside another one, in turns within one run: kernels, and located spikes.

    python benchmarks/versions.py OTHER_ENVIRONMENT/bin/python

The cases are those of fused_scaling.py (the cost by size, one step, one unit, also in eager) and of
spike_times.py. Each version is a process for each case, of the modules of this folder, which stays alive and
works when it is its turn; who goes first changes from round to round. A ratio is the other version's time by
this one's, the median over the rounds: below 1 this one is slower.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

from support.throughput_task import Case
from support.turns import Contestant

LEAST = 0.95
INTEGRATORS: dict[str, tuple[str, dict[str, float], tuple[float, ...]]] = {
    "rk4": ("rk4", {}, (1.0, 0.1)),
    "rk45": ("rk45", {}, (1000.0,)),
    "rk45, rtol 1e-10": ("rk45", {"rtol": 1e-10, "atol": 1e-10}, (1000.0,)),
    "exact": ("exact", {}, (1.0,)),
}


class Entry(NamedTuple):
    """What both versions do: the module that does it, what it is given, and what of its answer must agree."""

    words: str
    module: str
    argument: str
    agrees: str


def main() -> int:
    """Run the benchmark; 0, or 1 if ``--check`` was asked for and a ratio is below the bound."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("other", help="the interpreter of an environment with the other version")
    parser.add_argument("--rounds", type=int, default=15, help="rounds of each case (default 15)")
    parser.add_argument("--work", type=int, default=400_000_000, help="unit-steps of a kernel's round")
    parser.add_argument("--units", type=int, default=1000, help="units with located spikes (default 1000)")
    parser.add_argument("--threads", type=int, default=Case.threads, help="threads (default 2)")
    parser.add_argument(
        "--clock", choices=("seconds", "cpu"), default="seconds", help="cpu: for a machine with other work"
    )
    parser.add_argument("--only", default="", help="the cases whose words have this")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a ratio is below the bound")
    args = parser.parse_args()
    print(f"{'case':<46}{'this':>10}{'other':>10}{'ratio':>8}  rounds' ratios    what both find")
    ratios = [ratio(entry, args) for entry in entries(args) if args.only in entry.words]
    kept = all(each >= LEAST for each in ratios)
    worst = f"{min(ratios):.3f}" if ratios else "none"
    print(f"\nthe least ratio is {worst}, at least {LEAST:g}: {'kept' if kept and ratios else 'NOT KEPT'}")
    return 1 if args.check and not (kept and ratios) else 0


def entries(args: argparse.Namespace) -> Iterator[Entry]:
    """The cases."""
    base, module = Case(how="fused", threads=args.threads), "contestants.throughput_rheobase"
    sizes = {
        f"{units:,} units": (units, max(args.work // units, 1)) for units in (10_000, 100_000, 1_000_000)
    }
    sizes |= {"1 unit": (1, 10_000), "100,000 units, one step": (100_000, 1)}
    for words, (units, steps) in sizes.items():
        yield Entry(f"fused, {words}", module, base.but(units=units, steps=steps).to_json(), "spikes")
    eager = base.but(how="eager", units=1, steps=2_000)
    yield Entry("eager, 1 unit", module, eager.to_json(), "spikes")
    for words, (integrator, settings, dts) in INTEGRATORS.items():
        for dt in dts:
            case = {"integrator": integrator, "settings": settings, "dt": dt}
            more = {"units": args.units, "threads": args.threads}
            argument = json.dumps(case | more)
            yield Entry(f"located, {words}, dt {dt:g} ms", "contestants.located_spikes", argument, "found")


def ratio(entry: Entry, args: argparse.Namespace) -> float:
    """The time of the other version by that of this one; with a line of the table."""
    taken: tuple[list[float], list[float]] = ([], [])
    with ExitStack() as stack:
        both = [
            stack.enter_context(Contestant(python, entry.module, entry.argument))
            for python in (sys.executable, args.other)
        ]
        found: list[Any] = [each.ask("round")[entry.agrees] for each in both]  # it warms them up, untimed
        for number in range(args.rounds):
            for which in (0, 1) if number % 2 == 0 else (1, 0):
                taken[which].append(both[which].ask("round")[args.clock])
    ratios = [other / this for this, other in zip(*taken, strict=True)]
    this, other = map(statistics.median, taken)
    middle = statistics.median(ratios)
    same = f"{found[0]:.4g}" if found[0] == found[1] else f"{found[0]:.4g} and {found[1]:.4g}"
    span = f"{min(ratios):.2f} to {max(ratios):.2f}"
    print(f"{entry.words:<46}{this:10.4f}{other:10.4f}{middle:8.3f}  {span:<16}  {same}", flush=True)
    return middle


if __name__ == "__main__":
    raise SystemExit(main())

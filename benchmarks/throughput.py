"""Unit-steps per second of the fused backend, beside eager, hand-written C++ and other simulators.

    python benchmarks/throughput.py

100,000 units, 1,000 steps, two threads, spikes recorded; four models, float32 and float64, a constant
current for each unit and a full input [steps, units]. All contestants of a line take turns, round by round.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from typing import NamedTuple

from support.environment import default_cache
from support.throughput_adex import adex_package
from support.throughput_contestants import ENTRIES, SAME, Entry
from support.throughput_task import DRIVES, DTYPES, MODELS, Case
from support.turns import Contestant

EAGER, FUSED, HAND = "rheobase eager", "rheobase fused", "hand-written C++"
BRIAN2 = {entry.name for entry in ENTRIES if entry.module == "throughput_brian2"}
LEAST_EAGER, LEAST_HAND, LEAST_BRIAN2 = 10.0, 0.8, 1.0
LEAST_PEER = {"lif": 5.0, "izhikevich": 2.0, "hh": 10.0, "adex": 2.0}
SHARE = {"lif": 1.0, "izhikevich": 1.0, "hh": 1.0, "adex": 0.8}
"""A stranger's model is to have so much of the same ratios."""

COUNTS = 0.02
"""By how much the spikes of the same method may differ, between those who compute in one dtype."""


class Line(NamedTuple):
    """A line of the table; without seconds where the contestant did not run."""

    model: str
    dtype: str
    drive: str
    contestant: str
    note: str
    seconds: list[float]
    spikes: int


class Bound(NamedTuple):
    """A bound, and what was found."""

    words: str
    least: float
    found: float


def main() -> int:
    """Run the benchmark; 0, or 1 if ``--check`` was asked for and a bound does not hold."""
    args = arguments()
    entries = [entry for entry in ENTRIES if not args.only or entry.name in args.only]
    pythons, absent = environments(entries, args.cache)
    adex = str(adex_package(args.cache)) if "adex" in args.models else ""
    print(
        f"{args.units:,} units, {args.steps:,} steps, {args.threads} threads; {args.rounds} rounds, medians\n"
    )
    print(HEAD)
    lines: list[Line] = []
    for model, dtype, drive in product(args.models, args.dtypes, args.drive):
        case = Case(
            model, dtype, drive, args.units, args.steps, args.threads, adex=adex, cache=str(args.cache)
        )
        with tempfile.TemporaryDirectory() as folder:
            if drive == "full":
                case = case.write_full(Path(folder))
            found = measure(case, entries, pythons, absent, args.rounds)
        show(found, case)
        lines += found
    bounds = judged(lines)
    wrong = miscounted(lines)
    report(bounds, wrong)
    if args.json:
        write(args, lines, bounds)
    kept = bool(bounds) and not wrong and all(bound.found >= bound.least for bound in bounds)
    return 1 if args.check and not kept else 0


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each (default 5)")
    parser.add_argument("--units", type=int, default=Case.units, help="units (default 100000)")
    parser.add_argument("--steps", type=int, default=Case.steps, help="steps in a round (default 1000)")
    parser.add_argument("--threads", type=int, default=Case.threads, help="threads (default 2)")
    for option, choices in (("--models", MODELS), ("--dtypes", DTYPES), ("--drive", DRIVES)):
        parser.add_argument(option, nargs="+", choices=choices, default=choices, help="default: all")
    names = [entry.name for entry in ENTRIES]
    parser.add_argument("--only", nargs="+", choices=names, help="these contestants (default: all)")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="where environments are kept")
    parser.add_argument("--json", type=Path, help="a file for the results")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a bound does not hold")
    return parser.parse_args()


def environments(entries: list[Entry], cache: Path) -> tuple[dict[str, str], dict[str, str]]:
    """The interpreter of each contestant; and why those that have none are left out."""
    pythons: dict[str, str] = {}
    absent: dict[str, str] = {}
    for entry in entries:
        pythons[entry.name], absent[entry.name] = entry.python(cache)
    return pythons, absent


def measure(
    case: Case, entries: list[Entry], pythons: dict[str, str], absent: dict[str, str], rounds: int
) -> list[Line]:
    """The lines of one case: each contestant a process, a round uncounted, then in turns."""
    refused = {entry.name: absent[entry.name] or entry.refusal(case) for entry in entries}
    taken: dict[str, list[dict[str, float]]] = {}
    with ExitStack() as stack:
        workers: dict[str, Contestant] = {}
        for entry in entries:
            if refused[entry.name]:
                continue
            module, task = f"contestants.{entry.module}", entry.task(case).to_json()
            worker = stack.enter_context(Contestant(pythons[entry.name], module, task))
            try:
                worker.ask("hello")
                worker.ask("round")
            except RuntimeError as error:
                refused[entry.name] = str(error).partition("Error: ")[2] or str(error)
            else:
                workers[entry.name], taken[entry.name] = worker, []
        names = list(workers)
        for index in range(rounds):
            # Each round begins with another one, so that none always follows the same.
            first = index % max(1, len(names))
            for name in (*names[first:], *names[:first]):
                taken[name].append(workers[name].ask("round"))
    return [line(entry, case, taken.get(entry.name), refused[entry.name]) for entry in entries]


def line(entry: Entry, case: Case, rounds: list[dict[str, float]] | None, refused: str) -> Line:
    """A contestant's line of the table."""
    label = (case.model, case.dtype, case.drive, entry.name)
    if rounds is None:
        return Line(*label, f"not run: {refused}", [], 0)
    seconds = [each["seconds"] for each in rounds]
    return Line(*label, entry.note(case), seconds, int(rounds[-1]["spikes"]))


HEAD = (
    f"{'model':<11}{'dtype':<9}{'drive':<10}{'contestant':<23}{'M unit-steps/s':>14}  "
    f"{'times eager':>11}  {'fused is times it':<20}{'spikes':>9}  note"
)


def show(lines: list[Line], case: Case) -> None:
    """Print the lines of a case."""
    seconds = {each.contestant: each.seconds for each in lines if each.seconds}
    begin = f"{case.model:<11}{case.dtype:<9}{case.drive:<10}"
    absent: dict[str, list[str]] = {}
    for each in lines:
        if not each.seconds:
            absent.setdefault(each.note, []).append(each.contestant)
            continue
        speed = case.unit_steps / statistics.median(each.seconds) / 1e6
        eager = f"{ratio(seconds[EAGER], each.seconds):.2f}" if EAGER in seconds else ""
        fused = spread(each.seconds, seconds[FUSED]) if FUSED in seconds else ""
        found = f"{speed:14.1f}  {eager:>11}  {fused:<20}{each.spikes:9,}  {each.note}"
        print(f"{begin}{each.contestant:<23}{found}".rstrip())
    for note, names in absent.items():
        print(f"{begin}{', '.join(names)}: {note}", flush=True)


def ratio(theirs: list[float], own: list[float]) -> float:
    """How many times as fast ``own`` is, by the medians."""
    return statistics.median(theirs) / statistics.median(own)


def spread(theirs: list[float], own: list[float]) -> str:
    """The ratio of the medians, and the range of those of single rounds."""
    each = [their / mine for their, mine in zip(theirs, own, strict=True)]
    return f"{ratio(theirs, own):.2f} ({min(each):.2f}-{max(each):.2f})"


def by_case(lines: list[Line]) -> dict[tuple[str, str, str], dict[str, Line]]:
    """The lines that have seconds, by case and contestant."""
    cases: dict[tuple[str, str, str], dict[str, Line]] = {}
    for each in lines:
        if each.seconds:
            cases.setdefault(each[:3], {})[each.contestant] = each
    return cases


def judged(lines: list[Line]) -> list[Bound]:
    """The bounds on the fused backend, where those that it is measured against ran, too."""
    peers = {entry.name for entry in ENTRIES if entry.peer}
    bounds = []
    for (model, dtype, drive), found in by_case(lines).items():
        if FUSED not in found:
            continue
        against = {HAND: LEAST_HAND}
        if dtype == "float32":
            against[EAGER] = LEAST_EAGER
            against[fastest(found, peers)] = LEAST_PEER[model]
        else:
            against[fastest(found, BRIAN2)] = LEAST_BRIAN2
        for name, least in against.items():
            if name in found:
                words = f"{model}, {dtype}, {drive}: fused against {name}"
                bounds.append(
                    Bound(words, least * SHARE[model], ratio(found[name].seconds, found[FUSED].seconds))
                )
    return bounds


def fastest(found: dict[str, Line], names: set[str]) -> str:
    """The fastest of some contestants; empty where none of them ran."""
    return min(names & found.keys(), key=lambda name: statistics.median(found[name].seconds), default="")


def miscounted(lines: list[Line]) -> list[str]:
    """Who has other spikes than the first of the same case and method."""
    methods = {entry.name: entry.methods for entry in ENTRIES}
    wrong = []
    for (model, dtype, drive), found in by_case(lines).items():
        same = [each for each in found.values() if methods[each.contestant][model] == SAME]
        for each in same[1:]:
            if abs(each.spikes - same[0].spikes) > COUNTS * same[0].spikes:
                first = f"{same[0].contestant} has {same[0].spikes:,}"
                wrong.append(
                    f"{model}, {dtype}, {drive}: {each.contestant} has {each.spikes:,} spikes, {first}"
                )
    return wrong


def report(bounds: list[Bound], wrong: list[str]) -> None:
    """Print the bounds, and whose spikes differ."""
    print("\nbounds" if bounds else "\nno bound was tried: the fused backend did not run")
    for bound in bounds:
        verdict = "kept" if bound.found >= bound.least else "NOT KEPT"
        print(f"  {bound.words:<60} {bound.found:7.2f}, at least {bound.least:g}: {verdict}")
    for each in wrong:
        print(f"  SPIKES DIFFER: {each}")


def write(args: argparse.Namespace, lines: list[Line], bounds: list[Bound]) -> None:
    """Write everything that was found."""
    found = {
        "units": args.units,
        "steps": args.steps,
        "threads": args.threads,
        "cpu": cpu(),
        "lines": [each._asdict() for each in lines],
        "bounds": [each._asdict() for each in bounds],
    }
    args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def cpu() -> str:
    """The machine's processor in words, or empty."""
    try:
        said = subprocess.run(["lscpu"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""
    names = [row.partition(":")[2].strip() for row in said.splitlines() if row.startswith("Model name:")]
    return names[0] if names else ""


if __name__ == "__main__":
    raise SystemExit(main())

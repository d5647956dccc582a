"""Eager stepping of a large LIF ensemble, against Sapicore, side by side in one run.

    python benchmarks/eager_lif.py

100,000 leaky integrate-and-fire units, Runge-Kutta of order 4, 1,000 steps of 0.1 ms, float32, two
threads, a constant current that differs by unit. Both simulators take turns, round by round. Sapicore
lives in an environment of its own, which is made at the first run.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from support.environment import default_cache, environment
from support.task import Task
from support.turns import Contestant

REQUIREMENTS = ("torch", "sapicore==0.4.1")
LEAST_RATIO, MOST_HELD, MOST_PEAK = 1.5, 24.0, 56.0


class Turn(NamedTuple):
    """One thing that is timed."""

    label: str
    worker: str
    action: str


TURNS = (
    Turn("sapicore: ensemble(current)", "sapicore", "step"),
    Turn("rheobase: neuron(current)", "rheobase", "step"),
    Turn("rheobase: simulate, spikes recorded", "rheobase", "simulate"),
    Turn("rheobase: neuron(current), all parameters per unit", "rheobase", "step_per_unit"),
)


def main() -> int:
    """Run the benchmark; 0, or 1 if ``--check`` was asked for and a bound does not hold."""
    args = arguments()
    task = Task(units=args.units, steps=args.steps, threads=args.threads)
    python = args.sapicore_python or environment(REQUIREMENTS, args.cache)
    with ExitStack() as stack:
        workers = {
            "sapicore": stack.enter_context(Contestant(python, "contestants.sapicore_lif", task.to_json())),
            "rheobase": stack.enter_context(
                Contestant(sys.executable, "contestants.rheobase_lif", task.to_json())
            ),
        }
        introduce(workers, task)
        ratios = speed(workers, task, args.rounds)
        held, peak = memory(workers)  # last, so that no profiler has been near what is timed
    kept = ratios["step"] >= LEAST_RATIO and held <= MOST_HELD and peak <= MOST_PEAK
    verdict = "kept" if kept else "NOT KEPT"
    print(f"\n{LEAST_RATIO} times Sapicore, {MOST_HELD:g} and {MOST_PEAK:g} bytes: {verdict}")
    return 1 if args.check and not kept else 0


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each (default 5)")
    parser.add_argument("--units", type=int, default=Task.units, help="units (default 100000)")
    parser.add_argument("--steps", type=int, default=Task.steps, help="steps in a round (default 1000)")
    parser.add_argument("--threads", type=int, default=Task.threads, help="threads of torch (default 2)")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="where environments are kept")
    parser.add_argument(
        "--sapicore-python", help="the interpreter of an environment that has Sapicore already"
    )
    parser.add_argument("--check", action="store_true", help="exit with 1 if a bound does not hold")
    return parser.parse_args()


def introduce(workers: dict[str, Contestant], task: Task) -> None:
    """Say what is compared, and that both do the same: each counts its spikes. Also warms them up."""
    print(
        f"{task.units:,} LIF units, RK4, {task.steps:,} steps of {task.dt:g} ms, float32, "
        f"{task.threads} threads, {task.low:g} to {task.high:g} pA"
    )
    hellos = {name: worker.ask("hello") for name, worker in workers.items()}
    for hello in hellos.values():
        print(f"  {hello['simulator']}, torch {hello['torch']}")
    if len({hello["torch"] for hello in hellos.values()}) > 1:
        print("  note: the two have different versions of torch, so the ratio is not Rheobase's alone")
    counts = {name: worker.ask("count")["spikes"] for name, worker in workers.items()}
    # Sapicore sees a crossing at the beginning of the next step, so each of its spikes is a step late.
    truths = {"sapicore": task.spikes(late=task.dt), "rheobase": task.spikes()}
    for name, count in counts.items():
        rate = 1000 * count / task.units / task.duration
        print(f"  {name}: {count:,} spikes ({rate:.2f} per s and unit), closed form {truths[name]:,}")
        # The grid of the steps moves a few spikes out of the round. Another time step or parameters
        # that did not arrive would change far more.
        if abs(count - truths[name]) > 0.02 * truths[name]:
            raise RuntimeError(
                f"{name} gave {count:,} spikes instead of about {truths[name]:,}: not this task"
            )


def memory(workers: dict[str, Contestant]) -> tuple[float, float]:
    """Print the bytes per unit; Rheobase's held and peak by ``neuron(current)``."""
    theirs, ours = workers["sapicore"].ask("memory"), workers["rheobase"].ask("memory")
    print("\nbytes per unit                           held   peak of a step, beyond the input")
    print(f"  sapicore: ensemble(current)          {theirs['held']:7.1f} {theirs['call']:8.1f}")
    print(f"  rheobase: neuron(current)            {ours['held']:7.1f} {ours['call']:8.1f}")
    print(f"  rheobase: inner step of simulate     {ours['held']:7.1f} {ours['advance']:8.1f}")
    print(f"  rheobase: all units spike at once    {ours['held']:7.1f} {ours['worst']:8.1f}")
    return ours["held"], ours["call"]


def speed(workers: dict[str, Contestant], task: Task, rounds: int) -> dict[str, float]:
    """Time the rounds, print medians, and give the ratio to Sapicore by action."""
    taken: dict[Turn, list[dict[str, float]]] = {turn: [] for turn in TURNS}
    for index in range(rounds):
        # Each round begins with another one, so that none always follows the same.
        first = index % len(TURNS)
        for turn in (*TURNS[first:], *TURNS[:first]):
            taken[turn].append(workers[turn.worker].ask(turn.action))
    seconds = {turn: [each["seconds"] for each in rows] for turn, rows in taken.items()}
    cpu = {turn: statistics.median(each["cpu"] for each in rows) for turn, rows in taken.items()}
    theirs = seconds[TURNS[0]]
    print(f"\nmedians of {rounds} rounds")
    print(f"  {'':<51}  ms/step  M unit-steps/s  times sapicore (each round)  in CPU time")
    ratios = {}
    for turn in TURNS:
        median = statistics.median(seconds[turn])
        ratio = statistics.median(theirs) / median
        each = [their / own for their, own in zip(theirs, seconds[turn], strict=True)]
        spread = f"{ratio:.2f} ({min(each):.2f} to {max(each):.2f})"
        step_ms, speed_m = 1000 * median / task.steps, task.units * task.steps / median / 1e6
        in_cpu = cpu[TURNS[0]] / cpu[turn]
        print(f"  {turn.label:<51} {step_ms:8.3f} {speed_m:15.1f}  {spread:<27}  {in_cpu:.2f}")
        if turn.worker == "rheobase":
            ratios[turn.action] = ratio
    return ratios


if __name__ == "__main__":
    raise SystemExit(main())

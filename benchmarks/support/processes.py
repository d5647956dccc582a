"""The time that whole processes take, as the operating system charges it."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Spent:
    """What one process took.

    Args:
        cpu: User and system time of the process and of the children it waited for, ms.
        wall: Time from start to end, ms.
    """

    cpu: float
    wall: float


@dataclass(frozen=True)
class Command:
    """A command to be timed.

    Args:
        line: Program and arguments.
        environment: Environment variables besides this process's.
        before: What is done before each run, untimed.
    """

    line: Sequence[str]
    environment: Mapping[str, str]
    before: Callable[[], None] = lambda: None


def rheobase() -> list[str]:
    """The installed ``rheobase`` command beside this interpreter; else the module."""
    script = Path(sys.executable).parent / ("rheobase.exe" if os.name == "nt" else "rheobase")
    return [str(script)] if script.is_file() else [sys.executable, "-m", "rheobase"]


def spent(command: Command) -> Spent:
    """Run a command once; its output is thrown away.

    Args:
        command: The command.

    Raises:
        RuntimeError: If it does not end with status 0.
    """
    command.before()
    start = time.perf_counter()
    process = subprocess.Popen(
        command.line,
        env=_environment(command),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.stderr.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(
            f"{' '.join(command.line)} ended with {process.returncode}: {said.decode()[-2000:]}"
        )
    return Spent(1000 * (usage.ru_utime + usage.ru_stime), 1000 * wall)


def _environment(command: Command) -> dict[str, str]:
    # Without this the uncounted round could leave no bytecode, which an installed package always has.
    ours = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**ours, **command.environment}


def medians(commands: Mapping[str, Command], rounds: int) -> dict[str, Spent]:
    """Run commands in turns, and take the median of each; one uncounted round of all goes first.

    Args:
        commands: The commands, by the name under which they are reported.
        rounds: How many counted rounds.

    Returns:
        For each the medians of CPU time and of wall time.
    """
    every: dict[str, list[Spent]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            each = spent(command)
            if turn:
                every[name].append(each)
    return {
        name: Spent(
            statistics.median(each.cpu for each in runs), statistics.median(each.wall for each in runs)
        )
        for name, runs in every.items()
    }

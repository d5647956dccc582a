"""CPU time of ``rheobase list`` from a cold start, and whether it imports torch.

    python benchmarks/cold_list.py

Each run is a new process; its user and system time are what the operating system charges it. A bare
interpreter runs in turn with it, since its time is part of every command. One run of each goes first,
uncounted, so that bytecode is there, as it is after an installation with pip.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

MOST_MS = 300.0

# The command's own entry point; what it imported is told at the end of the process, however it ends.
ASK = """
import atexit, sys
atexit.register(lambda: print(len(sys.modules), "torch" in sys.modules, file=sys.stderr))
from rheobase.cli import main
sys.argv = ["rheobase", "list"]
sys.exit(main())
"""


def main() -> int:
    """Run the benchmark; 0, or 1 if ``--check`` was asked for and a bound does not hold."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=11, help="runs of each (default 11)")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a bound does not hold")
    args = parser.parse_args()
    commands = {"rheobase list": [*command(), "list"], "bare interpreter": [sys.executable, "-c", "pass"]}
    times: dict[str, list[float]] = {name: [] for name in commands}
    for run in range(args.runs + 1):
        for name, line in commands.items():
            spent = cpu_ms(line)
            if run:
                times[name].append(spent)
    print(f"CPU time (user + system), median of {args.runs} runs")
    for name, each in times.items():
        print(f"  {name:<18} {statistics.median(each):6.1f} ms ({min(each):.1f} to {max(each):.1f})")
    modules, torch_there = imported()
    print(f"modules imported by rheobase list: {modules}; torch among them: {'yes' if torch_there else 'no'}")
    kept = statistics.median(times["rheobase list"]) < MOST_MS and not torch_there
    print(f"under {MOST_MS:g} ms without torch: {'kept' if kept else 'NOT KEPT'}")
    return 1 if args.check and not kept else 0


def command() -> list[str]:
    """The installed command beside this interpreter; else the module."""
    script = Path(sys.executable).parent / ("rheobase.exe" if os.name == "nt" else "rheobase")
    return [str(script)] if script.is_file() else [sys.executable, "-m", "rheobase"]


def cpu_ms(line: list[str]) -> float:
    """The CPU time of a command and of the children it waited for, ms."""
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(line)} ended with status {process.returncode}")
    return 1000 * (usage.ru_utime + usage.ru_stime)


def imported() -> tuple[int, bool]:
    """How many modules ``rheobase list`` leaves in ``sys.modules``, and whether torch is one."""
    run = subprocess.run(
        [sys.executable, "-c", ASK], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True
    )
    count, torch_there = run.stderr.split()[-2:]
    return int(count), torch_there == "True"


if __name__ == "__main__":
    raise SystemExit(main())

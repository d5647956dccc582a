"""CPU time of ``rheobase list`` from a cold start, and whether it imports torch.

    python benchmarks/cold_list.py

Each run is a new process without the index of an earlier one; its user and system time are what the operating
system charges it and its children. A bare interpreter runs in turn with it, since its time is part of every
command. One run of each goes first, uncounted, so that bytecode is there, as it is after an installation.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from support.processes import Command, medians, rheobase

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
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "cache"
        cold = {"RHEOBASE_CACHE_DIR": str(index)}
        times = medians(
            {
                "rheobase list": Command([*rheobase(), "list"], cold, lambda: shutil.rmtree(index, True)),
                "bare interpreter": Command([sys.executable, "-c", "pass"], {}),
            },
            args.runs,
        )
    print(f"CPU time (user + system), median of {args.runs} runs")
    for name, each in times.items():
        print(f"  {name:<18} {each.cpu:6.1f} ms")
    modules, torch_there = imported()
    print(f"modules imported by rheobase list: {modules}; torch among them: {'yes' if torch_there else 'no'}")
    kept = times["rheobase list"].cpu < MOST_MS and not torch_there
    print(f"under {MOST_MS:g} ms without torch: {'kept' if kept else 'NOT KEPT'}")
    return 1 if args.check and not kept else 0


def imported() -> tuple[int, bool]:
    """How many modules ``rheobase list`` leaves in ``sys.modules``, and whether torch is one."""
    run = subprocess.run(
        [sys.executable, "-c", ASK], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True
    )
    count, torch_there = run.stderr.split()[-2:]
    return int(count), torch_there == "True"


if __name__ == "__main__":
    raise SystemExit(main())

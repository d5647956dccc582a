"""Listing and loading plugins among 200 installed distributions, beside pluggy's own loader and datasette.

    python benchmarks/discovery.py

50 of the distributions are plugins, and each sleeps 20 ms when it is imported. Each run is a new process; its
CPU time is what the operating system charges it and its children. The commands take turns.
"""

from __future__ import annotations

import argparse
import compileall
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from support.distributions import fill
from support.environment import default_cache, environment
from support.processes import Command, Spent, medians, rheobase

WARM_MS = 60.0
COLD_MS = 150.0
DISTRIBUTIONS, PLUGINS, SLEEP = 200, 50, 0.020

BASELINE = "import importlib.metadata"
PLUGGY = """
import pluggy
manager = pluggy.PluginManager("rheobase")
count = manager.load_setuptools_entrypoints("rheobase")
assert count >= %d, count
"""
ONE = """
import sys
from rheobase.plugins.registry import resolve
resolve("neuron", sys.argv[1].replace("_", "-")).load()
print(" ".join(sorted({name.partition(".")[0] for name in sys.modules if name.startswith("plugin_")})))
"""


def main() -> int:
    """Run the benchmark; 0, or 1 if ``--check`` was asked for and a bound does not hold."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=11, help="runs of each command (default 11)")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="where environments are kept")
    parser.add_argument("--without-datasette", action="store_true", help="leave datasette out")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a bound does not hold")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return run(Path(folder), args)


def run(folder: Path, args: argparse.Namespace) -> int:
    """Measure in a folder; see :func:`main`."""
    packages = fill(folder / "site", DISTRIBUTIONS, PLUGINS, sleep=SLEEP)
    # The same names, so that all that differs is what their import costs.
    fill(folder / "light", DISTRIBUTIONS, PLUGINS, sleep=0.0)
    fill(folder / "heavy", DISTRIBUTIONS, PLUGINS, sleep=SLEEP, cpu=0.020)
    for site in ("site", "light", "heavy"):
        compileall.compile_dir(folder / site, quiet=1)  # as pip does
    python, command = sys.executable, rheobase()
    commands = {
        BASELINE: Command([python, "-c", BASELINE], on(folder, "site")),
        "rheobase list, warm": Command([*command, "list"], on(folder, "site")),
        "rheobase list, cold": Command(
            [*command, "list"], on(folder, "site", "cold"), lambda: shutil.rmtree(folder / "cold", True)
        ),
        "rheobase list, warm, imports free": Command([*command, "list"], on(folder, "light")),
        "rheobase list, warm, imports dear": Command([*command, "list"], on(folder, "heavy")),
        "rheobase plugins, warm": Command([*command, "plugins"], on(folder, "site")),
        "pluggy, load_setuptools_entrypoints": Command([python, "-c", PLUGGY % PLUGINS], on(folder, "site")),
    }
    if not args.without_datasette:
        datasette = environment(["datasette"], args.cache)
        commands["datasette plugins"] = Command([datasette, "-m", "datasette", "plugins"], {})
    found = medians(commands, args.rounds)
    base = found[BASELINE]
    print(f"{DISTRIBUTIONS} distributions, {PLUGINS} of them plugins; medians of {args.rounds} rounds, ms")
    print(f"  {'':<40} {'CPU':>7} {'above':>7} {'wall':>7}")
    for name, each in found.items():
        print(f"  {name:<40} {each.cpu:7.1f} {each.cpu - base.cpu:7.1f} {each.wall:7.1f}")
    left = others(folder, packages)
    kept = verdicts(found, left)
    for line, holds in kept.items():
        print(f"{'kept' if holds else 'NOT KEPT'}: {line}")
    return 1 if args.check and not all(kept.values()) else 0


def verdicts(found: dict[str, Spent], left: list[str]) -> dict[str, bool]:
    """The bounds in words, each with whether it holds."""
    base = found[BASELINE].cpu
    warm, cold = found["rheobase list, warm"].cpu - base, found["rheobase list, cold"].cpu - base
    free, dear = (found[f"rheobase list, warm, imports {kind}"] for kind in ("free", "dear"))
    # 50 plugins of 20 ms each: if their weight told, it would be a second.
    weight = dear.cpu - free.cpu
    return {
        f"warm list {warm:.1f} ms above the baseline, at most {WARM_MS:g}": warm <= WARM_MS,
        f"cold list {cold:.1f} ms above the baseline, at most {COLD_MS:g}": cold <= COLD_MS,
        f"a second of imports adds {weight:.1f} ms to the warm list, at most 10": weight <= 10.0,
        f"loading 1 of {PLUGINS} imports {len(left)} of the others, at most 0": not left,
    }


def on(folder: Path, site: str, cache: str = "") -> dict[str, str]:
    """The environment variables for processes that see a folder of distributions, with a cache of its own."""
    path = os.pathsep.join(filter(None, [str(folder / site), os.environ.get("PYTHONPATH", "")]))
    return {"PYTHONPATH": path, "RHEOBASE_CACHE_DIR": str(folder / (cache or f"cache-{site}"))}


def others(folder: Path, packages: list[str]) -> list[str]:
    """The plugins that are imported when another one is used; at a first call, without an index."""
    wanted = packages[len(packages) // 2]
    shutil.rmtree(folder / "cold", ignore_errors=True)
    done = subprocess.run(
        [sys.executable, "-c", ONE, wanted],
        env={**os.environ, **on(folder, "site", "cold")},
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in done.stdout.split() if name != wanted]


if __name__ == "__main__":
    raise SystemExit(main())

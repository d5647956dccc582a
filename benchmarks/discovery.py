"""Listing and loading plugins among 200 installed distributions, beside pluggy's own loader and datasette.

    python benchmarks/discovery.py

50 of the distributions are plugins, and each sleeps 20 ms when it is imported. Each run is a new process; its
CPU time is what the operating system charges it and its children. The commands take turns, also with those of
another version, where its ``rheobase`` is given by ``--before``.
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
"""What a warm listing may take above the baseline: what it asks of 200 distributions, no more than a look."""
EACH = 1.0
"""What examining a distribution may take, as a part of what a bare interpreter takes to import its plugin:
that is the plainest process of its own, and being kept apart is to cost no more."""
COLD, WARM = 2.0, 1.05
"""What listings may take of those of a version that examined all plugins in one process: keeping them apart
may double the first, and leaves the others as they are."""
DISTRIBUTIONS, PLUGINS, SLEEP = 200, 50, 0.020

BASELINE = "import importlib.metadata"
BARE = "python -c 'import PLUGIN'"
COUNT = """
from importlib.metadata import distributions
print(sum(any(point.group == "rheobase" for point in each.entry_points) for each in distributions()))
"""
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
    parser.add_argument("--before", help="the command rheobase of an environment with another version")
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
        BARE: Command([python, "-c", f"import {packages[0]}"], on(folder, "site")),
        "rheobase list, warm": Command([*command, "list"], on(folder, "site")),
        "rheobase list, cold": Command(
            [*command, "list"], on(folder, "site", "cold"), lambda: shutil.rmtree(folder / "cold", True)
        ),
        "rheobase list, warm, imports free": Command([*command, "list"], on(folder, "light")),
        "rheobase list, warm, imports dear": Command([*command, "list"], on(folder, "heavy")),
        "rheobase plugins, warm": Command([*command, "plugins"], on(folder, "site")),
        "pluggy, load_setuptools_entrypoints": Command([python, "-c", PLUGGY % PLUGINS], on(folder, "site")),
    }
    if args.before:
        old, own = [args.before, "list"], on(folder, "site", "before-cold")
        commands["list of before, warm"] = Command(old, on(folder, "site", "before"))
        commands["list of before, cold"] = Command(
            old, own, lambda: shutil.rmtree(folder / "before-cold", True)
        )
    if not args.without_datasette:
        datasette = environment(["datasette"], args.cache)
        commands["datasette plugins"] = Command([datasette, "-m", "datasette", "plugins"], {})
    found = medians(commands, args.rounds)
    base = found[BASELINE]
    print(f"{DISTRIBUTIONS} distributions, {PLUGINS} of them plugins; medians of {args.rounds} rounds, ms")
    print(f"  {'':<40} {'CPU':>7} {'above':>7} {'wall':>7}")
    for name, each in found.items():
        print(f"  {name:<40} {each.cpu:7.1f} {each.cpu - base.cpu:7.1f} {each.wall:7.1f}")
    count = int(asked(folder, COUNT))
    each = (found["rheobase list, cold"].cpu - found["rheobase list, warm"].cpu) / count
    print(f"cold, {count} distributions are examined, {each:.1f} ms each")
    left = others(folder, packages)
    kept = verdicts(found, each, left)
    for line, holds in kept.items():
        print(f"{'kept' if holds else 'NOT KEPT'}: {line}")
    return 1 if args.check and not all(kept.values()) else 0


def verdicts(found: dict[str, Spent], each: float, left: list[str]) -> dict[str, bool]:
    """The bounds in words, each with whether it holds."""
    warm, bare = found["rheobase list, warm"].cpu - found[BASELINE].cpu, found[BARE].cpu
    free, dear = (found[f"rheobase list, warm, imports {kind}"] for kind in ("free", "dear"))
    # 50 plugins of 20 ms each: if their weight told, it would be a second.
    weight = dear.cpu - free.cpu
    ratios = {
        f"{kind} list {ratio:.2f} of that of before, at most {most:g}": ratio <= most
        for kind, most in (("cold", COLD), ("warm", WARM))
        if (before := found.get(f"list of before, {kind}"))
        for ratio in [found[f"rheobase list, {kind}"].cpu / before.cpu]
    }
    return {
        f"warm list {warm:.1f} ms above the baseline, at most {WARM_MS:g}": warm <= WARM_MS,
        f"cold, {each / bare:.2f} of a bare import for each, at most {EACH:g}": each <= EACH * bare,
        **ratios,
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
    return [name for name in asked(folder, ONE, wanted).split() if name != wanted]


def asked(folder: Path, script: str, *given: str) -> str:
    """What a script prints in a new process that sees the distributions, without an index."""
    done = subprocess.run(
        [sys.executable, "-c", script, *given],
        env={**os.environ, **on(folder, "site", "cold")},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


if __name__ == "__main__":
    raise SystemExit(main())

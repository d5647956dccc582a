"""``rheobase plugins --check``: whether the plugins are as the lock file has them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence

import click

from ..errors import ConfigurationError, PluginWarning
from .columns import print_columns
from .messages import print_json

LOCKED = "as locked"
"""It is as the lock file has it."""


def check(messages: Sequence[str], as_json: bool) -> int:
    """Compare all plugins with the lock file and print how each is; the exit code. Imports none of them."""
    from ..plugins import examiner, settings
    from ..plugins.entry import canonical
    from ..plugins.locking import check as locks
    from ..plugins.locking import lockfile
    from ..plugins.problem import printable

    path = settings.find(settings.LOCK)
    if path is None:
        raise ConfigurationError(
            f"there is no {settings.LOCK} in {_here()} or a folder above it, to check the "
            "plugins against; trust those that are installed: rheobase lock"
        )
    decided = settings.read()
    found = examiner.scan_apart(decided.timeout)
    locked = lockfile.read(path)
    wanted = [entry for entry in found.entries if not decided.disabled(entry)]
    # Every file is hashed, also those whose stamps say that nothing has changed.
    causes = locks.judge(path, wanted, anew=True)[0]
    rows = []
    for entry in found.entries:
        if said := decided.disabled(entry):
            status, cause = "disabled", said
        elif cause := causes.get(entry, ""):
            status = "changed" if canonical(entry.distribution) in locked else "unknown"
        else:
            status = LOCKED
        rows.append((entry.name, entry.distribution, entry.version, status, cause))
    for name in locks.absent(locked, found.entries):
        cause = f"{path} has it, and it is not installed"
        rows.append(("", name, locked[name].version, "missing", cause))
    for problem in found.problems:
        warnings.warn(PluginWarning(problem.message), stacklevel=1)
    # What is disabled is not loaded, so it may differ.
    ok = all(row[3] in (LOCKED, "disabled") for row in rows)
    if as_json:
        keys = ("plugin", "distribution", "version", "status", "cause")
        plugins = [dict(zip(keys, row, strict=True)) for row in rows]
        print_json({"lock": path, "ok": ok, "plugins": plugins, "warnings": messages})
        return 0 if ok else 1
    table = [(name, f"{distribution} {version}", status) for name, distribution, version, status, _ in rows]
    print_columns(["plugin", "from", "status"], table, title=path)
    for name, distribution, _, status, cause in rows:
        if status not in (LOCKED, "disabled"):
            click.echo(printable(f"{name or distribution}: {status}: {cause}. {_mend(status, distribution)}"))
    click.echo("all is as locked" if ok else "not all is as locked")
    return 0 if ok else 1


def _mend(status: str, distribution: str) -> str:
    if status == "missing":
        return f"Install it: pip install {distribution}, or leave it out: rheobase lock"
    return "If you trust it: rheobase lock"


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:  # it has been removed
        return "the working folder, which is gone,"

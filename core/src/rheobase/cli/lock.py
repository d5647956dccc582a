"""``rheobase lock``: trusts the plugins that are installed, as they are now."""

from __future__ import annotations

import os
import warnings

import click

from ..errors import ConfigurationError, PluginWarning
from .columns import print_columns
from .judging import judged
from .messages import json_option, print_json, warn


@click.command("lock")
@json_option
@judged
@click.pass_obj
def lock_command(messages: list[str], as_json: bool) -> None:
    """Trust the plugins that are installed, as they are.

    Writes the version of each, and hashes of its files, to rheobase.lock: over the one in this folder or
    above it, or beside the rheobase.toml there, or else here. From then on a plugin that has changed, or that
    is not in it, is refused until this command is run again. Plugins that are disabled are left out. Imports
    none.
    """
    from ..plugins import examiner, settings
    from ..plugins.locking import check, lockfile

    decided = settings.read()
    found = examiner.scan_apart(decided.timeout)
    # What is disabled is not loaded, and needs no trust.
    taken = check.take(entry for entry in found.entries if not decided.disabled(entry))
    path = _place()
    before: dict[str, lockfile.Locked] = {}
    if os.path.lexists(path):
        try:
            before = lockfile.read(path)
        except ConfigurationError:
            warn(f"{path} could not be read, and is written anew", messages)  # no error under --strict
    for problem in found.problems:
        warnings.warn(PluginWarning(problem.message), stacklevel=1)
    for name, cause in taken.unread.items():
        warnings.warn(PluginWarning(f"{name} is not locked, and so refused: {cause}"), stacklevel=1)
    for line in taken.altered:
        warnings.warn(PluginWarning(f"{line}; it is locked as it is"), stacklevel=1)
    lockfile.write(path, taken.plugins)
    changes = lockfile.compare(before, taken.plugins, settings.LOCK)
    if as_json:
        plugins = [
            {
                "distribution": name,
                "version": plugin.version,
                "record": plugin.record,
                "files": len(plugin.files),
                "change": changes[name],
            }
            for name, plugin in taken.plugins.items()
        ]
        gone = sorted(before.keys() - taken.plugins.keys())
        print_json({"lock": path, "plugins": plugins, "removed": gone, "warnings": messages})
        return
    rows = [
        (name, plugin.version, len(plugin.files), changes[name] or "as before")
        for name, plugin in sorted({**before, **taken.plugins}.items())
    ]
    print_columns(["plugins of", "version", "files", "since the last lock"], rows, title=path)


def _place() -> str:
    """Where the lock file is, or is to be."""
    from ..plugins import settings

    if existing := settings.find(settings.LOCK):
        return existing
    # The lock belongs to the project, as its settings do, from whichever of its folders the command is
    # called.
    beside = settings.find(settings.SETTINGS)
    try:
        folder = os.path.dirname(beside) if beside else os.getcwd()
    except OSError as error:
        raise ConfigurationError("the working folder is gone; go to another one to lock in") from error
    return os.path.join(folder, settings.LOCK)

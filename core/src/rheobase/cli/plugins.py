"""``rheobase plugins``: what is installed in the way of plugins, from metadata alone."""

from __future__ import annotations

import warnings

import click

from ..errors import PluginError, PluginWarning
from .columns import print_columns
from .judging import judged
from .messages import json_option, print_json


@click.command("plugins")
@click.option("--check", is_flag=True, help="Compare with rheobase.lock; exit code 1 if any differs.")
@json_option
@judged
@click.pass_context
def plugins_command(ctx: click.Context, check: bool, as_json: bool) -> None:
    """Show the plugins that are installed, and whether they are used.

    Imports none of them: what is known of their insides is from the last time they were loaded.
    `rheobase doctor` loads them.
    """
    messages: list[str] = ctx.obj
    if check:
        from . import checking

        ctx.exit(checking.check(messages, as_json))
    from ..plugins import settings
    from ..plugins.doctor import OK, UNTRIED, overview
    from ..plugins.problem import printable

    standings, problems = overview()
    unwell = [standing for standing in standings if standing.status not in (OK, UNTRIED, "disabled")]
    for problem in problems:
        warnings.warn(PluginWarning(problem.message), stacklevel=1)
    if unwell and settings.read().strict:
        raise PluginError("\n".join(f"{each.entry.label} is {each.status}: {each.cause}" for each in unwell))
    if as_json:
        print_json(
            {"plugins": [standing.to_plain(loaded=False) for standing in standings], "warnings": messages}
        )
        return
    rows = [
        (
            standing.entry.name,
            f"{standing.entry.distribution} {standing.entry.version}",
            standing.entry.value,
            ", ".join(standing.entry.requires)
            + (f" spec {standing.entry.spec}" if standing.entry.spec else ""),
            standing.status,
        )
        for standing in standings
    ]
    print_columns(["plugin", "from", "entry point", "made for", "status"], rows, title="plugins")
    for standing in standings:
        if standing.cause:
            mend = f" {standing.mend}" if standing.mend else ""
            click.echo(printable(f"{standing.entry.name}: {standing.status}: {standing.cause}.{mend}"))

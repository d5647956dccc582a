"""``rheobase validate --ledger``: published results and what models do, as a table, Markdown or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from rheobase.errors import ArgumentError
from rheobase.spi import print_json

ALONE = ("mutate", "everything", "listed", "badge", "only", "expect", "tests")
"""Options that do not go with it."""


def check_options(options: dict[str, Any]) -> None:
    """Refuse what does not go with ``--ledger``, or without it.

    Args:
        options: All options.

    Raises:
        ArgumentError: If something does not.
    """
    if not options["ledger"]:
        if options["markdown"]:
            raise ArgumentError("--markdown is how the ledger is printed; add --ledger")
        return
    if any(options[name] for name in ALONE) or options["kind"] not in (None, "neuron"):
        raise ArgumentError(
            "--ledger is of neuron models; give names, or none for all, and --json or --markdown alone"
        )


def show(names: Sequence[str], options: dict[str, Any], messages: list[str]) -> bool:
    """Judge, and print.

    Args:
        names: The models; none: all that are installed.
        options: All options.
        messages: The warnings so far.

    Returns:
        Whether every claim that could be run holds.
    """
    from ..ledger import ledger, markdown, plain, text

    rows = list(ledger(names))
    wrong = [each for each in rows if each.decided and not each.meets()]
    if options["as_json"]:
        print_json({"ok": not wrong, "ledger": [plain(each) for each in rows], "warnings": messages})
    elif options["markdown"]:
        click.echo(markdown(rows), nl=False)
    else:
        click.echo(text(rows))
        undecided = sum(not each.decided for each in rows)
        said = f"{len(rows)} claims: {len(rows) - len(wrong) - undecided} hold, {len(wrong)} do not"
        said += f", {undecided} could not be run" if undecided else ""
        click.secho(said, fg="red" if wrong else "green")
    return not wrong

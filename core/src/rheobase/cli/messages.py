"""What the command prints: tables, JSON and warnings."""

from __future__ import annotations

import contextlib
import json
import math
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from ..errors import RheobaseWarning
from .columns import WIDTH
from .judging import Command, verbose

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


_STDOUT = "rheobase.stdout"


@contextlib.contextmanager
def reported_warnings() -> Iterator[list[str]]:
    """Print every warning to stderr, once, as one line; gives the list of them, which grows."""
    messages: list[str] = []

    def report(message: Warning | str, *_: Any, **__: Any) -> None:
        warn(str(message), messages)
        if (detail := getattr(message, "detail", "")) and verbose():
            click.echo(detail, err=True)

    with warnings.catch_warnings():
        # Whatever other filters say, each is handed to report(); warn() leaves out what was told already.
        warnings.simplefilter("always", RheobaseWarning)
        warnings.showwarning = report
        yield messages


def warn(message: str, messages: list[str]) -> None:
    """Print a warning to stderr and add it to the list, unless it is there."""
    if message not in messages:
        messages.append(message)
        click.secho("warning: ", fg="yellow", nl=False, err=True)
        click.echo(message, err=True)


def json_option(command: Command) -> Command:
    """Give a command the option ``--json``: its stdout is then one JSON object.

    What a plugin prints meanwhile goes to stderr.

    Args:
        command: A function that will be a click command.
    """
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON object.", callback=_set_stdout_apart
    )(command)


def _set_stdout_apart(ctx: click.Context, parameter: click.Parameter, value: bool) -> bool:
    if value:
        # For as long as the command's context is open; print_json() writes to the stream that is kept here.
        ctx.meta[_STDOUT] = sys.stdout
        ctx.with_resource(contextlib.redirect_stdout(sys.stderr))
    return value


def print_json(value: object) -> None:
    """Print one JSON value; numbers that JSON does not know become null.

    Args:
        value: Mappings, sequences, strings, numbers, None.

    Example:
        >>> print_json({"rate_hz": float("nan"), "units": (0, 1)})
        {"rate_hz": null, "units": [0, 1]}
    """
    ctx = click.get_current_context(silent=True)
    stdout = ctx.meta.get(_STDOUT) if ctx is not None else None
    click.echo(json.dumps(_plain(value), allow_nan=False, ensure_ascii=False), file=stdout)


def _plain(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (str, int)):
        return value
    return str(value)


def console() -> Console:
    """Where tables go: as wide as the terminal, or 80 columns without one."""
    from rich.console import Console

    # rich would go by COLUMNS or another stream's terminal; what goes to a file is to be the same everywhere.
    width = None if sys.stdout.isatty() else WIDTH
    return Console(width=width, markup=False, highlight=False, emoji=False)


def table(columns: Iterable[str], rows: Iterable[Iterable[object]], *, title: str = "") -> Table:
    """A table of plain text; a heading that begins with ">" is that of numbers: to the right, and whole."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(
        box=box.SIMPLE_HEAD, title=title or None, title_justify="left", title_style="bold", pad_edge=False
    )
    cells = [[str(cell) for cell in row] for row in rows]
    for index, column in enumerate(columns):
        heading, numbers = column.removeprefix(">"), column.startswith(">")
        words = [*heading.split(), *(row[index] for row in cells if len(row) > index)]
        made.add_column(
            heading,
            justify="right" if numbers else "left",
            overflow="fold",
            no_wrap=index == 0,  # names are to be copied
            min_width=max(map(len, words), default=0) if numbers else None,
        )
    for row in cells:
        # Text, not markup: a plugin's summary may hold square brackets.
        made.add_row(*map(Text, row))
    return made


def number(value: float) -> str:
    """A number for people: six digits, no more than it needs.

    Example:
        >>> number(-75.0), number(0.1), number(1e-12), number(float("nan"))
        ('-75', '0.1', '1e-12', '-')
    """
    return f"{value:.6g}" if math.isfinite(value) else "-"

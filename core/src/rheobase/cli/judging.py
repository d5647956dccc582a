"""The options that say how plugins are judged: ``--strict`` and ``--verbose``, of every command."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import click

from ..errors import RheobaseWarning

Command = TypeVar("Command", bound=Callable[..., Any])

_VERBOSE = "rheobase.verbose"
_STRICT = "RHEOBASE_STRICT"


def judged(command: Command) -> Command:
    """Give a command the options ``--strict`` and ``--verbose``.

    Args:
        command: A function that will be a click command.
    """
    for option, callback, text in (
        ("--verbose", _be_verbose, "Show the whole traceback of what is broken."),
        ("--strict", _be_strict, "Treat warnings as errors; so does RHEOBASE_STRICT=1."),
    ):
        command = click.option(
            option, is_flag=True, help=text, expose_value=False, is_eager=True, callback=callback
        )(command)
    return command


def verbose() -> bool:
    """Whether the user asked for whole tracebacks."""
    ctx = click.get_current_context(silent=True)
    return ctx is not None and bool(ctx.find_root().meta.get(_VERBOSE))


def _be_verbose(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        # At the root: the option may stand before the command's name or after it.
        ctx.find_root().meta[_VERBOSE] = True


def _be_strict(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if not value:
        return
    # Through the variable, as a user would: what judges plugins looks in one place.
    before = os.environ.get(_STRICT)
    os.environ[_STRICT] = "1"
    ctx.find_root().call_on_close(lambda: _restore(before))
    if ctx.parent is not None:  # within the command, where filters are put back at its end
        warnings.simplefilter("error", RheobaseWarning)


def _restore(before: str | None) -> None:
    if before is None:
        os.environ.pop(_STRICT, None)
    else:
        os.environ[_STRICT] = before

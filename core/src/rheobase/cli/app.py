"""The command group: its errors, its warnings and its exit codes.

Exit codes: 0, done; 1, `doctor`, `validate` or `plugins --check` found something amiss; 2, an argument, a
file or a plugin that cannot be used, said in one message; 130, interrupted by Ctrl-C; 143, ended by SIGTERM:
`validate`, and `run`, after it saved what it had recorded.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import sys
import warnings
from typing import Any, TextIO

import click

from ..errors import MissingError, PluginError, RheobaseError, RheobaseWarning, nearest, shortened, shown
from ..plugins import settings
from ..plugins.metadata import COMMANDS as ADDED
from ..plugins.metadata import extensions
from ..plugins.problem import first_line
from ..specs import VERSION
from .judging import judged, verbose
from .messages import reported_warnings

INTERRUPTED = 130
"""The exit code after Ctrl-C: 128 and the number of the signal, as shells have it."""


_FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO, errno.EBADF)
"""What a standard output says that takes no more."""

COMMANDS = {
    "list": "listing:list_command",
    "show": "show:show",
    "run": "run:run",
    "demo": "demo:demo",
    "plugins": "plugins:plugins_command",
    "doctor": "doctor:doctor_command",
    "lock": "lock:lock_command",
    "new": "new:new",
}
"""The commands, in the order of the help; each is imported when it is called. After them come those that
other distributions add."""

OF_EXTRAS = {"validate": "testing"}
"""A command that comes with an extra -> the extra."""


class Application(click.Group):
    """A group whose commands report Rheobase's own errors and warnings in plain words."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *sorted(extensions(ADDED).keys() - COMMANDS.keys())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        # Ours first: another distribution cannot put its own in their place.
        if cmd_name in COMMANDS:
            module, _, name = COMMANDS[cmd_name].partition(":")
            command: click.Command = getattr(importlib.import_module(f".{module}", __package__), name)
            return command
        added = extensions(ADDED).get(cmd_name)
        if added is not None:
            return _added(cmd_name, added)
        if cmd_name in OF_EXTRAS:
            return _refusing(
                cmd_name,
                MissingError(
                    f"`rheobase {cmd_name}` is not installed; "
                    f"install the extra: pip install 'rheobase[{OF_EXTRAS[cmd_name]}]'"
                ),
            )
        return None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            known = {*self.list_commands(ctx), *OF_EXTRAS}
            near = nearest(args[0], known)
            if not near:
                raise
            raise click.UsageError(f"No such command {args[0]!r}{near}", ctx) from error

    def main(self, *args: Any, **kwargs: Any) -> Any:
        for name in ("stdout", "stderr"):
            if getattr(sys, name) is None:  # closed by whoever called: what is said is said to nobody
                setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        try:
            # A pipe that nobody reads any more, as of `| head -1`, ends the command in silence, by click.
            return super().main(*args, **kwargs)
        except OSError as error:
            # Files have names, and those who write them tell of it themselves.
            if error.filename is not None or error.errno not in _FULL:
                raise
            _forget(sys.stdout)
            click.secho("error: ", fg="red", nl=False, err=True)
            click.echo(f"the standard output cannot be written: {error.strerror or error}", err=True)
            sys.exit(2)

    def invoke(self, ctx: click.Context) -> Any:
        for stream in (sys.stdout, sys.stderr):
            # A model's text may have Greek letters, and the terminal may not.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")
        with reported_warnings() as messages:
            ctx.obj = messages
            try:
                # Within reported_warnings(), at whose end the filters are as they were.
                if settings.read().strict:
                    warnings.simplefilter("error", RheobaseWarning)
                return super().invoke(ctx)
            except (RheobaseError, RheobaseWarning) as error:
                if verbose():
                    import traceback

                    click.echo("".join(traceback.format_exception(error)), err=True)
                click.secho("error: ", fg="red", nl=False, err=True)
                click.echo(error, err=True)
                ctx.exit(2)
            except (MemoryError, RuntimeError) as error:
                # torch tells that there is too little memory by a RuntimeError with these words.
                if not isinstance(error, MemoryError) and "allocate memory" not in str(error):
                    raise
                click.secho("error: ", fg="red", nl=False, err=True)
                click.echo("not enough memory for this run; ask for fewer units, steps or traces", err=True)
                ctx.exit(2)
            except KeyboardInterrupt:
                # click's own answer to Ctrl-C is "Aborted!" and the exit code 1.
                click.echo("interrupted", err=True)
                ctx.exit(INTERRUPTED)


def _added(name: str, target: str) -> click.Command:
    """A command of another distribution; one that cannot be loaded harms no other, and says so if called."""
    module, _, path = target.partition(":")
    try:
        found = getattr(importlib.import_module(module), path)
        if isinstance(found, click.Command):
            return found
        cause = f"it is {shown(found)}, and no command of click"
    except (Exception, SystemExit) as error:
        cause = first_line(error)
    return _refusing(name, PluginError(f"the command {name!r} cannot be loaded from {target!r}: {cause}"))


def _refusing(name: str, error: RheobaseError) -> click.Command:
    """A command that takes anything, and says only why it is none."""

    def refuse(arguments: tuple[str, ...]) -> None:
        raise error

    anything = [click.Argument(["arguments"], nargs=-1, type=click.UNPROCESSED)]
    settings = {"ignore_unknown_options": True}
    # Without a --help of its own: that, too, is answered by why the command is none.
    return click.Command(
        name,
        callback=refuse,
        params=[*anything],
        context_settings=settings,
        add_help_option=False,
        short_help=shortened(str(error), 60),
    )


def _forget(stream: TextIO) -> None:
    """Let a stream that cannot be written go nowhere, or Python would try again at its end, and complain."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


@click.group(cls=Application, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, message="rheobase %(version)s")
@judged
def main() -> None:
    """Neuron models as plugins: list them, look at them, drive them with a current.

    Times are in ms. `rheobase demo` is a good start.
    """

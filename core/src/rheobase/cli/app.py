"""The command group: its errors, its warnings and its exit codes.

Exit codes: 0, done; 2, an argument, a file or a plugin that cannot be used, said in one message;
130, interrupted by Ctrl-C.
"""

from __future__ import annotations

import sys
from typing import Any

import click

from ..errors import RheobaseError
from .demo import demo
from .listing import list_command
from .messages import reported_warnings
from .run import run
from .show import show

INTERRUPTED = 130
"""The exit code after Ctrl-C: 128 and the number of the signal, as shells have it."""


class Application(click.Group):
    """A group whose commands report Rheobase's own errors and warnings in plain words."""

    def invoke(self, ctx: click.Context) -> Any:
        for stream in (sys.stdout, sys.stderr):
            # A model's text may have Greek letters, and the terminal may not.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")
        with reported_warnings() as messages:
            ctx.obj = messages
            try:
                return super().invoke(ctx)
            except RheobaseError as error:
                click.secho("error: ", fg="red", nl=False, err=True)
                click.echo(error, err=True)
                ctx.exit(2)
            except (MemoryError, RuntimeError) as error:
                if not isinstance(error, MemoryError) and "allocate memory" not in str(error):
                    raise
                click.secho("error: ", fg="red", nl=False, err=True)
                click.echo("not enough memory for this run; ask for fewer units, steps or traces", err=True)
                ctx.exit(2)
            except KeyboardInterrupt:
                click.echo("interrupted", err=True)
                ctx.exit(INTERRUPTED)


@click.group(cls=Application, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rheobase", message="rheobase %(version)s")
def main() -> None:
    """Neuron models as plugins: list them, look at them, drive them with a current.

    Times are in ms. `rheobase demo` is a good start.
    """


for _command in (list_command, show, run, demo):
    main.add_command(_command)

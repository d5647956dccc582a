"""``rheobase doctor``: loads each plugin in a process of its own, and says how it is."""

from __future__ import annotations

import click

from .columns import print_columns
from .judging import judged, verbose
from .messages import json_option, print_json


@click.command("doctor")
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), help="Seconds that one plugin may take."
)
@json_option
@judged
@click.pass_context
def doctor_command(ctx: click.Context, timeout: float | None, as_json: bool) -> None:
    """Load every plugin and say how it is.

    Each is loaded in a process of its own with a time limit, and so are its models. The exit code is 1 if
    any is unwell.
    """
    from ..plugins.doctor import examine_all
    from ..plugins.problem import printable
    from ..plugins.settings import read

    report = examine_all(timeout)
    messages: list[str] = ctx.obj
    # What harms nothing but is worth a word: a failure under --strict alone.
    small = messages or report.problems or any(finding.advice for finding in report.plugins)
    well = report.ok and not (small and read().strict)
    if as_json:
        print_json(
            {
                "ok": well,
                "plugins": [finding.to_plain(loaded=True) for finding in report.plugins],
                "problems": [problem.to_plain() for problem in report.problems],
                "conflicts": report.conflicts,
                "index": report.unkept or "kept",
                "warnings": messages,
            }
        )
        ctx.exit(0 if well else 1)
    rows = [
        (
            finding.entry.name,
            f"{finding.entry.distribution} {finding.entry.version}",
            f"{1000 * finding.seconds:.0f} ms" if finding.seconds else "",
            finding.status,
            ", ".join(finding.components),
        )
        for finding in report.plugins
    ]
    print_columns(["plugin", "from", "import", "status", "works"], rows, title="plugins")
    for problem in (*report.problems, *(each for finding in report.plugins for each in finding.problems)):
        click.secho(f"{problem.status}: ", fg="red", nl=False)
        click.echo(problem.message)
        if problem.detail and verbose():
            click.echo(problem.detail)
    for finding in report.plugins:
        for advice in finding.advice:
            click.echo(printable(f"{finding.entry.name}: {advice}"))
    for conflict in report.conflicts:
        click.echo(f'conflict: {conflict}; "distribution:name" says which')
    if report.unkept:
        click.echo(f"the index is not kept, so every listing looks afresh: {report.unkept}")
    click.echo("all is well" if well else "not all is well")
    ctx.exit(0 if well else 1)

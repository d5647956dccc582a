"""``rheobase new``: a package for an author to start from."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click

from ..kinds import TEMPLATES
from .judging import judged
from .messages import json_option, print_json, warn


@click.command("new")
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(list(TEMPLATES)),
    default="neuron",
    show_default=True,
    help="What the package offers.",
)
@click.option(
    "--path",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("."),
    help="The folder to make the package's folder in. Default: here.",
)
@click.option(
    "--author", default="", help="For the licence. Default: the user.name of git, where it has one."
)
@click.option("--component", help="The name by which users ask for it. Default: the package's.")
@json_option
@judged
@click.pass_obj
def new(
    messages: list[str],
    name: str,
    kind: str,
    path: Path,
    author: str,
    component: str | None,
    as_json: bool,
) -> None:
    """Write a package for you to start from, in a folder called NAME.

    It is complete: it builds, installs, is listed, and passes the conformance kit. Replace its mathematics by
    yours. Nothing is overwritten.
    """
    from ..scaffold import write_package

    made = write_package(name, kind, path=path, author=author or _git_user(), component=component)
    if made.warning:
        warn(made.warning, messages)
    commands = [
        f"cd {shlex.quote(os.fspath(made.folder))}",
        "pip install -e '.[testing]'",
        "pytest",
        f"rheobase validate {made.names.component}",
    ]
    if as_json:
        print_json(
            {
                "package": made.names.distribution,
                "module": made.names.module,
                "component": made.names.component,
                "kind": made.kind,
                "folder": os.fspath(made.folder.absolute()),
                "files": made.files,
                "next": commands,
                "warnings": messages,
            }
        )
        return
    click.echo(f"{os.fspath(made.folder)}:")
    for file in made.files:
        click.echo(f"  {file}")
    click.echo(f"\nIts mathematics is in src/{made.names.module}/{made.kind}.py. Type next:\n")
    for command in commands:
        click.echo(f"  {command}")


def _git_user() -> str:
    """The name that git puts under commits; empty where there is none."""
    import subprocess

    try:
        answer = subprocess.run(
            ["git", "config", "user.name"], capture_output=True, encoding="utf-8", timeout=5, check=False
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""
    said = answer.stdout.strip()
    # An author who cannot be printed is an error where somebody typed it, and nobody typed this one.
    return said if said.isprintable() else ""

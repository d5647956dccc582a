"""``rheobase list``: what is installed. Imports no torch, no model and no plugin."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from ..errors import ComponentError
from ..kinds import KINDS
from .columns import print_columns
from .judging import judged
from .messages import json_option, print_json

if TYPE_CHECKING:
    from ..plugins.component import Registered


@click.command("list")
@click.option("--kind", type=click.Choice(tuple(KINDS)), help="Only components of this kind.")
@json_option
@judged
@click.pass_obj
def list_command(messages: list[str], kind: str | None, as_json: bool) -> None:
    """List what is installed.

    Models, integrators, aggregators, backends, synapses and connection rules, and the distributions they come
    from; at the end the plugins that are broken.
    """
    from ..plugins.outcome import spec_to_plain
    from ..plugins.problem import LEFT_OUT
    from ..plugins.registry import installed_now, list_components

    found = list_components(kind)
    left_out = [problem for problem in installed_now().problems if problem.status in LEFT_OUT]
    if as_json:
        components = [spec_to_plain(part.spec) | part.provenance.as_dict() for part in found]
        print_json(
            {
                "components": components,
                "broken": [problem.to_plain() for problem in left_out],
                "warnings": messages,
            }
        )
        return
    # A name that several components have is listed with its distribution, but for the one that it means when
    # it stands alone.
    times = Counter((part.spec.kind, part.spec.name) for part in found)
    for each, about in KINDS.items():
        rows = [
            (
                part.spec.name if times[each, part.spec.name] == 1 or _is_meant(part) else part.qualified,
                part.source,
                part.spec.summary,
            )
            for part in found
            if part.spec.kind == each
        ]
        if rows:
            print_columns(["name", "from", "what"], rows, title=f"{about}s")
    if left_out:
        broken = [
            (problem.name, problem.source, f"{problem.status}: {problem.cause}") for problem in left_out
        ]
        print_columns(["plugin", "from", "why"], broken, title="left out")


def _is_meant(part: Registered) -> bool:
    """Whether a component is what its bare name means, though others have the name too."""
    from ..plugins.registry import resolve

    try:
        return resolve(part.spec.kind, part.spec.name) == part
    except ComponentError:
        return False

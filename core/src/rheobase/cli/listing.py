"""``rheobase list``: what is installed. Imports no torch and no model."""

from __future__ import annotations

import dataclasses
from collections import Counter

import click

from ..specs import KINDS
from .messages import console, print_json, table


@click.command("list")
@click.option("--kind", type=click.Choice(KINDS), help="Only components of this kind.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def list_command(messages: list[str], kind: str | None, as_json: bool) -> None:
    """List what is installed.

    Models, integrators, aggregators and backends, and the distributions they come from.
    """
    from ..plugins.component import word
    from ..plugins.registry import list_components

    found = list_components(kind)
    if as_json:
        components = [
            {
                "kind": component.spec.kind,
                **dataclasses.asdict(component.spec),
                **component.provenance.as_dict(),
            }
            for component in found
        ]
        print_json({"components": components, "warnings": messages})
        return
    times = Counter((component.spec.kind, component.spec.name) for component in found)
    out = console()
    for each in KINDS:
        rows = [
            (
                component.spec.name if times[each, component.spec.name] == 1 else component.qualified,
                component.source,
                component.spec.summary,
            )
            for component in found
            if component.spec.kind == each
        ]
        if rows:
            out.print(table(["name", "from", "what"], rows, title=f"{word(each)}s"))

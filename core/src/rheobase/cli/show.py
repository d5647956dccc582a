"""``rheobase show``: one component, its equations and everything that can be set."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from ..kinds import KINDS
from .judging import judged
from .messages import console, json_option, number, print_json, table
from .prose import prose

if TYPE_CHECKING:
    from rich.console import Console


@click.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(tuple(KINDS)), help="The kind, where several have the name.")
@json_option
@judged
@click.pass_obj
def show(messages: list[str], name: str, kind: str | None, as_json: bool) -> None:
    """Show a model: equations, parameters, units, presets.

    NAME may also be that of a component of another kind, such as an integrator, a synapse or a connection
    rule; or file.py:Class, or module:Class.
    """
    from .describe import about as all_about

    about = all_about(name, kind)
    if as_json:
        print_json(about | {"warnings": messages})
        return
    origin = about["provenance"]
    # What no distribution offers is of the file or module that was named, or was registered in this process.
    source = " ".join(filter(None, (origin["distribution"], origin["version"]))) or (
        name if ":" in name or name.endswith(".py") else "this process"
    )
    click.secho(f"{about['name']}: {KINDS[about['kind']]} of {source}", bold=True)
    if about["doc"] or about["summary"]:
        click.echo()
        click.echo(prose(about["doc"] or about["summary"]))
    click.echo()
    if about["kind"] == "synapse":
        _print_synapse(console(), about)
    elif KINDS[about["kind"]].declares:
        _print_model(console(), about)
    else:
        if "curves" in about:
            _print_curves(about["curves"])
        _print_claims(about)
        # A default that is None reads name=None; no default, the name alone.
        takes = [item["name"] + _equals(item["default"]) for item in about["arguments"]]
        if takes:
            _print_wrapped("arguments: " + ", ".join(takes))


def _print_curves(curves: dict[str, list[float]]) -> None:
    from .curves import picture  # here: it imports torch

    click.echo("\n".join(["S: ....   S': ****", *picture(curves), ""]))


def _print_claims(about: dict[str, Any]) -> None:
    claims = {
        key: value for key, value in about["claims"].items() if value is not None and value is not False
    }
    if claims:
        _print_wrapped("claims: " + ", ".join(f"{key} {value}" for key, value in claims.items()))


def _print_wrapped(line: str) -> None:
    click.echo(textwrap.fill(line, 80, subsequent_indent="  "))


def _equals(default: str | None) -> str:
    return "" if default is None else f"={default}"


def _print_synapse(out: Console, about: dict[str, Any]) -> None:
    _print_quantities(out, about)
    _print_options(out, about)
    click.echo(_does(about))
    _print_claims(about)


def _does(about: dict[str, Any]) -> str:
    """What a synapse does with weights."""
    if about["plastic"]:
        return "it changes weights, in the unit of their synapse: connect(..., plasticity=...)"
    if about["into"]:
        return f"weights are in {about['weight_unit']}; each is added to {about['into']} of its target"
    return f"weights are in {about['weight_unit']}; its output is in {about['unit']}"


def _combined(item: dict[str, str]) -> str:
    return f"added to {item['into']}" if "into" in item else item["aggregator"]


def _print_model(out: Console, about: dict[str, Any]) -> None:
    _print_quantities(out, about)
    inputs = [(item["name"], item["unit"], _combined(item), item["doc"]) for item in about["inputs"]]
    _print_table(out, "inputs", ["name", "unit", "combined by", "what"], inputs)
    if about["input_unit"]:
        click.echo(f"its input is in {about['input_unit']}\n")
    _print_options(out, about)
    draws = [(item["name"], item["distribution"], item["doc"]) for item in about["draws"]]
    _print_table(out, "draws", ["name", "distribution", "what"], draws)
    presets = [(item["name"], item["doc"], _sets(item)) for item in about["presets"]]
    _print_table(out, "presets", ["name", "what", "sets"], presets)
    # Once each: the presets of one paper share its long name.
    for citation in dict.fromkeys(item["citation"] for item in about["presets"] if item["citation"]):
        names = ", ".join(item["name"] for item in about["presets"] if item["citation"] == citation)
        click.echo(f"{prose(f'{names}: {citation}')}\n")
    if about["dt_max_ms"] is not None:
        when = " at first, watched in runs" if about["dt_max_follows"] else ""
        click.echo(f"largest step of fixed-step integrators: {number(about['dt_max_ms'])} ms{when}")


def _with_owner(item: dict[str, Any]) -> str:
    """What a state is; of a synapse, also whose, unless it is the target's as usual."""
    per = item.get("per", "target")
    return str(item["doc"]) if per == "target" else f"{item['doc']}; of each {per}"


def _print_quantities(out: Console, about: dict[str, Any]) -> None:
    for kind in ("parameters", "states"):
        rows = [
            (item["name"], _default(item), item["unit"], item["domain"], _with_owner(item))
            for item in about[kind]
        ]
        _print_table(out, kind, ["name", "default", "unit", "values", "what"], rows)


def _print_options(out: Console, about: dict[str, Any]) -> None:
    options = [(item["name"], " | ".join(item["choices"]), item["doc"]) for item in about["options"]]
    _print_table(out, "options", ["name", "choices, default first", "what"], options)


def _print_table(out: Console, title: str, columns: list[str], rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        out.print(table(columns, rows, title=title))


def _default(item: dict[str, Any]) -> str:
    value = None if item["default"] is None else number(item["default"])
    if item["follows"] == "a function":
        return "computed" if value is None else f"{value} (computed)"
    if item["follows"]:
        return f"{item['follows']}" if value is None else f"{value} ({item['follows']})"
    return value or "-"


def _sets(preset: dict[str, Any]) -> str:
    values = {**preset["params"], **preset["state"]}
    if preset["dt_ms"] is not None:
        values["dt"] = preset["dt_ms"]
    return ", ".join(
        f"{key}={value if isinstance(value, str) else number(value)}" for key, value in values.items()
    )

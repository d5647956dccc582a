"""``rheobase list``."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rheobase as rb
from click.testing import Result

Command = Callable[..., Result]
Printed = Callable[..., Any]


@pytest.mark.parametrize("arguments", ["['list']", "['list', '--json']", "['list', '--kind', 'neuron']"])
def test_listing_imports_neither_torch_nor_numpy_nor_the_engine(arguments: str) -> None:
    script = (
        "import sys\nfrom rheobase.cli import main\n"
        f"main({arguments}, standalone_mode=False)\n"
        "print(sorted(m for m in sys.modules if m in ('torch', 'numpy', 'rheobase.engine.component')))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "analog" in done.stdout


def test_python_m_rheobase_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rheobase", "list", "--kind", "integrator"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "rk4" in done.stdout


@pytest.mark.usefixtures("toys")
def test_every_component_is_listed_with_its_origin(command: Command) -> None:
    result = command("list")
    assert result.exit_code == 0
    for component in rb.list_components():
        assert component.spec.name in result.stdout
    lines = result.stdout.splitlines()
    assert any(line.split()[:3] == ["rk4", "rheobase", "0.1.0"] for line in lines)
    assert "(registered at run time)" in result.stdout


@pytest.mark.usefixtures("toys")
def test_the_table_fits_80_columns_without_a_terminal(command: Command) -> None:
    assert max(map(len, command("list").stdout.splitlines())) <= 80


@pytest.mark.usefixtures("toys")
def test_a_summary_with_square_brackets_is_printed_as_it_is(command: Command) -> None:
    assert "a [bold] toy" in " ".join(command("list", "--kind", "neuron").stdout.split())


@pytest.mark.usefixtures("toys")
def test_json_has_every_component_with_its_claims(printed: Printed) -> None:
    listed = printed("list")
    assert listed["warnings"] == []
    assert [(part["kind"], part["name"]) for part in listed["components"]] == [
        (part.spec.kind, part.spec.name) for part in rb.list_components()
    ]
    [rk4] = [part for part in listed["components"] if part["name"] == "rk4"]
    assert rk4.keys() >= {"events", "event_order", "field", "stages", "differentiable"}
    assert (
        rk4.items()
        >= {
            "kind": "integrator",
            "name": "rk4",
            "target": "rheobase.engine.integrator:rk4",
            "summary": rk4["summary"],
            "order": 4,
            "adaptive": False,
            "per_unit": False,
            "stages": 4,
            "distribution": "rheobase",
            "version": rk4["version"],
        }.items()
    )


@pytest.mark.usefixtures("toys")
def test_one_kind_is_listed_alone(command: Command, printed: Printed) -> None:
    assert {part["kind"] for part in printed("list", "--kind", "aggregator")["components"]} == {"aggregator"}
    assert "rk4" not in command("list", "--kind", "aggregator").stdout


def test_an_unknown_kind_is_an_error(command: Command) -> None:
    result = command("list", "--kind", "neurons")
    assert result.exit_code == 2
    assert "neuron" in result.stderr


def test_a_name_in_conflict_is_listed_with_its_distribution(command: Command) -> None:
    class First:
        @rb.hookimpl
        def rheobase_backends(self) -> list[rb.BackendSpec]:
            return [rb.BackendSpec("warp", "a:b")]

    class Second:
        @rb.hookimpl
        def rheobase_backends(self) -> list[rb.BackendSpec]:
            return [rb.BackendSpec("warp", "a:c")]

    with rb.register(First()), rb.register(Second()):
        shown = command("list", "--kind", "backend").stdout
    assert "First:warp" in shown
    assert "Second:warp" in shown


def list_beside(site: Path, distribution: str, module: str, **environment: str) -> Any:
    """``rheobase list`` in a process of its own, with one more distribution installed."""
    info = site / f"{distribution.replace('-', '_')}-0.3.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 0.3\n")
    (info / "entry_points.txt").write_text(f"[rheobase]\ntoy = {module}\n")
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return subprocess.run(
        [sys.executable, "-m", "rheobase", "list"],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_broken_plugin_is_warned_of_and_the_list_goes_on(tmp_path: Path) -> None:
    done = list_beside(tmp_path, "broken-models", "no_such_module_here")
    assert done.returncode == 0
    assert "analog" in done.stdout
    assert "warning: plugin 'toy' of broken-models 0.3 is left out" in done.stderr
    assert "pip uninstall broken-models" in done.stderr


def test_output_that_cannot_show_a_letter_shows_a_mark_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "greek_models.py").write_text(
        "from rheobase.hookspecs import hookimpl\nfrom rheobase.specs import NeuronSpec\n"
        "@hookimpl\ndef rheobase_neurons(): return [NeuronSpec('greek', 'json:loads', 'membrane \u03c4')]\n",
        encoding="utf-8",
    )
    done = list_beside(tmp_path, "greek-models", "greek_models", PYTHONIOENCODING="latin-1")
    assert done.returncode == 0, done.stderr
    assert "membrane ?" in done.stdout


@pytest.mark.parametrize(
    ("given", "meant"), [("validat", "validate"), ("lst", "list"), ("Doctor", "doctor"), ("quark", None)]
)
def test_a_misspelt_command_is_told_the_nearest(command: Command, given: str, meant: str | None) -> None:
    done = command(given)
    near = "" if meant is None else f"; did you mean {meant!r}?"
    assert done.exit_code == 2
    assert re.search(rf"Error: No such command '{given}'{re.escape(near)}\.?$", done.stderr.strip())

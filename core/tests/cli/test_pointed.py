"""``run``, ``show`` and run files take ``file.py:Class`` and ``module:Class``, as ``validate`` does."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rheobase as rb
from click.testing import Result
from rheobase.errors import ComponentError

Command = Callable[..., Result]

CELLS = """
import rheobase as rb

class {stem}Cell(rb.SpikingNeuron):
    \"\"\"Counts its input up: dV/dt = I.\"\"\"
    limit = rb.Parameter(1.0, unit="mV", doc="threshold")
    twice = rb.Parameter(lambda p: 2 * p.limit, unit="mV", doc="computed")
    voltage = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state, params, data):
        return {{"voltage": data}}

    @staticmethod
    def threshold(state, params):
        return state.voltage - params.limit

    @staticmethod
    def reset(state, params):
        return {{"voltage": 0.0}}
"""

PROJECT = """
[project]
name = "some-cells"
[project.entry-points.rheobase]
some-cells = "cells_plugin"
"""

PLUGIN = """
from rheobase import NeuronSpec, hookimpl

@hookimpl
def rheobase_neurons():
    return [NeuronSpec("some-cell", "cells_one:OneCell")]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "cells_one.py").write_text(CELLS.format(stem="One"))
    (tmp_path / "cells_two.py").write_text(
        CELLS.format(stem="One") + CELLS.format(stem="Two") + "LIMIT = 3\n"
    )
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "cells_plugin.py").write_text(PLUGIN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in ("cells_one", "cells_two", "cells_plugin"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    "target",
    ["cells_one.py:OneCell", "cells_one.py", "cells_one:OneCell", "./:some-cell", "cells_two.py:TwoCell"],
)
def test_run_drives_what_is_not_installed(folder: Path, command: Command, target: str) -> None:
    done = command("run", target, "--current", "1.05", "--duration", "5", "--dt", "0.1", "--json")
    assert done.exit_code == 0, done.output
    assert '"spikes": {"count": 5' in done.stdout  # 10 steps of 0.105 mV reach 1 mV


@pytest.mark.parametrize("target", ["cells_one.py:OneCell", "cells_one.py", "cells_one:OneCell"])
def test_show_shows_it_with_its_defaults(folder: Path, command: Command, target: str) -> None:
    shown = command("show", target)
    assert shown.exit_code == 0, shown.output
    text = " ".join(shown.stdout.split())
    assert f"OneCell: neuron model of {target}" in text
    assert "Counts its input up: dV/dt = I." in text
    assert "twice 2 (computed) mV" in text


def test_show_shows_integrators_and_aggregators_of_a_module(command: Command) -> None:
    shown = command("show", "rheobase.engine.integrator:RungeKutta")
    assert "RungeKutta: integrator of rheobase.engine.integrator:RungeKutta" in shown.stdout
    assert "order=4" in shown.stdout
    assert "sum_inputs: aggregator" in command("show", "rheobase.engine.aggregate:sum_inputs").stdout


def test_a_run_file_names_a_model_relative_to_its_own_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "run.yaml").write_text("model: cells_one.py:OneCell\nstimulus: 1.05\nduration: 3\n")
    monkeypatch.chdir("/")
    recording = rb.SimpleSimulator.from_file(folder / "run.yaml").run()
    assert len(recording.spikes.times) == 3


def test_what_is_installed_goes_before_a_module_of_its_name(command: Command) -> None:
    assert "rk4: integrator of rheobase" in command("show", "rheobase:rk4").stdout


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("cells_two.py", "is several components; say which: cells_two.py:OneCell, cells_two.py:TwoCell"),
        ("cells_one.py:OneCel", "'cells_one.py:OneCel': cells_one has no 'OneCel'; did you mean 'OneCell'?"),
        ("cells_one:TwoCell", "has no 'TwoCell'"),
        ("cells_two.py:LIMIT", "'cells_two.py:LIMIT' is int, and no component"),
        ("nowhere.py:Cell", "there is no file"),
        ("cells_none:Cell", "is no installed component, and there is no module 'cells_none'"),
        ("./:some-sell", "offers no such"),
    ],
)
def test_what_is_not_there_is_told(folder: Path, command: Command, target: str, told: str) -> None:
    for words in (("show", target), ("run", target, "--current", "1", "--duration", "1")):
        done = command(*words)
        assert done.exit_code == 2
        assert told in done.stderr


def test_run_takes_neurons_only(command: Command) -> None:
    done = command("run", "rheobase.engine.integrator:RungeKutta", "--current", "1", "--duration", "1")
    assert done.exit_code == 2
    assert "'rheobase.engine.integrator:RungeKutta' is no neuron model" in done.stderr


def test_a_simulator_names_the_missing_file() -> None:
    settings: dict[str, Any] = {"model": "nowhere.py:Cell", "stimulus": 1.0, "duration": 1.0}
    with pytest.raises(ComponentError, match="there is no file"):
        rb.SimpleSimulator(settings).run()

"""``rheobase demo``, with a toy as the only neuron that spikes."""

from __future__ import annotations

import importlib.util
import math
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rheobase as rb
import torch
from click.testing import Result
from rheobase.cli import demo as demo_module
from rheobase.cli.demo import variability
from rheobase.pipeline.spikes import Spikes

Command = Callable[..., Result]
Printed = Callable[..., Any]


@pytest.fixture
def searched(rheobase_registry: Any, toys: Any) -> None:
    """The demo finds the toy, with its two presets, and nothing else that spikes."""


@pytest.fixture
def toy_cases(searched: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, and the rheobase of all is known: to search for it takes most of the demo's time."""
    monkeypatch.setattr(demo_module, "_rheobase", lambda model, preset: 10.0)


def offer(**models: type[rb.Neuron]) -> Any:
    """Installs further models, by name."""
    module = types.ModuleType("demo_models")
    for name, model in models.items():
        setattr(module, name, model)

    class Plugin:
        @rb.hookimpl
        def rheobase_neurons(self) -> list[rb.NeuronSpec]:
            return [rb.NeuronSpec(name.replace("_", "-"), f"demo_models:{name}") for name in models]

    sys.modules["demo_models"] = module
    return rb.register(Plugin())


class Two(rb.SpikingNeuron):
    """A leak with two inputs; the first makes it fire from 20 nS on, the second keeps it from it."""

    charge = rb.State(0.0, unit="pC")
    drive = rb.Input(unit="nS")
    brake = rb.Input(unit="nS")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Any]:
        return {"charge": (data.drive - data.brake - state.charge) / 10.0}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.charge - 20.0

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        return {"charge": 0.0}


class Deaf(Two):
    """No input makes it fire."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Any]:
        return {"charge": -state.charge}


@pytest.mark.usefixtures("toy_cases")
def test_the_first_models_by_name_are_driven_each_once_before_any_a_second_time(
    printed: Printed, tmp_path: Path
) -> None:
    with offer(aa=Two, zz=Two):
        said = printed("demo", "--duration", 20, "--out", tmp_path / "demo.png")
    driven = [(part["model"], part["preset"]) for part in said["models"]]
    assert driven == [("aa", None), ("toy", "driven"), ("toy", "quiet"), ("zz", None)]
    with offer(aa=Two, ab=Two, ac=Two, ad=Two):
        said = printed("demo", "--duration", 20, "--out", tmp_path / "demo.png")
    assert [part["model"] for part in said["models"]] == ["aa", "ab", "ac", "ad"]


@pytest.mark.usefixtures("searched")
def test_the_current_is_measured_by_the_rheobase_and_what_has_none_is_passed_over_and_told(
    printed: Printed, tmp_path: Path
) -> None:
    with offer(deaf=Deaf, two=Two):
        said = printed("demo", "--duration", 5, "--out", tmp_path / "demo.png")
    assert [part["model"] for part in said["models"]] == ["toy", "toy", "two"]
    # They are linear: a constant current settles at the threshold.
    assert [part["rheobase"] for part in said["models"]] == pytest.approx([10.0, 10.0, 20.0], rel=1e-3)
    assert said["warnings"] == ["the demo goes without deaf: no current makes it fire"]


@pytest.mark.usefixtures("rheobase_registry")
def test_without_a_model_that_spikes_it_says_what_to_do(command: Command, tmp_path: Path) -> None:
    result = command("demo", "--out", tmp_path / "demo.png")
    assert result.exit_code == 2
    assert "spiking neurons" in result.stderr
    assert "rheobase new neuron" in result.stderr


def recording(*times: float, duration: float = 1000.0) -> rb.Recording:
    """A recording of one unit with these spikes."""
    spikes = Spikes(torch.tensor(times, dtype=torch.float64), torch.zeros(len(times), dtype=torch.int64))
    return rb.Recording(spikes=spikes, traces={}, dt=0.1, steps=round(duration / 0.1))


def test_variability_is_that_of_the_intervals() -> None:
    said = variability(recording(10.0, 20.0, 40.0, 70.0, duration=500.0))
    # Intervals 10, 20, 30: mean 20, standard deviation sqrt(200 / 3).
    assert said["count"] == 4
    assert said["rate_hz"] == pytest.approx(8.0)
    assert said["mean_isi_ms"] == pytest.approx(20.0)
    assert said["cv_isi"] == pytest.approx(math.sqrt(200 / 3) / 20)


def test_too_few_spikes_have_no_variability() -> None:
    assert variability(recording())["rate_hz"] == 0.0
    assert math.isnan(variability(recording())["mean_isi_ms"])
    assert math.isnan(variability(recording(5.0, 9.0))["cv_isi"])


@pytest.mark.usefixtures("toy_cases")
def test_the_table_has_one_line_for_each_model_and_fits_80_columns(command: Command, tmp_path: Path) -> None:
    result = command("demo", "--duration", 50, "--out", tmp_path / "demo.png")
    assert result.exit_code == 0, result.output
    assert max(map(len, (line for line in result.stdout.splitlines() if "─" in line))) <= 80
    lines = [line.split() for line in result.stdout.splitlines()]
    assert [line[:1] for line in lines if line and line[0] == "toy"] == [["toy"], ["toy"]]
    assert "Hz" in result.stdout


@pytest.mark.usefixtures("toy_cases")
def test_all_models_get_the_same_current_up_to_its_scale(printed: Printed, tmp_path: Path) -> None:
    said = printed("demo", "--duration", 100, "--out", tmp_path / "demo.png", "--seed", 4)
    path = rb.stimulus.OrnsteinUhlenbeck(mean=0.0, std=1.0, tau=demo_module.TAU, seed=4)
    noise = path.rows(0, 1000, 0.1, num_units=1, dtype=torch.float64)
    assert [part["preset"] for part in said["models"]] == ["driven", "quiet"]
    for part in said["models"]:
        current = (part["rheobase"] * (1.0 + noise)).float()
        expected = rb.simulate(rb.create("toy", preset=part["preset"], dt=0.1), current)
        assert part["count"] == len(expected.spikes) > 0
    assert said["seed"] == 4
    assert Path(said["picture"]).read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("toy_cases")
def test_the_same_seed_gives_the_same_and_another_seed_another(printed: Printed, tmp_path: Path) -> None:
    arguments = ["demo", "--duration", 40, "--out", tmp_path / "demo.png"]
    once, again = printed(*arguments), printed(*arguments)
    other = printed(*arguments, "--seed", 2)
    assert once == again
    assert once["models"] != other["models"]


@pytest.mark.usefixtures("toy_cases")
def test_without_matplotlib_there_is_a_table_and_a_hint(
    printed: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "matplotlib" else found(name, *rest)
    )
    said = printed("demo", "--duration", 5, "--out", tmp_path / "demo.png")
    assert said["picture"] is None
    assert "pip install 'rheobase[plot]'" in said["warnings"][0]
    assert len(said["models"]) == 2


@pytest.mark.usefixtures("toy_cases")
def test_a_picture_that_cannot_be_written_is_found_before_the_run(
    command: Command, toys: Any, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib", reason="the plot extra is not installed")
    result = command("demo", "--out", tmp_path / "missing" / "demo.png")
    assert result.exit_code == 2
    assert str(tmp_path / "missing") in result.stderr
    assert toys.calls == 0


@pytest.mark.usefixtures("toy_cases")
@pytest.mark.parametrize("arguments", [["--seed", -1], ["--duration", 0], ["--duration", "nan"]])
def test_bad_arguments_are_one_clear_error(command: Command, tmp_path: Path, arguments: list[object]) -> None:
    result = command("demo", "--out", tmp_path / "demo.png", *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert str(arguments[1]) in result.stderr
    assert not (tmp_path / "demo.png").exists()

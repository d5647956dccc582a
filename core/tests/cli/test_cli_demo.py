"""``rheobase demo``, with toys in the place of the models that it names."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rheobase as rb
import torch
from click.testing import Result
from rheobase.cli import demo as demo_module
from rheobase.cli.demo import Case, variability
from rheobase.pipeline.spikes import Spikes

Command = Callable[..., Result]
Printed = Callable[..., Any]

TOYS = (Case("toy", None, 15.0, 10.0, "pA"), Case("toy", "quiet", 30.0, 20.0, "1"))


@pytest.fixture
def toy_cases(monkeypatch: pytest.MonkeyPatch, toys: Any) -> None:
    """The demo drives the toy twice."""
    monkeypatch.setattr(demo_module, "CASES", TOYS)


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
    said = printed("demo", "--duration", 200, "--out", tmp_path / "demo.png", "--seed", 4)
    path = rb.stimulus.OrnsteinUhlenbeck(mean=0.0, std=1.0, tau=demo_module.TAU, seed=4)
    noise = path.rows(0, 2000, 0.1, num_units=1, dtype=torch.float64)
    for case, part in zip(TOYS, said["models"], strict=True):
        current = (case.mean + case.std * noise).float()
        expected = rb.simulate(rb.create("toy", dt=0.1), current)
        assert part["count"] == len(expected.spikes) > 0
    assert said["seed"] == 4
    assert Path(said["picture"]).read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("toy_cases")
def test_the_same_seed_gives_the_same_and_another_seed_another(printed: Printed, tmp_path: Path) -> None:
    arguments = ["demo", "--duration", 100, "--out", tmp_path / "demo.png"]
    once, again = printed(*arguments), printed(*arguments)
    other = printed(*arguments, "--seed", 2)
    assert once == again
    assert once["models"] != other["models"]


@pytest.mark.usefixtures("toys")
def test_a_missing_model_is_left_out_and_told_how_to_get_it(
    printed: Printed, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = Case("absent", None, 1.0, 1.0, "1")
    monkeypatch.setattr(demo_module, "CASES", (*TOYS, absent))
    said = printed("demo", "--duration", 5, "--out", tmp_path / "demo.png")
    assert len(said["models"]) == 2
    assert said["warnings"] == ["the demo goes without absent, not installed: pip install rheobase-absent"]
    monkeypatch.setattr(demo_module, "CASES", (absent,))
    result = command("demo", "--duration", 5, "--out", tmp_path / "demo.png")
    assert result.exit_code == 2
    assert "pip install rheobase-absent" in result.stderr


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

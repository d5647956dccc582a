"""An author's model passes mypy and pyright, with and without annotations; misuse does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DISTRIBUTIONS = [
    ROOT / "core",
    *(path for path in sorted((ROOT / "plugins").iterdir()) if (path / "src").exists()),
]

MODEL = """
from rheobase import Input, Option, Parameter, Preset, SpikingNeuron, State, create


class Model(SpikingNeuron):
    volt_rest = Parameter(-75.0, unit="mV", doc="resting potential")
    volt_reset = Parameter("volt_rest", unit="mV", doc="potential after a spike")
    tau_mem = Parameter(5.0, unit="ms", above=0, doc="membrane time constant")
    voltage = State("volt_rest", unit="mV", at_rest=True)
    trace = State(lambda p: 2.0 * p.tau_mem, unit="ms")
    excitation = Input(unit="nS", aggregator="sum")
    scheme = Option("converged", "published")
    fast = Preset("fast", params={"tau_mem": 1.0}, dt=0.1)
    held = ("voltage",)
    dt_max = 0.5

    @staticmethod
    def derivatives(state, params, data):
        return {"voltage": (params.volt_rest - state.voltage) / params.tau_mem, "trace": data.excitation}

    @staticmethod
    def threshold(state, params):
        return state.voltage + 55.0

    @staticmethod
    def reset(state, params):
        return {"voltage": params.volt_reset}


neuron = create(Model, num_units=3, tau_mem=20.0)
neuron.tau_mem = 10.0
"""

ANNOTATED = """
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

import rheobase as rb


class Model(rb.SpikingNeuron):
    tau_mem = rb.Parameter(5.0, unit="ms", above=0, doc="membrane time constant")
    voltage = rb.State(-70.0, unit="mV", at_rest=True)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        return {"voltage": (-70.0 - state.voltage + data) / params.tau_mem}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        gap: Tensor = state.voltage + 55.0
        return gap

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Tensor]:
        return {"voltage": torch.full_like(state.voltage, -60.0)}


neuron = rb.create(Model, num_units=3, tau_mem=20.0)
tau: Tensor = neuron.tau_mem
voltage: Tensor = neuron.voltage
neuron.tau_mem = torch.ones(3)
neuron.tau_mem = torch.nn.Parameter(torch.ones(3))
out: dict[str, Tensor] = neuron(torch.zeros(3))
rb.create("lif", 3).reset_state()
"""

WRONG = """
import rheobase as rb


class Model(rb.SpikingNeuron):
    tau_mem = rb.Parameter(5.0, unit=3)  # a unit is a string
    voltage = rb.State(-70.0, unit="mV")


neuron = rb.create(Model)
tau: str = neuron.tau_mem  # a parameter is a tensor
neuron.tau_mem = "fast"  # and takes numbers
"""


CONFIG = """
[mypy]
[mypy-annotated]
disallow_untyped_defs = true
disallow_any_generics = true
disallow_untyped_calls = true
disallow_subclassing_any = true
warn_return_any = true
warn_unused_ignores = true
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the three models, and settings that are strict on the annotated one."""
    folder = tmp_path_factory.mktemp("models")
    for name, text in (("plain", MODEL), ("annotated", ANNOTATED), ("wrong", WRONG)):
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    (folder / "mypy.ini").write_text(CONFIG, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def mypy_says(folder: Path) -> str:
    pytest.importorskip("mypy", reason="mypy is not installed (extra 'dev')")
    command = [sys.executable, "-m", "mypy", "plain.py", "annotated.py", "wrong.py"]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert "checked 3 source files" in answer.stdout, answer.stdout + answer.stderr
    return answer.stdout


@pytest.fixture(scope="module")
def pyright_says(folder: Path) -> str:
    pytest.importorskip("pyright", reason="pyright is not installed (extra 'dev')")
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable]
    answer = subprocess.run(
        [*command, "plain.py", "annotated.py", "wrong.py"], capture_output=True, text=True, cwd=folder
    )
    if " errors, " not in answer.stdout:
        pytest.skip(f"pyright cannot run here: {(answer.stdout + answer.stderr).strip()[-300:]}")
    return answer.stdout


@pytest.mark.parametrize("model", ["plain", "annotated"])
@pytest.mark.parametrize("checker", ["mypy_says", "pyright_says"])
def test_a_model_passes_the_type_checker(checker: str, model: str, request: pytest.FixtureRequest) -> None:
    report = request.getfixturevalue(checker)
    assert f"{model}.py:" not in report, report


@pytest.mark.parametrize("checker", ["mypy_says", "pyright_says"])
def test_misuse_of_declarations_is_an_error(checker: str, request: pytest.FixtureRequest) -> None:
    report = request.getfixturevalue(checker)
    for number, line in enumerate(WRONG.splitlines(), 1):
        if "#" in line:
            assert f"wrong.py:{number}:" in report, report


def test_every_distribution_passes_mypy_strict() -> None:
    pytest.importorskip("mypy", reason="mypy is not installed (extra 'dev')")
    packages = [f"-p{next((path / 'src').iterdir()).name}" for path in DISTRIBUTIONS]
    command = [sys.executable, "-m", "mypy", "--strict", *packages]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_code_passes_ruff() -> None:
    pytest.importorskip("ruff", reason="ruff is not installed (extra 'dev')")
    for verb in (["check"], ["format", "--check"]):
        command = [
            sys.executable,
            "-m",
            "ruff",
            *verb,
            "--no-cache",
            "core",
            "plugins",
            "tests",
            "benchmarks",
        ]
        answer = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        assert answer.returncode == 0, answer.stdout

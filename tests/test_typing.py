"""An author's model and hooks pass mypy and pyright, with and without annotations; misuse does not."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable
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

HOOKS = """
from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from rheobase import AggregatorSpec, BackendSpec, IntegratorSpec, NeuronSpec, hookimpl


@hookimpl
def rheobase_neurons() -> Sequence[NeuronSpec]:
    return []

@hookimpl
def rheobase_integrators() -> list[IntegratorSpec]:
    return []

@hookimpl()
def rheobase_aggregators() -> tuple[AggregatorSpec, ...]:
    return ()

@hookimpl(specname="rheobase_backends")
def backends() -> tuple[BackendSpec]:
    return (BackendSpec("toy", "toy.backend:run"),)

@hookimpl(specname="rheobase_neurons", optionalhook=True)
def neurons() -> list[NeuronSpec]:
    return []

@hookimpl(specname="rheobase_integrators")
def integrators() -> list[IntegratorSpec]:
    return []

@hookimpl(specname="rheobase_aggregators")
def aggregators() -> list[AggregatorSpec]:
    return []

@hookimpl(optionalhook=True)
def rheobase_channels(weights: int) -> dict[str, int]:
    return {}

@hookimpl(optionalhook=True, specname="rheobase_networks")
def networks(size: int) -> None:
    return None

@hookimpl
def arguments_with_defaults(settings: dict[str, int] | None = None, *, more: int = 3) -> list[NeuronSpec]:
    return []

@hookimpl
def any_arguments(*args: Any, **kwargs: Any) -> list[NeuronSpec]:
    return []

@hookimpl
def anything() -> Any:
    return []

class Own(NeuronSpec):
    pass

@hookimpl
def own_specs() -> list[Own]:
    return []

class Toy:
    @hookimpl
    def rheobase_neurons(self) -> list[NeuronSpec]:
        return []

    @hookimpl
    def rheobase_integrators(self, settings: int = 3) -> Sequence[IntegratorSpec]:
        return []

    @hookimpl(specname="rheobase_integrators")
    def more(self) -> list[IntegratorSpec]:
        return []

    @staticmethod
    @hookimpl
    def rheobase_aggregators() -> list[AggregatorSpec]:
        return []

    @classmethod
    @hookimpl
    def rheobase_backends(cls) -> list[BackendSpec]:
        return []

def make(count: int) -> list[NeuronSpec]:
    return []

class Callable:
    def __call__(self) -> list[NeuronSpec]:
        return []

some = hookimpl(partial(make, 3))
short = hookimpl(lambda: [NeuronSpec("toy", "toy.neuron:Toy")])
called = hookimpl(Callable())
kept: list[IntegratorSpec] = rheobase_integrators()  # a marked function keeps its type
found: list[IntegratorSpec] = Toy().more()
"""

PLAIN_HOOKS = """
from rheobase import IntegratorSpec, NeuronSpec, hookimpl


@hookimpl
def rheobase_neurons():
    return [NeuronSpec("toy", "toy.neuron:Toy")]

@hookimpl
def rheobase_integrators():
    found = []
    for name in "ab":
        found.append(IntegratorSpec(name, "toy.integrator:Toy"))
    return found

@hookimpl
def rheobase_aggregators():
    return []

@hookimpl(specname="rheobase_backends")
def backends(settings=None):
    return []

class Toy:
    @hookimpl
    def rheobase_neurons(self):
        return [NeuronSpec("toy", "toy.neuron:Toy")]

    @hookimpl
    def rheobase_integrators(self, settings=3):
        return []

    @staticmethod
    @hookimpl
    def rheobase_aggregators():
        return []

    @classmethod
    @hookimpl
    def rheobase_backends(cls):
        return []
"""

# Each hook in here is wrong.
WRONG_HOOKS = """
from __future__ import annotations

from collections.abc import Iterator, Sequence

from rheobase import IntegratorSpec, NeuronSpec, hookimpl
from rheobase.specs import ComponentSpec


@hookimpl
def strings() -> Sequence[str]:
    return []

@hookimpl
def one_spec() -> NeuronSpec:
    return NeuronSpec("toy", "toy.neuron:Toy")

@hookimpl
def nothing() -> None:
    return None

@hookimpl
def perhaps_nothing() -> list[NeuronSpec] | None:
    return None

@hookimpl
def two_kinds() -> list[NeuronSpec | IntegratorSpec]:
    return []

@hookimpl
def no_kind() -> list[ComponentSpec]:
    return []

@hookimpl
def a_set() -> set[NeuronSpec]:
    return set()

@hookimpl
def a_dictionary() -> dict[str, NeuronSpec]:
    return {}

@hookimpl
def a_generator() -> Iterator[NeuronSpec]:
    yield NeuronSpec("toy", "toy.neuron:Toy")

@hookimpl
async def asynchronous() -> list[NeuronSpec]:
    return []

@hookimpl
def needs_an_argument(settings: dict[str, int]) -> list[NeuronSpec]:
    return []

@hookimpl
def needs_a_keyword(*, settings: int) -> list[NeuronSpec]:
    return []

@hookimpl
def needs_a_positional(settings: int, /) -> list[NeuronSpec]:
    return []

@hookimpl
def without_annotations_needs_an_argument(settings):
    return []

@hookimpl()
def called_first() -> list[str]:
    return []

@hookimpl(specname="rheobase_neurons")
def another_kind_than_named() -> list[IntegratorSpec]:
    return []

@hookimpl(specname="rheobase_integrators", optionalhook=True)
def another_kind_than_named_and_optional() -> list[NeuronSpec]:
    return []

@hookimpl(specname="rheobase_aggregators")
def named_and_needs_an_argument(settings):
    return []

@hookimpl(specname="rheobase_backends")
def named_and_strings() -> list[str]:
    return []

@hookimpl(specname="rheobase_neuron")
def misspelt() -> list[NeuronSpec]:
    return []

@hookimpl(wrapper=True)
def a_wrapper() -> list[NeuronSpec]:
    return []

@hookimpl
class AClass:
    pass

class Methods:
    @hookimpl
    def strings(self) -> list[str]:
        return []

    @hookimpl
    def needs_an_argument(self, settings: int) -> list[IntegratorSpec]:
        return []

    @hookimpl
    def without_annotations_needs_an_argument(self, settings):
        return []

    @hookimpl(specname="rheobase_integrators")
    def another_kind_than_named(self) -> list[NeuronSpec]:
        return []

    @hookimpl
    async def asynchronous(self) -> list[NeuronSpec]:
        return []

    @staticmethod
    @hookimpl
    def static() -> list[str]:
        return []

    @classmethod
    @hookimpl
    def of_the_class(cls) -> list[str]:
        return []
"""

SNIPPETS = {
    "plain": MODEL,
    "annotated": ANNOTATED,
    "wrong": WRONG,
    "hooks": HOOKS,
    "plain_hooks": PLAIN_HOOKS,
    "wrong_hooks": WRONG_HOOKS,
}

# As in pyproject.toml, so that what was found out about torch serves; who does not annotate is not strict.
CONFIG = """
[mypy]
strict = true
python_version = 3.10
untyped_calls_exclude = torch
[mypy-plain,wrong,plain_hooks,wrong_hooks]
check_untyped_defs = false
disallow_any_generics = false
disallow_incomplete_defs = false
disallow_subclassing_any = false
disallow_untyped_calls = false
disallow_untyped_decorators = false
disallow_untyped_defs = false
extra_checks = false
no_implicit_reexport = false
strict_equality = false
warn_return_any = false
warn_unused_ignores = false
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the snippets, and settings that are strict on the annotated ones."""
    folder = tmp_path_factory.mktemp("models")
    for name, text in SNIPPETS.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    (folder / "mypy.ini").write_text(CONFIG, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def mypy_says(folder: Path, mypy_strict: Callable[..., subprocess.CompletedProcess[str]]) -> str:
    files = [folder / f"{name}.py" for name in SNIPPETS]
    answer = mypy_strict("--config-file", folder / "mypy.ini", *files)
    assert f"checked {len(SNIPPETS)} source files" in answer.stdout, answer.stdout + answer.stderr
    return answer.stdout


@pytest.fixture(scope="module")
def pyright_says(folder: Path) -> str:
    pytest.importorskip("pyright", reason="pyright is not installed (extra 'dev')")
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable]
    answer = subprocess.run(
        [*command, *(f"{name}.py" for name in SNIPPETS)], capture_output=True, text=True, cwd=folder
    )
    if " errors, " not in answer.stdout:
        pytest.skip(f"pyright cannot run here: {(answer.stdout + answer.stderr).strip()[-300:]}")
    return answer.stdout


def errors_of(snippet: str, report: str) -> set[int]:
    """The lines of a snippet at which a type checker reports errors."""
    return {int(line) for line in re.findall(rf"\b{snippet}\.py:(\d+):(?:\d+ -)? error", report)}


@pytest.mark.parametrize("snippet", ["plain", "annotated", "hooks", "plain_hooks"])
@pytest.mark.parametrize("checker", ["mypy_says", "pyright_says"])
def test_models_and_hooks_pass_the_type_checker(
    checker: str, snippet: str, request: pytest.FixtureRequest
) -> None:
    report = request.getfixturevalue(checker)
    assert not re.search(rf"\b{snippet}\.py:", report), report


@pytest.mark.parametrize("checker", ["mypy_says", "pyright_says"])
def test_misuse_of_declarations_is_an_error(checker: str, request: pytest.FixtureRequest) -> None:
    report = request.getfixturevalue(checker)
    wrong = {number for number, line in enumerate(WRONG.splitlines(), 1) if "#" in line}
    assert wrong <= errors_of("wrong", report), report


@pytest.mark.parametrize("checker", ["mypy_says", "pyright_says"])
def test_every_wrong_hook_is_an_error_where_it_is_defined(
    checker: str, request: pytest.FixtureRequest
) -> None:
    report = request.getfixturevalue(checker)
    errors = errors_of("wrong_hooks", report)
    # The checkers differ in which line they name: that of a decorator, or that of the def.
    hooks = {
        f"{node.name}, line {node.lineno}": set(range(node.decorator_list[0].lineno, node.lineno + 1))
        for node in ast.walk(ast.parse(WRONG_HOOKS))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.decorator_list
    }
    assert len(hooks) == WRONG_HOOKS.count("@hookimpl")
    missed = [name for name, lines in hooks.items() if not lines & errors]
    assert not missed, f"{missed}\n{report}"
    assert errors <= set().union(*hooks.values()), report


def test_every_distribution_passes_mypy_strict(
    mypy_strict: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    packages = [f"-p{next((path / 'src').iterdir()).name}" for path in DISTRIBUTIONS]
    answer = mypy_strict(*packages)
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

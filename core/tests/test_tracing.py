"""What is asked of torch under private names: each has something in its place where a version lacks it."""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import torch_state

SOURCES = Path(rb.__file__).parent
PRIVATE = ("torch._", "torch.fx.experimental", "torch.nn.utils.stateless", "torch.utils._")


def dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def names_of(file: Path) -> set[str]:
    """The names of torch that a file imports or reads, but for those in strings."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Attribute):
            found.add(dotted(node))
    # ``torch.__file__`` and the like are every module's.
    return {name for name in found if name.startswith(PRIVATE) and not name.startswith("torch.__")}


def test_no_private_nameof_torch_is_used_without_another_in_its_place():
    used = {str(file.relative_to(SOURCES)): names_of(file) for file in SOURCES.rglob("*.py")}
    assert {file: names for file, names in used.items() if names} == {}


@pytest.fixture
def bare(monkeypatch) -> Any:
    """The module as it is with a torch that has none of these names."""

    def absent(name: str) -> Any:
        if name == "torch.jit":  # a public one
            return torch.jit
        raise ImportError(name)

    spec = importlib.util.spec_from_file_location("rheobase.engine.bare_torch_state", torch_state.__file__)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    with monkeypatch.context() as patched:
        patched.setattr("importlib.import_module", absent)
        assert spec.loader is not None
        monkeypatch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
    return module


@pytest.mark.filterwarnings("ignore:.*torch.jit.trace:DeprecationWarning")
def test_without_the_private_names_values_are_seen_and_compilers_are_still_known(bare):
    x = torch.ones(2)
    assert bare.values_visible(x)
    assert not bare.transforming()
    assert not bare.values_visible(x.to("meta"))
    seen = []

    def traced(y: torch.Tensor) -> torch.Tensor:
        seen.append(bare.values_visible(y))
        return 2.0 * y

    torch.jit.trace(traced, x, check_trace=False)
    assert seen == [False]
    answers = torch.compile(lambda y: y + float(bare.values_visible(y)), backend="eager", fullgraph=True)
    assert answers(x).tolist() == [1.0, 1.0]


def test_without_the_private_names_neurons_step_and_a_transform_is_refused_by_torch(bare, monkeypatch):
    for module in ("neuron.checks", "step.grid", "neuron.stepped", "step.stepsize"):
        for name in ("values_visible", "transforming", "called_functionally"):
            if hasattr(importlib.import_module(f"rheobase.engine.{module}"), name):
                monkeypatch.setattr(f"rheobase.engine.{module}.{name}", getattr(bare, name))
    neuron = rb.create("analog", 2)
    assert neuron(3.0)["voltage"].tolist() == [3.0, 3.0]
    with pytest.raises(RuntimeError, match="vmap"):
        torch.func.vmap(lambda y: neuron(y)["voltage"])(torch.ones(3, 2))


def test_with_them_each_is_known():
    assert torch_state._transform is torch._C._functorch.peek_interpreter_stack
    assert torch_state._dispatching is torch._C._len_torch_dispatch_stack
    assert torch_state._lending is not None
    assert torch_state._proxies() is None

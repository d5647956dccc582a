"""Each operation of the table does in a kernel what torch does."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import Neuron, State
from rheobase_fused.expression import Builder
from torch import Tensor

Both = Callable[..., Any]
Function = Callable[[Tensor], Tensor]

# What the correctly rounded value is missed by, in units in the last place, by either of the two; where torch
# rounds correctly it is 0. torch's own vector functions are right to one such unit, its square root too.
FUNCTIONS: dict[str, tuple[Function, float]] = {
    "add": (lambda x: x + 1.7, 0),
    "a number less x": (lambda x: 1.7 - x, 0),
    "a multiple added": (lambda x: torch.add(x, x, alpha=0.3), 0),
    "a multiple taken away": (lambda x: torch.sub(x, x * x, alpha=0.3), 0),
    "a product added": (lambda x: torch.addcmul(x, x, 1.0 + x), 0),
    "a multiple of a product added": (lambda x: torch.addcmul(x, x, 1.0 + x, value=0.3), 1),
    "mul": (lambda x: x * 1.7, 0),
    # A product with the inverse.
    "div": (lambda x: x / 1.7, 1),
    "a number by x": (lambda x: 1.7 / x, 0),
    "reciprocal": (torch.reciprocal, 0),
    "neg": (lambda x: -x, 0),
    "abs": (torch.abs, 0),
    "square": (lambda x: x**2, 0),
    "cube": (lambda x: x**3, 0),
    "square root": (lambda x: torch.sqrt(x.abs()), 1),
    "power of a half": (lambda x: x.abs() ** 0.5, 1),
    "one by x": (lambda x: x**-1, 0),
    "fourth power": (lambda x: x.clamp(-1e4, 1e4) ** 4, 2),
    "seventh power": (lambda x: x.clamp(-1e4, 1e4) ** 7, 3),
    "power": (lambda x: x.abs() ** 1.3, 2),
    "floor": (torch.floor, 0),
    "ceil": (torch.ceil, 0),
    "trunc": (torch.trunc, 0),
    "round": (torch.round, 0),
    "minimum": (lambda x: torch.minimum(x, x * x), 0),
    "maximum": (lambda x: torch.maximum(x, x * x), 0),
    "clamp": (lambda x: x.clamp(-0.5, 2.0), 0),
    "relu": (torch.relu, 0),
    "exp": (torch.exp, 2),
    "expm1": (torch.expm1, 3),
    "log": (lambda x: torch.log(x.abs()), 2),
    "log1p": (lambda x: torch.log1p(x.abs()), 3),
    "tanh": (torch.tanh, 4),
    "sigmoid": (torch.sigmoid, 4),
    "softplus": (torch.nn.functional.softplus, 5),
    "sin": (torch.sin, 2),
    "cos": (torch.cos, 2),
    "atan": (torch.atan, 2),
    "sinh": (torch.sinh, 3),
    "cosh": (torch.cosh, 3),
    "erf": (torch.erf, 2),
    "atan2": (lambda x: torch.atan2(x, 1.0 - x), 2),
    "fmod": (lambda x: torch.fmod(x.clamp(-1e3, 1e3), 0.7), 0),
    "where": (lambda x: torch.where((x > 0) & ~(x > 1) | (x < -1), x, -x), 0),
    "masked fill": (lambda x: x.masked_fill(x > 0, 2.0), 0),
    "xor": (lambda x: torch.where((x > 0) ^ (x > 1), x, 0.0), 0),
    "comparisons": (lambda x: (x >= 0).to(x.dtype) + 2.0 * (x <= 1) + 4.0 * (x == x) + 8.0 * (x != 1.0), 0),
    "an integer": (lambda x: x.clamp(-1e9, 1e9).to(torch.int32).to(x.dtype), 0),
    "stacked and summed": (lambda x: torch.stack([x, 2.0 * x, x * x]).sum(dim=0), 0),
    "all and any": (
        lambda x: torch.where(
            torch.stack([x > 0, x > 1]).all(dim=0) | ~torch.stack([x > -1, x > -2]).any(dim=0), x, 0.0
        ),
        0,
    ),
    "a table of constants": (lambda x: (torch.tensor([[0.5], [2.0]]).to(x.dtype) * x).sum(dim=0), 0),
    "what is not finite": (
        lambda x: torch.nan_to_num((x * 1e200 * 1e200) - (x * 1e200 * 1e200) + x / x, nan=-3.0),
        0,
    ),
}


def _model(functions: dict[str, Function]) -> type[Neuron]:
    """A model whose states are functions of the input, in one go."""

    def update(state: Any, params: Any, data: Tensor, dt: float) -> dict[str, Tensor]:
        values = {}
        for name, function in functions.items():
            value = function(data)
            # A state must be finite; what is not is told by numbers of its own.
            told = torch.where(value > 0, 2.0**100, torch.where(value < 0, -(2.0**100), 2.0**101))
            values[name] = torch.where(value.isfinite(), value, told)
        return values

    states = {name: State(0.0, unit="1", doc="a function of the input") for name in functions}
    return type("Functions", (Neuron,), {**states, "update": staticmethod(update), "__doc__": "y = f(I)."})


def _numbers(dtype: torch.dtype) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    limits = torch.finfo(dtype)
    some = torch.randn(400, generator=generator, dtype=dtype)
    wide = some * torch.exp(8.0 * torch.randn(400, generator=generator, dtype=dtype))
    odd = [0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -2.5, limits.tiny, -limits.tiny, limits.tiny / 8, limits.eps]
    odd += [
        limits.max,
        -limits.max,
        88.0,
        -88.0,
        -100.0,
        709.0,
        -709.0,
        -740.0,
        20.0,
        1e-3,
        -1e-3,
        22.5,
        -60.0,
    ]
    return torch.cat([some, wide, torch.tensor(odd, dtype=dtype)])


@pytest.fixture(scope="module", params=[torch.float32, torch.float64], ids=["float32", "float64"])
def outputs(request: pytest.FixtureRequest) -> tuple[Tensor, Any, Any]:
    """The numbers, and what all functions make of them in eager and in a kernel."""
    names = {name: f"y{place}" for place, name in enumerate(FUNCTIONS)}
    model = _model({names[name]: function for name, (function, _) in FUNCTIONS.items()})
    numbers, found = _numbers(request.param), []
    # Rows of 64 units have torch's vector functions for all: for a last few it has others.
    numbers = torch.cat([numbers, numbers[: -len(numbers) % 64]])
    rows = numbers.reshape(-1, 64)
    for backend in ("eager", "fused"):
        neuron = rb.create(model, 64, dtype=request.param)
        traces = rb.simulate(neuron, rows, record=list(names.values()), backend=backend).traces
        found.append({name: traces[state].flatten() for name, state in names.items()})
    return numbers, *found


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_an_operation_is_that_of_torch(name: str, outputs: tuple[Tensor, Any, Any]) -> None:
    numbers, eager, fused = outputs[0], outputs[1][name], outputs[2][name]
    step = torch.nextafter(eager.abs(), torch.full_like(eager, math.inf)) - eager.abs()
    apart = (fused - eager).abs() / step
    place = int(apart.argmax())
    values = [values[place].item() for values in (numbers, eager, fused)]
    assert bool((apart <= FUNCTIONS[name][1]).all()), (
        f"f({values[0]}) is {values[1]} in eager, {values[2]} here"
    )


def test_negative_zero_keeps_its_sign(both: Both) -> None:
    rows = torch.tensor([[-0.0], [0.0]])
    (_, one), (_, other) = both(lambda: rb.create(_model({"y": lambda x: x * 1.0}), 1), rows, record="y")
    assert torch.equal(torch.signbit(other.traces["y"]), torch.signbit(one.traces["y"]))
    assert torch.signbit(other.traces["y"]).flatten().tolist() == [True, False]


def test_a_node_that_many_share_is_shown_in_one_line() -> None:
    builder = Builder()
    node = builder.read("voltage", "f")
    for _ in range(100):
        node = builder.make("add", "f", node, node)
    assert repr(node) == f"v{node.number} = add(v{node.number - 1}, v{node.number - 1}): f"
    assert repr(builder.read("voltage", "f")).endswith("read('voltage'): f")

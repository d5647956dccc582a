"""A function that was followed is a graph: of equal values, alike for equal text, and of what it uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import Input, Option, Parameter, SpikingNeuron, State, spi
from rheobase.errors import StructureError
from torch import Tensor


class Cell(SpikingNeuron):
    """A membrane with two time constants, of which an option chooses one."""

    fast = Parameter(2.0, unit="ms", above=0)
    slow = Parameter(20.0, unit="ms", above=0)
    speed = Option("fast", "slow")
    drive = Input(unit="mV/ms")
    bias = Input(unit="mV/ms")
    voltage = State(0.0, unit="mV")
    trail = State(0.0, unit="mV")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Tensor]:
        tau = helper(params)
        first, second = torch.stack([state.voltage / tau, state.trail / tau]).unbind(0)
        return {"voltage": data.drive - torch.exp(first), "trail": torch.where(second > 0, -second, second)}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        gap: Tensor = state.voltage - 15.0
        return gap

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        return {"voltage": 0.0}


def helper(params: Any) -> Tensor:
    tau: Tensor = params.fast if params.speed == "fast" else params.slow
    return tau


def arguments(units: int = 3, **options: Any) -> dict[str, Any]:
    cell = rb.create(Cell, units, dtype=torch.float64, **options)
    values = torch.linspace(-1.0, 3.0, 4 * units, dtype=torch.float64).view(4, units)
    schema = cell.schema
    return {
        "state": schema.pack_state(*values[:2]),
        "params": cell.params,
        "data": schema.pack_data(*values[2:]),
    }


def test_the_graph_gives_what_the_function_gives_also_for_what_it_is_given_later() -> None:
    given = arguments()
    found = spi.trace(Cell.derivatives, **given)
    later = {**given, "state": given["state"]._replace(voltage=torch.tensor([5.0, -7.0, 0.25]).double())}
    for each in (given, later):
        voltage = found.given["state.voltage"]
        voltage.graph.put(voltage.arguments[0], each["state"].voltage)
        for name, value in Cell.derivatives(*each.values()).items():
            node = found.results[name]
            assert torch.equal(node.value(), value)
            assert (node.shape, node.dtype) == (value.shape, value.dtype)


@pytest.mark.parametrize(
    ("speed", "used"),
    [
        ("fast", {"state.voltage", "state.trail", "params.fast", "data.drive"}),
        ("slow", {"state.voltage", "state.trail", "params.slow", "data.drive"}),
    ],
)
def test_what_a_function_uses_is_told_through_its_helpers_and_for_each_option(
    speed: str, used: set[str]
) -> None:
    assert spi.trace(Cell.derivatives, **arguments(speed=speed)).used() == used


def test_what_is_computed_and_dropped_is_not_used() -> None:
    def function(x: Tensor, y: Tensor) -> Tensor:
        torch.sin(x)
        return torch.zeros_like(y) + 1.0

    found = spi.trace(function, x=torch.ones(2), y=torch.ones(2))
    assert found.used() == {"y"}
    assert "aten.sin.default" in [str(node.operation) for node in found.nodes]


def test_the_same_text_has_the_same_pattern_whatever_it_is_given() -> None:
    given = arguments()
    moved = {
        name: type(each)(*[2.0 * x if isinstance(x, Tensor) else x for x in each])
        for name, each in given.items()
    }
    patterns = [
        spi.trace(Cell.derivatives, **each).pattern() for each in (given, moved, arguments(speed="slow"))
    ]
    assert hash(patterns[0]) == hash(patterns[1])
    assert patterns[0] == patterns[1] != patterns[2]


@pytest.mark.parametrize(
    "other",
    [
        lambda x: 3.0 * x,
        lambda x: -2.0 * x,
        lambda x: 2.0 * x + 0.0,
        lambda x: torch.tensor([2.0, 3.0]) * x,
        lambda x: (2.0 * x, x),
        lambda x: 2.0 * x.double(),
        lambda x: {"x": 2.0 * x},
        lambda x: 2.0 * torch.ones(2),
    ],
)
def test_another_text_number_or_constant_has_another_pattern(other: Callable[[Tensor], Any]) -> None:
    x = torch.ones(2)
    assert spi.trace(other, x=x).pattern() != spi.trace(lambda x: 2.0 * x, x=x).pattern()


def test_constants_from_elsewhere_and_the_order_of_operands_are_in_the_pattern() -> None:
    x = torch.ones(2)
    gains = [torch.tensor([2.0, 3.0]), torch.tensor([2.0, 4.0])]
    one, other = (spi.trace(lambda x, gain=gain: gain * x, x=x).pattern() for gain in gains)
    assert one != other

    def difference(x: Tensor, swapped: bool) -> Tensor:
        first, second = torch.sin(x), torch.cos(x)
        return second - first if swapped else first - second

    one, other = (spi.trace(difference, x=x, swapped=swapped).pattern() for swapped in (False, True))
    assert one != other


def test_what_is_given_counts_by_its_shape_and_dtype() -> None:
    def double(x: Tensor) -> Tensor:
        return 2.0 * x

    patterns = {
        spi.trace(double, x=x).pattern() for x in (torch.ones(2), torch.ones(3), torch.ones(2).double())
    }
    assert len(patterns) == 3


def branching(x: Tensor) -> Tensor:
    return x if x.sum() > 0 else -x


def writing(x: Tensor) -> Tensor:
    y = x * 1.0
    y += 1.0
    return y


def failing(x: Tensor) -> Tensor:
    raise KeyError("gone")


def caught(x: Tensor) -> Tensor:
    try:
        return branching(x)
    except StructureError as error:
        raise RuntimeError("another error") from error


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (branching, "my function looks at values, as a branch of Python on a tensor does"),
        (writing, r"my function writes into a tensor \(add_\)"),
        (failing, "my function cannot be followed: KeyError: 'gone'"),
        (caught, "my function looks at values"),
        (lambda x: x[torch.nonzero(x)], "my function looks at values"),
    ],
)
def test_what_cannot_be_followed_is_refused_with_the_reason(
    function: Callable[[Tensor], Tensor], reason: str
) -> None:
    with pytest.raises(StructureError, match=reason):
        spi.trace(function, "my function", x=torch.ones(2))
    # And nothing is followed any more.
    assert branching(torch.ones(2)).tolist() == [1.0, 1.0]


def test_a_whole_step_is_followed_and_depends_on_state_parameters_and_input() -> None:
    cell = rb.create(Cell, 2)

    def step(state: Any, data: Any) -> Any:
        return cell.step({**state, "carry": None}, cell.params, cell.schema.pack_data(**data), cell.dt)[0]

    state = {name: value for name, value in cell.state.items() if isinstance(value, Tensor)}
    found = spi.trace(step, state=state, data={"drive": torch.ones(2), "bias": torch.ones(2)})
    assert {"state.voltage", "state.trail", "data.drive"} <= found.used()
    assert "data.bias" not in found.used()
    assert torch.equal(
        found.results["voltage"].value(),
        step(state, {"drive": torch.ones(2), "bias": torch.ones(2)})["voltage"],
    )

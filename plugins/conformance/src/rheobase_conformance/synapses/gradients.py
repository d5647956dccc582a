"""Gradients: those of autograd are those of differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..property import prop
from ..violation import violated
from .bench import Bench
from .case import SynapseCase
from .cases import plain
from .comparing import size_of
from .needs import KINETICS, STATES
from .subject import SynapseSubject

_STEP = 1e-6


@prop(
    "synapse",
    "gradients-are-right",
    "numerics",
    cases=plain,
    needs=[KINETICS, STATES],
    why="weights, time constants and inputs of trained networks are learned by them",
)
def gradients_are_right(subject: SynapseSubject, case: SynapseCase) -> None:
    """The gradient of each function, to states, parameters, weight and target, is that of differences."""
    bench = Bench(subject, case)
    state, weight = bench.reached(), bench.weights()
    parts = {
        **dict(zip(bench.schema.states, state, strict=True)),
        **{name: getattr(bench.params, name) for name in bench.schema.parameters},
        "weight": weight,
        **{f"post.{name}": getattr(bench.post, name) for name in bench.post._fields},
        **{f"source.{name}": row for name, row in zip(subject.of_source, bench.sent(), strict=True)},
        "elapsed": bench.elapsed(),
    }
    for function, do in _functions(bench).items():
        for name, value in parts.items():
            _require_gradient(function, do, parts, name, value)


def _functions(bench: Bench) -> dict[str, Callable[[dict[str, Tensor]], Tensor]]:
    """Each function of the named values, its results added up with factors of their own."""
    names = tuple(bench.schema.states)

    def split(values: dict[str, Tensor]) -> tuple[Any, Any, Any]:
        given = [values[name] for name in bench.schema.parameters]
        options = bench.params[len(given) :]
        post = type(bench.post)(*(values[f"post.{name}"] for name in bench.post._fields))
        return tuple(values[name] for name in names), bench.schema.pack_params(*given, *options), post

    def added(rows: Any) -> Tensor:
        total = torch.zeros((), dtype=torch.float64)
        for place, row in enumerate(rows):
            total = (
                total + ((1.0 + 0.37 * place) * (1.0 + torch.arange(row.numel())).view(row.shape) * row).sum()
            )
        return total

    def derivatives(values: dict[str, Tensor]) -> Tensor:
        state, params, _ = split(values)
        return added(bench.slopes(state, params))

    def arrive(values: dict[str, Tensor]) -> Tensor:
        state, params, _ = split(values)
        return added(bench.arrive(state, values["weight"], params))

    def output(values: dict[str, Tensor]) -> Tensor:
        state, params, post = split(values)
        return added([bench.output(state, post, params)])

    def transmit(values: dict[str, Tensor]) -> Tensor:
        sources = tuple(values[f"source.{name}"] for name in bench.subject.of_source)
        factor, after = bench.transmit(sources, values["elapsed"], split(values)[1])
        return added([factor, *after])

    found: dict[str, Callable[[dict[str, Tensor]], Tensor]]
    found = {"derivatives": derivatives, "arrive": arrive, "output": output}
    if bench.subject.of_source:
        found["transmit"] = transmit
    return found


def _require_gradient(
    function: str,
    do: Callable[[dict[str, Tensor]], Tensor],
    parts: dict[str, Tensor],
    name: str,
    value: Tensor,
) -> None:
    leaf = value.detach().clone().requires_grad_()
    result = do({**parts, name: leaf})
    found = torch.zeros_like(value)
    if result.requires_grad:
        gradient = torch.autograd.grad(result, leaf, allow_unused=True)[0]
        found = found if gradient is None else gradient
    by = _STEP * max(1.0, size_of(value)) * torch.ones_like(value)

    def difference(h: Tensor) -> float:
        return float(do({**parts, name: value + h}) - do({**parts, name: value - h})) / (
            2 * float(h.flatten()[0])
        )

    seen, again = difference(by), difference(2 * by)
    told = float(found.sum())
    # Where two steps differ there is a kink, or rounding: what is seen is no better known than that.
    room = 1e-6 * max(abs(seen), abs(told)) + 3 * abs(seen - again) + 1e-8 * abs(float(result)) + 1e-9
    if not abs(told - seen) <= room:
        violated(
            f"{function}: to {name} = {value.tolist()} the gradient adds up to {told:.8g}, and "
            "differences give "
            f"{seen:.8g}"
        )

"""A few units of a layer, for a step of it to be followed; and the surrogate's derivative, followed too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import rheobase as rb
import torch
from rheobase import spi
from torch import Tensor

from ..expression import Builder, Node
from ..lanes import Call, Lanes
from ..refusal import Refusal
from ..setting import UNITS, Setting

if TYPE_CHECKING:
    from rheobase.spi import Unrolling

OUT, SPIKED = "the output", "who spiked"
SCALE, BEGIN = "the scale", "the first state at the start"
"""What no state and no parameter is called."""


def size_of(name: str) -> str:
    """What the size of an input is called among the parameters."""
    return f"the size of {name}"


class LayerSetting(Setting):
    """A few units, for a step of a layer.

    Args:
        unrolling: What a step does.
        values: The parameters, the scale, the sizes of inputs and what the first state began with, by
            name: ``[]`` where all units share the value, ``[N]`` where they do not.
        states: The states before the step, by name, ``[N]``.
    """

    def __init__(
        self, unrolling: Unrolling, values: Mapping[str, Tensor], states: Mapping[str, Tensor]
    ) -> None:
        super().__init__(unrolling.neuron, states)
        self.unrolling = unrolling
        self.params = {name: _one_for_all(value.detach()) for name, value in values.items()}
        self.uniform = frozenset(name for name, value in values.items() if value.ndim == 0)

    def _from(
        self, states: Any, params: Mapping[str, Tensor], data: Mapping[str, Tensor], *_: Any
    ) -> dict[str, Tensor | None]:
        return self.stepped(states, params, data, soft)

    def stepped(
        self,
        states: Mapping[str, Tensor],
        params: Mapping[str, Tensor],
        data: Mapping[str, Tensor],
        function: Callable[[Tensor], Tensor],
    ) -> dict[str, Tensor | None]:
        """The states after a step, and the output, with a function for S(u)."""
        unrolling, schema = self.unrolling, self.neuron.schema
        own = {name: params[name] for name in schema.parameters}
        given = {
            name: data[name or "input"] * params[size_of(name)] for name in tuple(schema.inputs) or ("",)
        }
        y = torch.stack([states[name] for name in schema.states])
        before = spi.StepState(y, states.get("armed"), states.get("hold"))
        after, _, out = unrolling(
            before,
            self.neuron.params._replace(**own),
            given,
            params[SCALE],
            params.get(BEGIN),
            unrolling._replace(function=function).surrogate(params[SCALE]),
        )
        if after.carry:
            raise Refusal("the integrator carries something from step to step")
        spiked = {} if after.spiked is None else {SPIKED: after.spiked}
        found: dict[str, Tensor | None] = dict(zip(schema.states, after.y.unbind(0), strict=True))
        beside = {"armed": after.armed, "hold": after.refractory_steps}
        return {**found, **{name: beside[name] for name in beside if name in states}, **spiked, OUT: out}

    def _computed(self, params: Any, data: Any) -> dict[str, Tensor | None]:
        raise NotImplementedError


def _one_for_all(value: Tensor) -> Tensor:
    return value.reshape(-1)[:1].expand(UNITS).clone() if value.ndim else value.clone()


LIBRARY = torch.library.Library("rheobase_fused", "FRAGMENT")
LIBRARY.define("soft(Tensor u) -> Tensor")
LIBRARY.impl("soft", lambda u: u.clone(), "CompositeExplicitAutograd")


def soft(u: Tensor) -> Tensor:
    """S(u), while a step is followed: an operation of its own, of which nothing is known but its place."""
    return torch.ops.rheobase_fused.soft(u)  # type: ignore[no-any-return]


def _marked(operation: str) -> Callable[..., Any]:
    def rule(self: Lanes, call: Call, value: Any) -> Any:
        return self.apply(lambda x: self.builder.make(operation, x.type, x), value)

    return rule


MARKS = {"soft": _marked("soft"), "detach": _marked("stop")}
"""What is seen in a layer beside what kernels do: where S(u) is, and what is taken out of the graph."""


def slope_nodes(
    builder: Builder, function: Callable[[Tensor], Tensor], dtype: torch.dtype
) -> tuple[Node, Node]:
    """u and S'(u), as autograd has it.

    Raises:
        Refusal: If it does what a kernel cannot.
    """

    def slope(u: Tensor) -> Tensor:
        with torch.enable_grad():
            at = u.detach().requires_grad_()
            value = function(at)
            (found,) = torch.autograd.grad(value, at, torch.ones_like(value))
        return found

    u = torch.linspace(-1.0, 1.0, UNITS, dtype=dtype)
    try:
        traced = spi.trace(slope, "the surrogate's derivative", u=u)
    except rb.errors.StructureError as error:
        raise Refusal(str(error)) from error
    lanes = Lanes(builder, dtype, UNITS)
    lanes.write(traced)
    return builder.read("u", "f"), lanes.single(lanes.of(traced.results), dtype)

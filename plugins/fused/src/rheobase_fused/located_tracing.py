"""What a located step is made of, followed and written down as expressions of one unit.

A step within which spikes are located goes from where a unit is to where it next has something to do, which
depends on values. So it is not followed whole, but in its pure parts: the integrator's step between any two
times, the derivatives, the threshold, the reset. ``located.h`` puts them together again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import rheobase as rb
import torch
from torch import Tensor

from .expression import Builder, Node
from .lanes import Lanes
from .refusal import Refusal
from .tracing import UNITS, Follower, few

if TYPE_CHECKING:
    from rheobase import Neuron


@dataclass(frozen=True)
class Parts:
    """The parts of a step of one unit, made of what is read.

    That is ``s_voltage`` and the like, the states; ``p_`` and ``x_``, parameters and inputs; ``t_0`` and
    ``t_1``, times; ``r_resting``, whether the unit is refractory.

    Attributes:
        builder: What made the nodes.
        names: The declared states.
        advance: Each state at ``t_1``, from that at ``t_0``.
        limited: The same along a field that stops growing at the threshold; None for an integrator of linear
            fields only.
        slope: The derivatives of each.
        gap: g, the threshold function.
        reset: Each state after the reset; None where it changes none.
        tau_ref: The refractory period; None for a model without.
        all_held: Whether a refractory unit stands still altogether.
        dt: The time step, ms.
        params: The parameters, in order.
        uniform: Those that all units share.
        inputs: The inputs, in order.
    """

    builder: Builder
    names: tuple[str, ...]
    advance: tuple[Node, ...]
    limited: tuple[Node, ...] | None
    slope: tuple[Node, ...]
    gap: Node
    reset: tuple[Node, ...] | None
    tau_ref: Node | None
    all_held: bool
    dt: float
    params: tuple[str, ...]
    uniform: frozenset[str]
    inputs: tuple[str, ...]


def follow_located(neuron: Neuron) -> Parts:
    """Follow the parts of a neuron's step.

    Raises:
        Refusal: If one cannot be followed, or does what a kernel cannot.
    """
    params, schema = neuron.params, neuron.schema
    tensors = tuple(name for name, value in params._asdict().items() if isinstance(value, Tensor))
    names, inputs = tuple(schema.states), tuple(schema.inputs) or ("input",)
    builder = Builder()
    lanes = Lanes(builder, neuron.dtype, UNITS)
    follower = Follower(lanes)

    def read(name: str, value: Tensor) -> Tensor:
        follower.know(value, lanes.read(name, value))
        return value

    states = [read(f"s_{name}", few(neuron.state[name])) for name in names]
    given = {name: read(f"p_{name}", few(getattr(params, name))) for name in tensors}
    data = {name: read(f"x_{name}", torch.ones(UNITS, dtype=neuron.dtype)) for name in inputs}
    t0 = read("t_0", torch.zeros(UNITS, dtype=neuron.dtype))
    t1 = read("t_1", torch.full((UNITS,), neuron.dt, dtype=neuron.dtype))
    resting = read("r_resting", torch.zeros(UNITS, dtype=torch.bool))
    packed = schema.pack_data(**data) if schema.inputs else data["input"]
    model = _Pure(neuron, params._replace(**given), packed)
    all_held = len(schema.held) == len(names)
    try:
        with torch.no_grad(), follower:
            y = torch.stack(states)
            model.check_update(y)
            field = model.field(None if all_held or not schema.refractory else resting)
            advance = model.advance(field, y, t0, t1)
            limited = model.advance(model.limited(field, y), y, t0, t1) if model.limits else None
            slope, gap, reset = model.field(None)(t0, y), model.gap(y), model.reset(y)
    except Refusal:
        raise
    except Exception as error:
        raise Refusal(f"its step cannot be followed: {type(error).__name__}: {error}") from error

    def rows(value: Tensor) -> tuple[Node, ...]:
        return tuple(lanes.single(row, neuron.dtype) for row in follower.of(value))

    return Parts(
        builder=builder,
        names=names,
        advance=rows(advance),
        limited=None if limited is None else rows(limited),
        slope=rows(slope),
        gap=lanes.single(follower.of(gap), neuron.dtype),
        reset=None if reset is None else rows(reset),
        tau_ref=lanes.single(follower.of(given["tau_ref"]), neuron.dtype) if schema.refractory else None,
        all_held=all_held,
        dt=neuron.dt,
        params=tensors,
        uniform=frozenset(name for name in tensors if getattr(params, name).ndim == 0),
        inputs=inputs,
    )


class _Functions(NamedTuple):
    """A model's pure functions, as fields take them."""

    schema: Any
    derivatives: Any
    threshold: Any
    reset: Any
    update: Any


class _Pure:
    """The pure parts of a step, of packed states ``[D, units]``.

    Args:
        neuron: Whose they are.
        params: Its parameters and options.
        data: The input.
    """

    def __init__(self, neuron: Neuron, params: Any, data: Any) -> None:
        self._schema, self._integrator = neuron.schema, neuron.integrator
        self._params, self._data, self._dt = params, data, neuron.dt
        functions = (getattr(type(neuron), name, None) for name in _Functions._fields[1:])
        self._model: Any = _Functions(neuron.schema, *functions)
        self.limits = neuron.integrator.field == "general"

    def check_update(self, y: Tensor) -> None:
        """Refuse a model that makes its own step, as eager does."""
        if self._model.update is None:
            return
        state = self._schema.pack_state(*y.unbind(0))
        if self._model.update(state, self._params, self._data, self._dt) is not NotImplemented:
            raise Refusal("the model makes its own step, within which no spike can be located")

    def field(self, resting: Tensor | None) -> Any:
        """The derivatives, with the held states of some units at rest."""
        return rb.ModelField(self._model, self._params, self._data, torch.Size([UNITS]), resting)

    def advance(self, field: Any, y: Tensor, t0: Tensor, t1: Tensor) -> Tensor:
        """The integrator's step."""
        result = self._integrator.advance(field, y, t0, t1, carry=None)
        if result.carry:
            raise Refusal("the integrator carries something from step to step")
        return result.y

    def gap(self, y: Tensor) -> Tensor:
        """g, the threshold function."""
        g: Tensor = self._model.threshold(self._schema.pack_state(*y.unbind(0)), self._params)
        return torch.broadcast_to(g, y.shape[1:])

    def reset(self, y: Tensor) -> Tensor | None:
        """The state after the reset; None where it names no state."""
        parts = dict(zip(self._schema.states, y.unbind(0), strict=True))
        if self._model.reset is None:
            return None
        changes = self._model.reset(self._schema.pack_state(**parts), self._params)
        if not changes:
            return None
        if not changes.keys() <= parts.keys():
            raise Refusal("its reset names what is no state")
        values = [torch.as_tensor(value, dtype=y.dtype) for value in {**parts, **changes}.values()]
        return torch.stack([torch.broadcast_to(value, y.shape[1:]) for value in values])

    def limited(self, field: Any, y0: Tensor) -> Callable[[Any, Tensor], Tensor]:
        """The field as eager has it for units that explode: a point past the threshold is moved back to where
        the straight line from the start crosses it.
        """
        g0 = self.gap(y0)

        def stopped(t: Any, y: Tensor) -> Tensor:
            finite = torch.nan_to_num(y)
            g = self.gap(finite)
            part = torch.where(g.isfinite(), -g0 / torch.where(g > g0, g - g0, 1.0), 0.0)
            beyond = (g0 < 0) & ~(g <= 0)
            slope: Tensor = field(t, torch.where(beyond, y0 + part * (finite - y0), y))
            return slope

        return stopped

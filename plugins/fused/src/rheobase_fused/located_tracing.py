"""What a located step is made of, followed and written down as expressions of one unit.

A step within which spikes are located goes from where a unit is to where it next has something to do, which
depends on values. So it is not followed whole, but in its pure parts: the integrator's step between any two
times, the derivatives, the threshold, the reset. ``located.h`` puts them together again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import rheobase as rb
import torch
from rheobase import spi
from rheobase.spi import LimitedField, ModelGap, after_reset, functions_of, own_update
from torch import Tensor

from .expression import Builder, Node
from .lanes import Lanes
from .refusal import Refusal
from .setting import UNITS, Setting

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


class LocatedSetting(Setting):
    """A few units, for the parts of a located step.

    Attributes:
        all_held: Whether a refractory unit stands still altogether.
    """

    def __init__(self, neuron: Neuron) -> None:
        super().__init__(neuron, {name: neuron.state[name] for name in neuron.schema.states})
        self.all_held = len(neuron.schema.held) == len(self.states)
        self._t0 = torch.zeros(UNITS, dtype=neuron.dtype)
        self._t1 = torch.full((UNITS,), neuron.dt, dtype=neuron.dtype)
        self._resting = torch.zeros(UNITS, dtype=torch.bool)

    def given(self) -> dict[str, Mapping[str, Tensor]]:
        """See the base class; times and who is refractory, too."""
        times = {"0": self._t0, "1": self._t1}
        return {**super().given(), "t": times, "r": {"resting": self._resting}}

    def _computed(self, params: Any, data: Any) -> dict[str, Tensor | None]:
        """The parts."""
        t0, t1, model = self._t0, self._t1, _Pure(self.neuron, params, data)
        y = torch.stack(list(self.states.values()))
        model.check_update(y)
        refractory = self.neuron.schema.refractory
        field = model.field(self._resting if refractory and not self.all_held else None)
        return {
            "advance": model.advance(field, y, t0, t1),
            "limited": model.advance(model.limited(field, y), y, t0, t1) if model.limits else None,
            "slope": model.field(None)(t0, y),
            "gap": model.gap(y),
            "reset": model.reset(y),
        }


def parts_of(setting: LocatedSetting, traced: spi.Trace) -> Parts:
    """The parts of a neuron's step that were followed, as expressions.

    Raises:
        Refusal: If one does what a kernel cannot.
    """
    dtype = setting.neuron.dtype
    builder = Builder()
    lanes = Lanes(builder, dtype, UNITS)
    lanes.write(traced)

    def rows(name: str) -> tuple[Node, ...] | None:
        value = traced.results[name]
        if value is None:
            return None
        return tuple(lanes.single(row, dtype) for row in np.atleast_1d(lanes.of(value)))

    return Parts(
        builder=builder,
        names=tuple(setting.states),
        advance=rows("advance") or (),
        limited=rows("limited"),
        slope=rows("slope") or (),
        gap=(rows("gap") or ())[0],
        reset=rows("reset"),
        tau_ref=builder.read("p_tau_ref", "f") if setting.neuron.schema.refractory else None,
        all_held=setting.all_held,
        dt=setting.neuron.dt,
        params=tuple(setting.params),
        uniform=setting.uniform,
        inputs=tuple(setting.data),
    )


class _Pure:
    """The pure parts of a step, of packed states ``[D, units]``.

    Args:
        neuron: Whose they are.
        params: Its parameters and options.
        data: The input.
    """

    def __init__(self, neuron: Neuron, params: Any, data: Any) -> None:
        self._integrator = neuron.integrator
        self._params, self._data, self._dt = params, data, neuron.dt
        model = functions_of(neuron)
        if model is None:
            raise Refusal("its class defines no functions to follow")
        self._model = model
        self.limits = neuron.integrator.field == "general"

    def check_update(self, y: Tensor) -> None:
        """Refuse a model that makes its own step, as eager does."""
        if own_update(self._model, y, self._params, self._data, self._dt) is not None:
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
        return ModelGap(self._model, self._params, y.shape[1:])(y)

    def reset(self, y: Tensor) -> Tensor | None:
        """The state after the reset; None where it names no state."""
        return after_reset(self._model, y, self._params)

    def limited(self, field: Any, y0: Tensor) -> LimitedField:
        """The field as eager has it for units that explode."""
        return LimitedField(field, self.gap, y0)

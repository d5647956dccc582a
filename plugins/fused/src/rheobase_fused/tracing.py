"""The step of a neuron, followed once and written down as expressions of one unit.

The neuron's own pure ``step`` is called once, on a few units, and every operation that torch carries out on
the way is followed (:func:`rheobase.spi.trace`). The step cannot look at values meanwhile, so it takes the
way on which every unit is worked on alike, and what was followed is the whole of it: the integrator, the
threshold, the reset and the refractory hold, whoever wrote them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from rheobase import spi
from torch import Tensor

from .expression import Builder, Node
from .lanes import Lanes
from .refusal import Refusal
from .setting import UNITS, Setting

if TYPE_CHECKING:
    from rheobase import Neuron

SPIKED = "who spiked"
"""What no state is called."""


@dataclass(frozen=True)
class Step:
    """One step of one unit.

    Attributes:
        builder: What made the nodes.
        states: Name -> the state at the end of the step.
        spiked: Whether the unit spiked; None for a model that does not spike.
        params: The parameters, in order.
        uniform: Those that all units share.
        inputs: The inputs, in order.
    """

    builder: Builder
    states: Mapping[str, Node]
    spiked: Node | None
    params: tuple[str, ...]
    uniform: frozenset[str]
    inputs: tuple[str, ...]


def trace(neuron: Neuron) -> Step:
    """Follow the step of a neuron.

    Raises:
        Refusal: If it cannot be followed, or does what a kernel cannot.
    """
    setting = StepSetting(neuron)
    return step_of(setting, setting.traced())


def step_of(setting: Setting, traced: spi.Trace) -> Step:
    """The step that was followed, as expressions.

    Raises:
        Refusal: If it does what a kernel cannot.
    """
    lanes = Lanes(Builder(), setting.neuron.dtype, UNITS)
    lanes.write(traced)
    dtypes = {name: value.dtype for name, value in setting.states.items()}
    spiked = traced.results[SPIKED]
    return Step(
        lanes.builder,
        {name: lanes.single(lanes.of(traced.results[name]), dtype) for name, dtype in dtypes.items()},
        None if spiked is None else lanes.single(lanes.of(spiked), torch.bool),
        tuple(setting.params),
        setting.uniform,
        tuple(setting.data),
    )


class StepSetting(Setting):
    """A few units, for a whole step.

    Raises:
        Refusal: If the integrator carries something on, which no kernel does.
    """

    def __init__(self, neuron: Neuron) -> None:
        state = dict(neuron.state)
        _check_carry(state.pop("carry", None))
        super().__init__(neuron, {name: value for name, value in state.items() if value is not None})

    def _computed(self, params: Any, data: Any) -> dict[str, Tensor | None]:
        """The states after it, and under ``SPIKED`` who spiked, or None."""
        new, outputs = self.neuron.step({**self.states, "carry": None}, params, data, self.neuron.dt)
        _check_carry(new.get("carry"))
        for name, value in self.states.items():
            if new[name].dtype != value.dtype:
                raise Refusal(f"the state {name!r} turns from {value.dtype} to {new[name].dtype}")
        return {**{name: new[name] for name in self.states}, SPIKED: outputs.get("spiked")}


def _check_carry(carry: object) -> None:
    if carry:
        raise Refusal("the integrator carries something from step to step")

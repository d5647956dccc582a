"""What a layer says of its calls: a state that is not finite, units that cannot spike, a dt too large."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, final

import torch
from torch import Tensor

from ..engine.neuron.base import Neuron
from ..engine.step.stepsize import heed
from ..engine.step.table import StepState
from ..errors import NonFiniteStateError, RheobaseWarning
from ..torch_state import all_finite, first_not_finite, values_visible
from .making import model_of
from .receiving import scaled
from .unrolling import neuron_data

_AGAIN = 16
"""The calls from one look at what follows from values that learn to the next, after the first ones."""
_TELLING = 10
"""The steps in which a layer may be expected to spike, and to rest."""


@final
class Remarks:
    """What is said once of a layer, and whether it was.

    Args:
        neuron: The neuron of the layer.
        timed: Whether its output is the times of spikes.
        spikes: Whether its output is spikes, or their times.
        learns: Whether a parameter learns.
    """

    def __init__(self, neuron: Neuron, *, timed: bool, spikes: bool, learns: bool) -> None:
        self._neuron, self._timed, self._spikes, self._learns = neuron, timed, spikes, learns
        # Whether dt was, or need not be, held against the parameters again.
        self._heeded = False
        # Whether a warning was given, and whether the next call is the first.
        self._told, self._first = False, True
        self._calls = 0
        # The start that was looked at last; another call may have the same.
        self._seen: StepState | None = None

    def look(
        self,
        outputs: Tensor,
        steps: int,
        now: StepState,
        begun: StepState,
        names: Sequence[str],
        *,
        sound: bool = False,
    ) -> None:
        """What is to be said of a call, where values can be looked at.

        Args:
            outputs: Spikes; or where there is a time of one; or the output of a model without any.
            steps: How many steps were taken.
            now: The state at the end.
            begun: The state at the start.
            names: Those of the states' rows.
            sound: Whether the state at the end is known to be finite.

        Raises:
            NonFiniteStateError: If a state is not finite at the end.
        """
        if not values_visible(outputs):
            return
        # Not where torch compiles, which would begin again at each number.
        self._calls += 1
        neuron = self._neuron
        if not sound and not all_finite(now.y):
            where = first_not_finite(now.y) or (0,) * now.y.ndim
            raise NonFiniteStateError(
                f"{neuron.identifier}: the state {names[where[0]]!r} of unit {where[-1]}"
                f"{f', row {list(where[1:-1])}' if len(where) > 2 else ''} is not finite "
                f"after {steps} steps of {neuron.dt:g} ms; give a smaller input or dt, or an "
                "integrator that is stable at it"
            )
        again = begun is not self._seen and not self._between
        if not self._told and again and begun.armed is not None and outputs.numel():
            self._tell(outputs, steps, begun.armed)
            self._seen = begun

    def _tell(self, outputs: Tensor, steps: int, armed: Tensor) -> None:
        """Warn of units that cannot spike; and in the first call of a layer that says nothing."""
        said, first = "", self._first
        self._first = False
        if not bool(armed.all()):
            unit = int((~armed).nonzero()[0, -1])
            said = (
                f"unit {unit} begins at or above its threshold and cannot spike before it has been below; "
                "let its initial state, or what the threshold learns, be another"
            )
        elif first and self._spikes and steps >= (1 if self._timed else _TELLING):
            if not bool(outputs.any()):
                said = (
                    "no unit spiked in the first call, so that what follows hears nothing; give larger inputs"
                )
            elif not self._timed and bool((outputs == 1).all()):
                said = "each unit spiked in each step of the first call; give smaller inputs"
        if said:
            self._told = True
            warnings.warn(f"{self._neuron.identifier}: {said}", RheobaseWarning, stacklevel=6)

    @property
    def _between(self) -> bool:
        """Whether a call is one of those that are not looked at again, since little has changed."""
        return self._calls > _AGAIN and bool(self._calls % _AGAIN)

    def heed(self, raw: Mapping[str, Tensor], sizes: Tensor, params: Any, begun: StepState) -> None:
        """Warn once where dt is too large for what the parameters have become.

        Args:
            raw: Each input as it was given, ``[T, *batch, N]``, by name.
            sizes: What x = 1 stands for, ``[inputs, N]``.
            params: The parameters of now.
            begun: The state at the start.
        """
        neuron = self._neuron
        if (
            self._heeded
            or model_of(neuron).dt_max is None
            or not values_visible(begun.y)
            or not begun.y.numel()
            or self._between
        ):
            return
        if all(map(len, raw.values())):
            first = {name: value[:1].detach() for name, value in raw.items()}
            given = scaled(neuron, first, sizes, torch.Size((1, *begun.y.shape[1:])))
            data = neuron_data(neuron, {name: value[0] for name, value in given.items()})
            state = dict(zip(neuron.schema.states, begun.y.unbind(0), strict=False))
            # Of what does not learn the first call says all.
            self._heeded = heed(neuron, state, params, data) or not self._learns

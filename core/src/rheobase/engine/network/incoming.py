"""What reaches a population: its model composed with the synapses of its projections, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, final

import torch
from torch import Tensor

from ...torch_state import broadcast_shape
from ..model.functions import spread
from ..step.spikes import Arrive
from ..step.table import StepState
from .compose import Composite, Part
from .projection import Projection

if TYPE_CHECKING:
    from ..neuron.stepped import Stepped


@final
class Incoming:
    """The projections into one population.

    Args:
        neuron: The population.
        projections: Those that reach it.

    Attributes:
        model: Its model, composed with their synapses.
        projections: They, in code-point order of their identifiers.
    """

    def __init__(self, neuron: Stepped, projections: Sequence[Projection]) -> None:
        own = neuron._model
        if own is None:
            raise NotImplementedError(f"{neuron.identifier} has no declared dynamics")
        self.projections = tuple(sorted(projections, key=lambda each: each.identifier))
        parts = [Part(each.identifier, each.kinetics, each.input) for each in self.projections]
        self._composite = Composite(own, parts, neuron._rule_of)
        self.model = self._composite.model
        self._own = len(own.schema.states)
        self._due: list[Tensor | None] = []

    def joined(self, state: StepState, params: Any) -> tuple[StepState, Any]:
        """The state and the parameters of the whole."""
        rows = [
            row
            for each in self.projections
            for name in each.schema.states
            if (row := each._buffers[name]) is not None
        ]
        shape = state.y.shape[1:]
        shapes = {row.shape for row in rows} | {due.shape for due in self._due if due is not None}
        if any(other != shape for other in shapes):
            shape = broadcast_shape(shape, *shapes)
        values = [
            ([each._buffers[name] for name in each.schema.parameters], list(each.options.values()))
            for each in self.projections
        ]
        own = state.y if state.y.shape[1:] == shape else _widened(state.y, shape)
        y = torch.cat([own, torch.stack([spread(row, shape) for row in rows])]) if rows else own
        beside: dict[str, Any] = {
            name: spread(value, shape)
            for name in ("armed", "refractory_steps", "refractory_time", "status", "spiked")
            if (value := getattr(state, name)) is not None and value.shape != shape
        }
        return state._replace(y=y, **beside), self._composite.params(params, values)

    def due(self, label: int) -> None:
        """Take what arrives at the end of the step ``label`` off its way."""
        self._due = [each.delivery.arriving(label, each._weight) for each in self.projections]

    def arrive(self, params: Any) -> Arrive | None:
        """What arrives at the end of the step; None where nothing does."""
        due = self._due
        if all(each is None for each in due):
            return None

        def arrive(y: Tensor, held: Tensor | None) -> Tensor:
            return self._composite.arrive(y, params, due, held)

        return arrive

    def parted(self, state: StepState) -> tuple[StepState, list[Tensor]]:
        """The population's own part of a state, and the rows of the synapses."""
        return state._replace(y=state.y[: self._own]), list(state.y[self._own :].unbind(0))

    def leave(self, rows: Sequence[Tensor], attached: bool) -> None:
        """Keep the states of the synapses."""
        found = iter(rows)
        for each in self.projections:
            for name in each.schema.states:
                row = next(found)
                each._buffers[name] = row if attached else row.detach()


def _widened(y: Tensor, shape: torch.Size) -> Tensor:
    packed = y.view(len(y), *([1] * (len(shape) + 1 - y.ndim)), *y.shape[1:])
    return packed.expand(-1, *shape)

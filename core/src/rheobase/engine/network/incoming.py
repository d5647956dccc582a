"""What reaches a population: its model composed with the synapses of its projections, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, final

import torch
from torch import Tensor

from ...torch_state import broadcast_shape
from ..model.functions import spread
from ..step.arrivals import Arrivals
from ..step.table import StepState
from .compose import Composite, Part
from .delivery import GridDelivery
from .moments import LocatedDelivery, table
from .projection import Projection

if TYPE_CHECKING:
    from ..neuron.base import Neuron


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

    def __init__(self, neuron: Neuron, projections: Sequence[Projection]) -> None:
        own = neuron._model
        if own is None:
            raise NotImplementedError(f"{neuron.identifier} has no declared dynamics")
        self.projections = tuple(sorted(projections, key=lambda each: each.identifier))
        parts = [Part(each.identifier, each.kinetics, each.input) for each in self.projections]
        self._composite = Composite(own, parts, neuron._rule_of)
        self.model = self._composite.model
        self._own = len(own.schema.states)
        self._due: list[Tensor | None] = []
        self._times: Tensor | None = None
        self._located, self._units = neuron.event == "located", neuron.num_units

    def joined(self, state: StepState, params: Any) -> tuple[StepState, Any]:
        """The state and the parameters of the whole."""
        rows = [
            row
            for each in self.projections
            for name in each.schema.states
            if (row := each._buffers[name]) is not None
        ]
        shape = state.y.shape[1:]
        shapes = {row.shape for row in rows} | {
            due.shape for due in self._due if due is not None and not self._located
        }
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
        """Take what arrives in the step that ends at ``label`` off its way."""
        if self._located:
            parts = [
                each.delivery.arriving(label, each.weights)
                for each in self.projections
                if isinstance(each.delivery, LocatedDelivery)
            ]
            self._times, self._due = None, [None] * len(parts)
            batch = next((each.batch for each in parts if each is not None), None)
            if batch is not None:
                self._times, self._due = table(parts, batch.numel() * self._units)
            return
        self._due = [
            each.delivery.arriving(label, each.weights)
            for each in self.projections
            if isinstance(each.delivery, GridDelivery)
        ]

    def arrivals(self) -> Arrivals | None:
        """What arrives in the step; None where nothing does."""
        if all(each is None for each in self._due):
            return None
        return Arrivals(self._composite.arrive, self._due, self._times)

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

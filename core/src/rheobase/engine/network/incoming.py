"""What reaches a population: its model composed with the synapses of its projections, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial, reduce
from operator import is_
from typing import Any, NamedTuple, final

import torch
from torch import Tensor

from ...torch_state import broadcast_shape
from ..aggregate import sum_inputs
from ..integrator import Integrator
from ..model.functions import Model, spread
from ..neuron.base import Neuron
from ..neuron.named import by_name, packed
from ..step.arrivals import Arrivals
from ..step.field import ModelField
from ..step.grid import step
from ..step.moments import Moments
from ..step.table import StepState, with_batch
from .compose import Composite
from .held import OUTPUT
from .layout import Part
from .outside import Source
from .plastic import PlasticDelivery
from .projection import Projection
from .underway import has_moments


class _Left(NamedTuple):
    """What a step left: the population's own states, the whole, and where each row of synapses is kept."""

    own: Tensor
    whole: Tensor
    rows: list[tuple[dict[str, Tensor | None], str, Tensor, int]]


@final
class Incoming:
    """The projections into one population.

    Args:
        neuron: The population.
        projections: Those that reach it.

    Attributes:
        model: Its model, composed with their synapses.
        groups: They, in code-point order of their identifiers; those of one receptor, which share their
            states, are one group, and have its name there.
        projections: They, one after the other.
        plastic: Those of them whose weights change, by their places among them.
        holding: The identifiers of those whose sums are held for a step: they have no kinetics.
        apart: The inputs where what they bring is not added to what comes from outside: several sources of
            these go to the aggregator with it.
    """

    def __init__(self, neuron: Neuron, projections: Sequence[Projection]) -> None:
        own = neuron._model
        if own is None:
            raise NotImplementedError(f"{neuron.identifier} has no declared dynamics")
        by_name: dict[str, list[Projection]] = {}
        for each in sorted(projections, key=lambda each: each.identifier):
            by_name.setdefault(each.receptor or each.identifier, []).append(each)
        self.groups = tuple(tuple(by_name[name]) for name in sorted(by_name))
        self._first = tuple(group[0] for group in self.groups)
        parts = [Part(each.receptor or each.identifier, each.kinetics, each.input) for each in self._first]
        self._compose = partial(Composite, own, parts, neuron._rule_of)
        self._composite = self._compose()
        self.model = self._composite.model
        joined = {part.input for part in parts if part.kinetics.output is not None}
        added = (sum_inputs, Neuron.aggregate)
        self.apart = frozenset(name for name in joined if neuron._rule_of(name) not in added)
        self._sources: Mapping[str, Sequence[Source]] = {}
        self._models: dict[tuple[tuple[str, tuple[str, ...]], ...], Model] = {}
        self._own = len(own.schema.states)
        self.projections = tuple(each for group in self.groups for each in group)
        self.plastic = tuple(
            (place, each.delivery)
            for place, each in enumerate(self.projections)
            if isinstance(each.delivery, PlasticDelivery)
        )
        self.holding = tuple(each.identifier for each in self.projections if each.kinetics.held)
        self._arrived: list[Any] = []
        self._due: list[Tensor | None] = []
        self._moments: list[Moments | None] = []
        self._located = has_moments(neuron)
        self._parted: tuple[Tensor, Tensor] | None = None
        self._left: _Left | None = None
        # The parameters of the whole, and what they were made of.
        self._known: tuple[Any, list[Any], Any] | None = None

    def joined(self, state: StepState, params: Any) -> tuple[StepState, Any]:
        """The state and the parameters of the whole."""
        y = self._as_left(state.y)
        if y is not None:
            return StepState(y, *state[1:]), self.params(params)
        rows = [
            row
            for place, each in enumerate(self._first)
            for name in each.kinetics.schema.states
            if (row := self._sum_of(place) if each.kinetics.held else each._buffers[name]) is not None
        ]
        shape = state.y.shape[1:]
        shapes = {row.shape for row in rows}
        shapes |= {due.shape for due in self._due if due is not None}
        if any(other != shape for other in shapes):
            shape = broadcast_shape(shape, *shapes)
        if shape != state.y.shape[1:]:
            state = with_batch(state, shape)
        if rows:
            state = state._replace(y=torch.cat([state.y, torch.stack([spread(row, shape) for row in rows])]))
        return state, self.params(params)

    def from_outside(self, sources: Mapping[str, Sequence[Source]]) -> None:
        """Take what the population has from outside in the step by several sources: input -> these."""
        self._sources = sources

    def taken(self, data: Any) -> tuple[Model, Any]:
        """The model of the whole in this step, and its input, of the one that the population keeps."""
        if not self._sources:
            return self.model, data
        layout = tuple((name, tuple(each for each, _ in found)) for name, found in self._sources.items())
        model = self._models.get(layout)
        if model is None:
            model = self._models[layout] = self._compose(dict(layout)).model
        inputs = self.model.schema.inputs
        named = dict(zip(inputs, data, strict=True)) if inputs else {"": data}
        values = [
            value
            for name, whole in named.items()
            for value in ([each for _, each in self._sources[name]] if name in self._sources else [whole])
        ]
        return model, model.schema.pack_data(*values)

    def _as_left(self, own: Tensor) -> Tensor | None:
        """The states of the whole as the last step left them; None where anybody put others there since."""
        if self._left is None or self._left.own is not own:
            return None
        for buffers, name, row, place in self._left.rows:
            # ``.data = ...`` leaves the object; what is written to it is written to the whole.
            if buffers.get(name) is not row or row.data_ptr() != place:
                return None
        shape = own.shape[1:]
        return self._left.whole if all(due is None or due.shape == shape for due in self._due) else None

    @property
    def states(self) -> dict[str, Tensor]:
        """The states of the synapses, by the names that they have in the whole."""
        names = list(self.model.schema.states)[self._own :]
        rows = (each._buffers[name] for each in self._first for name in each.kinetics.schema.states)
        return {name: row for name, row in zip(names, rows, strict=True) if row is not None}

    @property
    def names(self) -> dict[tuple[str, str], str]:
        """Projection and state of its synapse -> the name of that state in the whole."""
        found = iter(list(self.model.schema.states)[self._own :])
        names: dict[tuple[str, str], str] = {}
        for group in self.groups:
            for state in group[0].kinetics.schema.states:
                name = next(found)
                names |= {(each.identifier, state): name for each in group}
        return names

    @property
    def weights(self) -> Sequence[Tensor | None]:
        """By each group, what arrives at the end of the step, ``[*batch, units]``; None: nothing."""
        return self._due

    def params(self, own: Any) -> Any:
        """The parameters of the whole, of those of the neuron."""
        parameters = [[each._buffers[name] for name in each.schema.parameters] for each in self._first]
        options = [[*each.options.values()] for each in self._first]
        values = [each for part in (*parameters, *options) for each in part]
        known = self._known
        # In a run they are the same from step to step: then so is what is made of them.
        if known is not None and known[0] is own and all(map(is_, known[1], values)):
            return known[2]
        whole = self._composite.params(own, zip(parameters, options, strict=True))
        self._known = own, values, whole
        return whole

    def field(self, neuron: Neuron, data: Any, resting: Tensor | None) -> tuple[ModelField, Tensor]:
        """The field of the whole, and the states that it has now, ``[D, *batch, units]``.

        Args:
            neuron: The population.
            data: The aggregated input of the neuron.
            resting: Who is refractory, ``[*batch, units]``; None: nobody may be.
        """
        named = {**neuron.state, **self.states}
        y = packed(self.model.schema, {name: named[name] for name in self.model.schema.states}).y
        return ModelField(self.model, self.params(neuron.params), data, y.shape[1:], resting), y

    def step(
        self,
        neuron: Neuron,
        integrator: Integrator,
        state: Mapping[str, Any],
        params: Any,
        data: Any,
        weights: Sequence[Tensor | None],
    ) -> tuple[dict[str, Any], Tensor | None]:
        """A step of the whole on the grid, pure: what a backend follows.

        Args:
            neuron: The population.
            integrator: What integrates it.
            state: The states of the neuron and of its synapses, by name.
            params: As :meth:`params` gives them.
            data: The aggregated input of the neuron.
            weights: As :attr:`weights`.

        Returns:
            The states after it, by name, and who spiked.
        """
        schema = self.model.schema
        before = packed(schema, state)
        arrivals = None
        if any(weight is not None for weight in weights):
            arrivals = Arrivals(self._composite.arrive, weights, own=self._composite.jumps)
        after, _ = step(
            self.model, integrator, neuron.event, before, params, data, neuron.dt, arrivals=arrivals
        )
        return by_name(schema, after, None), after.spiked

    def due(self, label: int) -> None:
        """Take what arrives in the step that ends at ``label`` off its way."""
        self._arrived = [each.delivery.arriving(label, each.weights) for each in self.projections]
        self._lay_out()

    def settle(self, label: int, spiked: Tensor, times: Tensor | None) -> bool:
        """Let weights change by the spikes of the step; whether arrivals in it have others by them.

        Args:
            label: The number of the step's end.
            spiked: Who spiked, ``[*batch, units]``.
            times: When, ms, ``[*batch, units, K]``, NaN in places left over; None: at the step's end.
        """
        changed = False
        for place, delivery in self.plastic:
            weights = delivery.settle(label, spiked, times)
            if weights is not None:
                self._arrived[place], changed = delivery.given(label, weights), True
        if changed:
            self._lay_out()
        return changed

    def _lay_out(self) -> None:
        found = iter(self._arrived)
        parts = [[each for each in (next(found) for _ in group) if each is not None] for group in self.groups]
        if self._located:
            self._moments = [_together(part) for part in parts]
        else:
            self._due = [_sum(part) for part in parts]

    def arrivals(self) -> Arrivals | None:
        """What arrives in the step; None where nothing does."""
        due, moments = self._due, self._moments
        if self.holding:
            # What is held for a step is a state in it, and no jump.
            held = [each.kinetics.held for each in self._first]
            due = [None if stays else each for each, stays in zip(due, held, strict=False)]
            moments = [None if stays else each for each, stays in zip(moments, held, strict=False)]
        for each in (*due, *moments):
            if each is not None:
                return Arrivals(self._composite.arrive, due, moments, self._composite.jumps)
        return None

    def _sum_of(self, place: int) -> Tensor:
        """What arrives in the step by a projection that holds it, for each target."""
        state = self._first[place]._buffers[OUTPUT]
        nothing = torch.zeros_like(self._first[place].weights if state is None else state)
        if not self._located:
            due = self._due[place]
            return nothing if due is None else due
        found = self._moments[place]
        if found is None:
            return nothing
        sums = found.weights.new_zeros(*found.batch, nothing.shape[-1])
        sums.view(-1).index_add_(0, found.units, found.weights)
        return sums

    def parted(self, state: StepState) -> tuple[StepState, Sequence[Tensor]]:
        """The population's own part of a state, and the rows of the synapses."""
        own, rows = state.y[: self._own], state.y.unbind(0)[self._own :]
        self._parted = own, state.y
        return StepState(own, *state[1:]), rows

    def leave(self, rows: Sequence[Tensor], attached: bool) -> None:
        """Keep the states of the synapses."""
        found, left = iter(rows), []
        for group in self.groups:
            for name in group[0].kinetics.schema.states:
                row = next(found)
                kept = row if attached or not row.requires_grad else row.detach()
                for each in group:
                    each._buffers[name] = kept
                    left.append((each._buffers, name, kept, kept.data_ptr()))
        parted, self._parted, self._left = self._parted, None, None
        if parted is not None and not attached and not self.holding:
            own, whole = parted
            if not whole.requires_grad:
                self._left = _Left(own, whole, left)


def _sum(parts: Sequence[Tensor]) -> Tensor | None:
    return reduce(torch.add, parts) if parts else None


def _together(parts: Sequence[Moments]) -> Moments | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    times, units, weights = (
        torch.cat([getattr(each, name) for each in parts]) for name in ("times", "units", "weights")
    )
    return Moments(times, units, weights, parts[0].batch)

"""What a projection says of itself: what it is made of, what its receiver gives, what can be recorded."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ...errors import ArgumentError
from ...specs import Provenance
from ..model.schema import Schema
from .belonging import Belonging
from .connectivity import Connectivity
from .delays import Delays
from .held import Held
from .learning import Learning
from .plasticity import WEIGHT
from .recipe import Direct, SynapseRecipe
from .synapse import Kinetics


class Described(Belonging, nn.Module):
    """A projection, as far as it is looked at. See :class:`~.projection.Projection`."""

    identifier: str
    recipe: SynapseRecipe | Direct | Held
    rule_source: Provenance | None
    connectivity: Connectivity
    delays: Delays
    plasticity: Learning | None

    # --- what its values belong to -------------------------------------------------------------------

    @property
    def schema(self) -> Schema:
        """What its synapse declares."""
        return self.recipe.schema

    @property
    def kinetics(self) -> Kinetics:
        """The functions of its synapse."""
        return self.recipe.kinetics

    @property
    def _owner(self) -> Any:
        return self.__dict__["_population"]

    @property
    def num_units(self) -> int:
        """The number of units that receive: those that states and parameters are of."""
        return int(self._owner.num_units)

    @property
    def integrator(self) -> Any:
        """What integrates its states: the receiver's."""
        return self._owner.integrator

    @property
    def dtype(self) -> torch.dtype:
        """The type of its tensors."""
        return self.weights.dtype

    @property
    def device(self) -> torch.device:
        """Where its tensors are."""
        return self.weights.device

    @property
    def loggable_props(self) -> tuple[str, ...]:
        """What can be recorded: its states of each target, its weights, and what changes them."""
        own = (*self.kinetics.schema.states, WEIGHT)
        return own if self.plasticity is None else (*own, *self.plasticity.schema.states)

    @property
    def reported(self) -> tuple[str, ...]:
        """What a step gives: those that it may have changed."""
        return tuple(self.kinetics.schema.states) if self.plasticity is None else self.loggable_props

    def recorded(self, name: str) -> Tensor:
        """The present value of one of :attr:`loggable_props`."""
        if name == WEIGHT:
            return self.weights
        owner = self if name in self.kinetics.schema.states else self.plasticity
        value: Tensor = getattr(owner, name)
        return value

    @property
    def loggable_widths(self) -> dict[str, int]:
        """The last dimension of those that are not of targets, but of synapses."""
        return {
            name: self.synapses for name in self.loggable_props if name not in self.kinetics.schema.states
        }

    @property
    def loggable_units(self) -> dict[str, str]:
        """The physical units of those that its synapse does not declare."""
        states = {} if self.plasticity is None else self.plasticity.schema.states
        return {WEIGHT: self.kinetics.weight_unit} | {name: each.unit for name, each in states.items()}

    @property
    def provenance(self) -> dict[str, Provenance]:
        """Where its synapse and its rule come from."""
        found = {"synapse": self.recipe.source}
        if self.plasticity is not None:
            found["plasticity"] = self.plasticity.recipe.source
        return found if self.rule_source is None else {**found, "rule": self.rule_source}

    # --- its synapses --------------------------------------------------------------------------------

    @property
    def weights(self) -> Tensor:
        """The weights as they are kept: ``[]`` where all synapses share one, else ``[synapses]``; of a batch
        in which they change, ``[*batch, synapses]``.

        No copy: what is written into it counts, unchecked and past limits. To set weights, assign ``weight``.
        """
        weight = self._buffers["weight"]
        if weight is None:
            raise ArgumentError(f"{self.identifier}: the weights were removed")
        return weight

    @property
    def source(self) -> Tensor:
        """The source of each synapse, int64 ``[synapses]``: by source, then as given."""
        return self.connectivity.source_of_each()

    @property
    def target(self) -> Tensor:
        """The target of each synapse, int64 ``[synapses]``."""
        return self.connectivity.target_of_each()

    @property
    def delay(self) -> Tensor:
        """The delay of each synapse, ms, float64 ``[synapses]``."""
        return self.delays.ms.expand(self.synapses).clone()

    @property
    def synapses(self) -> int:
        """The number of synapses."""
        return self.connectivity.synapses

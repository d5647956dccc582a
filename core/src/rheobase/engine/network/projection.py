"""A projection: the synapses from one population to another, with their weights, delays and states."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...errors import ArgumentError, ParameterError
from ...specs import Provenance
from ..model.values import as_parameter, as_state, initial_value, resolve_defaults
from .connectivity import Connectivity
from .delays import Delays
from .delivery import GridDelivery
from .described import Described
from .held import Held
from .learning import Learning
from .moments import LocatedDelivery
from .plastic import PlasticDelivery
from .plasticity import WEIGHT
from .recipe import Direct, SynapseRecipe
from .saving import fingerprint, loaded, make_room, saved
from .transmission import LAST_SPIKE, reset_sources, transmitted
from .underway import Delivery, Sent, has_moments, spikes_of
from .weights import as_weight, of_each

UNDER_WAY = "under_way"

_FIXED = frozenset({"delay", "source", "target", "synapses", "num_units", "seed", "dt", "dtype", "device"})
"""What follows from what a projection was made of."""
_GIVEN = frozenset(
    {"identifier", "sender", "receiver", "input", "receptor", "sources", "recipe", "rule_source"}
    | {"connectivity", "delays"}
)
"""What it was made of, once it is."""


class Projection(Described):
    """The synapses from one population to another. :meth:`Network.connect` makes it.

    Attributes:
        identifier: ``"SOURCE->TARGET"`` unless given; what the target's aggregator knows it by.
        sender: The name of the population whose spikes it carries.
        receiver: The name of the population that they reach.
        input: The input of the receiver that it adds to; empty: its only one.
        receptor: The name under which projections into one population share the states of one synapse; None:
            its states are its own.
        plasticity: What changes its weights, with the states and parameters of that; None: they stay.

    The parameters of its synapse are tensors, ``[]`` or ``[target units]``, and its states ``[*batch, target
    units]``, under the names that the synapse declares.
    """

    def __init__(
        self,
        identifier: str,
        sender: str,
        receiver: Any,  # the population, a neuron
        sources: int,
        synapse: SynapseRecipe | Direct | Held,
        connectivity: Connectivity,
        weight: Tensor,
        delays: Delays,
        input_name: str = "",
        receptor: str | None = None,
        rule_source: Provenance | None = None,
        plasticity: SynapseRecipe | None = None,
    ) -> None:
        super().__init__()
        self.identifier, self.sender, self.receiver = identifier, sender, receiver.identifier
        self.input, self.receptor = input_name, receptor
        # Past torch, to which it would be a part of this one.
        self.__dict__["_population"] = receiver
        self.sources = sources
        self.recipe, self.rule_source = synapse, rule_source
        self.connectivity, self.delays = connectivity, delays
        self.plasticity: Learning | None = None
        located = has_moments(receiver)
        kind = LocatedDelivery if located else GridDelivery
        self.delivery: Delivery = kind(connectivity, delays, receiver.dt)
        # With whom it shares the states of its synapse; itself too.
        self.__dict__["_sharing"] = [self]
        weight = self._counting(weight)
        if plasticity is not None:
            weight = of_each(weight, connectivity, torch.Size())
        self._buffers["weight"] = weight
        schema = self.schema
        self.options = {
            name: synapse.parameters.get(name, each.default) for name, each in schema.options.items()
        }
        given = {
            name: as_parameter(self, declared, synapse.parameters[name])
            for name, declared in schema.parameters.items()
            if name in synapse.parameters
        }
        for name, value in resolve_defaults(self, given).items():
            self._buffers[name] = value
        if plasticity is not None:
            _check_names(identifier, synapse, plasticity)
            self.plasticity = Learning(self, plasticity)
            self.delivery = PlasticDelivery(connectivity, delays, receiver.dt, self.plasticity, located)
        self.reset_state()

    @property
    def _shared(self) -> list[Projection]:
        shared: list[Projection] = self.__dict__["_sharing"]
        return shared

    def share_with(self, other: Projection) -> None:
        """Have the states and parameters of a synapse together with another projection, and its others."""
        other._shared.append(self)
        self.__dict__["_sharing"] = other._shared
        for name in (*self.schema.parameters, *self.kinetics.schema.states):
            self._buffers[name] = other._buffers[name]

    def _counting(self, weight: Tensor) -> Tensor:
        """The weights; 1 where the input that they go to counts what arrives."""
        if isinstance(self.recipe, Direct) and not self.recipe.weighted:
            return torch.ones((), dtype=weight.dtype, device=weight.device)
        return weight

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FIXED or (name in _GIVEN and name in self.__dict__):
            raise ArgumentError(
                f"{self.identifier}: {name} cannot be set; it is what connect was given: make the network "
                "anew"
            )
        if name == "weight":
            changes = self.plasticity
            batch = torch.Size() if changes is None else changes.batch
            # Before the first step nobody knows the batch.
            free = changes is not None and not batch and self.simulation_step == 0
            weight = as_weight(value, self.identifier, self.connectivity, self, batch=None if free else batch)
            weight = self._counting(weight)
            if changes is not None:
                weight = of_each(weight, self.connectivity, batch)
                changes.check_weights(weight)
            self._buffers["weight"] = weight
        elif "options" in self.__dict__ and name in self.schema.parameters:
            tensor = as_parameter(self, self.schema.parameters[name], value)
            for each in self._shared:
                each._buffers[name] = tensor
        elif "options" in self.__dict__ and name in self.kinetics.schema.states:
            tensor = as_state(self, self.schema.states[name], value, torch.Size())
            for each in self._shared:
                each._buffers[name] = tensor
        else:
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        value: Any = super().__getattr__(name)
        # Weights that change are written to.
        return value.clone() if name == WEIGHT and self.plasticity is not None else value

    def reset_state(self) -> None:
        """Return to the initial states, with nothing under way; weights stay, also those that changed."""
        self.delivery.clear()
        if self.plasticity is not None:
            self.plasticity.reset_state()
        params = self.schema.pack_params(
            *(self._buffers[name] for name in self.schema.parameters), *self.options.values()
        )
        for name, declared in self.kinetics.schema.states.items():
            # What is drawn goes by an identifier: that of the first of those that share it.
            first = self._shared[0]
            given = first.recipe.parameters
            value = given[name] if name in given else initial_value(first, declared, params)
            tensor = as_state(first, declared, value, torch.Size())
            for each in self._shared:
                each._buffers[name] = tensor
        if self.kinetics.transmit is not None:
            reset_sources(self, params)

    def send(self, label: int, spiked: Tensor, times: Tensor | None) -> None:
        """Let the spikes of a step of the sender be under way.

        Args:
            label: The number of the step's end.
            spiked: Who spiked, ``[*batch, sources]``.
            times: When, ms, ``[*batch, sources, K]``, NaN in places left over; None: at the step's end.
        """
        spikes = spikes_of(label, spiked, times)
        if spikes is not None:
            self.pass_on(spikes)

    def pass_on(self, spikes: Sent) -> None:
        """The same, of spikes that were found."""
        if self.kinetics.transmit is not None:
            factor = transmitted(self, spikes)
            if factor.requires_grad and isinstance(self.delivery, GridDelivery):
                raise ParameterError(
                    f"{self.identifier}: what its sources send has a gradient by a parameter of "
                    f"{self.recipe!r}, which sums at the ends of steps do not keep; give it detached, or "
                    "event='located'"
                )
            spikes = spikes._replace(factor=factor)
        self.delivery.send(spikes, self.weights)

    # --- saving --------------------------------------------------------------------------------------

    def get_extra_state(self) -> dict[str, Any]:
        """What a state_dict has beside tensors: spikes under way, and which synapses they belong to."""
        synapses = fingerprint(self.connectivity, self.delays)
        return {UNDER_WAY: saved(self.delivery.sent), "synapses": synapses}

    def set_extra_state(self, state: Any) -> None:
        """Take what :meth:`get_extra_state` gave.

        Raises:
            ArgumentError: If it is of another connectivity.
        """
        if state["synapses"] != fingerprint(self.connectivity, self.delays):
            raise ArgumentError(
                f"{self.identifier}: the state is of other synapses, or other delays, than those of this "
                "projection; make the network with the rule, the seed and the names that it was saved with"
            )
        self.delivery.restore(loaded(state[UNDER_WAY]))

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if self.plasticity is not None:
            destination[prefix + WEIGHT] = self.weight

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *rest: Any) -> None:
        weights = () if self.plasticity is None else (WEIGHT,)
        make_room(self._buffers, (*self.schema.states, LAST_SPIKE, *weights), state_dict, prefix)
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        # Torch converts all floating-point buffers alike; times stay float64.
        last = self._buffers.get(LAST_SPIKE)
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        if last is not None:
            self._buffers[LAST_SPIKE] = last.to(self.device)
        return self

    def extra_repr(self) -> str:
        return f"{self.identifier}: {self.synapses} synapses, {self.recipe!r}"


def _check_names(identifier: str, synapse: SynapseRecipe | Direct | Held, plasticity: SynapseRecipe) -> None:
    both = {*synapse.schema.settable} & {*plasticity.kind.schema.states}
    if both:
        raise ArgumentError(
            f"{identifier}: {synapse!r} and {plasticity!r} both have {', '.join(sorted(both))}, which could "
            "not be told apart; rename one of them"
        )

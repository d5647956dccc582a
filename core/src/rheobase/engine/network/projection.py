"""A projection: the synapses from one population to another, with their weights, delays and states."""

from __future__ import annotations

import hashlib
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import ArgumentError, ParameterError
from ...specs import Provenance
from ..model.distribution import Distribution
from ..model.schema import Schema
from ..model.values import as_parameter, as_state, initial_value, resolve_defaults
from .connectivity import Connectivity
from .delays import Delays
from .delivery import GridDelivery
from .held import Held
from .learning import Learning
from .moments import LocatedDelivery
from .plastic import PlasticDelivery
from .plasticity import WEIGHT
from .recipe import Direct, SynapseRecipe
from .synapse import Kinetics
from .transmission import LAST_SPIKE, reset_sources, transmitted
from .underway import Delivery, Sent, has_moments, spikes_of

UNDER_WAY = "under_way"

_FIXED = frozenset({"delay", "source", "target", "synapses", "num_units", "seed", "dt", "dtype", "device"})
"""What follows from what a projection was made of."""
_GIVEN = frozenset(
    {"identifier", "sender", "receiver", "input", "receptor", "sources", "recipe", "rule_source"}
    | {"connectivity", "delays"}
)
"""What it was made of, once it is."""


class Projection(nn.Module):
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
        self._buffers["weight"] = weight if plasticity is None else _of_each(weight, connectivity)
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
    def batch(self) -> torch.Size:
        """The batch dimensions of its states."""
        return torch.Size()

    @property
    def _owner(self) -> Any:
        return self.__dict__["_population"]

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

    @property
    def num_units(self) -> int:
        """The number of units that receive: those that states and parameters are of."""
        return int(self._owner.num_units)

    @property
    def seed(self) -> int:
        """That of the population that receives."""
        return int(self._owner.seed)

    @property
    def integrator(self) -> Any:
        """What integrates its states: the receiver's."""
        return self._owner.integrator

    @property
    def dt(self) -> float:
        """The time step, ms."""
        return float(self._owner.dt)

    @property
    def dtype(self) -> torch.dtype:
        """The type of its tensors."""
        return self.weights.dtype

    @property
    def device(self) -> torch.device:
        """Where its tensors are."""
        return self.weights.device

    @property
    def time(self) -> float:
        """The time of the present state, ms."""
        return float(self._owner.time)

    @property
    def simulation_step(self) -> int:
        """The number of steps since the start."""
        return int(self._owner.simulation_step)

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
        """The weights as they are kept: ``[]`` where all synapses share one, else ``[synapses]``."""
        weight = self._buffers["weight"]
        if weight is None:
            raise ArgumentError(f"{self.identifier}: the weights were removed")
        return weight

    def _counting(self, weight: Tensor) -> Tensor:
        """The weights; 1 where the input that they go to counts what arrives."""
        if isinstance(self.recipe, Direct) and not self.recipe.weighted:
            return torch.ones((), dtype=weight.dtype, device=weight.device)
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

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FIXED or (name in _GIVEN and name in self.__dict__):
            raise ArgumentError(
                f"{self.identifier}: {name} cannot be set; it is what connect was given: make the network "
                "anew"
            )
        if name == "weight":
            weight = self._counting(as_weight(value, self.identifier, self.connectivity, self))
            if self.plasticity is not None:
                weight = _of_each(weight, self.connectivity)
                self.plasticity.check_weights(weight)
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
        spikes = [
            (
                each.label,
                each.who.clone(),
                None if each.times is None else each.times.clone(),
                list(each.batch),
                None if each.factor is None else each.factor.clone(),
            )
            for each in self.delivery.sent
        ]
        return {UNDER_WAY: spikes, "synapses": _fingerprint(self.connectivity, self.delays)}

    def set_extra_state(self, state: Any) -> None:
        """Take what :meth:`get_extra_state` gave.

        Raises:
            ArgumentError: If it is of another connectivity.
        """
        if state["synapses"] != _fingerprint(self.connectivity, self.delays):
            raise ArgumentError(
                f"{self.identifier}: the state is of other synapses, or other delays, than those of this "
                "projection; make the network with the rule, the seed and the names that it was saved with"
            )
        self.delivery.restore(
            [
                Sent(label, who, times, torch.Size(batch), factor)
                for label, who, times, batch, factor in state[UNDER_WAY]
            ]
        )

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if self.plasticity is not None:
            destination[prefix + WEIGHT] = self.weight

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *rest: Any) -> None:
        for name in (*self.schema.states, LAST_SPIKE):
            saved = state_dict.get(prefix + name)
            held = self._buffers.get(name)
            if isinstance(saved, Tensor) and held is not None and saved.shape != held.shape:
                # With a batch, which torch would refuse.
                self._buffers[name] = held.new_empty(saved.shape)
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


def _of_each(weight: Tensor, connectivity: Connectivity) -> Tensor:
    """A weight of each synapse, which can be written to."""
    return weight.expand(connectivity.synapses).clone()


def _check_names(identifier: str, synapse: SynapseRecipe | Direct | Held, plasticity: SynapseRecipe) -> None:
    both = {*synapse.schema.settable} & {*plasticity.kind.schema.states}
    if both:
        raise ArgumentError(
            f"{identifier}: {synapse!r} and {plasticity!r} both have {', '.join(sorted(both))}, which could "
            "not be told apart; rename one of them"
        )


def as_weight(given: Any, named: str, connectivity: Connectivity, owner: Any) -> Tensor:
    """The weights of a projection, ``[]`` or ``[synapses]``, in the type of the neuron."""
    count = connectivity.synapses
    if isinstance(given, Distribution):
        raise ParameterError(f"{named}: a distribution stands for weights in connect(...) alone")
    try:
        # Numbers of Python are double: not by way of torch's default type.
        exact = None if isinstance(given, Tensor) else torch.float64
        weight = torch.as_tensor(given, dtype=None if isinstance(given, bool) else exact)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ParameterError(f"{named}: weight={given!r}; give a number or a tensor [synapses]") from error
    if weight.dtype == torch.bool or weight.is_complex():
        raise ParameterError(f"{named}: the weights are of {weight.dtype}; give real numbers")
    if weight.ndim > 1 or (weight.ndim == 1 and len(weight) != count):
        raise ParameterError(
            f"{named}: {weight.numel()} weights in shape {list(weight.shape)} were given for {count} "
            "synapses; give one number, or one for each"
        )
    if weight.requires_grad:
        raise ParameterError(
            f"{named}: the weights are to have a gradient, which nothing gives yet; give weight.detach()"
        )
    weight = weight.to(dtype=owner.dtype, device=owner.device, copy=True)
    wrong = (~weight.isfinite()).nonzero()
    if len(wrong):
        place = int(wrong[0, 0]) if weight.ndim else 0
        raise ParameterError(
            f"{named}: the weight of synapse {place} is {float(weight.reshape(-1)[place])}; give finite "
            "numbers"
        )
    return weight


def _fingerprint(connectivity: Connectivity, delays: Delays) -> str:
    """Of who is connected with whom, and how far away."""
    digest = hashlib.blake2b(digest_size=16)
    delay = torch.empty(0) if delays.ms.ndim == 0 else delays.ms
    for part in (connectivity.indptr, connectivity.target.to(torch.int32), delay):
        digest.update(part.cpu().numpy().tobytes())
    if delays.ms.ndim == 0:
        digest.update(repr(float(delays.ms)).encode())
    return digest.hexdigest()

"""The plasticity of a projection: its parameters, and the states of the synapses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, final

import torch
from torch import Tensor, nn

from ...errors import ArgumentError, ParameterError, nearest
from ..model.schema import Schema
from ..model.values import as_parameter, as_state, initial_value, resolve_defaults
from .belonging import Belonging
from .between import Between, between
from .changing import Changing
from .connectivity import Connectivity
from .happenings import Posts
from .plasticity import LAST_EVENT, WEIGHT, Changes
from .recipe import SynapseRecipe
from .saving import make_room

UNDER_WAY = "under_way"


@final
class Learning(Belonging, nn.Module):
    """The plasticity of a projection, its attribute ``plasticity``.

    The parameters of its rule are tensors ``[]``, and its states, as they are at the present time, tensors
    ``[*batch, synapses]``, under the names that the rule declares.

    Attributes:
        learning: Whether weights change; True. Without it the states go on, and the weights stay.
        changing: Its steps.
    """

    learning: bool

    def __init__(self, projection: Any, recipe: SynapseRecipe) -> None:
        super().__init__()
        # Past torch, to which it would be a part of this one.
        self.__dict__["_projection"] = projection
        self.recipe, self.learning = recipe, True
        self.changing = Changing(self)
        self._between: tuple[Any, Between | None] | None = None
        schema = self.schema
        self.options = {
            name: recipe.parameters.get(name, each.default) for name, each in schema.options.items()
        }
        given = {
            name: self._number(name, recipe.parameters[name])
            for name in schema.parameters
            if name in recipe.parameters
        }
        for name, value in resolve_defaults(self, given).items():
            self._buffers[name] = value
        self.check_weights(projection.weights)
        self.reset_state()

    # --- what its values belong to -------------------------------------------------------------------

    @property
    def _owner(self) -> Any:
        return self.__dict__["_projection"]

    @property
    def identifier(self) -> str:
        """How messages call it."""
        return f"{self._owner.identifier}, plasticity {self.recipe.source.name!r}"

    @property
    def changes(self) -> Changes:
        """The functions of its rule."""
        return self.recipe.kind.changes  # type: ignore[attr-defined, no-any-return]

    @property
    def schema(self) -> Schema:
        """What its rule declares."""
        return self.recipe.kind.schema

    @property
    def connectivity(self) -> Connectivity:
        """Its synapses."""
        connectivity: Connectivity = self._owner.connectivity
        return connectivity

    @property
    def num_units(self) -> int:
        """What its states are of: the synapses."""
        return self.connectivity.synapses

    @property
    def dtype(self) -> torch.dtype:
        """The type of its states: that of the weights."""
        dtype: torch.dtype = self._owner.dtype
        return dtype

    @property
    def device(self) -> torch.device:
        """Where they are."""
        device: torch.device = self._owner.device
        return device

    @property
    def integrator(self) -> None:
        """None: between spikes its states are known exactly."""
        return

    @property
    def batch(self) -> torch.Size:
        """The batch of its states and of the weights: that of the network, from its first step on."""
        return self.held(LAST_EVENT).shape[:-1]

    # --- its values ----------------------------------------------------------------------------------

    def widen(self, batch: torch.Size) -> dict[str, Tensor]:
        """Have weights and states for each network of a batch; what they were."""
        shape = (*batch, self.num_units)
        narrow = {name: self.held(name) for name in (WEIGHT, *self.schema.states, LAST_EVENT)}
        narrow = {name: value for name, value in narrow.items() if value.shape != shape}
        self.put({name: value.expand(shape).clone() for name, value in narrow.items()})
        return narrow

    def put(self, values: Mapping[str, Tensor]) -> None:
        """Have these weights and states."""
        for name, value in values.items():
            (self._owner if name == WEIGHT else self)._buffers[name] = value

    @property
    def params(self) -> Any:
        """Its parameters and options, by name."""
        return self.schema.pack_params(
            *(self._buffers[name] for name in self.schema.parameters), *self.options.values()
        )

    def held(self, name: str) -> Tensor:
        """The tensor under a name; of a state that at its last spike."""
        held = (self._owner if name == WEIGHT else self)._buffers[name]
        if held is None:
            raise ArgumentError(f"{self.identifier}: {name} was removed")
        tensor: Tensor = held
        return tensor

    def writable(self, name: str) -> Tensor:
        """The same, to be written to: one that was made in inference mode can be so there alone."""
        held = self.held(name)
        if held.is_inference() and not torch.is_inference_mode_enabled():
            held = held.clone()
            (self._owner if name == WEIGHT else self)._buffers[name] = held
        return held

    def later(self, rows: Sequence[Tensor], elapsed: Tensor) -> list[Tensor]:
        """The states so long after they were these, ms."""
        params = self.params
        versions = [
            (id(each), -1 if each.is_inference() else each._version)
            for each in params
            if isinstance(each, Tensor)
        ]
        if self._between is None or self._between[0] != versions or torch.is_inference_mode_enabled():
            self._between = versions, between(self.changes, params)
        moving = self._between[1]
        if moving is None:
            return list(rows)
        flat = moving.later([each.reshape(-1) for each in rows], elapsed.reshape(-1).clamp(min=0.0))
        return [each.view(elapsed.shape) for each in flat]

    def _now(self) -> dict[str, Tensor]:
        """The states of all synapses at the present time, and the time."""
        last = self.held(LAST_EVENT)
        now = torch.full_like(last, self.time)
        rows = self.later([self.held(name) for name in self.schema.states], now - last)
        return {**dict(zip(self.schema.states, rows, strict=True)), LAST_EVENT: torch.maximum(last, now)}

    def __getattr__(self, name: str) -> Any:
        if "_buffers" in self.__dict__ and name in self.schema.states:
            return self._now()[name]
        return super().__getattr__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if "options" in self.__dict__ and name in self.schema.parameters:
            before = self._buffers[name]
            self._buffers[name] = self._number(name, value)
            try:
                self.check_weights(self.held(WEIGHT))
            except ParameterError:
                self._buffers[name] = before
                raise
        elif "options" in self.__dict__ and name in self.schema.states:
            given = as_state(self, self.schema.states[name], value, self.batch)
            if given.shape[:-1] != self.batch:
                raise ParameterError(
                    f"{self.identifier}: {name} has shape {list(given.shape)}; give a number, or "
                    f"{list(self.held(LAST_EVENT).shape)}"
                )
            self._buffers.update({**self._now(), name: given})
        elif "options" in self.__dict__ and (name == "learning" or not hasattr(self, name)):
            if name != "learning":
                raise ArgumentError(
                    f"{self.identifier}: {self.recipe!r} has nothing to set that is called {name!r}"
                    f"{nearest(name, (*self.schema.settable, 'learning'))}"
                )
            if not isinstance(value, bool):
                raise ArgumentError(f"{self.identifier}: learning={value!r}; give True or False")
            self.__dict__[name] = value
        else:
            super().__setattr__(name, value)

    def _number(self, name: str, value: Any) -> Tensor:
        tensor = as_parameter(self, self.schema.parameters[name], value)
        if tensor.ndim:
            raise ParameterError(
                f"{self.identifier}: {name}={value!r}; a parameter of a plasticity is one number for all "
                "synapses: make a projection for each value"
            )
        return tensor

    def check_weights(self, weight: Tensor) -> None:
        """Refuse weights that are not between the ``low`` and ``high`` of the rule, where it has these.

        Raises:
            ParameterError: It names the first such synapse.
        """
        given = {name: self.held(name) for name in ("low", "high") if name in self.schema.parameters}
        if len(given) == 2 and bool(given["low"] > given["high"]):
            low, high = (float(bound) for bound in given.values())
            raise ParameterError(
                f"{self.identifier}: low={low:g} is above high={high:g}, and no weight lies between; give a "
                "low of at most high"
            )
        wrong = torch.zeros_like(weight, dtype=torch.bool)
        if "low" in given:
            wrong |= weight < given["low"]
        if "high" in given:
            wrong |= weight > given["high"]
        if bool(wrong.any()):
            found = wrong.nonzero()[0]
            place, value = int(found[-1]), float(weight[tuple(found)])
            told = ", ".join(f"{name}={float(bound):g}" for name, bound in given.items())
            raise ParameterError(
                f"{self.identifier}: the weight of synapse {place} is {value:g}, and {told}; "
                "give weights within these bounds, or other bounds"
            )

    def reset_state(self) -> None:
        """Return to the initial states, with no spike under way; the weights stay."""
        params = self.params
        for name, declared in self.schema.states.items():
            value = initial_value(self, declared, params)
            self._buffers[name] = as_state(self, declared, value, torch.Size())
        self._buffers[LAST_EVENT] = torch.zeros(self.num_units, dtype=torch.float64, device=self.device)
        self.changing.begin(())

    # --- saving --------------------------------------------------------------------------------------

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        # Unlike the states of others these are written to.
        for name in (*self.schema.states, LAST_EVENT):
            destination[prefix + name] = destination[prefix + name].clone()

    def get_extra_state(self) -> dict[str, Any]:
        """What a state_dict has beside tensors: spikes of the target under way."""
        return {UNDER_WAY: [(each.who.clone(), each.times.clone()) for each in self.changing.under_way]}

    def set_extra_state(self, state: Any) -> None:
        """Take what :meth:`get_extra_state` gave."""
        self.changing.begin(tuple(Posts(who, times) for who, times in state[UNDER_WAY]))

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *rest: Any) -> None:
        make_room(self._buffers, (*self.schema.states, LAST_EVENT), state_dict, prefix)
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        # Torch converts all floating-point buffers alike; times stay float64.
        last = self.held(LAST_EVENT)
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self._buffers[LAST_EVENT] = last.to(self.device)
        return self

    def extra_repr(self) -> str:
        return repr(self.recipe)

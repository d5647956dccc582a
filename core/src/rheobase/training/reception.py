"""What events do to the units of a layer: by a synapse that is integrated with them, or at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, final

import torch
from torch import Tensor, nn

from ..engine.model.functions import Model
from ..engine.model.values import as_parameter, initial_value, resolve_defaults
from ..engine.network.compose import Composite
from ..engine.network.inputs import input_of
from ..engine.network.layout import Part
from ..engine.network.recipe import Direct, SynapseRecipe
from ..engine.network.synapse import Kinetics
from ..engine.neuron.base import Neuron
from ..errors import ArgumentError, shown
from .making import model_of

NAME = "synapse"
"""What the synapse is called among the inputs; its states are ``synapse.current``, say."""


@final
class Reception(nn.Module):
    """How a layer hears events: its buffers are the parameters of a synapse.

    Args:
        neuron: The neuron of the layer.
        recipe: What :func:`rheobase.synapse` gives; None: a weight is added at once to the state that
            the model has an input for that arrives as a jump, or else to the first.
        main: The input that the synapse adds to; empty: the only one.

    Attributes:
        recipe: As given.
    """

    _neuron: Neuron

    def __init__(self, neuron: Neuron, recipe: SynapseRecipe | None, main: str) -> None:
        super().__init__()
        # Past torch, to which it would be a part of this one.
        self.__dict__["_neuron"] = neuron
        self.recipe, self._composite = recipe, None
        self._options: list[Any] = []
        if recipe is None:
            self._input = ""
            return
        if not isinstance(recipe, SynapseRecipe):
            raise ArgumentError(f"layer: synapse={shown(recipe)}; give rheobase.synapse(name, ...)")
        signals = [name for name in neuron.schema.inputs if name not in neuron.schema.jumps]
        given = main if main in signals else next(iter(signals), None)
        self._input = input_of("layer", neuron, recipe, None if recipe.kinetics.into else given)
        if recipe.kind.kinetics.transmit is not None:
            raise ArgumentError(
                f"layer: {recipe!r} keeps states of each source, and the sources of a layer are only known "
                "in a call; give a synapse without them"
            )
        schema, values = recipe.schema, recipe.parameters
        options = {name: values.get(name, each.default) for name, each in schema.options.items()}
        self._options = list(options.values())
        owner: Any = SimpleNamespace(
            identifier=f"{neuron.identifier}'s synapse",
            seed=neuron.seed,
            schema=schema,
            num_units=neuron.num_units,
            dtype=neuron.dtype,
            device=neuron.device,
            **options,
        )
        own = {
            name: as_parameter(owner, declared, values[name])
            for name, declared in schema.parameters.items()
            if name in values
        }
        for name, value in resolve_defaults(owner, own).items():
            if isinstance(value, nn.Parameter):
                self.register_parameter(name, value)
            else:
                self.register_buffer(name, value)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_composite": None}

    @property
    def kinetics(self) -> Kinetics:
        """The functions of the synapse."""
        if self.recipe is not None:
            return self.recipe.kinetics
        schema = self._neuron.schema
        for declared in schema.jumps.values():
            return Direct(declared.into, declared.unit).kinetics
        (first, state), *_ = schema.states.items()
        return Direct(first, state.unit).kinetics

    @property
    def composite(self) -> Composite:
        """The model of the units, with the synapse."""
        if self._composite is None:
            part = Part(NAME, self.kinetics, self._input)
            self.__dict__["_composite"] = Composite(model_of(self._neuron), [part], self._neuron._rule_of)
        made: Composite = self.__dict__["_composite"]
        return made

    @property
    def model(self) -> Model:
        """What is integrated: where a synapse has no states, the model alone."""
        return model_of(self._neuron) if self.recipe is None else self.composite.model

    @property
    def names(self) -> tuple[str, ...]:
        """The states of the synapse, as a layer names them."""
        return tuple(f"{NAME}.{name}" for name in self.kinetics.schema.states)

    def params(self, own: Any) -> Any:
        """The parameters of the whole, from those of the model."""
        if self.recipe is None:
            return own
        values = [getattr(self, name) for name in self.kinetics.schema.parameters]
        return self.composite.params(own, [(values, self._options)])

    def begun(self, shape: torch.Size, like: Tensor) -> list[Tensor]:
        """The initial states of the synapse, each ``[*batch, N]``."""
        schema, owner = self.kinetics.schema, self._neuron
        params = schema.pack_params(*(getattr(self, name) for name in schema.parameters), *self._options)
        values = (initial_value(owner, declared, params) for declared in schema.states.values())
        return [
            torch.as_tensor(value, dtype=like.dtype, device=like.device).expand(shape) for value in values
        ]

    def size(self, distance: Tensor, rheobase: Tensor, native: bool) -> Tensor:
        """What a weight of 1 stands for, ``[N]``, in the unit of the synapse.

        Args:
            distance: That of the initial state from threshold.
            rheobase: What an input of 1 stands for.
            native: Whether numbers are in the model's units as they are.
        """
        kinetics = self.kinetics
        if native:
            return torch.ones_like(distance)
        if kinetics.into:
            # How far a state that is not the first is from threshold is not known.
            first = next(iter(self._neuron.schema.states))
            return distance if kinetics.into == first else torch.ones_like(distance)
        return rheobase if kinetics.weight_unit == kinetics.unit else torch.ones_like(distance)

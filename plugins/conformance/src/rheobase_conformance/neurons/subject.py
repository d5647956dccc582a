"""Neuron models under judgement: what they declare, and the sizes of current that move them."""

from __future__ import annotations

from functools import cached_property

import torch
from rheobase import Neuron, SpikingNeuron, create
from rheobase.spi import Schema, of_framework

from ..subject import Subject
from ..vacuous import vacuous
from .rheobase import Sizes, sizes


class NeuronSubject(Subject):
    """A neuron model under judgement."""

    kind = "neuron"

    @property
    def model(self) -> type[Neuron]:
        """Its class."""
        cls: type[Neuron] = self.obj
        return cls

    @property
    def schema(self) -> Schema:
        """What the class declares."""
        return self.model.schema

    # --- what it declares ------------------------------------------------------------------------

    @property
    def spikes(self) -> bool:
        """Whether it is a spiking neuron."""
        return issubclass(self.model, SpikingNeuron)

    @property
    def has_threshold(self) -> bool:
        """Whether it defines a threshold."""
        return self.spikes and callable(getattr(self.model, "threshold", None))

    @property
    def has_reset(self) -> bool:
        """Whether it defines a reset."""
        return callable(getattr(self.model, "reset", None))

    @property
    def has_derivatives(self) -> bool:
        """Whether it defines derivatives."""
        return callable(getattr(self.model, "derivatives", None))

    @property
    def has_update(self) -> bool:
        """Whether it defines a step of its own in place of the integrator's."""
        return callable(getattr(self.model, "update", None))

    @property
    def own_forward(self) -> bool:
        """Whether it overrides ``forward``, so that its steps are not what its declarations say."""
        return self.overrides("forward")

    @property
    def stochastic(self) -> bool:
        """Whether it draws random numbers: declared ones, or from ``neuron.generator``."""
        return bool(self.schema.draws) or self.has_generator

    @property
    def has_generator(self) -> bool:
        """Whether it draws from ``neuron.generator``."""
        return bool(getattr(self.model, "stochastic", False))

    @property
    def differentiable(self) -> bool:
        """Whether gradients flow through its steps: it has derivatives, and does not say otherwise."""
        says = bool(getattr(self.model, "differentiable", True))
        return says and self.has_derivatives and not self.own_forward and not self.stochastic

    @property
    def discrete(self) -> bool:
        """Whether it says that it is a map: one iteration a step, whatever dt."""
        return bool(getattr(self.model, "discrete", False))

    @property
    def at_rest(self) -> bool:
        """Whether all its states say that the initial state is a fixed point."""
        states = self.schema.states.values()
        return self.schema.declared and bool(states) and all(state.at_rest for state in states)

    @property
    def refractory(self) -> bool:
        """Whether it declares a refractory period."""
        return self.schema.refractory

    def overrides(self, method: str) -> bool:
        """Whether the author's classes have a method of their own in place of the engine's."""
        # torch.nn.Module has a forward too.
        own = (base for base in self.model.__mro__ if issubclass(base, Neuron) and not of_framework(base))
        return any(method in vars(base) for base in own)

    # --- what is measured of it ------------------------------------------------------------------

    @cached_property
    def defaults(self) -> dict[str, float]:
        """The default of each parameter."""
        neuron = create(self.model, dtype=torch.float64)
        return {name: float(getattr(neuron, name).detach()) for name in self.schema.parameters}

    @cached_property
    def dt(self) -> float:
        """The step that it has when none is given, ms."""
        return float(create(self.model).dt)

    @cached_property
    def sizes(self) -> Sizes:
        """The currents that move it; see there."""
        return sizes(self.model, self.strongest)

    def rheobase(self) -> float:
        """Its rheobase by the main input, negative where only such inputs make it spike.

        Raises:
            Vacuous: If there is none, so that a property which drives it by multiples decides nothing.
        """
        found = self.sizes.rheobase[self.sizes.main]
        if found is None:
            vacuous(
                "it spikes without input, and has no rheobase"
                if self.sizes.alone
                else "no constant input was found that makes it spike"
            )
        return found

    @property
    def latency(self) -> float | None:
        """How long it takes to its first spike at twice its rheobase, ms; None where none came."""
        return self.sizes.latency.get(self.sizes.main)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of its inputs; a single current is called ``input``."""
        return tuple(self.schema.inputs) if self.schema.declared and self.schema.inputs else ("input",)

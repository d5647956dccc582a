"""Populations and the projections between them, stepped together."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from torch import Tensor

from ...errors import ArgumentError, InputError, RheobaseError, nearest
from ...specs import Provenance
from ..neuron.base import Neuron
from .building import Building
from .membership import enter
from .outside import as_given, prepared
from .stepping import Stepper, apart_in, take_step


class Network(Building):
    """Populations, and what they send to each other.

    A step takes every population from t to t + dt. A spike of the step that ends at s arrives at s + delay:
    at the end of the step that ends there, after the receiver was integrated and before its threshold is
    looked at. What a synapse keeps is integrated together with its receiver, by the receiver's integrator.

    Args:
        seed: What all that is drawn in it follows from, with the names of its parts.
        identifier: A name for it.

    Raises:
        ArgumentError: If the seed is no integer from 0 up.

    Example:
        >>> import rheobase as rb
        >>> class Leaky(rb.SpikingNeuron):
        ...     '''tau dV/dt = I - V;  a spike at V = 1 and back to 0.'''
        ...     voltage = rb.State(0.0, unit="mV")
        ...     @staticmethod
        ...     def derivatives(state, params, data):
        ...         return {"voltage": (data - state.voltage) / 10.0}
        ...     @staticmethod
        ...     def threshold(state, params):
        ...         return state.voltage - 1.0
        ...     @staticmethod
        ...     def reset(state, params):
        ...         return {"voltage": 0.0 * state.voltage}
        >>> class Pulse(rb.Synapse):
        ...     weight_unit, into = "mV", "voltage"
        >>> net = rb.Network(seed=1)
        >>> first = net.add("first", rb.create(Leaky, 2, dt=1.0))
        >>> second = net.add("second", rb.create(Leaky, 1, dt=1.0))
        >>> net.connect("first", "second", ([0, 1], [0, 0]), rb.synapse(Pulse), weight=0.4, delay=2.0)
        Projection(first->second: 2 synapses, rb.synapse('Pulse'))
        >>> for step in range(9):
        ...     out = net({"first": 2.0})
        >>> int(net["first"].simulation_step), bool(net["second"].voltage > 0)
        (9, True)
    """

    # --- running -------------------------------------------------------------------------------------

    def forward(
        self, stimulus: Mapping[str, Any] | Sequence[Any] | None = None
    ) -> dict[str, dict[str, Tensor]]:
        """One step of dt.

        Args:
            stimulus: Population -> its input, as a neuron of its own takes it; several sources in a list, or
                by identifier in a mapping. Who is not named receives 0. A list has the inputs of the
                :attr:`roots`.

        Returns:
            Population or projection -> what it reports, as tensors of their own.

        Raises:
            InputError: If a population is not there, or an input cannot be used.
            IntegrationError: If a population cannot be integrated. The network stays as it was.
        """
        found = self.advance({} if stimulus is None else stimulus)
        given: dict[str, dict[str, Tensor]] = {}
        for name, population in self.populations.items():
            reported = ((each, found[name].get(each)) for each in population.reported)
            given[name] = {each: value.clone() for each, value in reported if value is not None}
        for name in self.projections:
            given[name] = {each: value.clone() for each, value in found[name].items()}
        return given

    def advance(self, stimulus: Mapping[str, Any] | Sequence[Any]) -> dict[str, dict[str, Tensor]]:
        """As :meth:`forward`; what it gives shares memory with the populations until their next step."""
        if isinstance(stimulus, (list, tuple)):
            stimulus = self._to_roots(stimulus)
        if not isinstance(stimulus, Mapping):
            raise InputError(f"{self.identifier}: the stimulus is {stimulus!r}; give a mapping by population")
        for name in stimulus:
            if name not in self.populations and name not in self.views:
                known = (*self.populations, *self.views)
                raise InputError(
                    f"{self.identifier}: there is no population {name!r} to receive an input"
                    f"{nearest(str(name), known)}; there are {', '.join(known)}"
                )
        return self.advance_prepared(
            {
                name: prepared(each, as_given(each, stimulus[name]), apart_in(self, name))
                if name in stimulus
                else each.prepare(_nothing(each))
                for name, each in self.populations.items()
            },
            {
                name: as_given(self.populations[view.population], stimulus[name])
                for name, view in self.views.items()
                if name in stimulus
            },
        )

    def advance_prepared(
        self,
        data: Mapping[str, Any],
        of_views: Mapping[str, Any] = MappingProxyType({}),
        steppers: Mapping[str, Stepper] = MappingProxyType({}),
    ) -> dict[str, dict[str, Tensor]]:
        """As :meth:`advance`, of what each population's ``prepare`` gives.

        Args:
            data: Population -> that.
            of_views: View -> what it is given.
            steppers: Population -> what takes its step in place of its own.
        """
        return take_step(self, data, of_views, steppers)

    def _to_roots(self, given: Sequence[Any]) -> dict[str, Any]:
        if len(given) not in (1, len(self.roots)):
            raise InputError(
                f"{self.identifier}: {len(given)} inputs for the roots {', '.join(self.roots) or '(none)'}; "
                "give one for each, one for all, or a mapping by population"
            )
        each = given if len(given) > 1 else [given[0]] * len(self.roots)
        return dict(zip(self.roots, each, strict=True))

    def reset_state(self) -> None:
        """Return to the initial states of all parts, with no spike under way."""
        for population in self.populations.values():
            population.reset_state()
        for projection in self.projections.values():
            projection.reset_state()

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Any:
        """As of every module; where the state is of another network, nothing is changed.

        Raises:
            ArgumentError: If it is.
        """
        before = copy.deepcopy(self.state_dict())
        try:
            return super().load_state_dict(state_dict, strict, assign)
        except Exception as error:
            super().load_state_dict(before)
            if isinstance(error, RheobaseError):
                raise
            raise ArgumentError(f"{self.identifier}: the state is of another network: {error}") from error

    def detach_synapses(self) -> None:
        """Cut the states of synapses from the graph that they stem from, where the receiver keeps none."""
        for projection in self.projections.values():
            if not self.populations[projection.receiver].keeps_graph:
                for name in projection.kinetics.schema.states:
                    projection._buffers[name] = getattr(projection, name).detach()

    # --- looking at ----------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> Any:
        """A population, a view or a projection, by its name."""
        for parts in (self.populations, self.views, self.projections):
            if name in parts:
                return parts[name]
        known = [*self.populations, *self.views, *self.projections]
        raise ArgumentError(f"{self.identifier} has no part {name!r}{nearest(str(name), known)}")

    def __iter__(self) -> Iterator[str]:
        return iter((*self.populations, *self.projections))

    @property
    def provenance(self) -> dict[str, dict[str, Provenance]]:
        """Part -> where what it is made of comes from, by kind."""
        return {name: self[name].provenance for name in self}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for name, population in self.populations.items():
            enter(population, self, name)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_incoming": None, "_wires": None}


def _nothing(neuron: Neuron) -> Any:
    return {} if neuron.schema.inputs else 0.0

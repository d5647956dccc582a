"""Building a network: its populations, its views, and the projections between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from torch import Tensor, nn

from ...errors import ArgumentError, nearest, shown
from ..neuron.base import Neuron
from .admission import check_name, check_population, check_receptor_name, named_ensemble, one_by_one
from .checks import checked_positions, in_order
from .connecting import Wanted, made, share_receptor
from .incoming import Incoming
from .membership import enter
from .projection import Projection
from .recipe import SynapseRecipe
from .reference import join
from .stepping import Wires, wires_of
from .view import End, View, end_of


class Building(nn.Module):
    """The parts of a network, and what adds to them. See :class:`~.network.Network`."""

    def __init__(self, *, seed: int = 0, identifier: str | None = None) -> None:
        super().__init__()
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
            raise ArgumentError(
                f"Network: seed={seed!r} cannot be used; give an integer from 0 up to 2^63 - 1"
            )
        self.seed = seed
        self.identifier = "network" if identifier is None else str(identifier)
        self._populations: dict[str, Neuron] = {}
        self._projections: dict[str, Projection] = {}
        self._views: dict[str, View] = {}
        self._positions: dict[str, Tensor] = {}
        self._roots: tuple[str, ...] | None = None
        # What follows from the parts, made when it is asked for.
        self._incoming: dict[str, Incoming] | None = None
        self._wires: Wires | None = None
        self._order: tuple[str, ...] = ()

    @property
    def populations(self) -> Mapping[str, Neuron]:
        """Name -> population, in the order in which they were added."""
        return MappingProxyType(self._populations)

    @property
    def projections(self) -> Mapping[str, Projection]:
        """Identifier -> projection, likewise."""
        return MappingProxyType(self._projections)

    @property
    def roots(self) -> tuple[str, ...]:
        """The populations that a list of inputs goes to: those that no projection reaches, unless set."""
        if self._roots is not None:
            return self._roots
        reached = {each.receiver for each in self.projections.values()}
        return tuple(name for name in self.populations if name not in reached)

    @roots.setter
    def roots(self, names: Sequence[str]) -> None:
        for name in names:
            self._end(name)
        self._roots = tuple(names)

    @property
    def views(self) -> Mapping[str, View]:
        """Name -> view, likewise."""
        return MappingProxyType(self._views)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.__dict__.get("_modules", ()):
            raise self._fixed(name, "replaced")
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        if name in self._modules:
            raise self._fixed(name, "removed")
        super().__delattr__(name)

    def _fixed(self, name: str, what: str) -> ArgumentError:
        return ArgumentError(
            f"{self.identifier}: {name!r} cannot be {what}; make the network anew without it"
        )

    # --- building ------------------------------------------------------------------------------------

    def add(self, name: str, ensemble: Neuron, *, positions: Tensor | None = None) -> Any:
        """Add a population.

        Args:
            name: Its name, which becomes its identifier.
            ensemble: The population, from :func:`rheobase.create`; it stays this object.
            positions: Where its units are, ``[units, dimensions]``, for rules that ask for distances.

        Returns:
            The population.

        Raises:
            ArgumentError: If the name is taken or cannot be used, or the population cannot stand in this
                network.
        """
        check_name(self, name)
        check_population(self, name, ensemble)
        enter(ensemble, self, name)
        if positions is not None:
            self._positions[name] = checked_positions(name, positions, ensemble.num_units)
        ensemble.identifier = name
        if ensemble._seed is None:
            ensemble.seed = self.seed
        self._populations[name] = ensemble
        self._order = in_order(self.populations, self.projections)
        self.add_module(name, ensemble)
        self._incoming = self._wires = None
        return ensemble

    def view(self, name: str, population: str, first: int, last: int) -> View:
        """Give a range of a population's units a name, by which they connect, are recorded and take stimuli.

        Args:
            name: The name.
            population: The name of the population.
            first: The first unit, from 0 on.
            last: The unit after the last.

        Raises:
            ArgumentError: If the name is taken or cannot be used, or there are no such units.

        Example:
            >>> import rheobase as rb
            >>> net = rb.Network()
            >>> cells = net.add("cells", rb.create("analog", 5, dt=1.0))
            >>> net.view("some", "cells", 1, 3)
            View(some: cells[1:3])
            >>> net({"some": 2.0})["cells"]["voltage"]
            tensor([0., 2., 2., 0., 0.])
        """
        check_name(self, name)
        if population not in self.populations:
            raise ArgumentError(
                f"{self.identifier}: there is no population {population!r}"
                f"{nearest(str(population), self.populations)}; there are "
                f"{', '.join(self.populations) or 'none'}"
            )
        self._views[name] = View(name, self.populations[population], first, last)
        return self._views[name]

    def connect(
        self,
        source: str,
        target: str,
        rule: Any,
        synapse: SynapseRecipe | None = None,
        *,
        weight: Any = 1.0,
        delay: Any = None,
        input: str | None = None,  # noqa: A002 - the word for it everywhere
        receptor: str | None = None,
        plasticity: SynapseRecipe | None = None,
        identifier: str | None = None,
    ) -> Projection:
        """Connect two populations.

        Args:
            source: The name of the population that sends, or of a view of one.
            target: The name of the one that receives, likewise. Parameters of the synapse that differ by
                target have a value for each unit of the population.
            rule: A recipe from :func:`rheobase.rule`; or two index tensors ``(source, target)``, in whose
                order weights and delays are given; or a matrix ``[source, target]`` in compressed rows, of
                torch or scipy, whose stored places are the synapses; its values are not looked at: give them
                as ``weight``.
            synapse: A recipe from :func:`rheobase.synapse`. None, the default: spikes are added to a state of
                the target, as its ``Input(arrives="jump", into=...)`` says, weights being in its unit.
            weight: In the synapse's ``weight_unit``: a number, a tensor ``[synapses]``, a distribution, or a
                function of (source, target, distance, generator) to one, ``[synapses]`` each; ``delay`` too.
            delay: In ms: a number, a tensor or a distribution; None, the default: one step. 0.0: a spike
                arrives in the step in which it is sent, where such projections form no cycle.
            input: The input of the target that it adds to; needed where it has several.
            receptor: A name, under which projections into one population share the states of one synapse,
                with the same values; its aggregator knows them by it. Default: states of its own.
            plasticity: A recipe of what changes the weights, such as ``rheobase.synapse("stdp-pair")``.
            identifier: ``"SOURCE->TARGET"`` by default.

        Returns:
            The projection.

        Raises:
            ArgumentError: If a name is unknown or taken, the clock has run, or the parts do not fit.
            ParameterError: If a weight, or a parameter of the synapse, cannot be used.
        """
        ends = self._end(source), self._end(target)
        name = f"{source}->{target}" if identifier is None else identifier
        check_name(self, name)
        if any(each.simulation_step for each in self.populations.values()):
            raise ArgumentError(f"{name}: the clock has run; connect before the first step, or reset_state()")
        wanted = Wanted(name, rule, synapse, weight, delay, input, receptor, plasticity)
        projection = made(wanted, *ends, self.seed, positions=self._at(*ends))
        order = in_order(self.populations, {**self.projections, name: projection})
        if receptor is not None:
            check_receptor_name(self, name, receptor, projection.receiver)
            share_receptor(projection, self.projections.values())
        self._projections[name], self._order = projection, order
        self.add_module(name, projection)
        self._incoming = self._wires = None
        return projection

    def add_ensembles(self, *ensembles: Neuron | Sequence[Neuron]) -> None:
        """Add populations, each under its own identifier; see :meth:`add`. Lists of them may be given too."""
        for each in one_by_one(ensembles):
            self.add(named_ensemble(self.identifier, each), each)

    def add_synapses(self, *synapses: Any) -> None:
        """Add projections that were made of populations of this network: :class:`rheobase.Projection`.

        Lists of them may be given too.

        Raises:
            ArgumentError: If one is none, or its populations are not here, or its identifier is taken.
        """
        for each in one_by_one(synapses):
            join(each, self.identifier, self.populations)
            name = each.identifier
            check_name(self, name)
            if any(one.simulation_step for one in self.populations.values()):
                raise ArgumentError(f"{name}: the clock has run; add it before the first step")
            self._projections[name] = each
            self.add_module(name, each)
            self._incoming = self._wires = None

    def _end(self, name: str) -> End:
        known = (*self.populations, *self.views)
        if not isinstance(name, str):
            mine = next((each for each in known if self[each] is name), "")
            told = (
                f"its name, {mine!r}" if mine else f"the name of one: {', '.join(known) or 'there is none'}"
            )
            raise ArgumentError(f"{self.identifier}: {shown(name)} is no name of a population; give {told}")
        part: Neuron | View | None = self.views.get(name) or self.populations.get(name)
        if part is None:
            raise ArgumentError(
                f"{self.identifier}: there is no population {name!r}{nearest(str(name), known)}; there are "
                f"{', '.join(known) or 'none'}"
            )
        return end_of(part)

    def _at(self, *ends: End) -> tuple[Tensor, Tensor] | None:
        found = [self._positions.get(end.neuron.identifier) for end in ends]
        parts = [at[end.first : end.last] for at, end in zip(found, ends, strict=True) if at is not None]
        return (parts[0], parts[1]) if len(parts) == 2 else None

    # --- what follows from them ----------------------------------------------------------------------

    def incoming_of(self, name: str) -> Incoming:
        """What reaches a population, as the steps of the network have it."""
        found = self._reached().get(name)
        return Incoming(self.populations[name], ()) if found is None else found

    def _reached(self) -> Mapping[str, Incoming]:
        """Population -> what reaches it, for those that a projection goes to."""
        if self._incoming is None:
            self._incoming = {}
            for name, population in self.populations.items():
                into = [each for each in self.projections.values() if each.receiver == name]
                if into:
                    self._incoming[name] = Incoming(population, into)
        return self._incoming

    def _wired(self) -> Wires:
        if self._wires is None:
            self._wires = wires_of(self)
        return self._wires

    @property
    def simulation_step(self) -> int:
        """The number of steps since the start or the last reset."""
        return next((each.simulation_step for each in self.populations.values()), 0)

    @property
    def dt(self) -> float:
        """The time step of all populations, ms."""
        for population in self.populations.values():
            return population.dt
        raise ArgumentError(f"{self.identifier} has no population yet, so it has no dt; add one")

    @property
    def time(self) -> float:
        """The time of the present state, ms."""
        return self.simulation_step * self.dt if self.populations else 0.0

    def __contains__(self, name: object) -> bool:
        return name in self.populations or name in self.projections or name in self.views

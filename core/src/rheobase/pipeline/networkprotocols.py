"""What a backend is that steps networks: the populations one by one, or many steps of all at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from torch import Tensor

from ..engine.network.lines import Line

if TYPE_CHECKING:
    from ..engine.neuron.base import Neuron


class Populations(Protocol):
    """A backend that takes the steps of populations of a network; spikes go their way between them."""

    def population(
        self, neuron: Neuron, incoming: Any, *, grad: bool
    ) -> Callable[[Any], dict[str, Tensor] | None]:
        """What takes the steps of one of them.

        Args:
            neuron: The population.
            incoming: What reaches it: ``states``, ``params(own)`` and ``groups`` of its synapses, ``weights``
                with what arrives at the end of the step, the pure ``step`` of both, and ``leave``, which
                keeps the states of the synapses.
            grad: Whether states keep their autograd graph.

        Returns:
            A function of the prepared input, which takes a step, leaves the population and its synapses
            there, and gives what it reports; None, with nothing changed, where ``eager`` is to take it.

        Raises:
            NotImplementedError: If it does not take this population, with the reason.
        """


class PaysForNetworks(Populations, Protocol):
    """A backend that says for which networks ``backend="auto"`` should choose it; one that does not say so is
    chosen for all that it takes."""

    def pays_for_network(self, populations: Mapping[str, Neuron], projections: int, steps: int) -> bool:
        """Whether it gains by so many steps of a network, with all that it takes to begin.

        Args:
            populations: Those of the network, by name.
            projections: How many there are.
            steps: How many steps the run has.
        """


class Networks(Populations, Protocol):
    """A backend that also takes many steps of a whole network at once, with the same bits as step by step."""

    def network(self, steppers: Mapping[str, Any]) -> Whole:
        """What takes them.

        Args:
            steppers: Population -> what :meth:`population` gave for it, in the order of a step.

        Raises:
            NotImplementedError: If nothing does.
        """


class Block(NamedTuple):
    """Many steps of a network, in all of which its inputs stay.

    Attributes:
        steps: How many.
        label: The number of the end of the first.
        data: Population -> its input, prepared.
        lines: The projections, by receiver and place; their rings are to be left as they are after the steps
            that were taken.
        every: The stride of the traces, in steps.
        since: How many steps of a stride are taken.
        traced: Population -> the states, its own and those of its synapses, whose traces are wanted, by the
            names that they have in what reaches it.
    """

    steps: int
    label: int
    data: Mapping[str, Any]
    lines: Sequence[Line]
    every: int
    since: int
    traced: Mapping[str, Sequence[str]]


class Steps(Protocol):
    """What happened in many steps of a network."""

    @property
    def steps(self) -> int:
        """How many they were."""

    @property
    def spikes(self) -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
        """Population -> the step of each spike, from 0, ascending, and its unit, ascending within a step."""

    @property
    def traces(self) -> Mapping[str, Mapping[str, Tensor]]:
        """Population -> state -> a row at the end of each stride, ``[rows, units]``."""


class Whole(Protocol):
    """Takes many steps of a network, and leaves its populations there."""

    def __call__(self, block: Block) -> Steps | None:
        """Take these steps, or fewer of them.

        Returns:
            What happened; None, with nothing changed, where the next step is to be taken by itself.
        """

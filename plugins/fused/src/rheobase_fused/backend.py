"""The backend ``fused``: a model's step, followed, compiled, and run for many steps at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, final

import rheobase as rb
import torch
from torch import Tensor

from .contract import Kernel
from .kernels import kernel_of
from .located_run import check_located
from .network import NetworkSteps
from .population import population
from .population_step import PopulationStep
from .runs import Run
from .short import ShortCall
from .suitable import check_drive, check_suitable, worthwhile, worthwhile_network
from .training.trainer import LayerTrainer, before_of

if TYPE_CHECKING:
    from rheobase import Neuron, Recording
    from rheobase.spi import Drive, StepState, Unrolling


@final
class Fused:
    """Runs a neuron in a compiled kernel.

    The neuron, the arguments and what is left behind are those of ``eager``.
    """

    def pays(self, neuron: Neuron, drive: Drive, steps: int, *, record: Sequence[str], grad: bool) -> bool:
        """Whether ``backend="auto"`` should choose it: for runs of over half a second in ``eager``."""
        return not grad and not neuron.keeps_graph and worthwhile(neuron, steps)

    def __call__(
        self,
        neuron: Neuron,
        drive: Drive,
        steps: int,
        *,
        record: Sequence[str],
        every: int = 1,
        grad: bool = False,
        progress: bool | None = None,
    ) -> Recording:
        """Step a neuron so many times, from its present state and clock.

        Args:
            neuron: The neuron; afterwards it stands where the run ended.
            drive: The stimulus, in rows for this neuron.
            steps: The number of steps, at least 1.
            record: ``"spikes"`` and names that the neuron can log.
            every: The stride of the traces, in steps.
            grad: Whether states and traces keep their autograd graph: then it refuses.
            progress: Whether to show a progress bar; None: on a terminal, for runs of more than a second.

        Returns:
            The recording.

        Raises:
            Refusal: If this run cannot be fused; a ``NotImplementedError`` with the reason.
            SimulationInterrupted: On Ctrl-C; it carries the recording so far, where the neuron stands.
        """
        check_suitable(neuron, grad)
        check_drive(drive)
        with torch.no_grad():
            return Run(neuron, drive, steps, record, every, partial(kernel_of, neuron)).all(progress)

    def prepare(self, neuron: Neuron, *, record: Sequence[str], grad: bool, every: int) -> Prepared:
        """Make ready for many short runs: listen to the step, and load or compile the kernel.

        Args:
            neuron: The neuron.
            record: ``"spikes"`` and names that the neuron can log.
            grad: Whether states and traces keep their autograd graph: then it refuses.
            every: The stride of the traces, in steps.

        Raises:
            Refusal: If this neuron cannot be fused.
        """
        check_suitable(neuron, grad)
        return Prepared(neuron, record, every)

    def train(
        self,
        unrolling: Unrolling,
        sizes: Tensor,
        values: Mapping[str, Tensor],
        scale: Tensor,
        begin: Tensor | None,
        now: StepState,
    ) -> LayerTrainer:
        """Make ready for the steps of a layer, and their derivative: see ``rheobase.spi.Trains``.

        Raises:
            Refusal: If this layer cannot be fused.
        """
        trainer = LayerTrainer(unrolling)
        trainer.ready(sizes, values, scale, begin, before_of(now))
        return trainer

    def population(self, neuron: Neuron, incoming: Any, *, grad: bool) -> PopulationStep:
        """What takes the steps of a population of a network; see :func:`.population.population`."""
        return population(neuron, incoming, grad=grad)

    def pays_for_network(self, populations: Mapping[str, Neuron], projections: int, steps: int) -> bool:
        """Whether ``backend="auto"`` should choose it: for runs of over half a second for each population."""
        return worthwhile_network(populations.values(), projections, steps)

    def network(self, steppers: Mapping[str, PopulationStep]) -> NetworkSteps:
        """What takes many steps of a network, of what takes those of its populations, in the order of a step.

        Raises:
            Refusal: If it cannot be compiled.
        """
        return NetworkSteps(steppers)


run = Fused()


class Prepared:
    """Takes steps of a neuron by kernels that are ready, as :class:`Fused` does.

    Args:
        neuron: The neuron.
        record: ``"spikes"`` and names that the neuron can log.
        every: The stride of the traces, in steps.
    """

    def __init__(self, neuron: Neuron, record: Sequence[str], every: int) -> None:
        self._neuron, self._record, self._every = neuron, record, every
        self._kernels: dict[frozenset[str], Kernel] = {}
        self._short = ShortCall.of(neuron, self._kernel(frozenset()), record, every)

    def __call__(self, drive: Drive, steps: int) -> rb.Taken:
        """Take so many steps, of a drive with a row for each of them."""
        taken = None if self._short is None else self._short(drive, steps)
        if taken is not None:
            return taken
        check_located(self._neuron)
        with torch.no_grad():
            return Run(self._neuron, drive, steps, self._record, self._every, self._kernel).taken()

    def _kernel(self, constant: frozenset[str]) -> Kernel:
        if constant not in self._kernels:
            self._kernels[constant] = kernel_of(self._neuron, constant)
        return self._kernels[constant]

"""Weights that change within a step, by a spike in it, before the spikes that meet them arrive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, final

from torch import Tensor

from .incoming import Incoming
from .projection import Projection

if TYPE_CHECKING:
    from ..neuron.base import Neuron


def settled(
    population: Neuron, reaching: Incoming, data: Any, before: Mapping[Any, Mapping[str, Any]], label: int
) -> dict[str, Tensor]:
    """One step of a population, with arrivals of the weights that they meet.

    A spike of the population at its own time may change the weight by which another arrives later in the same
    step. The step is then taken again, with that weight. What was before the first such arrival stays as it
    was, so the step is taken once more than there are arrivals, at most.

    Args:
        population: Who is stepped.
        reaching: What reaches it.
        data: What it receives from outside.
        before: Part -> its buffers before the step.
        label: The number of the step's end.
    """
    while True:
        outputs = population.advance(data, reaching)
        spiked = outputs.get("spiked")
        for _, delivery in reaching.plastic:
            delivery.in_batch(population.batch)
        if not reaching.plastic or spiked is None:
            return outputs
        if not reaching.settle(label, spiked, outputs.get("spike_times")):
            return outputs
        put_back(population, before[population])
        for projection in reaching.projections:
            for name in projection.kinetics.schema.states:
                projection._buffers[name] = before[projection][name]


def put_back(part: Any, buffers: Mapping[str, Any]) -> None:
    """A population or projection as it was before a step, which replaces buffers and writes to none."""
    part._buffers.clear()
    part._buffers.update(buffers)
    if not isinstance(part, Projection):
        part.__dict__["_kept"] = None


@final
class Reports(Mapping[str, Any]):
    """What a step has of a projection, by name, each worked out where it is asked for.

    Those that are told with every step are its states and, where they change, its weights; weights that stay
    are there for who asks for them.
    """

    def __init__(self, projection: Projection) -> None:
        self._projection = projection

    def __getitem__(self, name: str) -> Any:
        projection = self._projection
        if name not in projection.loggable_props:
            raise KeyError(name)
        return projection.recorded(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._projection.reported)

    def __len__(self) -> int:
        return len(self._projection.reported)


def reports(projection: Projection) -> Mapping[str, Any]:
    """What a step has of a projection, by name; it shares memory with the projection until the next step."""
    return Reports(projection)

"""One step of all populations of a network, and of what they send to each other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple, TypeAlias

from torch import Tensor

from ...errors import IntegrationError
from ..neuron.base import Neuron
from .batch import of_one_batch
from .blame import source_of_nan
from .checks import check_alike, warn_of_hooks, warn_of_start
from .outside import parted
from .parts import Parts
from .projection import Projection
from .settling import put_back, reports, settled
from .underway import Sent, spikes_of
from .view import View, combined

Stepper: TypeAlias = "Callable[[Any], dict[str, Tensor] | None]"
"""Takes a step of a population, given its prepared input: what it reports; None: nothing was done."""


class Wires(NamedTuple):
    """The parts of a network as a step goes through them.

    Attributes:
        modules: All populations and projections.
        at_once: Population -> the projections by which its spikes arrive in the step in which they are sent.
        others: The other projections, by identifier.
        identifiers: All projections, in code-point order.
    """

    modules: tuple[Neuron | Projection, ...]
    at_once: Mapping[str, tuple[Projection, ...]]
    others: tuple[Projection, ...]
    identifiers: tuple[str, ...]


def wires_of(net: Parts) -> Wires:
    """The parts of a network."""
    projections = net.projections
    at_once: dict[str, tuple[Projection, ...]] = {}
    for each in projections.values():
        if each.delays.at_once:
            at_once[each.sender] = (*at_once.get(each.sender, ()), each)
    names = tuple(sorted(projections))
    others = tuple(projections[name] for name in names if not projections[name].delays.at_once)
    return Wires((*net.populations.values(), *projections.values()), at_once, others, names)


def take_step(
    net: Parts, data: Mapping[str, Any], of_views: Mapping[str, Any], steppers: Mapping[str, Stepper]
) -> dict[str, dict[str, Tensor]]:
    """The step; see :meth:`~.network.Network.advance_prepared`."""
    check_alike(net.populations, net.projections, net.identifier)
    if of_views:
        data = _with_views(net, data, of_views)
    data, sources = parted(data)
    incoming, wires, label = net._reached(), net._wired(), net.simulation_step + 1
    before = {each: each._buffers.copy() for each in wires.modules}
    outputs: dict[str, Any] = {}
    sent: dict[str, Sent | None] = {}
    if label == 1:
        data, sources = of_one_batch(data, sources)
        warn_of_hooks(net.populations, net.identifier)
        warn_of_start(net.populations, net.identifier)
    try:
        for name in net._order:
            population = net.populations[name]
            reaching = incoming.get(name)
            if reaching is not None:
                reaching.due(label)
                reaching.from_outside(sources.get(name, {}))
            found = steppers[name](data[name]) if name in steppers else None
            if found is None:
                own = population._own_forward or population._model is None
                if reaching is None or own:
                    found = population(data[name]) if own else population.advance(data[name])
                else:
                    found = settled(population, reaching, data[name], before, label)
            outputs[name] = found
            who = found.get("spiked")
            sent[name] = spikes = None if who is None else spikes_of(label, who, found.get("spike_times"))
            if spikes is not None:
                for projection in wires.at_once.get(name, ()):
                    # Its receiver is stepped later in this step.
                    projection.pass_on(spikes)
    except Exception as error:
        _put_back(net, before, label)
        if isinstance(error, IntegrationError) and (told := _blamed(net, name)):
            raise type(error)(f"{error}{told}") from error
        raise
    for projection in net.projections.values():
        projection.delivery.commit()
    for projection in wires.others:
        spikes = sent[projection.sender]
        if spikes is not None:
            projection.pass_on(spikes)
    for name in wires.identifiers:
        outputs[name] = reports(net.projections[name])
    return outputs


def _with_views(net: Parts, data: Mapping[str, Any], of_views: Mapping[str, Any]) -> Mapping[str, Any]:
    """The prepared inputs of populations, with what views of them are given; summed by name."""
    given: dict[str, list[tuple[View, Any]]] = {}
    for each in sorted(of_views):
        view = net.views[each]
        given.setdefault(view.population, []).append((view, of_views[each]))
    return {
        **data,
        **{
            name: combined(net.populations[name], data[name], each, apart_in(net, name))
            for name, each in given.items()
        },
    }


def _blamed(net: Parts, name: str) -> str:
    """The projection that brought a population a number that is none, for a message."""
    population = net.populations[name]
    states = (population._of(each) for each in population.schema.states)
    into = [each for each in net.projections.values() if each.receiver == name]
    return source_of_nan(into, population.schema.pack_state(*states))


def _put_back(net: Parts, before: Mapping[Any, Mapping[str, Any]], label: int) -> None:
    """The network as it was before the step that ends at ``label``."""
    for each, buffers in before.items():
        put_back(each, buffers)
    for projection in net.projections.values():
        # What was taken off its way is summed anew.
        projection.delivery.take_back(label)


def apart_in(net: Parts, name: str) -> Collection[str]:
    """The inputs of a population, or of the one of a view, whose sources meet what projections bring."""
    reaching = net._reached().get(net.views[name].population if name in net.views else name)
    return () if reaching is None else reaching.apart

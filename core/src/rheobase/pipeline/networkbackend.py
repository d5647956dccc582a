"""Who takes the steps of the populations of a network: a backend that was asked for by name, or eager."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..engine.network.network import Network, Stepper
from ..errors import BackendError
from ..plugins.registry import resolve
from ..specs import Provenance
from .backends import AUTO, EAGER


class Stepping(NamedTuple):
    """How the populations of a network are stepped.

    Attributes:
        steppers: Population -> what takes its steps, where that is not the population itself.
        source: The backend of these.
        eager: The backend of all others.
        told: What is to be said of populations that the backend refused.
    """

    steppers: Mapping[str, Stepper]
    source: Provenance
    eager: Provenance
    told: list[str]

    def of(self, net: Network, name: str) -> Provenance:
        """The backend of a part: of a population, or of a projection, whose receiver is stepped with it."""
        if name in net.projections:
            name = net.projections[name].receiver
        elif name in net.views:
            name = net.views[name].population
        return self.source if name in self.steppers else self.eager


def stepping(net: Network, backend: str, *, grad: bool) -> Stepping:
    """How a network is stepped by a backend.

    Raises:
        BackendError: If it takes no network, or no population of this one; with the reason.
    """
    eager = resolve("backend", f"rheobase:{EAGER}").provenance
    if backend in (AUTO, EAGER):
        return Stepping({}, eager, eager, [])
    found = resolve("backend", backend)
    population = getattr(found.load(), "population", None)
    if population is None:
        raise BackendError(
            f"the backend {backend!r} takes no networks; give backend='eager', or leave it out"
        )
    steppers: dict[str, Stepper] = {}
    refusals: dict[str, str] = {}
    for name in net.populations:
        stepper = _asked(population, net, name, grad)
        if isinstance(stepper, str):
            refusals[name] = stepper
        else:
            steppers[name] = stepper
    if not steppers:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in refusals.items())
        raise BackendError(
            f"the backend {backend!r} takes no population of {net.identifier}: {reasons}; give "
            "backend='eager', or leave it out"
        )
    told = [f"{name} was stepped in eager: {reason}" for name, reason in refusals.items()]
    return Stepping(steppers, found.provenance, eager, told)


def _asked(population: Any, net: Network, name: str, grad: bool) -> Stepper | str:
    """What a backend gives for a population, or why it gives nothing."""
    try:
        incoming = net.incoming_of(name)
        if incoming.plastic:
            # A step may be taken again with other weights, which is the network's affair.
            return "weights of projections that reach it change (plasticity=...)"
        stepper: Stepper = population(net.populations[name], incoming, grad=grad)
    except NotImplementedError as refusal:
        return str(refusal)
    return stepper

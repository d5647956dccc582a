"""Who takes the steps of the populations of a network: a backend that was asked for by name, or eager."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, final

from torch import Tensor

from ..engine.network.network import Network
from ..engine.network.stepping import Stepper
from ..errors import BackendError
from ..plugins.registry import resolve
from ..specs import Provenance
from .backends import AUTO, EAGER
from .networkprotocols import Whole


@final
class Counted:
    """A stepper, and the steps that it left to eager.

    Args:
        stepper: What takes the steps of a population, or gives None for one that it does not take.
    """

    def __init__(self, stepper: Stepper) -> None:
        self.stepper = stepper
        self.taken, self.left = 0, 0

    def __call__(self, data: Any) -> dict[str, Tensor] | None:
        """Take a step, if it is one that is taken."""
        found = self.stepper(data)
        if found is None:
            self.left += 1
        else:
            self.taken += 1
        return found


class Stepping(NamedTuple):
    """How the populations of a network are stepped.

    Attributes:
        steppers: Population -> what takes its steps, where that is not the population itself.
        source: The backend of these.
        eager: The backend of all others.
        refused: What is to be said of populations that the backend refused.
        whole: What takes many steps of the whole network; None: nothing does.
    """

    steppers: Mapping[str, Counted]
    source: Provenance
    eager: Provenance
    refused: list[str]
    whole: Whole | None = None

    @property
    def told(self) -> list[str]:
        """What is to be said of who was stepped in eager, by now."""
        left = [
            f"{name} was stepped in eager for {each.left} of {each.left + each.taken} steps, which "
            f"{self.source.name} does not take: those of a batch, of a signal, or beside an input's domain"
            for name, each in self.steppers.items()
            if each.left
        ]
        return [*self.refused, *left]

    def of(self, net: Network, name: str) -> Provenance:
        """The backend of a part: of a population, or of a projection, whose receiver is stepped with it."""
        if name in net.projections:
            name = net.projections[name].receiver
        elif name in net.views:
            name = net.views[name].population
        stepper = self.steppers.get(name)
        idle = stepper is None or (stepper.left and not stepper.taken)
        return self.eager if idle else self.source


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
    steppers: dict[str, Counted] = {}
    refusals: dict[str, str] = {}
    for name in net.populations:
        stepper = _asked(population, net, name, grad)
        if isinstance(stepper, str):
            refusals[name] = stepper
        else:
            steppers[name] = Counted(stepper)
    if not steppers:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in refusals.items())
        raise BackendError(
            f"the backend {backend!r} takes no population of {net.identifier}: {reasons}; give "
            "backend='eager', or leave it out"
        )
    refused = [f"{name} was stepped in eager: {reason}" for name, reason in refusals.items()]
    whole = None if refused else _whole(found.load(), net, steppers)
    return Stepping(steppers, found.provenance, eager, refused, whole)


def _whole(backend: Any, net: Network, steppers: Mapping[str, Counted]) -> Whole | None:
    """What takes many steps at once, of what takes those of each population; None where nothing does."""
    network = getattr(backend, "network", None)
    if network is None:
        return None
    try:
        whole: Whole = network({name: steppers[name].stepper for name in net._order})
    except NotImplementedError:
        return None
    return whole


def _asked(population: Any, net: Network, name: str, grad: bool) -> Stepper | str:
    """What a backend gives for a population, or why it gives nothing."""
    try:
        incoming = net.incoming_of(name)
        if incoming.plastic:
            # A step may be taken again with other weights, which is the network's affair.
            return "weights of projections that reach it change (plasticity=...)"
        if incoming.holding:
            held = ", ".join(incoming.holding)
            return f"what {held} bring is held for a step (rheobase.Projection of matrices)"
        stepper: Stepper = population(net.populations[name], incoming, grad=grad)
    except NotImplementedError as refusal:
        return str(refusal)
    return stepper

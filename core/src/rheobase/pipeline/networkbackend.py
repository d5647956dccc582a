"""Who takes the steps of the populations of a network: the backend asked for, one that gains, or eager."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, final

from torch import Tensor

from ..engine.network.network import Network
from ..engine.network.stepping import Stepper
from ..errors import BackendError, PluginError
from ..plugins.component import Registered
from ..plugins.registry import list_components, resolve
from ..specs import Provenance
from .backends import AUTO, EAGER, reason_of, warn_once
from .networkprotocols import Whole

_APART = NotImplementedError("its aggregator takes several sources together with what projections bring")


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
        refusals: Population -> why the backend refused it.
        whole: What takes many steps of the whole network; None: nothing does.
        named: Whether somebody asked for the backend by its name, and is told of what it does not take.
        said: What else is to be said.
    """

    steppers: Mapping[str, Counted]
    source: Provenance
    eager: Provenance
    refusals: Mapping[str, NotImplementedError]
    whole: Whole | None = None
    named: bool = True
    said: Sequence[str] = ()

    @property
    def told(self) -> list[str]:
        """What is to be said of who was stepped in eager, by now."""
        if not self.named:
            return [*self.said]
        refused = [f"{name} was stepped in eager: {reason_of(each)}" for name, each in self.refusals.items()]
        left = [told for name in self.steppers if (told := self._left(name))]
        return [*self.said, *refused, *left]

    def of(self, net: Network, name: str) -> Provenance:
        """The backend of a part: of a population, or of a projection, whose receiver is stepped with it."""
        if name in net.projections:
            name = net.projections[name].receiver
        elif name in net.views:
            name = net.views[name].population
        stepper = self.steppers.get(name)
        if stepper is None:
            refusal = self.refusals.get(name)
            if refusal is None:
                return self.eager
            told = f"the backend {self.source.name!r} refused {name} ({reason_of(refusal)})"
            return replace(self.eager, note=f"{told}; it went on in 'eager'")
        idle = stepper.left and not stepper.taken
        return replace(self.eager if idle else self.source, note=self._left(name))

    def _left(self, name: str) -> str | None:
        """That a population was stepped in eager where its backend was to do it, if so."""
        each = self.steppers[name]
        if not each.left:
            return None
        return (
            f"{name} was stepped in eager for {each.left} of {each.left + each.taken} steps, which "
            f"{self.source.name} does not take: those of a batch, of a signal, or beside an input's domain"
        )


def stepping(
    net: Network,
    backend: str,
    *,
    grad: bool,
    steps: int,
    batched: Callable[[], bool],
    apart: Collection[str],
) -> Stepping:
    """How a network is stepped by a backend.

    Args:
        net: The network.
        backend: The name of one; or ``"auto"``: the first that takes populations of it and gains by it.
        grad: Whether states keep their autograd graph.
        steps: How many steps the run has.
        batched: Says whether the inputs have a batch.
        apart: The populations whose aggregator takes several sources together with what projections bring.

    Raises:
        BackendError: If one that was asked for by name takes no network, or no population of this one; with
            the reason.
    """
    eager = resolve("backend", f"rheobase:{EAGER}").provenance
    if backend == AUTO:
        return _chosen(net, eager, grad, steps, batched, apart)
    if backend == EAGER:
        return Stepping({}, eager, eager, {})
    found = resolve("backend", backend)
    if getattr(found.load(), "population", None) is None:
        raise BackendError(
            f"the backend {backend!r} takes no networks; give backend='eager', or leave it out"
        )
    way = _by(found, net, eager, grad, apart)
    if not way.steppers:
        raise BackendError(
            f"the backend {backend!r} takes no population of {net.identifier}: {_reasons(way)}; give "
            "backend='eager', or leave it out"
        )
    return way


def _chosen(
    net: Network,
    eager: Provenance,
    grad: bool,
    steps: int,
    batched: Callable[[], bool],
    apart: Collection[str],
) -> Stepping:
    """By the first backend that takes populations of the network and gains by it; else by eager, which says
    why."""
    notes: list[str] = []
    said: list[str] = []
    for found in list_components("backend"):
        if found.spec.name == EAGER:
            continue
        try:
            loaded = found.load()
        except PluginError as error:
            said.append(str(error))
            continue
        if getattr(loaded, "population", None) is None:
            continue
        name = found.spec.name
        pays = getattr(loaded, "pays_for_network", None)
        if callable(pays) and not pays(net.populations, len(net.projections), steps):
            notes.append(f"the backend {name!r} was not asked (the run is too short for it to gain)")
        elif batched():
            notes.append(f"the backend {name!r} was not asked (the inputs have a batch)")
        else:
            way = _by(found, net, eager, grad, apart)
            said += _amiss(found, way)
            if way.steppers:
                return way._replace(named=False, said=said)
            notes.append(f"the backend {name!r} refused this network ({_reasons(way)})")
    note = f"{', '.join(notes)}; it went on in 'eager'" if notes else None
    here = replace(eager, note=note)
    return Stepping({}, here, here, {}, named=False, said=said)


def _by(found: Registered, net: Network, eager: Provenance, grad: bool, apart: Collection[str]) -> Stepping:
    """By a backend, as far as it takes the populations of a network."""
    loaded: Any = found.load()
    steppers: dict[str, Counted] = {}
    refusals: dict[str, NotImplementedError] = {}
    for name in net.populations:
        stepper = _APART if name in apart else _asked(loaded.population, net, name, grad)
        if isinstance(stepper, NotImplementedError):
            refusals[name] = stepper
        else:
            steppers[name] = Counted(stepper)
    whole = None if refusals or not steppers else _whole(loaded, net, steppers)
    return Stepping(steppers, found.provenance, eager, refusals, whole)


def _reasons(way: Stepping) -> str:
    return "; ".join(f"{name}: {reason_of(refusal)}" for name, refusal in way.refusals.items())


def _amiss(found: Registered, way: Stepping) -> list[str]:
    """What the user should mend for the backend to take the network; a warning says it, once in a process."""
    mend = {reason_of(each): None for each in way.refusals.values() if getattr(each, "amiss", False)}
    said = [f"the backend {found.spec.name!r} refused populations of a network ({reason})" for reason in mend]
    for reason, told in zip(mend, said, strict=True):
        # Past the choice, who asked for it, and the run: at the line that simulates.
        warn_once(told, [(found.qualified, reason, Network.__qualname__)], stacklevel=6)
    return said


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


def _asked(population: Any, net: Network, name: str, grad: bool) -> Stepper | NotImplementedError:
    """What a backend gives for a population, or why it gives nothing."""
    try:
        incoming = net.incoming_of(name)
        if incoming.plastic:
            # A step may be taken again with other weights, which is the network's affair.
            return NotImplementedError("weights of projections that reach it change (plasticity=...)")
        if incoming.holding:
            held = ", ".join(incoming.holding)
            told = f"what {held} bring is held for a step (rheobase.Projection of matrices)"
            return NotImplementedError(told)
        stepper: Stepper = population(net.populations[name], incoming, grad=grad)
    except NotImplementedError as refusal:
        return refusal
    return stepper

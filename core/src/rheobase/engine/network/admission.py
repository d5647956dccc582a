"""Who may be a part of a network, and by which name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...errors import ArgumentError, shown
from ..neuron.base import Neuron
from .parts import Parts


def check_population(net: Parts, name: str, ensemble: Any) -> None:
    """Refuse what is no population, or none of this network.

    Raises:
        ArgumentError: If it is no neuron, is in the network, has been stepped, or differs from the others.
    """
    if not isinstance(ensemble, Neuron):
        raise ArgumentError(
            f"{net.identifier}: {name!r} is {type(ensemble).__name__}; a population is what "
            "rheobase.create gives"
        )
    if any(ensemble is known for known in net.populations.values()):
        raise ArgumentError(
            f"{net.identifier}: the population {name!r} is in the network already, as "
            f"{ensemble.identifier!r}; create another one"
        )
    if net.simulation_step:
        raise ArgumentError(
            f"{net.identifier}: the clock has run, so {name!r} cannot be added; add before the first "
            "step, or call reset_state()"
        )
    if ensemble.simulation_step:
        raise ArgumentError(
            f"{net.identifier}: the population {name!r} has taken {ensemble.simulation_step} steps; "
            "call its reset_state() before it is added"
        )
    for other in net.populations.values():
        for what in ("dt", "device", "dtype"):
            ours, theirs = getattr(other, what), getattr(ensemble, what)
            if ours != theirs:
                unit = " ms" if what == "dt" else ""
                raise ArgumentError(
                    f"{net.identifier}: the population {name!r} has {what}={theirs}{unit} and "
                    f"{other.identifier!r} has {ours}{unit}; all populations of a network have one {what}"
                )


def one_by_one(given: tuple[Any, ...]) -> Iterator[Any]:
    """What was given one after the other, or as lists."""
    for each in given:
        if isinstance(each, (list, tuple)):
            yield from each
        else:
            yield each


def named_ensemble(network: str, ensemble: Any) -> str:
    """The name that a population brings along.

    Raises:
        ArgumentError: If it is no population.
    """
    if not isinstance(ensemble, Neuron):
        raise ArgumentError(
            f"{network}: add_ensembles({shown(ensemble)}); give what rheobase.create(..., identifier=...) "
            "gives, one or more"
        )
    return ensemble.identifier


def check_name(net: Parts, name: Any) -> None:
    """Refuse a name that a part cannot have, or that another has."""
    if not isinstance(name, str) or not name.strip() or "." in name:
        raise ArgumentError(f"{net.identifier}: the name {name!r} cannot be used; give one without '.'")
    if name in net:
        raise ArgumentError(f"{net.identifier}: there is a {name!r} already; give another identifier")
    if hasattr(net, name):
        raise ArgumentError(
            f"{net.identifier}: {name!r} is a member of every network; give the part another name"
        )


def check_receptor_name(net: Parts, name: str, receptor: Any, target: str) -> None:
    """Refuse a receptor that could not be told from a projection."""
    if not isinstance(receptor, str) or not receptor.strip():
        raise ArgumentError(f"{name}: receptor={receptor!r} cannot be used; give a name, such as 'ampa'")
    if any(each.identifier == receptor for each in net.projections.values() if each.receiver == target):
        raise ArgumentError(
            f"{name}: the receptor {receptor!r} has the name of a projection into {target!r}; give it another"
        )

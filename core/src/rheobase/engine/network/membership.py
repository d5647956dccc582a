"""A population is in one network, and stays there."""

from __future__ import annotations

import weakref
from typing import Any

from ...errors import ArgumentError
from ..neuron.base import Neuron

_NETWORK_OF: weakref.WeakKeyDictionary[Neuron, weakref.ref[Any]] = weakref.WeakKeyDictionary()
"""Population -> its network. Beside them, so that neither copies nor files have it."""


def enter(population: Neuron, network: Any, name: str) -> None:
    """Note that a population is in a network.

    Raises:
        ArgumentError: If it is in another one.
    """
    known = _NETWORK_OF.get(population)
    other = None if known is None else known()
    if other is not None and other is not network:
        raise ArgumentError(
            f"{network.identifier}: the population {name!r} is in another network, {other.identifier!r}, as "
            f"{population.identifier!r}, and is stepped there; create another one, or copy.deepcopy() it"
        )
    _NETWORK_OF[population] = weakref.ref(network)

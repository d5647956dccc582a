"""What the parts of a network are asked for by those who work on all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ..neuron.base import Neuron
from .incoming import Incoming
from .projection import Projection
from .view import View


class Parts(Protocol):
    """A network, as its steps and its checks see it.

    Attributes:
        identifier: Its name.
    """

    identifier: str
    _order: tuple[str, ...]  # of the populations, in a step

    @property
    def populations(self) -> Mapping[str, Neuron]:
        """Name -> population."""

    @property
    def projections(self) -> Mapping[str, Projection]:
        """Identifier -> projection."""

    @property
    def views(self) -> Mapping[str, View]:
        """Name -> view."""

    @property
    def simulation_step(self) -> int:
        """The number of steps taken."""

    def _reached(self) -> Mapping[str, Incoming]:
        """Population -> what reaches it."""

    def _wired(self) -> Any:
        """The parts as a step goes through them."""

    def __contains__(self, name: object) -> bool: ...

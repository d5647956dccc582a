"""Descriptions of components: what a plugin's hooks return. Frozen and free of torch.

A spec names its object by a string, ``"package.module:Object"``, which is imported when the
component is first used. So listing components imports no model code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from .errors import PluginError

PROJECT = "rheobase"
"""The name of the pluggy project and of the entry-point group."""

SPEC_VERSION = 1
"""The version of the specs and hooks of this host; it grows when a plugin could notice."""

OLDEST_SPEC_VERSION = 1
"""The oldest version for which a plugin may be made and still be understood: the one before, at most."""

_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_.][a-z0-9]+)*")
_TARGET = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")


@dataclass(frozen=True)
class ComponentSpec:
    """What every component says of itself.

    Args:
        name: The name by which users ask for it: lower case, digits, ``-``, ``_`` and ``.``.
        target: Where the object is, as ``"package.module:Object"``.
        summary: One line for listings.

    Raises:
        PluginError: If the name or the target is malformed.

    Example:
        >>> NeuronSpec("lif", "rheobase_lif.neuron:LIFNeuron", "leaky integrate-and-fire").kind
        'neuron'
    """

    kind: ClassVar[str] = ""

    name: str
    target: str
    summary: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise PluginError(
                f"{type(self).__name__}: the name {self.name!r} cannot be used; "
                "a name has lower-case letters and digits, joined by '-', '_' or '.'"
            )
        if not isinstance(self.target, str) or not _TARGET.fullmatch(self.target):
            raise PluginError(
                f"{type(self).__name__} {self.name!r}: the target {self.target!r} cannot be used; "
                'write it as "package.module:Object"'
            )


# Without fields of its own it needs no methods of its own either.
class NeuronSpec(ComponentSpec):
    """Describes a neuron model: a subclass of ``rheobase.Neuron``."""

    kind: ClassVar[str] = "neuron"


@dataclass(frozen=True)
class IntegratorSpec(ComponentSpec):
    """Describes an integrator and what it claims.

    Args:
        order: The order of convergence on smooth coupled problems at a fixed step; 0: no claim.
        adaptive: Whether it chooses its own sub-steps within dt.
        per_unit: Whether each unit has its own step size.
    """

    kind: ClassVar[str] = "integrator"

    order: int = 0
    adaptive: bool = False
    per_unit: bool = False


@dataclass(frozen=True)
class AggregatorSpec(ComponentSpec):
    """Describes an aggregator and what it claims.

    Args:
        commutative: Whether the order of the inputs does not matter.
        associative: Whether inputs may be combined in groups.
        identity: The value that changes nothing when it is added to the inputs, or None.
    """

    kind: ClassVar[str] = "aggregator"

    commutative: bool = False
    associative: bool = False
    identity: float | None = None


class BackendSpec(ComponentSpec):
    """Describes a backend: something that runs many steps of a model at once."""

    kind: ClassVar[str] = "backend"


RESERVED = frozenset(
    {
        *("name_or_class", "num_units", "preset", "integrator", "aggregator", "event", "grad"),
        *("dt", "device", "dtype", "equation", "identifier", "configuration"),
    }
)
"""Arguments of ``create`` and of a neuron's constructor: no parameter, state or option has such a name."""

KINDS: tuple[str, ...] = tuple(
    spec.kind for spec in (NeuronSpec, IntegratorSpec, AggregatorSpec, BackendSpec)
)
"""The kinds of component, in the order of listings."""


@dataclass(frozen=True)
class Provenance:
    """Where a component came from; every result carries one for each part.

    Args:
        kind: ``"neuron"``, ``"integrator"``, ``"aggregator"`` or ``"backend"``.
        name: The component's name.
        distribution: The distribution that offered it; None for a class used directly.
        version: That distribution's version.
        overrides: The component of the core that it stands in for, where the user asked for that.
    """

    kind: str
    name: str
    distribution: str | None = None
    version: str | None = None
    overrides: str | None = None

    def as_dict(self) -> dict[str, str | None]:
        """As a dictionary, for JSON.

        Example:
            >>> Provenance("neuron", "lif", "rheobase-lif", "0.1.0").as_dict()
            {'name': 'lif', 'distribution': 'rheobase-lif', 'version': '0.1.0'}
        """
        about = {"name": self.name, "distribution": self.distribution, "version": self.version}
        return about if self.overrides is None else about | {"overrides": self.overrides}

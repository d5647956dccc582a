"""Descriptions of components: what a plugin's hooks return. Frozen and free of torch.

A spec names its object by a string, ``"package.module:Object"``, which is imported when the
component is first used. So listing components imports no model code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Literal

from .errors import PluginError

PROJECT = "rheobase"
"""The name of the pluggy project and of the entry-point group."""

VERSION = "0.1.0"
"""The version of the core. Metadata of that name may be left over from another one."""

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
        order: The order of convergence on smooth coupled problems at a fixed step; 0: no claim. For a
            method that is exact on the fields it takes: that with which it follows an input that changes.
        adaptive: Whether it chooses its own sub-steps within dt.
        per_unit: Whether each unit has its own step size.
        embedded_order: The order of the solution that its error is judged by; None: it judges none.
        dense_order: The order of its values between the ends of a step; None: it has none.
        events: ``"located"``: it finds crossings within its own steps. ``"base"``, the default: the base
            finds them, by taking the step again up to the crossing.
        event_order: The order with which the times of located spikes converge; None, the default: that
            of the method.
        field: Which fields it takes: ``"general"``, the default, ``"linear"``, or
            ``"conditionally_linear"``, where each derivative is linear in its own variable. It refuses all
            others.
        stages: How often it evaluates the derivatives in a step; 0: no claim.
        fsal: Whether the last of them is the first of the next step.
        differentiable: ``"no"``; ``"discrete"``: gradients flow through its steps; ``"events"``, the
            default: through the times of located spikes too.
    """

    kind: ClassVar[str] = "integrator"

    order: int = 0
    adaptive: bool = False
    per_unit: bool = False
    embedded_order: int | None = None
    dense_order: int | None = None
    events: Literal["base", "located"] = "base"
    event_order: int | None = None
    field: Literal["general", "linear", "conditionally_linear"] = "general"
    stages: int = 0
    fsal: bool = False
    differentiable: Literal["no", "discrete", "events"] = "events"


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
    """Describes a backend: something that runs many steps of a model at once.

    Its object is a callable ``run(neuron, drive, steps, *, record, grad, progress, every)`` that gives the
    recording; its contract is :class:`rheobase.spi.Backend`. What it cannot run it refuses:
    ``NotImplementedError`` with the reason, before it changes anything.

    The object may have an attribute ``pays(neuron, drive, steps, *, record, grad) -> bool``, a callable that
    changes nothing. ``backend="auto"`` asks it first; False means that another backend would be as quick,
    and the next one is tried without a word. A backend that is asked for by name is not asked whether it
    pays.

    The object may have an attribute ``prepare(neuron, *, record, grad, every)`` for
    :func:`rheobase.prepare`. It gives a callable ``take(drive, steps)``, which takes steps as ``run`` does,
    for a drive with a row for each step and a batch that may be another each time, and gives a
    :class:`rheobase.Taken`. It is used only while the neuron has the type, device, dt, options, integrator
    and functions, and the parameters by unit, that it had; values of parameters and states may be others.
    Both may refuse. A backend without it is run by its usual call.
    """

    kind: ClassVar[str] = "backend"


@dataclass(frozen=True)
class SynapseSpec(ComponentSpec):
    """Describes a synapse, a subclass of ``rheobase.Synapse``: what a spike does to its target.

    Args:
        additive: Whether spikes that arrive together do what one of their summed weight does.
        linear: Whether twice the weight of every spike is twice the output.
        per: For what its states are kept: ``"target"``, one for each unit that receives, the default;
            ``"source"`` or ``"synapse"``, where some are kept for these.
        plastic: Whether it changes weights: a subclass of ``rheobase.Plasticity``, whose states are
            ``per="synapse"``.
    """

    kind: ClassVar[str] = "synapse"

    additive: bool = False
    linear: bool = False
    per: Literal["target", "source", "synapse"] = "target"
    plastic: bool = False


@dataclass(frozen=True)
class RuleSpec(ComponentSpec):
    """Describes a connection rule: who is connected with whom.

    Its object is a function ``rows(first, last, sources, targets, key, *, same, positions, **parameters)``,
    which gives the sources of the targets from ``first`` to ``last - 1`` as ``(indptr, indices)``.

    Args:
        indegree: Whether all targets have equally many synapses.
        outdegree: Whether all sources have equally many.
        total: Whether the number of synapses follows from the parameters alone.
        symmetric: Whether with a synapse from i to j there is one from j to i.
    """

    kind: ClassVar[str] = "rule"

    indegree: bool = False
    outdegree: bool = False
    total: bool = False
    symmetric: bool = False


@dataclass(frozen=True)
class SurrogateSpec(ComponentSpec):
    """Describes a surrogate: what stands for the derivative of a spike in training.

    Its object is a function ``S(z)`` of a tensor, applied pointwise: finite, never falling, with S'(0) = 1.
    """

    kind: ClassVar[str] = "surrogate"


RESERVED = frozenset(
    {
        *("name_or_class", "num_units", "preset", "integrator", "aggregator", "event", "grad"),
        *("dt", "device", "dtype", "seed", "equation", "identifier", "configuration"),
    }
)
"""Arguments of ``create`` and of a neuron's constructor: nothing that a model declares has such a name."""

COMING = frozenset({"learn", "surrogate", "gradient", "recurrent", "readout", "backend", "memory"})
"""Names of arguments to come, which nothing that a model declares has either."""


@dataclass(frozen=True)
class Provenance:
    """Where a component came from; every result carries one for each part.

    Args:
        kind: The kind of component, such as ``"neuron"``.
        name: The component's name.
        distribution: The distribution that offered it; None for a class used directly.
        version: That distribution's version.
        overrides: The component of the core that it stands in for, where the user asked for that.
        note: Of a backend: which others refused the run before it, and why.
    """

    kind: str
    name: str
    distribution: str | None = None
    version: str | None = None
    overrides: str | None = None
    note: str | None = None

    def as_dict(self) -> dict[str, str | None]:
        """As a dictionary, for JSON.

        Example:
            >>> Provenance("neuron", "lif", "rheobase-lif", "0.1.0").as_dict()
            {'name': 'lif', 'distribution': 'rheobase-lif', 'version': '0.1.0'}
        """
        about = {"name": self.name, "distribution": self.distribution, "version": self.version}
        more = {"overrides": self.overrides, "note": self.note}
        return about | {name: value for name, value in more.items() if value is not None}

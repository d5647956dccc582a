"""The kinds of component: what is true of a whole kind, in one table that everything else reads.

A new kind is a row of :data:`KINDS`, a spec in ``specs.py``, a hook with its docstring in ``hookspecs.py``,
and its type in ``marker.py``, for type checkers read no tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from .specs import (
    PROJECT,
    AggregatorSpec,
    BackendSpec,
    ComponentSpec,
    IntegratorSpec,
    NeuronSpec,
    RuleSpec,
    SurrogateSpec,
    SynapseSpec,
)


@dataclass(frozen=True)
class Kind:
    """What is true of all components of a kind.

    Args:
        spec: The spec that describes one; the kind has its name from there.
        word: What messages call one.
        base: The public name of the class that its objects are derived from; empty: they are functions.
        function: Whether a function may stand for one: it is one, or makes one.
        declares: Whether its class declares parameters, states and the like, to be shown with their units.
        template: What ``rheobase new`` begins a package of this kind with; empty: it has no such template.
        template_object: The name of the function in that template; empty: it is a class.
        judged: Whether the conformance kit judges it.

    Example:
        >>> KINDS["neuron"].hook, KINDS["neuron"].base, str(KINDS["neuron"])
        ('rheobase_neurons', 'rheobase:Neuron', 'neuron model')
    """

    spec: type[ComponentSpec]
    word: str
    base: str = ""
    function: bool = True
    declares: bool = False
    template: str = ""
    template_object: str = ""
    judged: bool = False

    def __str__(self) -> str:
        return self.word

    @property
    def name(self) -> str:
        """What users call the kind: ``"neuron"``."""
        return self.spec.kind

    @property
    def hook(self) -> str:
        """The hook by which it is offered: ``"rheobase_neurons"``."""
        return f"{PROJECT}_{self.name}s"


_ROWS = (
    Kind(
        NeuronSpec,
        word="neuron model",
        base="rheobase:Neuron",
        function=False,
        declares=True,
        template="leaky integrate-and-fire",
        judged=True,
    ),
    Kind(
        IntegratorSpec,
        word="integrator",
        base="rheobase:Integrator",
        template="Heun's method, of order 2",
        judged=True,
    ),
    Kind(
        AggregatorSpec,
        word="aggregator",
        template="shunting: adds the currents, divides by 1 + the inputs named shunt*",
        template_object="combine",
        judged=True,
    ),
    Kind(BackendSpec, word="backend"),
    Kind(
        SynapseSpec,
        word="synapse",
        base="rheobase:Synapse",
        function=False,
        declares=True,
        template="a current that decays exponentially",
        judged=True,
    ),
    Kind(
        RuleSpec,
        word="connection rule",
        template="ring: each unit hears its nearest neighbours on both sides",
        template_object="neighbours",
        judged=True,
    ),
    Kind(
        SurrogateSpec,
        word="surrogate",
        template="the Gudermannian function: S' = 1 / cosh(z)",
        template_object="smooth",
        judged=True,
    ),
)

KINDS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in _ROWS})
"""Name -> kind, in the order of listings."""

HOOKS: Mapping[str, Kind] = MappingProxyType({kind.hook: kind for kind in _ROWS})
"""Hook -> the kind that it offers."""

TEMPLATES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {kind.name: (kind.template, kind.template_object) for kind in _ROWS if kind.template}
    # Offered by the hook of synapses, and written otherwise.
    | {"plasticity": ("weights that change by pairs of spikes", "")}
)
"""What ``rheobase new`` begins with -> what that is, and the name of its function; empty: a class."""

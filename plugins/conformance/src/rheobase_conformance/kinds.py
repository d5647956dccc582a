"""What the kit judges. Imports no torch: commands offer the kinds before it is there."""

from __future__ import annotations

from collections.abc import Iterable

SUBJECTS = {
    "neuron": "rheobase_conformance.neurons.subject:NeuronSubject",
    "integrator": "rheobase_conformance.subject:IntegratorSubject",
    "aggregator": "rheobase_conformance.subject:AggregatorSubject",
    "surrogate": "rheobase_conformance.subject:SurrogateSubject",
    "synapse": "rheobase_conformance.synapses.subject:SynapseSubject",
    "rule": "rheobase_conformance.rules.subject:RuleSubject",
}
"""Kind -> the class of its subjects."""


def one_of(kinds: Iterable[str] = SUBJECTS) -> str:
    """Kinds in words.

    Example:
        >>> one_of(["neuron", "integrator", "aggregator"])
        'neuron, integrator or aggregator'
    """
    *first, last = kinds
    return f"{', '.join(first)} or {last}" if first else str(last)

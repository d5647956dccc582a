"""What a model receives: inputs of several sources, and whether it heeds its input at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rheobase.errors import RheobaseError

from .case import NeuronCase
from .going import go
from .running import same
from .subject import NeuronSubject

REFUSALS = (RheobaseError, ValueError, LookupError)
"""By these a rule for several inputs may refuse sources that it does not know."""


def sources(given: Any) -> tuple[Any, Any]:
    """One step's input as that of three sources, with their names."""
    names = ["one", "two", "three"]
    if isinstance(given, Mapping):
        return {name: sources(value)[0] for name, value in given.items()}, dict.fromkeys(given, names)
    return [given / 2, given / 2, given.new_zeros(1)], names


def takes_input(subject: NeuronSubject) -> bool:
    """Whether a model with a forward of its own does anything with its input."""
    if not subject.own_forward:
        return True
    ends = []
    for level in (0.0, 1.0, 30.0):
        drive = {name: (level * subject.sizes.scale[name],) for name in subject.inputs}
        case = NeuronCase(drive=drive, units=2, steps=8)
        neuron = case.neuron(subject.model)
        ends.append(go(neuron, case.data(neuron)))
    first = ends[0]
    return any(
        len(first) != len(other)
        or any(
            not same(a[name], b[name])
            for a, b in zip(first, other, strict=True)
            for name in a
            if name not in ("input", *subject.inputs)
        )
        for other in ends[1:]
    )

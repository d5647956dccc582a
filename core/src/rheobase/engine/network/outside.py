"""What a population receives from outside by several sources.

Where projections reach an input whose aggregator does not add, its sources are not aggregated before they
meet what the projections bring: the aggregator takes all together, at every time that an integrator asks for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias, final

import torch
from torch import Tensor

from ...errors import InputError
from ...signal.signal import Signal
from ...signal.values import is_number
from ..aggregate import Aggregator, sum_inputs
from ..neuron.base import Neuron
from ..neuron.inputs import receive_inputs
from ..neuron.timed import receive_timed
from .apart import EXTERNAL

Source: TypeAlias = tuple[str, "Tensor | Signal"]
"""The identifier of a source, and what it gives in a step, prepared."""


class Several(NamedTuple):
    """What a population or a view is given by several sources, as it is given.

    Attributes:
        data: As ``prepare`` of a neuron takes it.
        identifiers: Likewise.
    """

    data: Any
    identifiers: Any = None


@final
class Outside:
    """What a population is given in a step, prepared, with the sources of some inputs apart.

    Args:
        neuron: The population.
        data: Its other inputs, by name, prepared.
        sources: Input -> its sources; of a model whose one input has no name, under ``""``.
    """

    def __init__(
        self, neuron: Neuron, data: Mapping[str, Any], sources: Mapping[str, Sequence[Source]]
    ) -> None:
        self.neuron, self.data, self.sources = neuron, data, sources

    @cached_property
    def whole(self) -> Any:
        """What the population keeps as its input: of sources, what the aggregator makes of these alone."""
        lists = {name: [value for _, value in found] for name, found in self.sources.items()}
        names = {name: [identifier for identifier, _ in found] for name, found in self.sources.items()}
        named = bool(self.neuron.schema.inputs)
        data: Any = {**self.data, **lists} if named else lists[""]
        identifiers: Any = names if named else names[""]
        return receive_inputs(self.neuron, data, identifiers, self._rule_of, look=False)

    def _rule_of(self, name: str) -> Aggregator:
        rule = self.neuron._rule_of(name)

        def alone(inputs: list[Tensor], identifiers: list[str] | None) -> Tensor:
            try:
                return rule(inputs, identifiers)
            except InputError:
                # It may want what projections bring, as shunts want something to divide.
                return sum_inputs(inputs)

        return alone

    def with_view(self, other: Any, named: Collection[str]) -> Outside:
        """Together with what a view of the population is given, prepared: sources of one name are added.

        Args:
            other: That; all units of the population have a value in it.
            named: The inputs that the view is given.
        """
        data, sources = dict(self.data), dict(self.sources)
        mine = other.sources if isinstance(other, Outside) else {}
        for name in named:
            if name in mine or name in sources:
                one = sources.get(name) or ((EXTERNAL, data.pop(name)),)
                sources[name] = _added(one, mine.get(name) or ((EXTERNAL, _plain(other, name)),))
            else:
                data[name] = data[name] + _plain(other, name)
        return Outside(self.neuron, data, sources)


def as_outside(neuron: Neuron, given: Any) -> Outside:
    """A prepared input with its inputs by name, of whatever kind it is."""
    if isinstance(given, Outside):
        return given
    return Outside(neuron, given._asdict() if neuron.schema.inputs else {"": given}, {})


def _plain(given: Any, name: str) -> Any:
    if isinstance(given, Outside):
        return given.data[name]
    return getattr(given, name) if name else given


def _added(one: Sequence[Source], other: Sequence[Source]) -> tuple[Source, ...]:
    found = _numbered(one)
    for key, value in _numbered(other).items():
        found[key] = found[key] + value if key in found else value
    return tuple((identifier, value) for (identifier, _), value in found.items())


def _numbered(sources: Sequence[Source]) -> dict[tuple[str, int], Any]:
    """Those of one name are told apart by their order."""
    found: dict[tuple[str, int], Any] = {}
    for identifier, value in sources:
        found[identifier, sum(each == identifier for each, _ in found)] = value
    return found


def as_given(neuron: Neuron, given: Any) -> Any:
    """What somebody gives a population for a step: several sources in a list or by identifier as
    :class:`Several`, all else as it is."""
    if isinstance(given, (list, tuple)) and len(neuron.schema.inputs) < 2:
        return Several({next(iter(neuron.schema.inputs)): given} if neuron.schema.inputs else given)
    if not isinstance(given, Mapping):
        return given
    if not neuron.schema.inputs:
        return Several(_tensors(neuron, given), list(given))
    named = {name: list(each) for name, each in given.items() if isinstance(each, Mapping)}
    data = {name: _tensors(neuron, each) if name in named else each for name, each in given.items()}
    return Several(data, named or None)


def _tensors(neuron: Neuron, given: Mapping[str, Any]) -> list[Any]:
    """The sources that are given by name; numbers are for all units."""
    return [
        torch.tensor(float(each), dtype=neuron.dtype, device=neuron.device) if is_number(each) else each
        for each in given.values()
    ]


def prepared(neuron: Neuron, given: Any, apart: Collection[str]) -> Any:
    """The input of a population's next step, checked and cast.

    Args:
        neuron: The population.
        given: What it is given; or several sources.
        apart: Its inputs whose sources meet what projections bring.

    Returns:
        As :meth:`~..neuron.base.Neuron.prepare`; or :class:`Outside`, where an input of ``apart`` has sources
        that stay apart.
    """
    if not isinstance(given, Several):
        return neuron.prepare(given)
    by_input = {"": given.data} if not neuron.schema.inputs else given.data
    names = {"": given.identifiers} if not neuron.schema.inputs else given.identifiers or {}
    lists = {name: by_input[name] for name in apart if isinstance(by_input.get(name), (list, tuple))}
    if not lists or any(is_number(each) for values in lists.values() for each in values):
        # Which refuses a list of numbers.
        return neuron.prepare(given.data, given.identifiers)
    sources: dict[str, tuple[Source, ...]] = {}
    for name, values in lists.items():
        identifiers = names.get(name) or [EXTERNAL] * len(values)
        where = f" of {name!r}" if name else ""
        sources[name] = tuple(
            (identifier, receive_timed(neuron, value, f"the source {identifier!r}{where}"))
            for identifier, value in zip(identifiers, values, strict=True)
        )
    if not neuron.schema.inputs:
        return Outside(neuron, {}, sources)
    rest = {name: value for name, value in by_input.items() if name not in sources}
    ids = {name: value for name, value in names.items() if name not in sources}
    # What is apart has its default there.
    others = neuron.prepare(rest, ids or None)._asdict()
    return Outside(neuron, {name: each for name, each in others.items() if name not in sources}, sources)


def parted(data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Mapping[str, Sequence[Source]]]]:
    """The prepared inputs of populations, and those sources of them that stay apart."""
    wholes = {name: each.whole if isinstance(each, Outside) else each for name, each in data.items()}
    return wholes, {name: each.sources for name, each in data.items() if isinstance(each, Outside)}

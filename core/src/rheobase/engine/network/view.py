"""A range of a population's units under a name of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, final

import torch
from torch import Tensor

from ...errors import ArgumentError, InputError
from ...signal.signal import Signal
from ..neuron.base import Neuron
from .outside import Outside, Several, as_outside, prepared


@final
class View:
    """Some units of a population: they connect, are recorded and take stimuli by a name of their own.

    :meth:`Network.view` makes it. What it does not have itself is its population's.

    Attributes:
        identifier: Its name.
        population: The name of the population.
        first: The first of its units.
        last: The one after the last.
    """

    def __init__(self, identifier: str, neuron: Neuron, first: int, last: int) -> None:
        whole = neuron.num_units
        for what, given in (("first", first), ("last", last)):
            if isinstance(given, bool) or not isinstance(given, int):
                raise ArgumentError(f"view {identifier!r}: {what}={given!r}; give the number of a unit")
        if not 0 <= first < last <= whole:
            raise ArgumentError(
                f"view {identifier!r}: first={first} and last={last} of {neuron.identifier!r}, which has "
                f"{whole} units; give 0 <= first < last <= {whole}: last is the one after"
            )
        self.identifier, self.population = identifier, neuron.identifier
        self.first, self.last = first, last
        self._neuron = neuron

    @property
    def num_units(self) -> int:
        """How many they are."""
        return self.last - self.first

    def __getattr__(self, name: str) -> Any:
        if name == "_neuron":  # while it is being copied or unpickled
            raise AttributeError(name)
        return getattr(self._neuron, name)

    def __repr__(self) -> str:
        return f"View({self.identifier}: {self.population}[{self.first}:{self.last}])"

    def of(self, outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The part of what a step reports that is theirs."""
        whole = self._neuron.num_units
        return {
            name: value.narrow(-2 if name == "spike_times" else -1, self.first, self.num_units)
            if value.shape[-2 if name == "spike_times" else -1] == whole
            else value
            for name, value in outputs.items()
        }

    def widened(self, given: Any) -> Any:
        """What they are given, as all units of the population are: zero for the others."""
        if isinstance(given, Mapping):
            return {name: self.widened(each) for name, each in given.items()}
        if isinstance(given, (list, tuple)):
            return [self.widened(each) for each in given]
        if isinstance(given, Signal):
            return given.joined((), lambda values, t: self._wide(values[0]))
        if isinstance(given, (int, float)) and not isinstance(given, bool):
            given = torch.tensor(float(given), dtype=self._neuron.dtype, device=self._neuron.device)
        return self._wide(given) if isinstance(given, Tensor) else given

    def _wide(self, value: Tensor) -> Tensor:
        whole = self._neuron.num_units
        width = value.shape[-1] if value.ndim else 1
        if width not in (1, self.num_units, whole):
            raise InputError(
                f"the view {self.identifier!r} of {self.population!r} was given {list(value.shape)}; give "
                f"one number, or [*batch, {self.num_units}], a value for each unit"
            )
        wide = value.new_zeros((*value.shape[:-1], whole))
        # A signal may be asked at a time for each unit of the population.
        part = value.narrow(-1, self.first, self.num_units) if width == whole > self.num_units else value
        wide[..., self.first : self.last] = part
        return wide


class End(NamedTuple):
    """One end of a projection.

    Attributes:
        name: What it was called: a population or a view.
        neuron: The population.
        first: The first unit.
        last: The one after the last.
    """

    name: str
    neuron: Neuron
    first: int
    last: int

    @property
    def units(self) -> int:
        """How many there are."""
        return self.last - self.first

    @property
    def whole(self) -> bool:
        """Whether it is all of the population."""
        return self.units == self.neuron.num_units


def end_of(part: Neuron | View) -> End:
    """A population, or a view of one, as an end of a projection."""
    if isinstance(part, View):
        return End(part.identifier, part._neuron, part.first, part.last)
    return End(part.identifier, part, 0, part.num_units)


def combined(neuron: Neuron, given: Any, views: Sequence[tuple[View, Any]], apart: Collection[str]) -> Any:
    """The prepared input of a population and of views of it: their sum.

    Args:
        neuron: The population.
        given: Its own, prepared.
        views: The views, and what each is given.
        apart: Its inputs whose sources meet what projections bring: those of one name are added.
    """
    for view, each in views:
        several = each if isinstance(each, Several) else None
        wide = view.widened(each if several is None else several.data)
        more = prepared(neuron, wide if several is None else Several(wide, several.identifiers), apart)
        if isinstance(given, Outside) or isinstance(more, Outside):
            named = wide if isinstance(wide, Mapping) else neuron.schema.inputs or ("",)
            given = as_outside(neuron, given).with_view(more, named)
            continue
        if not neuron.schema.inputs:
            given = given + more
            continue
        named = wide if isinstance(wide, Mapping) else neuron.schema.inputs
        # An input that is not given has its default, which is there already.
        given = given._replace(**{name: getattr(given, name) + getattr(more, name) for name in named})
    return given

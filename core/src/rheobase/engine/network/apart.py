"""The inputs of a composed model, where some have several sources from outside that are not added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias, final

from ..model.declaration import Input
from ..model.schema import Schema, tuple_type

EXTERNAL = "external"
"""What a source from outside is called among the outputs of the synapses, where nobody named it."""

Joining: TypeAlias = "Mapping[str, tuple[Sequence[Any], Sequence[str]]]"
"""Input -> the values of its sources from outside, and their identifiers."""


@final
class Apart:
    """Which inputs of a model have several sources: each source is an input of the composed model.

    Args:
        own: What the target's model declares.
        sources: Input -> the identifiers of its sources; of a model whose one input has no name, ``""``.
    """

    def __init__(self, own: Schema, sources: Mapping[str, Sequence[str]]) -> None:
        self._own, self._sources = own, sources
        self.inputs: dict[str, Input] = {}
        self._places: dict[str, slice] = {}
        prefix, at = "source_", 0
        while any(name.startswith(prefix) for name in own.inputs):
            prefix = f"s{prefix}"
        for name in own.inputs or ("",):
            declared = own.inputs.get(name) or Input(unit="1")
            if name in sources:
                # Nobody sees these names; identifiers may be no names in Python.
                numbers = range(len(self.inputs), len(self.inputs) + len(sources[name]))
                self.inputs |= {f"{prefix}{number}": declared for number in numbers}
            else:
                self.inputs[name] = declared
            if name not in own.jumps:
                width = len(sources.get(name, ("",)))
                self._places[name] = slice(at, at + width)
                at += width

    def schema(self, whole: Schema) -> Schema:
        """What the composed model declares, with an input for each source."""
        lasting = [name for name in self.inputs if name not in self._own.jumps]
        packs = tuple_type("data", list(self.inputs)), tuple_type("data", lasting)
        return replace(whole, inputs=self.inputs, pack_data=packs[0], pack_lasting=packs[1])

    def parted(self, data: Any) -> tuple[Any, Joining]:
        """The input of the composed model as that of the target's, and the sources.

        Args:
            data: As the composed ``derivatives`` receive it.

        Returns:
            What the target's model receives, where the first source stands for all of its input; and all.
        """
        values: Sequence[Any] = tuple(data)
        joining = {name: (values[self._places[name]], ids) for name, ids in self._sources.items()}
        first = [values[place][0] for place in self._places.values()]
        if not self._own.inputs:
            return first[0], joining
        pack = self._own.pack_lasting if self._own.jumps else self._own.pack_data
        return pack(*first), joining

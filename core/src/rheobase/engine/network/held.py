"""What arrives in a step, held for all of it: a projection without kinetics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, ClassVar, final

from ...specs import Provenance
from ..model.declaration import State
from ..model.schema import Schema, tuple_type
from .recipe import Direct
from .synapse import Kinetics

OUTPUT = "output"
"""What is recorded of it: the sum for each target."""


@final
@dataclass(frozen=True)
class Held:
    """No synapse: the sum of what arrives in a step is the input for that step, and nothing is left of it.

    Attributes:
        unit: The unit of the input, and that of weights.
    """

    unit: str
    parameters: ClassVar[Mapping[str, Any]] = {}

    def __repr__(self) -> str:
        return "held for a step"

    @property
    def source(self) -> Provenance:
        """That there is none."""
        return Provenance("synapse", "none", note="the sum of what arrives in a step is held for it")

    @property
    def schema(self) -> Schema:
        """Its one state."""
        return self.kinetics.schema

    @property
    def kinetics(self) -> Kinetics:
        """What holds the sum."""
        return _held(self.unit)


@cache
def _held(unit: str) -> Kinetics:
    state = State(0.0, unit=unit, at_rest=True, doc="the sum of what arrives in the step")
    state.__set_name__(Held, OUTPUT)
    bare = Direct("", unit).schema
    schema = replace(bare, owner="Held", states={OUTPUT: state}, pack_state=tuple_type("state", [OUTPUT]))
    return Kinetics(
        schema,
        derivatives=_stands,
        arrive=None,
        output=_sum,
        transmit=None,
        of_source={},
        pack_source=tuple_type("state", []),
        into="",
        unit=unit,
        weight_unit=unit,
        held=True,
    )


def _stands(state: Any, params: Any) -> Mapping[str, Any]:
    return {OUTPUT: 0.0 * state.output}


def _sum(state: Any, params: Any, post: Any) -> Any:
    return state.output

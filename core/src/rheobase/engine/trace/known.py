"""When the coefficients of a linear field are those of a field that was looked into before.

In ``y' = A y + B x + c`` the matrix A depends on the parameters alone. Where the author's text shows that it
has this form in the state and the input x together, A is as it was while the parameters are what they were,
whatever the input. (A conductance, which multiplies the state, is no such input.)
"""

from __future__ import annotations

from typing import Any, final

import torch
from torch import Tensor

from ...errors import StructureError
from ...torch_state import values_visible
from ..model.functions import ask
from ..step.field import ModelField
from .affinity import form_of
from .follow import Following, run
from .operations import OPERATIONS
from .rows import Row


@final
class Origin:
    """What the matrix of a model's field was made from; see :meth:`of`."""

    def __init__(self, field: ModelField, y: Tensor, apart: bool) -> None:
        self._model, self._apart = field.model, apart
        # Copies: whoever writes into a parameter, by whatever door, makes it another one.
        self._params = tuple(each.clone() if isinstance(each, Tensor) else each for each in field.params)
        self._kind = (y.shape, y.dtype, y.device)

    @classmethod
    def of(cls, field: Any, y: Tensor, before: Origin | None = None) -> Origin | None:
        """The origin; None where nothing can be told of the field that comes next.

        Args:
            field: The field, one that is linear in the state.
            y: The state, ``[D, *batch, units]``.
            before: That of the field before, which may be of the same model.
        """
        if not isinstance(field, ModelField) or not field.autonomous or not values_visible(y):
            return None
        if any(isinstance(each, Tensor) and each.requires_grad for each in field.params):
            return None  # each step has a graph of its own
        if (
            before is not None
            and before._model is field.model
            and _options(before._params) == _options(field.params)
        ):
            return cls(field, y, before._apart)
        return cls(field, y, _apart_from_input(field, y))

    def serves(self, field: Any, y: Tensor) -> bool:
        """Whether a field has the same matrix, at states like this one."""
        if not self._apart or type(field) is not ModelField or field.model is not self._model:
            return False
        if not field.autonomous or (y.shape, y.dtype, y.device) != self._kind or not values_visible(y):
            return False
        return all(map(_same, field.params, self._params))


def _options(params: Any) -> list[Any]:
    return [None if isinstance(each, Tensor) else each for each in params]


def _same(now: Any, before: Any) -> bool:
    if not isinstance(now, Tensor) or not isinstance(before, Tensor):
        return now is before or (isinstance(now, str) and now == before)
    alike = now.dtype == before.dtype and now.device == before.device and not now.requires_grad
    return alike and torch.equal(now, before)


def _apart_from_input(field: ModelField, y: Tensor) -> bool:
    """Whether the derivatives are affine in the state and the input together."""
    following, data = Following(y), field.data
    states = following.states
    parts = (data,) if isinstance(data, Tensor) else tuple(data)
    inputs = [following.leaf(number, "input", part) for number, part in enumerate(parts, len(y))]
    schema = field.model.schema
    # As it is named there: what arrives as a jump is not in it.
    given = inputs[0] if isinstance(data, Tensor) else data._make(inputs)
    try:
        values = run(lambda: ask(field.model, "derivatives", states, field.params, given), "the field")
        slopes = [values[name] for name in schema.states]
    except (StructureError, KeyError, TypeError):
        return False  # what cannot be followed is looked into each time
    return all(isinstance(slope, Row) and form_of(slope.node, OPERATIONS).joint is None for slope in slopes)

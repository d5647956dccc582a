"""The state of a neuron by name, as its users have it: a dictionary whose values are attributes too."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any, final

from torch import Tensor

from ...errors import nearest
from ...torch_state import broadcast_shape, of_torch
from ..model.functions import pack, spread
from ..model.schema import Schema
from ..step.table import SLOTS, StepState

_TREES = "torch.utils._pytree"


@final
class NamedState(dict[str, Any]):
    """What a step goes on from, by name: ``state["voltage"]`` and ``state.voltage``.

    A model's functions read attributes, so it can be given to them as it is. A state that is called like a
    method of dictionaries (``values``) is had by its item alone. The attributes are read: a neuron's state
    is set by ``neuron.voltage = ...``. Pickle and ``torch.save`` write it as an ordered dictionary, which is
    read without Rheobase.

    Raises:
        AttributeError: For a name that is not there, with the nearest one.

    Example:
        >>> state = NamedState(voltage=-75.0, armed=True)
        >>> state.voltage, state["armed"], (state | {"voltage": -60.0}).voltage
        (-75.0, True, -60.0)
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(
                f"the state has no {name!r}{nearest(name, self)}; it has {', '.join(self) or 'nothing'}",
                name=name,
                obj=self,
            ) from None

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(
            f"the state's {name!r} is not set here: assign neuron.{name} = ... on the neuron, or "
            f"state[{name!r}] = ... in this mapping, which is no more than a view of the neuron's tensors"
        )

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self]

    def __or__(self, other: Any) -> Any:
        return NamedState(super().__or__(other)) if isinstance(other, dict) else NotImplemented

    def copy(self) -> NamedState:
        return NamedState(self)

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> NamedState:
        return NamedState(copy.deepcopy(dict(self), memo))


def by_name(schema: Schema, state: StepState, clock: Tensor | None) -> dict[str, Any]:
    """What a step left, by name, with the clock where the model has draws."""
    # Rows of the packed state, not copies.
    named: dict[str, Any] = dict(zip(schema.states, state.y.unbind(0), strict=True))
    for slot in SLOTS:
        if slot.goes_on and (value := getattr(state, slot.field)) is not None:
            named[slot.name] = value
    if clock is not None:
        named["step_count"] = clock + 1
    named["carry"] = state.carry
    return named


def packed(schema: Schema, named: Mapping[str, Any]) -> StepState:
    """A state by name, as a step takes it."""
    parts = [named[name] for name in schema.states]
    beside = {slot.field: named.get(slot.name) for slot in SLOTS if slot.goes_on}
    tensors = [*parts, *(each for each in beside.values() if each is not None)]
    shape = tensors[0].shape
    if any(each.shape != shape for each in tensors):
        shape = broadcast_shape(*(each.shape for each in tensors))
        parts = [spread(part, shape) for part in parts]
        beside = {name: each if each is None else spread(each, shape) for name, each in beside.items()}
    return StepState(pack(parts), **beside, carry=named.get("carry"))


def as_tree(kind: type[dict[str, Any]]) -> None:
    """Let torch and pickle take a class of dictionaries, made of pairs, for a plain one."""
    # Function transforms reach its tensors, as those of any other, and it is written as an ordered
    # dictionary, which is read without Rheobase. A torch that has no function for the first takes such a
    # dictionary for one value, which ``dict(...)`` mends.

    def children(named: dict[str, Any]) -> tuple[list[Any], list[str]]:
        return list(named.values()), list(named)

    def with_keys(named: dict[str, Any]) -> tuple[list[tuple[Any, Any]], list[str]]:
        return [(_key(name), value) for name, value in named.items()], list(named)

    def joined(values: Iterable[Any], names: Any) -> dict[str, Any]:
        return kind(zip(names, values, strict=True))

    def reduced(named: dict[str, Any], protocol: Any) -> Any:
        return OrderedDict, (), None, None, iter(named.items())

    kind.__reduce_ex__ = reduced  # type: ignore[method-assign, assignment]
    _register(
        kind,
        children,
        joined,
        serialized_type_name=f"rheobase.{kind.__name__}",
        flatten_with_keys_fn=with_keys,
    )


_key = of_torch(f"{_TREES}:MappingKey", lambda name: name)
_register = of_torch(f"{_TREES}:register_pytree_node", lambda *_, **__: None)

as_tree(NamedState)

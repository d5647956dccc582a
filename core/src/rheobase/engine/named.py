"""The state of a neuron by name: a dictionary whose values are attributes too."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, final

from ..errors import nearest
from .tracing import of_torch

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

    def __reduce_ex__(self, protocol: Any) -> Any:
        return OrderedDict, (), None, None, iter(self.items())


def _children(state: NamedState) -> tuple[list[Any], list[str]]:
    return list(state.values()), list(state)


def _with_keys(state: NamedState) -> tuple[list[tuple[Any, Any]], list[str]]:
    return [(_key(name), value) for name, value in state.items()], list(state)


def _joined(values: Iterable[Any], names: Any) -> NamedState:
    return NamedState(zip(names, values, strict=True))


_key = of_torch(f"{_TREES}:MappingKey", lambda name: name)
# So that function transforms see its tensors, as they see those of a dictionary; a torch that has no such
# function takes the state for one value, which ``dict(state)`` mends.
of_torch(f"{_TREES}:register_pytree_node", lambda *_, **__: None)(
    NamedState,
    _children,
    _joined,
    serialized_type_name="rheobase.NamedState",
    flatten_with_keys_fn=_with_keys,
)

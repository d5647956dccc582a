"""The state of a neuron by name: a dictionary whose values are attributes too."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, final

from ...errors import nearest
from ...torch_state import of_torch

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

"""Following a computation that torch carries out, such as a whole step: each operation becomes a node.

The stand-ins of :mod:`.follow` need no values, pass through transforms of functions, and let nothing escape;
so proofs are made with them. Here the function works on tensors, whatever it asks of them, and every function
of torch comes as the few operations that it is made of: what a kernel is made from.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from ...errors import StructureError
from .graph import Graph, Leaf, Node, entry, replaced

_NUMBERS = frozenset((int, float, bool, type(None), torch.dtype, torch.device))
_BRANCHES = ("_local_scalar_dense", "item", "is_nonzero", "equal", "nonzero", "masked_select")


class Trace(NamedTuple):
    """A function that was followed; see :func:`trace`.

    A node has ``operation``, ``arguments`` and ``options`` (nodes in place of tensors that were computed,
    tensors where they come from elsewhere), ``shape`` and ``dtype`` of its value, and ``value()``, which
    computes it anew.

    Attributes:
        given: What the function was given -> its node, by ``"argument.name"``, or ``"argument"`` for a tensor
            that is one by itself.
        nodes: The operations, in the order in which they were carried out.
        results: What the function gives, with nodes in place of tensors; a mapping as a dict.
    """

    given: Mapping[str, Node]
    nodes: tuple[Node, ...]
    results: Any

    def pattern(self) -> tuple[Any, ...]:
        """What the function does, hashable: equal for functions that do the same with what they are given.

        Numbers and tensors from elsewhere count by their values, what is given by its shape and dtype.
        """
        places = {node: place for place, node in enumerate((*self.given.values(), *self.nodes))}

        def of(value: Any) -> Any:
            kind = type(value)
            if kind is Node:
                return places[value]
            if kind in _NUMBERS:
                return repr(value)
            if isinstance(value, Tensor):
                numbers = value.detach().cpu().contiguous().numpy().tobytes()
                return repr(value.dtype), tuple(value.shape), numbers
            if isinstance(value, dict):
                return tuple((name, of(each)) for name, each in value.items())
            return tuple(map(of, value)) if isinstance(value, (list, tuple)) else repr(value)

        given = [(name, node.shape, repr(node.dtype)) for name, node in self.given.items()]
        calls = [(node.operation, of(node.arguments), of(node.options)) for node in self.nodes]
        return (*given, *calls, of(self.results))

    def used(self) -> frozenset[str]:
        """What, of all that the function was given, its results depend on."""
        pending, leaves = [self.results], set[int]()
        while pending:
            each = pending.pop()
            if type(each) is Node:
                leaves |= each.leaves
            elif isinstance(each, (list, tuple)):
                pending += each
            elif isinstance(each, dict):
                pending += each.values()
        return frozenset(name for name, node in self.given.items() if node.leaves & leaves)


def trace(function: Callable[..., Any], what: str = "the function", **given: Any) -> Trace:
    """Follow a function of tensors: run it once, and note the operations of torch that it consists of.

    Args:
        function: Called with what is given, in this order.
        what: How it is called in an error. Default ``"the function"``.
        **given: Its arguments. Tensors, by themselves or in a mapping or named tuple, are followed.

    Returns:
        Its operations, as a graph.

    Raises:
        StructureError: If it looks at values, writes into a tensor, or fails.

    Example:
        >>> import torch
        >>> found = trace(lambda x, gain: gain * torch.exp(-x), x=torch.zeros(2), gain=torch.ones(2))
        >>> [str(node.operation) for node in found.nodes]
        ['aten.neg.default', 'aten.exp.default', 'aten.mul.Tensor']
        >>> sorted(found.used())
        ['gain', 'x']
    """
    mode = _Follower(what)
    known: dict[str, Node] = {}
    for kind, argument in given.items():
        if isinstance(argument, Tensor):
            known[kind] = mode.leaf(kind, "", argument)
            continue
        parts = argument._asdict() if hasattr(argument, "_asdict") else argument
        if isinstance(parts, Mapping):
            for name, part in parts.items():
                if isinstance(part, Tensor):
                    known[f"{kind}.{name}"] = mode.leaf(kind, name, part)
    try:
        with torch.no_grad(), mode:
            results = function(*given.values())
    except Exception as error:
        reason = mode.reason or f"{what} cannot be followed: {type(error).__name__}: {error}"
        raise StructureError(reason) from error
    # A mapping of whatever kind is one of names.
    found = mode.of(dict(results) if isinstance(results, Mapping) else results)
    return Trace(known, tuple(mode.nodes), found)


class _Follower(TorchDispatchMode):
    """Notes each operation.

    Attributes:
        nodes: The operations so far.
        reason: Why the function cannot be followed; None so far.
    """

    def __init__(self, what: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._what, self._graph = what, Graph(torch.ones(1), torch.Size())
        self.nodes: list[Node] = []
        self.reason: str | None = None
        # The tensor itself beside its node: while it lives, no other has its identity.
        self._known: dict[int, tuple[Tensor, Node]] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Nothing here is compiled by torch; its compiler takes two seconds to import.
        return False

    def leaf(self, kind: str, name: str, value: Tensor) -> Node:
        """Something that the function is given."""
        node = self._graph.leaf(len(self._graph.leaves), Leaf(kind, name), value)
        return self._know(value, node)

    def of(self, value: Any) -> Any:
        """Nodes in place of tensors; one that comes from elsewhere stays."""
        found = self._known.get(id(value))
        if found is not None:
            return found[1]
        return value if type(value) in _NUMBERS else replaced(value, self.of)

    def _know(self, value: Tensor, node: Node) -> Node:
        node.kind = (value.shape, value.dtype)
        self._known[id(value)] = (value, node)
        return node

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        reason = _refused(func)
        if reason is not None:
            self.reason = f"{self._what} {reason}"
            raise StructureError(self.reason)
        out = func(*args, **(kwargs or {}))
        node = self._graph.node(func, tuple(map(self.of, args)), self.of(kwargs) if kwargs else None)
        self.nodes.append(node)
        if isinstance(out, Tensor):
            self._know(out, node)
        elif isinstance(out, (list, tuple)):
            for place, part in enumerate(out):
                one = self._graph.node(entry, (node, place))
                self.nodes.append(one)
                self._know(part, one)
        return out


@functools.cache
def _refused(operation: Any) -> str | None:
    """Why one of torch's operations cannot be followed; None if it can."""
    name = name_of(operation)
    if name in _BRANCHES:
        return "looks at values, as a branch of Python on a tensor does"
    return f"writes into a tensor ({name})" if operation._schema.is_mutable else None


def name_of(operation: Any) -> str:
    """The name of one of torch's operations, such as ``"mul"``."""
    return str(operation._schema.name.partition("::")[2])

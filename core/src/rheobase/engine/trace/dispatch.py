"""Following a computation that torch carries out, such as a whole step: each operation becomes a node.

The stand-ins of :mod:`.follow` need no values, pass through transforms of functions, and let nothing escape;
so proofs are made with them. Here the function works on tensors, whatever it asks of them, and every function
of torch comes as the few operations that it is made of: what a kernel is made from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property
from typing import Any, TypeAlias, final

import torch
from torch import Tensor

from ...errors import StructureError
from ...torch_state import of_torch
from .graph import Graph, Leaf, Node, entry, parts, replaced

_INSTEAD = {"logical_and_": torch.ops.aten.logical_and.default}
"""Operations that autograd itself carries out in place, on a mask that it has just made, as it does for the
derivative of clamp; and what they are followed as."""

_BRANCHES = ("_local_scalar_dense", "item", "is_nonzero", "equal", "nonzero", "masked_select")


# The operation, its arguments, those by name, and what it gave. The tensors are kept: while they live, no
# other has their identity.
_Call: TypeAlias = "tuple[Any, tuple[Any, ...], Mapping[str, Any] | None, Any]"


@final
class Trace:
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

    def __init__(self, given: Mapping[str, Tensor], calls: Sequence[_Call], results: Any) -> None:
        self._given, self._calls = given, calls
        # A mapping of whatever kind is one of names.
        self._results = dict(results) if isinstance(results, Mapping) else results

    @cached_property
    def _graph(self) -> tuple[dict[str, Node], tuple[Node, ...], Any]:
        graph, given, nodes = Graph(torch.ones(1), torch.Size()), dict[str, Node](), list[Node]()
        known: dict[int, Node] = {}

        def of(value: Any) -> Any:
            found = known.get(id(value))
            return replaced(value, of) if found is None else found

        def know(value: Tensor, node: Node) -> None:
            node.kind, known[id(value)] = (value.shape, value.dtype), node

        for number, (name, value) in enumerate(self._given.items()):
            given[name] = graph.leaf(number, Leaf(*name.split(".", 1), *([""] * ("." not in name))), value)
            know(value, given[name])
        for operation, arguments, options, out in self._calls:
            node = graph.node(operation, of(arguments), of(options))
            nodes.append(node)
            if isinstance(out, Tensor):
                know(out, node)
                continue
            for place, part in enumerate(out):
                nodes.append(graph.node(entry, (node, place)))
                know(part, nodes[-1])
        return given, tuple(nodes), of(self._results)

    @property
    def given(self) -> Mapping[str, Node]:
        """See the class."""
        return self._graph[0]

    @property
    def nodes(self) -> tuple[Node, ...]:
        """See the class."""
        return self._graph[1]

    @property
    def results(self) -> Any:
        """See the class."""
        return self._graph[2]

    def pattern(self) -> tuple[Any, ...]:
        """What the function does, hashable: equal for functions that do the same with what they are given.

        Numbers and tensors from elsewhere count by their values, what is given by its shape and dtype. It
        costs less than the nodes.
        """
        places = {id(value): place for place, value in enumerate(self._given.values())}

        def of(value: Any) -> Any:
            place = places.get(id(value))
            if place is not None:
                return place
            if isinstance(value, Tensor):
                numbers = value.detach().cpu().contiguous().numpy().tobytes()
                return repr(value.dtype), tuple(value.shape), numbers
            if isinstance(value, dict):
                return tuple([(name, of(each)) for name, each in value.items()])
            return tuple(map(of, value)) if isinstance(value, (list, tuple)) else repr(value)

        given = [(name, value.shape, repr(value.dtype)) for name, value in self._given.items()]
        calls, count = [], len(places)
        for operation, arguments, options, out in self._calls:
            calls.append((operation, tuple(map(of, arguments)), of(options) if options else ()))
            for part in (out,) if isinstance(out, Tensor) else out:
                places[id(part)] = count
                count += 1
        return (*given, *calls, of(self._results))

    def used(self) -> frozenset[str]:
        """What, of all that the function was given, its results depend on."""
        leaves = {number for node in parts(self.results) for number in node.leaves}
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
    mode, known = _Follower(what), dict[str, Tensor]()
    for kind, argument in given.items():
        named = argument._asdict() if hasattr(argument, "_asdict") else argument
        if isinstance(named, Mapping):
            known |= {f"{kind}.{name}": each for name, each in named.items() if isinstance(each, Tensor)}
        elif isinstance(argument, Tensor):
            known[kind] = argument
    try:
        # In inference mode torch itself detaches in place what it makes of numbers.
        with torch.inference_mode(False), torch.no_grad(), mode:
            results = function(*given.values())
    except Exception as error:
        reason = mode.reason or f"{what} cannot be followed: {type(error).__name__}: {error}"
        raise StructureError(reason) from error
    return Trace(known, mode.calls, results)


class _NoMode:
    """In place of torch's mode, in a version that has it under another name."""

    def __enter__(self) -> Any:
        raise StructureError("this version of torch does not tell which operations it carries out")

    def __exit__(self, *_: object) -> None:
        """Nothing was begun."""


_Mode: Any = of_torch("torch.utils._python_dispatch:TorchDispatchMode", _NoMode)


class _Follower(_Mode):  # type: ignore[misc]
    """Notes each operation.

    Attributes:
        calls: The operations so far.
        reason: Why the function cannot be followed; None so far.
    """

    def __init__(self, what: str) -> None:
        super().__init__()
        self._what = what
        self.calls: list[_Call] = []
        self.reason: str | None = None

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Nothing here is compiled by torch; its compiler takes two seconds to import.
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        instead = _INSTEAD.get(name_of(func))
        if instead is not None and not any(args[0] is call[3] for call in self.calls):
            instead = None
        reason = None if instead is not None else _refused(func)
        if reason is not None:
            self.reason = f"{self._what} {reason}"
            raise StructureError(self.reason)
        out = func(*args, **(kwargs or {}))
        # What is written into is from then on what was written: it is the same tensor.
        self.calls.append((instead or func, args, kwargs, out))
        return out


@cache
def _refused(operation: Any) -> str | None:
    """Why one of torch's operations cannot be followed; None if it can."""
    name = name_of(operation)
    if name in _BRANCHES:
        return "looks at values, as a branch of Python on a tensor does"
    return f"writes into a tensor ({name})" if operation._schema.is_mutable else None


def name_of(operation: Any) -> str:
    """The name of one of torch's operations, such as ``"mul"``."""
    return str(operation._schema.name.partition("::")[2])

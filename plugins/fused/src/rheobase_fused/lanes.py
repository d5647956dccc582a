"""From torch's operations on tensors to expressions of one unit.

A tensor ``[..., units]`` is an array of nodes in which the units' dimension has length 1: everything is
done to each unit alike, and what mixes units is refused.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from rheobase import spi
from torch import Tensor

from .expression import Builder, Node
from .operations import ALIKE
from .refusal import Refusal

TYPES = {
    torch.bool: "b",
    torch.int8: "i",
    torch.uint8: "i",
    torch.int16: "i",
    torch.int32: "i",
    torch.int64: "i",
}
"""torch's types other than floating-point ones, as letters of nodes: conditions and integers."""

_RANK = "bihf"
_CONDITIONS = ("lt", "le", "gt", "ge", "eq", "ne")
_LARGEST_CONSTANT = 4096


class Call:
    """One of torch's operations, as it was carried out on a few units.

    Args:
        node: The node of a :class:`rheobase.spi.Trace`.
    """

    def __init__(self, node: spi.Node) -> None:
        self._node = node
        self.name: str = node.name

    @property
    def shape(self) -> torch.Size:
        """The shape of what it gave."""
        return self._node.shape

    @property
    def dtype(self) -> torch.dtype:
        """The type of what it gave."""
        return self._node.dtype

    @property
    def before(self) -> torch.Size:
        """The shape of its first argument."""
        return torch.Size(self._node.arguments[0].shape)


class Lanes:
    """Follows operations on tensors as operations on nodes.

    Args:
        builder: What makes the nodes.
        dtype: The run's floating-point type.
        units: The number of units in the tensors that are followed, unlike any other size in them.
        rules: Further rules, or others, by torch's name of an operation. Default none.
    """

    def __init__(
        self,
        builder: Builder,
        dtype: torch.dtype,
        units: int,
        rules: Mapping[str, Callable[..., Any]] | None = None,
    ) -> None:
        self.builder = builder
        self.dtype = dtype
        self.units = units
        from .rules import RULES  # which are made of what is here

        self._rules = RULES if rules is None else {**RULES, **rules}
        self._written: dict[spi.Node, Any] = {}

    def write(self, traced: spi.Trace) -> None:
        """Write down a function that was followed on a few units.

        Raises:
            Refusal: If a kernel cannot do it.
        """
        for name, leaf in traced.given.items():
            self._written[leaf] = self.read(name.replace(".", "_", 1), leaf)
        for node in traced.nodes:
            options = {name: self._look(value) for name, value in (node.options or {}).items()}
            arguments = [self._look(value) for value in node.arguments]
            if node.name:
                self._written[node] = self.call(Call(node), arguments, options)
            else:  # one of several that an operation gave
                self._written[node] = arguments[0][arguments[1]]

    def of(self, value: Any) -> Any:
        """The nodes of a result; of a tensor that came from elsewhere, its values."""
        return self.constants(value) if isinstance(value, Tensor) else self._written[value]

    def _look(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [self._look(each) for each in value]
        return self.of(value) if isinstance(value, (Tensor, spi.Node)) else value

    def call(self, call: Call, arguments: list[Any], options: dict[str, Any]) -> Any:
        """What an operation gives.

        Args:
            call: The operation.
            arguments: Its arguments, tensors as arrays of nodes.
            options: Those given by name.

        Raises:
            Refusal: If a kernel cannot do it.
        """
        rule = self._rules.get(call.name)
        if rule is not None:
            return rule(self, call, *arguments, **options)
        if call.name in ALIKE:
            return self.each(ALIKE[call.name], *arguments)
        raise Refusal(f"the operation {call.name} is not in the table of what kernels do")

    # --- values ------------------------------------------------------------------------------------

    def read(self, name: str, tensor: spi.Node) -> Any:
        """The nodes of something that is read: a state, a parameter, an input."""
        found = np.empty((1,) if len(tensor.shape) else (), dtype=object)
        found[...] = self.builder.read(name, self.type_of(tensor.dtype))
        return found

    def constants(self, tensor: Tensor) -> Any:
        """The nodes of a tensor that the step did not compute."""
        if tensor.numel() > _LARGEST_CONSTANT:
            raise Refusal(f"the step holds a constant of {tensor.numel()} numbers")
        if self.units in tensor.shape:
            raise Refusal("the step holds a value for each unit that is no parameter of the model")
        # A number without dimensions takes the type of what it meets, as torch does it.
        kind = "f" if tensor.ndim == 0 and tensor.is_floating_point() else self.type_of(tensor.dtype)
        found = np.empty(tuple(tensor.shape), dtype=object)
        for place in np.ndindex(*found.shape):
            found[place] = self._constant(tensor[place].item(), kind)
        return found

    def single(self, value: Any, dtype: torch.dtype) -> Node:
        """The one node of a tensor ``[]`` or ``[units]``, in a type."""
        nodes = np.asarray(value, dtype=object).reshape(-1)
        if len(nodes) != 1:
            raise Refusal("the step gives several values for each unit where one is expected")
        node: Node = nodes[0]
        if dtype == torch.bool:
            # What counts spikes may have made a number of the condition.
            while node.operation == "cast":
                node = node.parts[0]
        return self.cast(node, self.type_of(dtype))

    def type_of(self, dtype: torch.dtype) -> str:
        """The letter of one of torch's types."""
        if dtype == self.dtype:
            return "f"
        if dtype == torch.float32:
            return "h"
        if dtype not in TYPES:
            raise Refusal(f"a step in {self.dtype} computes with {dtype}, and a kernel does not mix them")
        return TYPES[dtype]

    def shape_of(self, call: Call) -> tuple[int, ...]:
        """The shape of what a call gives, the units' dimension counting 1."""
        return tuple(1 if size == self.units else size for size in call.shape)

    def array(self, value: Any, kind: str = "f") -> Any:
        """A value as an array of nodes; a Python number becomes a constant."""
        if isinstance(value, np.ndarray):
            return value
        if isinstance(value, bool):
            kind = "b"
        elif isinstance(value, float) and kind != "h":
            kind = "f"
        found = np.empty((), dtype=object)
        found[()] = self._constant(value, kind)
        return found

    def _constant(self, value: Any, kind: str) -> Node:
        if kind == "h" or (kind == "f" and self.dtype == torch.float32):
            value = ctypes.c_float(value).value
        return self.builder.constant(value, kind)

    # --- operations --------------------------------------------------------------------------------

    def each(self, operation: str, *parts: Any) -> Any:
        """An operation of the table, on arrays that broadcast and Python numbers."""
        kinds = [part.item(0).type for part in parts if isinstance(part, np.ndarray)]
        top = max(kinds, key=_RANK.index)
        arrays = [self.array(part, "i" if top == "b" else top) for part in parts]
        return self.apply(partial(self.node, operation), *arrays)

    def apply(self, function: Callable[..., Node], *arrays: Any) -> Any:
        """A function of nodes, on arrays that broadcast."""
        most = 0
        for array in arrays:
            if array.size != 1:
                break
            most = max(most, array.ndim)
        else:
            # Nearly all there is: one node for each.
            found = np.empty((1,) * most, dtype=object)
            found.fill(function(*[array.item() for array in arrays]))
            return found
        spread = np.broadcast_arrays(*arrays)
        found = np.empty(spread[0].shape, dtype=object)
        for place in np.ndindex(*found.shape):
            found[place] = function(*(array[place] for array in spread))
        return found

    def node(self, operation: str, *parts: Node) -> Node:
        """An operation on nodes whose types are made one, as torch does."""
        make = self.builder.make
        if operation == "where":
            top = max((part.type for part in parts[1:]), key=_RANK.index)
            return make("where", top, parts[0], *(self.cast(part, top) for part in parts[1:]))
        top = max((part.type for part in parts), key=_RANK.index)
        if operation in ("and", "or", "xor", "not", "mul") and top == "b":
            return self._both(parts) if operation in ("and", "mul") else make(operation, "b", *parts)
        if operation in ("and", "or", "xor", "not"):
            raise Refusal("the step works on the bits of integers")
        if operation not in _CONDITIONS:
            whole = operation in ("add", "sub", "mul", "neg", "abs", "minimum", "maximum")
            top = ("i" if top == "b" else top) if whole else "f"
        if top == "h" and operation not in _CONDITIONS:
            raise Refusal(f"a step in {self.dtype} computes with float32, and a kernel does not mix them")
        cast = tuple(self.cast(part, top) for part in parts)
        if top == "i" and operation in ("minimum", "maximum"):
            first = make("lt" if operation == "minimum" else "gt", "b", *cast)
            return make("where", "i", first, *cast)
        if top == "i" and operation == "abs":
            operation = "absi"
        return make(operation, "b" if operation in _CONDITIONS else top, *cast)

    def _both(self, parts: tuple[Node, ...]) -> Node:
        """Two conditions; what torch makes of ``isfinite`` is known again."""
        for one, other in (parts, parts[::-1]):
            number = one.parts[0] if one.operation == "eq" and one.parts[0] is one.parts[1] else None
            size = other.parts[0] if other.operation == "ne" else None
            if number is not None and size is not None and size.operation == "abs":
                limit = other.parts[1]
                if size.parts[0] is number and limit.operation == "constant" and limit.value == math.inf:
                    return self.builder.make("isfinite", "b", number)
        return self.builder.make("and", "b", *parts)

    def cast(self, node: Node, kind: str) -> Node:
        """A node as another type."""
        if node.type == kind:
            return node
        if node.operation == "constant":
            return self._constant(node.value, kind)
        if kind == "h":
            raise Refusal(f"a step in {self.dtype} computes with float32, and a kernel does not mix them")
        return self.builder.make("cast", kind, node)

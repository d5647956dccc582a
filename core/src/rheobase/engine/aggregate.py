"""Aggregators: how the inputs of several sources combine into one.

An aggregator is a callable ``(inputs, identifiers) -> Tensor``. Inputs combine by broadcasting, so a
scalar, a vector ``[units]`` and a batch ``[*batch, units]`` may stand in one list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import reduce
from typing import TypeAlias

import torch
from torch import Tensor

from ..errors import InputError

_NAMING = (
    'give simulate a mapping, {{"{one}": a, "{other}": b}}; where you call the neuron yourself, '
    'identifiers=["{one}", "{other}"], one for each input'
)
"""How inputs are given identifiers, by the two doors to an aggregator."""

Aggregator: TypeAlias = Callable[[list[Tensor], "list[str] | None"], Tensor]


def check_inputs(inputs: Sequence[Tensor], identifiers: Sequence[str] | None) -> None:
    """Refuse an empty list, and identifiers that do not match the inputs."""
    if not inputs:
        raise InputError("no input was given to aggregate; give a list of one or more tensors")
    if identifiers is not None and len(identifiers) != len(inputs):
        raise InputError(
            f"{len(identifiers)} identifiers were given for {len(inputs)} inputs; "
            "give one for each input, in the same order"
        )


def sum_inputs(inputs: list[Tensor], identifiers: list[str] | None = None) -> Tensor:
    """I = I_1 + I_2 + ... + I_n.

    Example:
        >>> import torch
        >>> sum_inputs([torch.tensor(1.0), torch.tensor([2.0, 3.0])])
        tensor([3., 4.])
    """
    check_inputs(inputs, identifiers)
    return reduce(torch.add, inputs)


def mean_inputs(inputs: list[Tensor], identifiers: list[str] | None = None) -> Tensor:
    """I = (I_1 + I_2 + ... + I_n) / n.

    Example:
        >>> import torch
        >>> mean_inputs([torch.tensor([1.0]), torch.tensor([2.0])])
        tensor([1.5000])
    """
    return sum_inputs(inputs, identifiers) / len(inputs)


def product_inputs(inputs: list[Tensor], identifiers: list[str] | None = None) -> Tensor:
    """I = I_1 I_2 ... I_n.

    Example:
        >>> import torch
        >>> product_inputs([torch.tensor([3.0]), torch.tensor([2.0])])
        tensor([6.])
    """
    check_inputs(inputs, identifiers)
    return reduce(torch.mul, inputs)


def shunting_inputs(inputs: list[Tensor], identifiers: list[str] | None = None) -> Tensor:
    """I = (sum of the driving inputs) / (1 + sum of the shunting inputs).

    An input whose identifier begins with ``shunt`` is a shunt: a conductance relative to the leak,
    which divides. All others are currents, which add.

    Raises:
        InputError: If no identifiers are given, or if every input is a shunt.

    Example:
        >>> import torch
        >>> shunting_inputs([torch.tensor([6.0]), torch.tensor([2.0])], ["dendrite", "shunt"])
        tensor([2.])
    """
    check_inputs(inputs, identifiers)
    if identifiers is None:
        raise InputError(
            "the aggregator 'shunting' was given no identifiers; those that begin with 'shunt' divide; "
            + _NAMING.format(one="dendrite", other="shunt")
        )
    shunts = [x for x, name in zip(inputs, identifiers, strict=True) if name.startswith("shunt")]
    drives = [x for x, name in zip(inputs, identifiers, strict=True) if not name.startswith("shunt")]
    if not drives:
        raise InputError(f"all inputs {identifiers} are shunts; at least one must be a current to divide")
    return (
        reduce(torch.add, drives) / (1 + reduce(torch.add, shunts)) if shunts else reduce(torch.add, drives)
    )


@dataclass(frozen=True)
class GroupedAggregator:
    """Aggregates each group of identifiers by its own rule, then adds the groups.

    Args:
        groups: Pattern of identifiers (as in file names, ``"inh*"``) -> aggregator. An input belongs
            to the first pattern that it matches. Inputs that match none are added.

    Raises:
        InputError: When called without identifiers.

    Example:
        >>> import torch
        >>> rule = GroupedAggregator({"gate*": product_inputs})
        >>> rule([torch.tensor([2.0]), torch.tensor([3.0]), torch.tensor([1.0])], ["gate1", "gate2", "x"])
        tensor([7.])
    """

    groups: Mapping[str, Aggregator]

    def __call__(self, inputs: list[Tensor], identifiers: list[str] | None = None) -> Tensor:
        check_inputs(inputs, identifiers)
        if identifiers is None:
            first = next(iter(self.groups), "dendrite")
            raise InputError(
                f"the aggregator by groups {list(self.groups)} was given no identifiers; "
                + _NAMING.format(one=first.replace("*", "_1"), other="soma")
            )
        members: dict[str | None, list[int]] = {}
        for index, name in enumerate(identifiers):
            # By case on every system, as identifiers are.
            pattern = next((p for p in self.groups if fnmatchcase(name, p)), None)
            members.setdefault(pattern, []).append(index)
        totals = []
        for pattern, indices in members.items():
            rule = sum_inputs if pattern is None else self.groups[pattern]
            totals.append(rule([inputs[i] for i in indices], [identifiers[i] for i in indices]))
        return reduce(torch.add, totals)

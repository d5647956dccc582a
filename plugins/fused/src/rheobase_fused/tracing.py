"""The step of a neuron, followed once and written down as expressions of one unit.

The neuron's own pure ``step`` is called once, on a few units, and every operation that torch carries out on
the way is followed (a dispatch mode). The step cannot look at values meanwhile, so it takes the way on which
every unit is worked on alike, and what was followed is the whole of it: the integrator, the threshold, the
reset and the refractory hold, whoever wrote them.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from .expression import Builder, Node
from .lanes import Call, Lanes
from .refusal import Refusal
from .setting import UNITS, Setting

if TYPE_CHECKING:
    from rheobase import Neuron

SPIKED = "who spiked"
"""What no state is called."""

_BRANCHES = ("_local_scalar_dense", "item", "is_nonzero", "equal", "nonzero", "masked_select")


@dataclass(frozen=True)
class Step:
    """One step of one unit.

    Attributes:
        builder: What made the nodes.
        states: Name -> the state at the end of the step.
        spiked: Whether the unit spiked; None for a model that does not spike.
        params: The parameters, in order.
        uniform: Those that all units share.
        inputs: The inputs, in order.
    """

    builder: Builder
    states: Mapping[str, Node]
    spiked: Node | None
    params: tuple[str, ...]
    uniform: frozenset[str]
    inputs: tuple[str, ...]


def trace(neuron: Neuron) -> Step:
    """Follow the step of a neuron.

    Raises:
        Refusal: If it cannot be followed, or does what a kernel cannot.
    """
    setting = StepSetting(neuron)
    builder = Builder()
    lanes = Lanes(builder, neuron.dtype, UNITS)
    follower = Follower(lanes)
    for name, value in setting.tensors():
        follower.know(value, lanes.read(name, value))
    given = setting.given(follower)
    spiked = given.pop(SPIKED)
    return Step(
        builder,
        {
            name: lanes.single(follower.of(value), value.dtype)
            for name, value in given.items()
            if value is not None
        },
        None if spiked is None else lanes.single(follower.of(spiked), torch.bool),
        tuple(setting.params),
        setting.uniform,
        tuple(setting.data),
    )


class StepSetting(Setting):
    """A few units, for a whole step.

    Raises:
        Refusal: If the integrator carries something on, which no kernel does.
    """

    def __init__(self, neuron: Neuron) -> None:
        state = dict(neuron.state)
        _check_carry(state.pop("carry", None))
        super().__init__(neuron, {name: value for name, value in state.items() if value is not None})

    def _computed(self, params: Any, data: Any) -> dict[str, Tensor | None]:
        """The states after it, and under ``SPIKED`` who spiked, or None."""
        new, outputs = self.neuron.step({**self.states, "carry": None}, params, data, self.neuron.dt)
        _check_carry(new.get("carry"))
        for name, value in self.states.items():
            if new[name].dtype != value.dtype:
                raise Refusal(f"the state {name!r} turns from {value.dtype} to {new[name].dtype}")
        return {**{name: new[name] for name in self.states}, SPIKED: outputs.get("spiked")}


def _check_carry(carry: object) -> None:
    if carry:
        raise Refusal("the integrator carries something from step to step")


@functools.cache
def name_of(operation: Any) -> str:
    """The name of one of torch's operations.

    Raises:
        Refusal: If it looks at values, or writes into a tensor.
    """
    name: str = operation._schema.name.partition("::")[2]
    if name in _BRANCHES:
        raise Refusal("the step looks at values, as a branch of Python on a tensor does")
    if operation._schema.is_mutable:
        raise Refusal(f"the step writes into a tensor ({name})")
    return name


class Follower(TorchDispatchMode):
    """Follows each operation with the rule for it."""

    def __init__(self, lanes: Lanes) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._lanes = lanes
        # The tensor itself beside its nodes: while it lives, no other has its identity.
        self._known: dict[int, tuple[Tensor, Any]] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Nothing here is compiled by torch; its compiler takes two seconds to import.
        return False

    def know(self, tensor: Tensor, nodes: Any) -> None:
        """Remember the nodes of a tensor."""
        self._known[id(tensor)] = (tensor, nodes)

    def of(self, tensor: Tensor) -> Any:
        """The nodes of a tensor; of one that came from elsewhere, its values."""
        found = self._known.get(id(tensor))
        return self._lanes.constants(tensor) if found is None else found[1]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = name_of(func)
        out = func(*args, **kwargs)
        call = Call(name, args, out)
        options = {name: self._look(value) for name, value in kwargs.items()} if kwargs else {}
        nodes = self._lanes.call(call, [self._look(value) for value in args], options)
        if isinstance(out, Tensor):
            self.know(out, nodes)
        else:
            for tensor, part in zip(tree_leaves(out), nodes, strict=True):
                self.know(tensor, part)
        return out

    def _look(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return self.of(value)
        if isinstance(value, (list, tuple)):
            return [self._look(each) for each in value]
        return value

"""What the last step left, and whether the neuron's tensors still are what it left.

A step that knows that nobody touched the neuron need not pack its state anew, nor look at g at its start. The
tensors themselves tell: each is the same object, as often written to, in the same place. What is written past
torch's count, by ``.data`` or through a numpy array, is seen where it is a state's; of ``armed``, ``hold``
and ``spiked`` it may come to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

from ..model.functions import spread
from ..step.ends import Known
from ..step.table import StepState

Noted: TypeAlias = tuple[str, Tensor, int, int]
"""A tensor by its name, how often it had been written to, and where its values lay."""
Named: TypeAlias = Mapping[str, Any]


class Kept(NamedTuple):
    """What the last step left, as long as nobody replaces or writes to a tensor of it."""

    # The neuron's buffers are its rows.
    state: StepState
    params: Any
    known: Known
    # The buffers that each step writes.
    changing: tuple[Noted, ...]
    # The parameters.
    standing: tuple[Noted, ...]
    # The input of the step, if it is one tensor, and how often that had been written to.
    data: Tensor | None
    version: int

    def holds(self, buffers: Named, learnt: Named) -> bool:
        """Whether a neuron's tensors, its buffers and its ``torch.nn.Parameter``s, are what they were."""
        for name, tensor, version, place in self.changing:
            if buffers.get(name) is not tensor or tensor._version != version:
                return False
            # ``.data = ...`` leaves the object and its count; a gradient is asked of the buffer, not of y.
            if tensor.requires_grad or tensor.data_ptr() != place:
                return False
        for name, tensor, version, _ in self.standing:
            # A parameter is a buffer, or learnt, and may have become the other since.
            held = buffers.get(name)
            if (learnt.get(name) if held is None else held) is not tensor or tensor._version != version:
                return False
        return True

    def had(self, data: Any) -> bool:
        """Whether an input is the tensor of the last step, with the values that were looked at then."""
        return data is self.data and self.data is not None and self.data._version == self.version

    def changed(self, received: Named, now_of: Callable[[str], Tensor] | None) -> Tensor | bool:
        """Whose input, states or parameters are not those of the last step; True where that is not known.

        Args:
            received: The input of the step to come, tensors by name.
            now_of: Gives the neuron's tensor of a name; None where all are known to be what they were.
        """
        # Slopes hang on these.
        changed: Tensor | bool = False
        for name, last, version, _ in (*self.changing, *self.standing):
            if name in _NO_SLOPES or name.startswith("carry_"):
                continue
            now = received.get(name)
            if now is None:
                if now_of is None:
                    continue
                now = now_of(name)
                if now is last and now._version == version:
                    continue
            # Two equal numbers may have different graphs.
            tracked = now.requires_grad or last.requires_grad
            if tracked or last._version != version or now.dtype != last.dtype or now.device != last.device:
                return True
            # A batch that the last step had not.
            if now.ndim > last.ndim > 0:
                return True
            if not torch.equal(spread(now, last.shape) if now.ndim <= last.ndim else now, last):
                changed = changed | (now != last)
        return changed


_NO_SLOPES = ("armed", "status", "hold_time", "spiked")
"""What the slopes of a step do not hang on."""


def noted(names: Sequence[str], buffers: Named, learnt: Named) -> tuple[Noted, ...] | None:
    """Tensors to be known again; None where one of them, made in inference mode, keeps no count."""
    found = []
    for name in names:
        held = buffers.get(name)
        tensor: Any = learnt.get(name) if held is None else held
        if tensor.is_inference():
            return None
        found.append((name, tensor, tensor._version, tensor.data_ptr()))
    return tuple(found)

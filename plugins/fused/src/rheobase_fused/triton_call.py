"""Calling a kernel on a GPU: blocks, strides, and room for the spikes."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch
from torch import Tensor

from .contract import Course, Happened, Kernel, Outputs, strides_of
from .cost import cost_of
from .hoisting import Still
from .located_run import locates
from .refusal import Refusal
from .specialise import short_split
from .tracing import Step, trace
from .triton_loading import check_triton, interpreted, load_kernel
from .triton_source import triton_source_of

if TYPE_CHECKING:
    from rheobase import Neuron

BLOCK = 64
"""Units of a program. One warp works on it, two units a thread: a warp sees without a barrier whether one of
its units spikes, and a spike keeps few others waiting."""

OPTIONS = {
    "num_warps": 1,
    # a * b + c with one rounding would not be eager's.
    "enable_fp_fusion": False,
    # Nor would exp and the like if they took numbers near zero for zero.
    "enable_reflect_ftz": False,
}
"""How a kernel is compiled."""

_LEAST_ROOM, _UNIT_STEPS_OF_A_SPIKE = 1024, 50
"""Room for spikes at first: for one in so many unit-steps."""

_LOADED: dict[str, TritonKernel] = {}


def triton_kernel_of(neuron: Neuron, constant: frozenset[str]) -> TritonKernel:
    """The kernel of a neuron's step, for its GPU; in Triton's interpreter for the CPU, too.

    Args:
        neuron: The neuron.
        constant: The inputs that do not change in the run.

    Raises:
        Refusal: If there can be none.
    """
    check_triton()
    if locates(neuron):
        raise Refusal("spikes are located within their steps (event='located'), on the CPU alone")
    if neuron.device.type != "cuda" and not interpreted():
        raise Refusal(f"the neuron is on {neuron.device}, and Triton's kernels are made for CUDA")
    step = trace(neuron)
    forms = short_split(step, constant)
    text = triton_source_of(step, forms, single=neuron.dtype == torch.float32, constant=constant)
    key = hashlib.sha256(text.encode()).hexdigest()
    if key not in _LOADED:
        _LOADED[key] = TritonKernel(text, step, cost_of(forms.usual.values(), Still(step, constant)))
    return _LOADED[key]


@final
class TritonKernel(Kernel):
    """A step as Triton, called from torch.

    Args:
        text: What :func:`rheobase_fused.triton_source.triton_source_of` gives.
        step: What it was made from.
        cost: What a unit-step costs, in additions.
    """

    def __init__(self, text: str, step: Step, cost: float) -> None:
        super().__init__(step, cost)
        self._kernel = load_kernel(text)
        # Spikes for which there was room at most, of a unit-step.
        self._rate = 1 / _UNIT_STEPS_OF_A_SPIKE

    def __call__(
        self,
        states: Mapping[str, Tensor],
        params: Mapping[str, Tensor],
        courses: Mapping[str, Course],
        steps: int,
        outputs: Outputs,
    ) -> Happened:
        """See the base class. The states are on a GPU, or in Triton's interpreter."""
        first = states[self.states[0]]
        lanes, units, device = first.numel(), first.shape[-1], first.device
        after = outputs.states or {name: torch.empty_like(states[name]) for name in self.states}
        held = [params[name].detach().contiguous() for name in self.params]
        given = [courses[name] for name in self.inputs]
        rows = [course.values.to(device).contiguous() for course in given]
        arguments = [
            *(_bytes(each[name]) for name in self.states for each in (states, after)),
            *held,
            *(part for x, course in zip(rows, given, strict=True) for part in (x, *strides_of(course))),
            *(outputs.traces.get(name) for name in self.states),
            outputs.raster,
            # Always some: a kernel without would be another one.
            first.new_empty(lanes, dtype=torch.uint8) if outputs.spiked is None else outputs.spiked,
        ]
        grid = (-(-lanes // BLOCK),)
        room = self._room(lanes * steps)
        with _on(device):
            while True:
                events = torch.empty(room, dtype=torch.int64, device=device)
                words = torch.tensor([0, steps], dtype=torch.int64, device=device)
                counts = (lanes, units, steps, outputs.every, room)
                self._kernel[grid](*arguments, events, words, *counts, BLOCK=BLOCK, **OPTIONS)
                count, failed = words.tolist()
                if count <= room:
                    break
                # Again, with room for all.
                room = count
                self._rate = count / (lanes * steps)
            found = events[:count].sort().values.cpu().numpy()
        step, lane = np.divmod(found, lanes)
        return Happened(after, step, lane, -1 if failed == steps else failed)

    def _room(self, unit_steps: int) -> int:
        return min(unit_steps, max(_LEAST_ROOM, int(self._rate * unit_steps)))


def _bytes(state: Tensor) -> Any:
    """A state as Triton takes it: conditions are bytes."""
    return state.view(torch.uint8) if state.dtype == torch.bool else state


def _on(device: torch.device) -> contextlib.AbstractContextManager[Any]:
    """Triton starts kernels on torch's present device. The interpreter's NumPy would warn of overflow."""
    if device.type == "cuda":
        return torch.cuda.device(device)
    return np.errstate(all="ignore")

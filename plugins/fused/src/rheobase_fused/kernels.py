"""From a neuron to a kernel that is ready to be called."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import torch

from .call import Kernel
from .linear import condensed
from .listening import heard
from .located_run import locates
from .located_source import located_source_of
from .located_tracing import follow_located
from .located_usual import usual_step
from .source import source_of
from .specialise import split
from .store import library
from .tracing import Step, trace

if TYPE_CHECKING:
    from rheobase import Neuron

    from .triton_call import TritonKernel

_LOADED: dict[Any, Kernel] = {}


def kernel_of(neuron: Neuron, constant: frozenset[str]) -> Kernel | TritonKernel:
    """The kernel of a neuron's step.

    The step is listened to each time, which takes a few milliseconds: what a model's functions do may have
    changed in ways that nobody sees from outside. Where it does what it did before, the kernel is there.

    Args:
        neuron: The neuron.
        constant: The inputs that do not change in the run.

    Raises:
        Refusal: If there can be none.
    """
    if neuron.device.type == "cuda":
        from .triton_call import triton_kernel_of

        return triton_kernel_of(neuron, constant)
    single = neuron.dtype == torch.float32
    if locates(neuron):
        parts = follow_located(neuron)
        usual = usual_step(parts, neuron.dtype)
        step = Step(parts.builder, usual.states, None, parts.params, parts.uniform, parts.inputs)
        text = located_source_of(parts, usual, step, single=single, constant=constant)
        key: Any = hashlib.sha256(text.encode()).hexdigest()
        if key not in _LOADED:
            _LOADED[key] = Kernel(library(text), step, located=True)
        return _LOADED[key]
    key = (heard(neuron), single, constant)
    if key not in _LOADED:
        step = trace(neuron)
        forms = condensed(split(step), step, constant)
        text = source_of(step, forms, single=single, constant=constant)
        _LOADED[key] = Kernel(library(text), step)
    return _LOADED[key]

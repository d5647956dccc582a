"""From a neuron to a kernel that is ready to be called."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import torch

from .call import Kernel
from .source import source_of
from .specialise import split
from .store import library
from .tracing import trace

if TYPE_CHECKING:
    from rheobase import Neuron

_LOADED: dict[str, Kernel] = {}


def kernel_of(neuron: Neuron, constant: frozenset[str]) -> Kernel:
    """The kernel of a neuron's step.

    The step is followed anew each time, which takes some milliseconds: what a model's functions do may
    have changed in ways that nobody sees from outside.

    Args:
        neuron: The neuron.
        constant: The inputs that do not change in the run.

    Raises:
        Refusal: If there can be none.
    """
    step = trace(neuron)
    text = source_of(step, split(step), single=neuron.dtype == torch.float32, constant=constant)
    key = hashlib.sha256(text.encode()).hexdigest()
    if key not in _LOADED:
        _LOADED[key] = Kernel(library(text), step)
    return _LOADED[key]

"""From a neuron to a kernel that is ready to be called."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import torch

from .call import FUNCTIONS, STAYING, CompiledKernel
from .contract import Kernel
from .cost import cost_of
from .hoisting import Still
from .located_run import locates
from .located_source import located_source_of
from .located_tracing import LocatedSetting, parts_of
from .located_usual import short_usual, usual_step
from .setting import Setting
from .source import source_of
from .specialise import short_split
from .store import library
from .tracing import Step, StepSetting, step_of

if TYPE_CHECKING:
    from rheobase import Neuron

_LOADED: dict[Any, Kernel] = {}


def kernel_of(neuron: Neuron, constant: frozenset[str]) -> Kernel:
    """The kernel of a neuron's step.

    The step is followed each time, which takes a few milliseconds: what a model's functions do may have
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
        setting = LocatedSetting(neuron)
        traced = setting.traced()
        key: Any = (traced.pattern(), neuron.dt, setting.all_held, single, constant)
        if key not in _LOADED:
            parts = parts_of(setting, traced)
            usual = usual_step(parts, neuron.dtype)
            step = Step(parts.builder, usual.states, None, parts.params, parts.uniform, parts.inputs)
            usual = short_usual(usual, step, constant)
            text = located_source_of(parts, usual, step, single=single, constant=constant)
            cost = cost_of(usual.states.values(), Still(step, constant))
            _LOADED[key] = CompiledKernel(library(text, FUNCTIONS), step, cost, located=True)
        return _LOADED[key]
    return compiled(StepSetting(neuron), constant)


def compiled(setting: Setting, constant: frozenset[str], *, stays: bool = False) -> Kernel:
    """The kernel of a step on the grid.

    Args:
        setting: The step, on a few units.
        constant: The inputs that do not change in the run.
        stays: Whether it is also to keep states between calls of one step: see :class:`~.resident.Resident`.

    Raises:
        Refusal: If there can be none.
    """
    single, traced = setting.neuron.dtype == torch.float32, setting.traced()
    key = (traced.pattern(), single, constant, stays)
    if key not in _LOADED:
        step = step_of(setting, traced)
        forms = short_split(step, constant)
        text = source_of(step, forms, single=single, constant=constant)
        if stays:
            text += files(__package__).joinpath("resident.cpp").read_text(encoding="utf-8")
        made = library(text, (*FUNCTIONS, *STAYING) if stays else FUNCTIONS)
        cost = cost_of(forms.usual.values(), Still(step, constant))
        _LOADED[key] = CompiledKernel(made, step, cost, stays=stays)
    return _LOADED[key]

"""Which runs a kernel takes, and which it pays for."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import rheobase as rb
import torch
from rheobase.spi import is_hooked
from torch import Tensor

from .located_run import check_located
from .refusal import Refusal

if TYPE_CHECKING:
    from rheobase import Neuron
    from rheobase.spi import Drive

STATE_TYPES = (torch.bool, torch.int32)
"""The types of states beside the run's floating-point type."""


def check_suitable(neuron: Neuron, grad: bool) -> None:
    """Refuse what a kernel does not do, before anything is changed.

    Raises:
        Refusal: With the reason.
    """
    schema, kind = neuron.schema, type(neuron)
    if grad or neuron.keeps_graph:
        raise Refusal("a kernel keeps no autograd graph (grad=True)")
    if not schema.declared or not any(
        callable(getattr(kind, name, None)) for name in ("derivatives", "update")
    ):
        raise Refusal(f"{kind.__name__} declares no dynamics to compile")
    for method in ("forward", "step", "advance", "prepare", "commit"):
        # An analog neuron's forward is that of all, where its model is declared.
        if getattr(kind, method) not in (getattr(rb.Neuron, method), getattr(rb.AnalogNeuron, method)):
            raise Refusal(f"{kind.__name__} has a {method} of its own")
    if is_hooked(neuron):
        raise Refusal("somebody hooked into the neuron's forward")
    check_stepped(neuron)
    check_located(neuron)
    for name, value in neuron.state.items():
        if name == "hold_time":
            continue
        if isinstance(value, Tensor) and value.dtype not in (neuron.dtype, *STATE_TYPES):
            raise Refusal(f"the state {name!r} has {value.dtype}")


def check_stepped(neuron: Neuron) -> None:
    """Refuse what no kernel steps, whoever calls it.

    Raises:
        Refusal: With the reason.
    """
    schema, kind = neuron.schema, type(neuron)
    if getattr(kind, "stochastic", False) or schema.draws:
        raise Refusal(f"{kind.__name__} draws random numbers")
    if neuron.integrator.adaptive:
        raise Refusal(f"the integrator {neuron.integrator!r} chooses its own steps")
    if neuron.integrator.on_failure != "raise":
        raise Refusal("failed units are marked (on_failure='mark')")
    if neuron.device.type not in ("cpu", "cuda"):
        raise Refusal(f"the neuron is on {neuron.device}, and kernels are made for the CPU and for CUDA")
    if neuron.dtype not in (torch.float32, torch.float64):
        raise Refusal(f"the neuron has {neuron.dtype}, and kernels have float32 and float64")


def check_drive(drive: Drive) -> None:
    """Refuse a stimulus that no kernel takes.

    Raises:
        Refusal: With the reason.
    """
    if drive.timed:
        raise Refusal("an input is a signal, or has events at their own times: it may change within a step")


def worthwhile(neuron: Neuron, steps: int) -> bool:
    """Whether a run is long enough in ``eager`` for a kernel to be worth a second of compiling.

    It does not ask whether the kernel is there already: what runs must not depend on what ran before.
    """
    return steps * _seconds(neuron) >= _LONG


def worthwhile_network(populations: Collection[Neuron], projections: int, steps: int) -> bool:
    """The same of a network: each population may take a kernel of its own to be compiled.

    Args:
        populations: Those of the network.
        projections: How many there are: in ``eager`` each costs a step about what a population does.
        steps: How many steps the run has.
    """
    seconds = projections * _STEP + sum(map(_seconds, populations))
    return steps * seconds >= len(populations) * _LONG


def _seconds(neuron: Neuron) -> float:
    """What a step takes in ``eager``."""
    lanes = neuron.num_units
    for size in neuron.batch or ():
        lanes *= size
    return _STEP + lanes * len(neuron.schema.states) * _UNIT


_STEP, _UNIT = 2.5e-4, 1e-8
"""What a step costs in ``eager``, and a state of a unit in it; in seconds."""
_LONG = 0.5

"""What a backend may ask a neuron for beside its state: tensors as they are, pure functions, hooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor

if TYPE_CHECKING:
    from ..model.functions import Model
    from .base import Neuron


class Tensors(NamedTuple):
    """The tensors of a neuron; they are the neuron's own, and a reader writes to none of them.

    Attributes:
        buffers: States, inputs, parameters that are not learnt, and what is kept beside them (``SLOTS``), by
            name; None where there is none yet. It goes on showing what is there.
        learnt: The parameters that are a ``torch.nn.Parameter``, by name.
    """

    buffers: Mapping[str, Tensor | None]
    learnt: Mapping[str, Tensor | None]


def tensors(neuron: Neuron) -> Tensors:
    """The tensors of a neuron, without a copy.

    Args:
        neuron: The neuron.

    Example:
        >>> import rheobase as rb
        >>> found = tensors(rb.create("analog", num_units=2))
        >>> found.buffers["voltage"], found.learnt
        (tensor([0., 0.]), {})
    """
    return Tensors(neuron._buffers, neuron._parameters)


def put_tensors(neuron: Neuron, values: Mapping[str, Tensor]) -> None:
    """Give a neuron other tensors, as they are: a state may be one that no step and no assignment leaves.

    Nothing is checked, and nothing else changes; a backend uses ``neuron.take_over``.

    Args:
        neuron: The neuron.
        values: By name, in the shape and type of what they replace; they become the neuron's.

    Example:
        >>> import rheobase as rb
        >>> import torch
        >>> neuron = rb.create("analog", num_units=2)
        >>> put_tensors(neuron, {"voltage": torch.tensor([1.0, float("nan")])})
        >>> neuron.state["voltage"]
        tensor([1., nan])
    """
    for name, value in values.items():
        learnt = neuron._parameters.get(name)
        if learnt is not None:
            learnt.data = value
        else:
            neuron._buffers[name] = value


def functions_of(neuron: Neuron) -> Model | None:
    """The pure functions of a neuron's class, with its schema; None where its ``forward`` does all.

    Args:
        neuron: The neuron.

    Example:
        >>> import rheobase as rb
        >>> class Leaky(rb.AnalogNeuron):
        ...     voltage = rb.State(0.0, unit="mV")
        ...     @staticmethod
        ...     def derivatives(state, params, data):
        ...         return {"voltage": (data - state.voltage) / 10.0}
        >>> functions_of(rb.create(Leaky)).derivatives is Leaky.derivatives
        True
        >>> functions_of(rb.create("analog")) is None
        True
    """
    return neuron._model


def carried(neuron: Neuron) -> tuple[str, ...]:
    """The names of what the integrator carries from step to step; empty before the first step.

    Args:
        neuron: The neuron.

    Example:
        >>> import rheobase as rb
        >>> carried(rb.create("analog"))
        ()
    """
    return neuron._carry_names


def is_hooked(neuron: Neuron) -> bool:
    """Whether somebody hooked into the neuron's ``forward``, so that every step must go through it.

    Args:
        neuron: The neuron.

    Example:
        >>> import rheobase as rb
        >>> is_hooked(rb.create("analog"))
        False
    """
    return bool(neuron._forward_hooks or neuron._forward_pre_hooks)

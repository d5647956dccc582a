"""A few units of a neuron, for what they do to be followed."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from .refusal import Refusal

if TYPE_CHECKING:
    from rheobase import Neuron

UNITS = 97
"""The number of units to follow: a prime, which is no other dimension of anybody's model."""


class Setting(abc.ABC):
    """A few units.

    Args:
        neuron: Whose they are.
        states: Those of its states that are read, by name.

    Attributes:
        states: The same, of a few units.
        params: The parameters, likewise.
        uniform: The parameters that all units share.
        data: The inputs, by name.
    """

    def __init__(self, neuron: Neuron, states: Mapping[str, Tensor]) -> None:
        self.neuron = neuron
        given = {name: value for name, value in neuron.params._asdict().items() if isinstance(value, Tensor)}
        self.states = {name: _few(value) for name, value in states.items()}
        self.params = {name: _few(value) for name, value in given.items()}
        self.uniform = frozenset(name for name, value in given.items() if value.ndim == 0)
        ones = torch.ones(UNITS, dtype=neuron.dtype, device=neuron.device)
        self.data = {name: ones.clone() for name in tuple(neuron.schema.inputs) or ("input",)}

    def tensors(self) -> list[tuple[str, Tensor]]:
        """What is read: the kind and the name of each, and the tensor."""
        kinds = (("s", self.states), ("p", self.params), ("x", self.data))
        return [(f"{letter}_{name}", value) for letter, values in kinds for name, value in values.items()]

    def given(self, mode: TorchDispatchMode) -> dict[str, Tensor | None]:
        """What they give, by name, computed while a mode follows.

        Raises:
            Refusal: If it cannot be followed, or is what a kernel cannot do.
        """
        schema = self.neuron.schema
        data = schema.pack_data(**self.data) if schema.inputs else self.data["input"]
        try:
            with torch.no_grad(), mode:
                return self._computed(self.neuron.params._replace(**self.params), data)
        except Refusal:
            raise
        except Exception as error:
            raise Refusal(f"its step cannot be followed: {type(error).__name__}: {error}") from error

    @abc.abstractmethod
    def _computed(self, params: Any, data: Any) -> dict[str, Tensor | None]:
        """What they give, with these parameters and inputs."""


def _few(value: Tensor) -> Tensor:
    """The first unit's value for a few units: a step does not depend on how many there are."""
    if value.ndim == 0:
        return value.detach().clone()
    return value.detach().reshape(-1, value.shape[-1])[0, :1].expand(UNITS).clone()

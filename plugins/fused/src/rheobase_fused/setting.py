"""A few units of a neuron, for what they do to be followed."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import rheobase as rb
import torch
from rheobase import spi
from torch import Tensor

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
        self.states = {name: _few(value) for name, value in states.items()}
        self.params: dict[str, Tensor] = {}
        self.uniform: frozenset[str] = frozenset()
        self.take_params(neuron.params._asdict())
        one = torch.ones((), dtype=neuron.dtype, device=neuron.device)
        self.data = {name: _few(one.expand(UNITS)) for name in tuple(neuron.schema.inputs) or ("input",)}

    def take_params(self, params: Mapping[str, Any]) -> None:
        """Let these be the parameters."""
        given = {name: value for name, value in params.items() if isinstance(value, Tensor)}
        self.params = {name: _few(value) for name, value in given.items()}
        self.uniform = frozenset(name for name, value in given.items() if value.ndim == 0)

    def given(self) -> dict[str, Mapping[str, Tensor]]:
        """What is read, by the letters of its kind."""
        return {"s": self.states, "p": self.params, "x": self.data}

    def traced(self) -> spi.Trace:
        """What they give, by name, followed.

        Raises:
            Refusal: If it cannot be followed, or is what a kernel cannot do.
        """
        try:
            return spi.trace(self._from, "the step", **self.given())
        except rb.errors.StructureError as error:
            if isinstance(error.__cause__, Refusal):
                raise error.__cause__ from None
            raise Refusal(str(error)) from error

    def _from(
        self, states: Any, params: Mapping[str, Tensor], data: Mapping[str, Tensor], *_: Any
    ) -> dict[str, Tensor | None]:
        schema = self.neuron.schema
        given = schema.pack_data(**data) if schema.inputs else data["input"]
        return self._computed(self.neuron.params._replace(**params), given)

    @abc.abstractmethod
    def _computed(self, params: Any, data: Any) -> dict[str, Tensor | None]:
        """What they give, with these parameters and inputs."""


def _few(value: Tensor) -> Tensor:
    """The first unit's value for a few units: a step does not depend on how many there are."""
    # Not one of inference mode, of which torch does not say what its operations consist of.
    with torch.inference_mode(False):
        if value.ndim == 0:
            return value.detach().clone()
        return value.detach().reshape(-1, value.shape[-1])[0, :1].expand(UNITS).clone()

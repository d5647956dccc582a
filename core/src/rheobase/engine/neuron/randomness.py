"""Random numbers of a stochastic model: from a generator of its own, never from torch's global one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor

from ..component import Component

SAVED = "generator_state"
"""Its name in ``state_dict``."""


class Randomness(Component):
    """A component that may draw random numbers.

    A model that does says so, ``stochastic = True``, and draws them with ``generator=self.generator``. The
    generator is copied, pickled and saved with the neuron, so a run that goes on draws what it would have.
    """

    stochastic: ClassVar[bool] = False

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if self.stochastic:
            self._generator = torch.Generator(self.device)

    @property
    def generator(self) -> torch.Generator:
        """The generator of a stochastic model; ``neuron.generator.manual_seed(7)`` gives it a seed.

        All neurons start with the same seed.

        Raises:
            AttributeError: If the model is not declared stochastic.

        Example:
            >>> import torch
            >>> from rheobase import AnalogNeuron
            >>> class Noise(AnalogNeuron):
            ...     stochastic = True
            ...     def forward(self, data, identifiers=None):
            ...         noise = torch.randn(self.num_units, generator=self.generator, dtype=self.dtype)
            ...         return super().forward(data + noise, identifiers)
            >>> one, other = Noise(), Noise()
            >>> bool(one(0.0)["voltage"] == other(0.0)["voltage"])
            True
        """
        if not self.stochastic:
            raise AttributeError("generator")  # torch words it anew
        return self._generator

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        if self.stochastic and self.device.type not in ("meta", self._generator.device.type):
            seed = self._generator.initial_seed()
            self._generator = torch.Generator(self.device).manual_seed(seed)
        return self

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if self.stochastic:
            destination[prefix + SAVED] = self._generator.get_state()

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *rest: Any) -> None:
        key = prefix + SAVED
        if self.stochastic and key in state_dict:
            self._generator.set_state(state_dict[key].cpu())
            state_dict = {name: value for name, value in state_dict.items() if name != key}
        elif self.stochastic and rest[1]:  # strict
            rest[2].append(key)
        super()._load_from_state_dict(state_dict, prefix, *rest)

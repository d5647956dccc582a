"""Random numbers of a model: counted from its seed, or from its own generator; never torch's global one."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor

from ...errors import ArgumentError
from ...philox import Stream
from ..component import Component
from ..model.schema import Schema

GENERATOR_STATE = "generator_state"
"""The generator's name in ``state_dict``."""
SEED = "draw_seed"
"""The seed's name in ``state_dict``: not that of an attribute, which function transforms would swap."""


class Randomness(Component):
    """A component that may draw random numbers.

    A model declares what it draws at spikes, in updates and at the start: :class:`~rheobase.Draw`. The
    numbers follow from the seed and the clock, so a run that goes on draws what it would have.

    A model with a ``forward`` of its own that draws random numbers says so, ``stochastic = True``, and draws
    them with ``generator=self.generator``. The generator is copied, pickled and saved with the neuron.
    """

    _framework = True

    schema: ClassVar[Schema]
    stochastic: ClassVar[bool] = False

    def __init__(self, *, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._seed = _check_seed(self, seed)
        if self.stochastic:
            self._generator = torch.Generator(self.device)
            if self._seed is not None:
                self._generator.manual_seed(self._seed)

    @property
    def seed(self) -> int:
        """The seed of all that is drawn by count: declared draws, and sweeps without a seed of their own.

        0 where none was given. Neurons of one identifier and one seed draw the same numbers. A new seed
        holds from now on: while the clock stands at zero initial states are drawn anew, and a stochastic
        model's generator begins with it.

        Raises:
            ArgumentError: If it is set to anything but an integer from 0 up to 2^63 - 1.
        """
        return self._seed or 0

    @seed.setter
    def seed(self, value: int) -> None:
        seed = _check_seed(self, value)
        self._reseed(seed)
        if self.stochastic:
            self._generator.manual_seed(self.seed)

    @property
    def _stream(self) -> Stream:
        return Stream(self.seed, self.identifier)

    def _reseed(self, seed: int | None) -> None:
        self._seed = seed

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
            ...         current = self.prepare(data, identifiers)
            ...         shape = (*current.shape[:-1], self.num_units)  # [*batch, units]
            ...         noise = torch.randn(shape, generator=self.generator, dtype=self.dtype)
            ...         return super().forward(current + noise)
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
            # A generator belongs to a device; on another it begins again with its seed.
            seed = self._generator.initial_seed()
            self._generator = torch.Generator(self.device).manual_seed(seed)
        return self

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if self.stochastic:
            destination[prefix + GENERATOR_STATE] = self._generator.get_state()
        if self.schema.draws:
            destination[prefix + SEED] = torch.tensor(self.seed, dtype=torch.int64)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *rest: Any) -> None:
        for name, has in ((GENERATOR_STATE, self.stochastic), (SEED, bool(self.schema.draws))):
            key = prefix + name
            if has and key in state_dict:
                if name == GENERATOR_STATE:
                    self._generator.set_state(state_dict[key].cpu())
                else:
                    self._seed = int(state_dict[key])
                # Torch knows buffers and parameters alone, and would call it unexpected.
                state_dict = {other: value for other, value in state_dict.items() if other != key}
            elif has and rest[1]:  # strict
                rest[2].append(key)  # missing_keys
        super()._load_from_state_dict(state_dict, prefix, *rest)


def _check_seed(owner: Component, seed: Any) -> int | None:
    if seed is None:
        return None
    try:
        whole = -1 if isinstance(seed, (bool, Tensor)) else operator.index(seed)
    except TypeError:
        whole = -1
    if not 0 <= whole < 2**63:
        raise ArgumentError(
            f"{owner.identifier}: seed={seed!r} cannot be used; give an integer from 0 up to 2^63 - 1"
        )
    return whole

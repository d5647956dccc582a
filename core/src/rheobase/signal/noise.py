"""Noise: the Ornstein-Uhlenbeck process, solved exactly on the grid."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import final

import numpy as np
import torch
from torch import Tensor

from ..errors import StimulusError, shown
from ..philox import WORDS, normal, words
from .stimulus import Stimulus
from .values import Current, check_current, check_number, check_same_width, is_number, width_of

_BLOCK = 16
"""Steps of a block of noise. Part of what a seed means: do not change it."""


@final
@dataclass(frozen=True, eq=False)
class OrnsteinUhlenbeck(Stimulus):
    r"""Coloured noise, as a neuron receives it from a network (Uhlenbeck and Ornstein 1930).

    .. math:: \tau\, dI = (\mu - I)\, dt + \sigma \sqrt{2 \tau}\, dW

    in its exact discretisation

    .. math:: I_{n+1} = \mu + (I_n - \mu) e^{-dt/\tau} + \sigma \sqrt{1 - e^{-2 dt/\tau}}\, \xi_n

    with the stationary start :math:`I_0 = \mu + \sigma \xi`. So mean, standard deviation and
    autocorrelation :math:`e^{-|s|/\tau}` hold from the first step on, and at any dt.

    The noise comes from a counter-based generator, Philox4x64 of 10 rounds (Salmon et al. 2011), keyed by
    the seed and counted by unit and step: the same seed gives the same path however a run is cut, and no
    global generator is touched. The path of unit k does not depend on how many units there are. Paths at
    two values of dt are different draws.

    :math:`\xi_n` of unit k, for a backend that makes it by itself: with n = 16 b + 4 q + j, the counter
    (4 k + q + 1, b, 0, 0) gives four words w; u = (floor(w / 2^11) + 1/2) / 2^53 lies within (0, 1); and
    :math:`\sqrt{-2 \ln u_0} \cos 2 \pi u_1`, the same with the sine, and both of u_2 and u_3 are the
    four :math:`\xi_n` (Box and Muller 1958).

    Args:
        mean: :math:`\mu` in pA; a number or a tensor ``[units]``.
        std: :math:`\sigma`, the stationary standard deviation in pA, at least 0; a number or a tensor
            ``[units]``.
        tau: The correlation time in ms, above 0.
        seed: The seed, an integer from 0 up.
        shared: Whether all units receive the same path. Default False: each has its own.

    Raises:
        StimulusError: If tau is not above 0, std is negative, or the seed is no such integer.

    Example:
        >>> from rheobase import stimulus
        >>> noise = stimulus.OrnsteinUhlenbeck(mean=200.0, std=100.0, tau=5.0, seed=1)
        >>> whole = noise.rows(0, 100, dt=0.1, num_units=3)
        >>> whole.shape
        torch.Size([100, 3])
        >>> bool((noise.rows(60, 40, dt=0.1, num_units=3) == whole[60:]).all())
        True
    """

    mean: Current
    std: Current
    tau: float
    seed: int
    shared: bool = False
    _path: _Path = field(init=False, repr=False, default_factory=lambda: _Path())

    def __post_init__(self) -> None:
        check_current(self, "mean", self.mean)
        check_current(self, "std", self.std)
        check_number(self, "tau", self.tau, above=0.0)
        check_same_width(self, mean=self.mean, std=self.std)
        if bool((torch.as_tensor(self.std) < 0).any()):
            raise StimulusError(f"OrnsteinUhlenbeck(std={shown(self.std)}) cannot be used; give 0 or more")
        whole = is_number(self.seed) and not isinstance(self.seed, (float, np.floating))
        if not whole or not 0 <= self.seed < 2**128:
            raise StimulusError(
                f"OrnsteinUhlenbeck(seed={shown(self.seed)}) cannot be used; give an integer from 0 up"
            )

    def rows(
        self,
        first: int,
        count: int,
        dt: float,
        num_units: int,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | None = None,
    ) -> Tensor:
        """See :meth:`Stimulus.rows`. A call that follows the one before costs its own steps only."""
        paths = 1 if self.shared else num_units
        path = self._path.rows(first, count, dt / self.tau, paths, int(self.seed))
        # The path has mean 0 and deviation 1 in float64; mean and std keep their graphs.
        unit_path = torch.from_numpy(path)
        mean, std = (
            value.double().cpu().reshape(-1) if isinstance(value, Tensor) else float(value)
            for value in (self.mean, self.std)
        )
        return (mean + std * unit_path).to(dtype=dtype, device=device)

    @property
    def width(self) -> int:
        """See :attr:`Stimulus.width`."""
        return width_of(self.mean, self.std)

    def coefficients(self, dt: float) -> tuple[float, float]:
        r""":math:`e^{-dt/\tau}` and :math:`\sqrt{1 - e^{-2 dt/\tau}}`.

        Args:
            dt: The time step in ms.
        """
        return _coefficients(dt / self.tau)

    def standard(self, step: int, dt: float, num_units: int) -> np.ndarray:
        """The path of mean 0 and deviation 1 at one step, float64 ``[num_units]``; zeros before the first.

        Args:
            step: The step, counted from the neuron's reset; -1 is the one before the first.
            dt: The time step in ms.
            num_units: The number of paths.

        Example:
            >>> noise = OrnsteinUhlenbeck(mean=200.0, std=100.0, tau=5.0, seed=1)
            >>> row = noise.rows(7, 1, dt=0.1, num_units=3, dtype=torch.float64)
            >>> bool((row == 200.0 + 100.0 * torch.from_numpy(noise.standard(7, 0.1, 3))).all())
            True
        """
        if step < 0:
            return np.zeros(num_units)
        return self._path.at(step, dt / self.tau, num_units, int(self.seed))

    def went_on(self, step: int, dt: float, path: np.ndarray) -> None:
        """Remember the standard path at a step, for somebody who took it there, so that nobody must again.

        Args:
            step: The step.
            dt: The time step in ms.
            path: What :meth:`standard` gives for it.
        """
        self._path.remember((dt / self.tau, len(path), int(self.seed)), (step + 1, path))


_Key = tuple[float, int, int]
_Mark = tuple[int, np.ndarray]
"""A step, and the value of the paths at the step before it."""


class _Path:
    """The standard path x_{n+1} = a x_n + sqrt(1 - a^2) xi_n, with a memory of where it was."""

    # The memory only saves time: what is returned depends on the arguments alone. It holds the two ends of
    # the last request, for a few kinds of request, so that one stimulus may serve two neurons.

    _KINDS = 4

    def __init__(self) -> None:
        self._marks: dict[_Key, tuple[_Mark, ...]] = {}
        self._block: tuple[int, int, int, np.ndarray] | None = None

    def __reduce__(self) -> tuple[type[_Path], tuple[()]]:
        # A copy starts empty, and gives the same.
        return (_Path, ())

    def at(self, step: int, relaxation: float, paths: int, seed: int) -> np.ndarray:
        """One step, float64 ``[paths]``."""
        for mark in self._marks.get((relaxation, paths, seed), ()):
            if mark[0] == step + 1:
                return mark[1]
        found: np.ndarray = self.rows(step, 1, relaxation, paths, seed)[0]
        return found

    def rows(self, first: int, count: int, relaxation: float, paths: int, seed: int) -> np.ndarray:
        """Steps from first on, float64 ``[count, paths]``; relaxation is dt / tau, and a = exp(-dt / tau)."""
        key, (decay, spread) = (relaxation, paths, seed), _coefficients(relaxation)
        usable = [mark for mark in self._marks.get(key, ()) if mark[0] <= first]
        begin, value = max(usable, key=lambda mark: mark[0], default=(0, np.zeros(paths)))
        out = np.empty((count, paths))
        entry = (begin, value)
        # Steps that were skipped are run through: a path has no shortcut.
        for step in range(begin, first + count):
            if step == first:
                entry = (step, value)
            noise = self._noise(step, paths, seed)
            # The first value is the stationary start.
            value = noise if step == 0 else decay * value + spread * noise
            if step >= first:
                out[step - first] = value
        self.remember(key, entry, (first + count, value))
        return out

    def remember(self, key: _Key, *marks: _Mark) -> None:
        """Keep marks of one kind of request."""
        # One assignment at the end: an interrupt leaves the memory as it was.
        kept = {k: v for k, v in self._marks.items() if k != key}
        while len(kept) >= self._KINDS:
            del kept[next(iter(kept))]
        self._marks = {**kept, key: marks}

    def _noise(self, step: int, paths: int, seed: int) -> np.ndarray:
        index, offset = divmod(step, _BLOCK)
        block = self._block
        if block is None or block[:3] != (index, paths, seed):
            # Path by path: the first paths are the same however many follow.
            raw = words(seed, (0, index, 0, 0), paths * _BLOCK // WORDS)
            noise = normal(raw.reshape(paths, _BLOCK // WORDS, WORDS // 2, 2)).reshape(paths, _BLOCK)
            block = self._block = (index, paths, seed, np.ascontiguousarray(noise.T))
        row: np.ndarray = block[3][offset]
        return row


def _coefficients(relaxation: float) -> tuple[float, float]:
    # expm1 keeps the digits that 1 - a^2 loses where dt is far below tau.
    return math.exp(-relaxation), math.sqrt(-math.expm1(-2.0 * relaxation))

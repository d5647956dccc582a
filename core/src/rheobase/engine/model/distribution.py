"""Distributions: values that are drawn for each unit, counted and not in turn."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import final

import torch
from torch import Tensor

from ...errors import ParameterError
from ...philox import WORDS, uniform, words

_LARGEST = 1.0 - 2.0**-53
"""The largest number below 1: what a word gives may round to 1."""


@dataclass(frozen=True)
class Distribution:
    """A distribution that parameters and initial states may be given as.

    What is drawn is counted: it follows from the key (seed, identifier, name of the quantity, number of the
    unit), by Philox4x64 (Salmon et al. 2011). So unit k gets the same value however many units
    there are, in whatever order and wherever they are made; and no global generator is touched.

    The seed and the identifier are the neuron's. While its clock stands at zero another seed or identifier,
    or a type of more digits, draws anew; a value that was set since is left as it is.
    """

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None and field.default is None:
                continue
            try:
                number = math.nan if isinstance(value, bool) else float(value)
            except (TypeError, ValueError):
                number = math.nan
            if not math.isfinite(number):
                raise ParameterError(f"{self!r}: {field.name} must be a finite number")
            # As numbers alike, so that equal distributions are equal and of one hash.
            object.__setattr__(self, field.name, number)

    def at(self, quantiles: Tensor) -> Tensor:
        """The values at which the distribution function has these values.

        Args:
            quantiles: Float64, any shape, within (0, 1).

        Returns:
            Float64, the same shape.
        """
        raise NotImplementedError


@final
@dataclass(frozen=True)
class Uniform(Distribution):
    """Uniform between two numbers. See also :class:`~rheobase.Sweep`, for values that are not by chance.

    It may stand for a parameter or an initial state of ``rb.create``, in their unit. Each unit gets its own
    value, which follows from the seed, the identifier, the name of the quantity and the number of the unit
    alone.

    Args:
        low: The lower bound.
        high: The upper bound, above ``low``.

    Raises:
        ParameterError: If a bound is no finite number, or low is not below high.

    Example:
        >>> import rheobase as rb
        >>> class Leaky(rb.AnalogNeuron):
        ...     tau = rb.Parameter(10.0, unit="ms", above=0)
        ...     voltage = rb.State(0.0, unit="mV")
        ...     @staticmethod
        ...     def derivatives(state, params, data):
        ...         return {"voltage": (data - state.voltage) / params.tau}
        >>> cells = rb.create(Leaky, 100, tau=rb.Uniform(10.0, 20.0), voltage=rb.Uniform(-1.0, 1.0), seed=1)
        >>> bool((10.0 <= cells.tau).all() and (cells.tau <= 20.0).all())
        True
        >>> cells.tau[:3].equal(rb.create(Leaky, 3, tau=rb.Uniform(10.0, 20.0), seed=1).tau)
        True
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.low < self.high:
            raise ParameterError(f"{self!r}: low must be less than high")

    def at(self, quantiles: Tensor) -> Tensor:
        """See :meth:`Distribution.at`."""
        return self.low + (self.high - self.low) * quantiles


@dataclass(frozen=True)
class _Bounded(Distribution):
    """What is made of a normal number, within bounds: by inversion, so that one number is one draw."""

    mean: float
    std: float
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.std < 0:
            raise ParameterError(f"{self!r}: std must be 0 or more")
        start, end, _ = self._part
        if not end > start:
            raise ParameterError(
                f"{self!r}: as good as nothing lies within the bounds; give others, at most 37 "
                "standard deviations from the mean"
            )

    @property
    def _part(self) -> tuple[float, float, bool]:
        """How much of the distribution lies below each bound, and whether it is mirrored for that."""
        low, high = self._scaled(self.at_least, -math.inf), self._scaled(self.at_most, math.inf)
        # In the lower tail the distribution function is exact, so that is where the bounds are to lie.
        mirrored = low + high > 0
        first, last = (-high, -low) if mirrored else (low, high)
        return _below(first), _below(last), mirrored

    def _scaled(self, bound: float | None, absent: float) -> float:
        """A bound in standard deviations from the mean."""
        if bound is None:
            return absent
        distance = self._of_normal(bound) - self.mean
        if self.std == 0:
            # One value, which lies within the bound or does not.
            inside = distance <= 0 if absent < 0 else distance >= 0
            return absent if inside else -absent
        return distance / self.std

    def _of_normal(self, bound: float) -> float:
        """Of which normal value a bound is made."""
        return bound

    def _normal(self, quantiles: Tensor) -> Tensor:
        start, end, mirrored = self._part
        # Mirrored, so that a larger quantile is a larger value all the same.
        within = 1.0 - quantiles if mirrored else quantiles
        reached = (start + (end - start) * within).clamp(5e-324, _LARGEST)
        deviations: Tensor = torch.special.ndtri(reached)
        return self.mean + self.std * (-deviations if mirrored else deviations)

    def _clamped(self, values: Tensor) -> Tensor:
        bounded = self.at_least is not None or self.at_most is not None
        return values.clamp(self.at_least, self.at_most) if bounded else values


@final
@dataclass(frozen=True)
class Normal(_Bounded):
    r"""Normal, of a mean and a standard deviation, cut off at bounds where they are given.

    Within bounds it is the normal distribution on the condition that the value lies there, by inversion:
    nothing is drawn twice. See :class:`Uniform` for where it may stand.

    Args:
        mean: The mean (of the whole distribution, without its bounds).
        std: The standard deviation (likewise), 0 or more.
        at_least: The smallest value, or None.
        at_most: The largest value, or None.

    Raises:
        ParameterError: If a number is not finite, std is negative, or as good as nothing lies within the
            bounds.

    Example:
        >>> import rheobase as rb
        >>> rb.Normal(1.5, 0.75, at_least=0.1)
        Normal(mean=1.5, std=0.75, at_least=0.1, at_most=None)
    """

    def at(self, quantiles: Tensor) -> Tensor:
        """See :meth:`Distribution.at`."""
        return self._clamped(self._normal(quantiles))


@final
@dataclass(frozen=True)
class LogNormal(_Bounded):
    r"""The exponential of a normal number, cut off at bounds where they are given.

    ``mean`` and ``std`` are those of the logarithm, as in numpy and torch: the median is
    :math:`e^{mean}`, the mean :math:`e^{mean + std^2 / 2}`. See :class:`Normal`, also for bounds.

    Args:
        mean: The mean of the logarithm of the value in its unit.
        std: The standard deviation of the logarithm, 0 or more.
        at_least: The smallest value (not its logarithm), above 0, or None.
        at_most: The largest value (not its logarithm), above 0, or None.

    Raises:
        ParameterError: As for :class:`Normal`, and if a bound is not above 0.

    Example:
        >>> import rheobase as rb
        >>> rb.LogNormal(0.0, 1.0, at_most=20.0)
        LogNormal(mean=0.0, std=1.0, at_least=None, at_most=20.0)
    """

    def _of_normal(self, bound: float) -> float:
        if bound <= 0:
            raise ParameterError(f"{self!r}: a bound must be above 0, as all its values are")
        return math.log(bound)

    def at(self, quantiles: Tensor) -> Tensor:
        """See :meth:`Distribution.at`."""
        return self._clamped(self._normal(quantiles).exp())


def _below(deviations: float) -> float:
    """The part of a normal distribution below so many standard deviations, exact in the lower tail."""
    return 0.5 * math.erfc(-deviations / math.sqrt(2.0))


def draw(distribution: Distribution, key: int, first: int, last: int) -> Tensor:
    """The values of units ``first`` to ``last``, without the last.

    Args:
        distribution: What they are drawn from.
        key: Of 128 bits, as :func:`rheobase.philox.key_of` makes it of (seed, identifier, name).
        first: The number of the first unit.
        last: One more than that of the last.

    Returns:
        Float64 ``[last - first]``, on the CPU.

    Example:
        >>> from rheobase.philox import key_of
        >>> key = key_of(1, "cells", "tau")
        >>> whole = draw(Uniform(10.0, 20.0), key, 0, 10)
        >>> draw(Uniform(10.0, 20.0), key, 7, 10).equal(whole[7:])
        True
    """
    # Each word of a count is one unit's.
    before, skipped = divmod(first, WORDS)
    raw = words(key, (before, 0, 0, 0), -(-last // WORDS) - before).reshape(-1)
    quantiles = torch.from_numpy(uniform(raw[skipped : skipped + last - first])).clamp(max=_LARGEST)
    return distribution.at(quantiles)

"""Sweeps: values of a parameter that differ from unit to unit."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ...errors import ParameterError
from ...philox import NOBODY, Stream, key_of, uniform, words


@dataclass(frozen=True, eq=False)
class Sweep:
    """How a parameter varies over the units of an ensemble. Made by one of four class methods.

    Example:
        >>> from rheobase import Sweep
        >>> values = expand({"a": Sweep.grid([1, 2]), "b": Sweep.grid([3, 4, 5])}, num_units=6)
        >>> values["a"].tolist(), values["b"].tolist()
        ([1.0, 1.0, 1.0, 2.0, 2.0, 2.0], [3.0, 4.0, 5.0, 3.0, 4.0, 5.0])
    """

    kind: Literal["fixed", "zipped", "grid", "random"]
    values: tuple[float, ...]
    seed: int | None = None

    @classmethod
    def fixed(cls, value: float) -> Sweep:
        """The same value for every unit."""
        return cls("fixed", _finite((value,)))

    @classmethod
    def zipped(cls, values: Sequence[float] | Tensor) -> Sweep:
        """One value for each unit, in order; there must be as many as units."""
        return cls("zipped", _finite(values))

    @classmethod
    def grid(cls, values: Sequence[float] | Tensor) -> Sweep:
        """All combinations with the other grids, the last one varying fastest; there must be as many
        combinations as units."""
        return cls("grid", _finite(values))

    @classmethod
    def random(cls, low: float, high: float, *, seed: int | None = None) -> Sweep:
        """Drawn independently and uniformly from (low, high), reproducibly from the seed, the parameter's
        name and the unit's number: unit k gets the same value however many units there are. Without a seed,
        from that of the neuron and its identifier.
        """
        bounds = _finite((low, high))
        if not bounds[0] < bounds[1]:
            raise ParameterError(
                f"Sweep.random: low is {low!r} and high {high!r}; low must be less than high"
            )
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
            raise ParameterError(
                f"Sweep.random: the seed is {seed!r}; give an integer, or None for the neuron's"
            )
        return cls("random", bounds, seed)


def expand(sweeps: Mapping[str, Sweep], num_units: int, stream: Stream = NOBODY) -> dict[str, Tensor]:
    """The values of each swept parameter, float64 ``[units]``; grids combine in the order of the mapping."""
    grids = {name: sweep.values for name, sweep in sweeps.items() if sweep.kind == "grid"}
    points = math.prod(map(len, grids.values()))
    if grids and points != num_units:
        sizes = " x ".join(str(len(values)) for values in grids.values())
        raise ParameterError(
            f"the grid over {', '.join(map(repr, grids))} has {sizes} = {points} points for "
            f"{num_units} units; "
            f"create the ensemble with num_units={points}"
        )
    # One row of the product for each unit, turned into one column for each parameter.
    columns = dict(zip(grids, zip(*itertools.product(*grids.values()), strict=True), strict=True))
    expanded = {}
    for name, sweep in sweeps.items():
        if sweep.kind == "fixed":
            values = torch.full((num_units,), sweep.values[0], dtype=torch.float64)
        elif sweep.kind == "random":
            low, high = sweep.values
            key = key_of(*(stream if sweep.seed is None else (sweep.seed,)), name)
            drawn = uniform(words(key, (0, 0, 0, 0), num_units)[:, 0])
            values = torch.from_numpy(low + (high - low) * drawn)
        elif sweep.kind == "grid":
            values = torch.tensor(columns[name], dtype=torch.float64)
        else:
            values = torch.tensor(sweep.values, dtype=torch.float64)
        if len(values) != num_units:
            raise ParameterError(
                f"the zipped sweep of {name!r} has {len(values)} values for {num_units} units; "
                "give one for each unit"
            )
        expanded[name] = values
    return expanded


def _finite(values: Sequence[float] | Tensor) -> tuple[float, ...]:
    try:
        numbers = tuple(float(value) for value in values)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"a sweep was given {values!r}; give finite numbers") from error
    if not numbers or not all(map(math.isfinite, numbers)):
        raise ParameterError(f"a sweep was given {values!r}; give one or more finite numbers")
    return numbers

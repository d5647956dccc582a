r"""The exact step of several variables, by the h of the step before.

In y' = A y + b the derivative f0 = A y0 + b at the start tells the state at the end:

.. math::  y_i(h) = y_i + \sum_j P_{ij} f_{0j}, \qquad P = h \varphi_1(A h)

P hangs on A and h alone, so it is made once and kept. Each of its entries is made from the variables on the
ways from j to i and from no others: not a bit of it is another one because of a variable that has no part in
it, however fast that is, such as the current of a synapse beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias, final

import torch
from torch import Tensor

from .propagator import propagators

Pattern: TypeAlias = "tuple[frozenset[int], ...]"


class _Term(NamedTuple):
    """A variable that moves another one: which, and which of the factors its derivative is multiplied by."""

    variable: int
    factor: int


@final
class _Factors:
    """The entries of P, each made of the variables on its own ways; those of the same ones are made once."""

    def __init__(self, matrix: Tensor, h: float) -> None:
        self._dtype, units = matrix.dtype, matrix.movedim(-1, 0).double()
        self._sound = units.isfinite().all(-1).all(-1)
        # One unit's NaN must not reach the others.
        self._units = torch.where(self._sound[:, None, None], units, 0.0)
        self._h = torch.full((len(units),), h, dtype=torch.float64, device=units.device)
        self._made: dict[frozenset[int], Tensor] = {}
        self.all: list[Tensor] = []

    def row(self, at: int, ways: dict[int, frozenset[int]]) -> list[_Term]:
        """The variables that move one, with their factors; in their order, which is that of the sum."""
        first = len(self.all)
        self.all += [self._of(at, j, over) for j, over in ways.items()]
        return [_Term(j, first + place) for place, j in enumerate(ways)]

    def _of(self, at: int, j: int, over: frozenset[int]) -> Tensor:
        among = sorted(over)
        if over not in self._made:
            index = torch.tensor(among, device=self._h.device)
            block = self._units.index_select(1, index).index_select(2, index)
            self._made[over] = propagators(block, self._h)
        factor = self._made[over][:, among.index(at), among.index(j)]
        return torch.where(self._sound, factor, torch.nan).to(self._dtype)


@final
class Paths:
    """The step h of units that have the coefficients A.

    Args:
        matrix: A where nobody rests, ``[D, D, *batch, units]``, 1/ms; D above 1, and some units.
        h: The step, ms, a number above 0.
        pattern: The variables on which each derivative depends.
        held: The variables that stand still where a unit rests.

    Attributes:
        factors: The entries of P that are needed, each ``[n]``, or ``[1]`` for units that are all alike.
    """

    def __init__(self, matrix: Tensor, h: float, pattern: Pattern, held: frozenset[int]) -> None:
        self._matrix, self._h, self._held = matrix, h, held
        flat = matrix.reshape(*matrix.shape[:2], -1)
        # Of units that are all alike one is enough; a graph leads to each of them.
        if not flat.requires_grad and bool((flat == flat[..., :1]).all()):
            flat = flat[..., :1]
        free = [depends | {at} for at, depends in enumerate(pattern)]
        # Who rests has other ways: none that leads over a variable that stands still.
        still = [frozenset({at}) if at in held else depends for at, depends in enumerate(free)]
        factors, ways, resting = _Factors(flat, h), _ways(free), _ways(still)
        self._free = [factors.row(at, row) for at, row in enumerate(ways)]
        self._resting = {
            at: factors.row(at, row) for at, row in enumerate(resting) if at not in held and row != ways[at]
        }
        self.factors = tuple(factors.all)

    def serves(self, matrix: Tensor, h: float, held: frozenset[int]) -> bool:
        """Whether it is that of these coefficients, the same tensor, and this step."""
        return matrix is self._matrix and h == self._h and held == self._held

    def taken(
        self, y: Tensor, slope: Tensor, resting: Tensor | None, factors: Sequence[Tensor] | None = None
    ) -> Tensor:
        """The states after the step; no number where something was not finite.

        Args:
            y: The states, ``[D, n]``.
            slope: The derivatives there, per ms, ``[D, n]``.
            resting: Who rests, bool ``[n]``; None: nobody.
            factors: In place of its own, those of other units.
        """
        rows, given = [], self.factors if factors is None else factors
        for at, terms in enumerate(self._free):
            new = y[at] + _sum(terms, slope, given)
            if resting is not None:
                if at in self._held:
                    new = torch.where(resting, y[at], new)
                elif at in self._resting:
                    new = torch.where(resting, y[at] + _sum(self._resting[at], slope, given), new)
            rows.append(new)
        return torch.stack(rows)


def _sum(terms: list[_Term], slope: Tensor, factors: Sequence[Tensor]) -> Tensor:
    total = slope[terms[0].variable] * factors[terms[0].factor]
    for term in terms[1:]:
        total = total + slope[term.variable] * factors[term.factor]
    return total


def _ways(depends: Sequence[frozenset[int]]) -> list[dict[int, frozenset[int]]]:
    """For each variable i those j that move it in the end, each with the variables on the ways from j to i.

    Args:
        depends: For each variable itself and those that its derivative depends on.

    Example:
        A potential that a current drives, and a second current:

        >>> ways = _ways([frozenset({0, 1, 2}), frozenset({1}), frozenset({2})])
        >>> {j: sorted(over) for j, over in ways[0].items()}
        {0: [0], 1: [0, 1], 2: [0, 2]}
    """
    reach = [set(each) for each in depends]
    for _ in depends:
        reach = [set().union(*(reach[other] for other in each)) for each in reach]
    return [{j: frozenset(k for k in mine if j in reach[k]) for j in sorted(mine)} for mine in reach]

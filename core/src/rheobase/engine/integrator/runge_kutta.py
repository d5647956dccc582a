"""Explicit Runge-Kutta methods of fixed step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from ...errors import OrderError
from .contract import Advance, Field, Integrator, Time


class Tableau(NamedTuple):
    """A Butcher tableau of an explicit method: nodes c, rows of a, weights b."""

    c: tuple[float, ...]
    a: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]


# Euler; the midpoint rule; Kutta's third-order rule; the classical rule. Kutta (1901), and
# Hairer, Norsett & Wanner, Solving Ordinary Differential Equations I, section II.1.
TABLEAUS: Mapping[int, Tableau] = {
    1: Tableau((0.0,), ((),), (1.0,)),
    2: Tableau((0.0, 1 / 2), ((), (1 / 2,)), (0.0, 1.0)),
    3: Tableau((0.0, 1 / 2, 1.0), ((), (1 / 2,), (-1.0, 2.0)), (1 / 6, 2 / 3, 1 / 6)),
    4: Tableau(
        (0.0, 1 / 2, 1 / 2, 1.0),
        ((), (1 / 2,), (0.0, 1 / 2), (0.0, 0.0, 1.0)),
        (1 / 6, 1 / 3, 1 / 3, 1 / 6),
    ),
}


# After each stage, the slopes that a later stage still needs.
_KEPT: Mapping[int, tuple[frozenset[int], ...]] = {
    order: tuple(
        frozenset(index for row in table.a[stage + 1 :] for index, weight in enumerate(row) if weight)
        for stage in range(len(table.b))
    )
    for order, table in TABLEAUS.items()
}


class RungeKutta(Integrator):
    """Explicit Runge-Kutta methods of order 1 to 4, at the fixed step ``t1 - t0``.

    Args:
        order: 1 (Euler), 2 (midpoint), 3 (Kutta) or 4 (classical; the default).

    Raises:
        OrderError: A ValueError, if the order is another.

    Example:
        >>> from rheobase import RungeKutta
        >>> RungeKutta(order=3)
        RungeKutta(order=3)
    """

    def __init__(self, order: int = 4) -> None:
        if isinstance(order, bool) or not isinstance(order, int) or order not in TABLEAUS:
            raise OrderError(
                f"RungeKutta: order {order!r} is not implemented; the orders are "
                f"{', '.join(map(str, TABLEAUS))}"
            )
        self.order = order

    def __repr__(self) -> str:
        return f"RungeKutta(order={self.order})"

    def advance(
        self,
        field: Field,
        y: Tensor,
        t0: Time,
        t1: Time,
        *,
        carry: Mapping[str, Tensor] | None = None,
    ) -> Advance:
        table, kept = TABLEAUS[self.order], _KEPT[self.order]
        h = t1 - t0
        # The slopes are summed in units of the last weight, and each is kept only as long as a later
        # stage needs it: at most three arrays are alive beside the state.
        unit = table.b[-1]
        slopes: dict[int, Tensor] = {}
        total = y  # replaced by the first slope that has a weight
        weighted = False
        for stage, weight in enumerate(table.b):
            point = y
            for index, slope in slopes.items():
                if table.a[stage][index]:
                    point = axpy(table.a[stage][index] * h, slope, point)
            slopes[stage] = field(t0 + table.c[stage] * h, point)
            if weight:
                share = weight / unit
                if weighted:
                    total = axpy(share, slopes[stage], total)
                else:
                    total = slopes[stage] if share == 1 else slopes[stage] * share
                weighted = True
            slopes = {index: slope for index, slope in slopes.items() if index in kept[stage]}
        return Advance(axpy(unit * h, total, y))


def axpy(a: Time, x: Tensor, y: Tensor) -> Tensor:
    """``a x + y``, in one operation where ``a`` is a number."""
    return y + a * x if isinstance(a, Tensor) else torch.add(y, x, alpha=a)


def rk1() -> RungeKutta:
    """Euler's method."""
    return RungeKutta(order=1)


def rk2() -> RungeKutta:
    """The midpoint rule."""
    return RungeKutta(order=2)


def rk3() -> RungeKutta:
    """Kutta's third-order rule."""
    return RungeKutta(order=3)


def rk4() -> RungeKutta:
    """The classical fourth-order rule; the default integrator."""
    return RungeKutta(order=4)

"""Explicit Runge-Kutta methods of fixed step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

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


class Stage(NamedTuple):
    """One stage of a method, as it is worked through."""

    c: float
    # Earlier stages and their weights in its point, without those that are zero.
    terms: tuple[tuple[int, float], ...]
    # Its weight in the result, in units of the last stage's; 0: it has none.
    share: float
    # Earlier stages, and this one, that no later stage asks for.
    spent: tuple[int, ...]


def plan(table: Tableau) -> tuple[Stage, ...]:
    """A tableau as stages. Each slope is kept only as long as a later stage asks for it."""
    last = {
        index: max([stage for stage, row in enumerate(table.a) if len(row) > index and row[index]] + [index])
        for index in range(len(table.b))
    }
    return tuple(
        Stage(
            table.c[stage],
            tuple((index, weight) for index, weight in enumerate(table.a[stage]) if weight),
            table.b[stage] / table.b[-1],
            tuple(index for index in last if last[index] == stage),
        )
        for stage in range(len(table.b))
    )


_PLANS: Mapping[int, tuple[Stage, ...]] = {order: plan(table) for order, table in TABLEAUS.items()}


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

    fresh = True

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
        h, unit = t1 - t0, TABLEAUS[self.order].b[-1]
        # At most three arrays are alive beside the state: what is summed, in units of the last weight, and
        # the slopes that a later stage asks for.
        slopes: dict[int, Tensor] = {}
        timed = isinstance(h, Tensor)  # a time for each unit; else one operation is enough
        total: Any = None
        for stage, (c, terms, share, spent) in enumerate(_PLANS[self.order]):
            point = y
            for index, weight in terms:
                a: Any = weight * h
                point = point + a * slopes[index] if timed else torch.add(point, slopes[index], alpha=a)
            slope = slopes[stage] = field(t0 + c * h, point)
            if share:
                # No product with 1: it would cost an operation, and change no bit.
                if total is None:
                    total = slope if share == 1 else slope * share
                else:
                    total = torch.add(total, slope, alpha=share)
            for index in spent:
                del slopes[index]
        a = unit * h
        return Advance(y + a * total if timed else torch.add(y, total, alpha=a))


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

"""Tableaus of embedded Runge-Kutta pairs."""

from __future__ import annotations

from typing import NamedTuple


class EmbeddedTableau(NamedTuple):
    """A pair of explicit methods that share their stages, first same as last.

    The last row of ``a`` is the weights of the solution, so the last stage is evaluated at the end of
    the step, and its slope is the first of the next step.

    Attributes:
        c: Where in the step each stage lies, 0 to 1.
        a: A row for each stage: the weights of the slopes before it.
        error: The weights of the slopes in the difference between the two solutions.
        order: The order of the solution that is kept.
    """

    c: tuple[float, ...]
    a: tuple[tuple[float, ...], ...]
    error: tuple[float, ...]
    order: int


# RK5(4)7M of J. R. Dormand & P. J. Prince (1980), A family of embedded Runge-Kutta formulae, Journal of
# Computational and Applied Mathematics 6(1), 19-26, doi:10.1016/0771-050X(80)90013-3, table 2.
DORMAND_PRINCE = EmbeddedTableau(
    c=(0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0),
    a=(
        (),
        (1 / 5,),
        (3 / 40, 9 / 40),
        (44 / 45, -56 / 15, 32 / 9),
        (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
        (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
        (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
    ),
    error=(71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40),
    order=5,
)

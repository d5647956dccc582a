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
        order: The order of the solution that is kept. That of the other is one less, so that the error
            grows like h to the power of ``order``.
        bump: The values between the ends: those of the cubic through both states and slopes (Hermite),
            plus ``h theta^2 (1 - theta)^2`` times the slopes with these weights. Empty, the default: the
            cubic alone, which is of order 3.
        dense_order: The order of these values, for every theta.
    """

    c: tuple[float, ...]
    a: tuple[tuple[float, ...], ...]
    error: tuple[float, ...]
    order: int
    bump: tuple[float, ...] = ()
    dense_order: int = 3


# RK5(4)7M of J. R. Dormand & P. J. Prince (1980), A family of embedded Runge-Kutta formulae, Journal of
# Computational and Applied Mathematics 6(1), 19-26, doi:10.1016/0771-050X(80)90013-3, table 2. Between the
# ends: L. F. Shampine (1986), Some practical Runge-Kutta formulas, Mathematics of Computation 46, 135-150,
# doi:10.2307/2008219, with the numbers of Hairer, Norsett & Wanner (1993), section II.6 (contd5).
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
    bump=(
        *(-12715105075 / 11282082432, 0.0, 87487479700 / 32700410799, -10690763975 / 1880347072),
        *(701980252875 / 199316789632, -1453857185 / 822651844, 69997945 / 29380423),
    ),
    dense_order=4,
)

# Ch. Tsitouras (2011), Runge-Kutta pairs of order 5(4) satisfying only the first column simplifying
# assumption, Computers & Mathematics with Applications 62(2), 770-775, doi:10.1016/j.camwa.2011.06.002.
# The paper gives decimals, not fractions; the conditions of order hold to 1e-15. Its interpolant, too, has
# the states and slopes of both ends, so that the leading coefficients of its quartics are all that it takes.
TSITOURAS = EmbeddedTableau(
    c=(0.0, 0.161, 0.327, 0.9, 0.9800255409045097, 1.0, 1.0),
    a=(
        (),
        (0.161,),
        (-0.008480655492356989, 0.335480655492357),
        (2.8971530571054935, -6.359448489975075, 4.3622954328695815),
        (5.325864828439257, -11.748883564062828, 7.4955393428898365, -0.09249506636175525),
        (5.86145544294642, -12.92096931784711, 8.159367898576159, -0.071584973281401, -0.028269050394068383),
        (
            *(0.09646076681806523, 0.01, 0.4798896504144996),
            *(1.379008574103742, -3.290069515436081, 2.324710524099774),
        ),
    ),
    error=(
        *(-0.0017800110522257773, -0.0008164344596567469, 0.007880878010261995),
        *(-0.1447110071732629, 0.5823571654525552, -0.45808210592918697, 1 / 66),
    ),
    order=5,
    bump=(
        *(-1.0530884977290216, 0.1017, 2.490627285651252793, -16.54810288924490272),
        *(47.37952196281928122, -34.87065786149660974, 2.5),
    ),
    dense_order=4,
)

# P. Bogacki & L. F. Shampine (1989), A 3(2) pair of Runge-Kutta formulas, Applied Mathematics Letters 2(4),
# 321-325, doi:10.1016/0893-9659(89)90079-7.
BOGACKI_SHAMPINE = EmbeddedTableau(
    c=(0.0, 1 / 2, 3 / 4, 1.0),
    a=((), (1 / 2,), (0.0, 3 / 4), (2 / 9, 1 / 3, 4 / 9)),
    error=(-5 / 72, 1 / 12, 1 / 9, -1 / 8),
    order=3,
)

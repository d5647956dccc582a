"""The shape of a surrogate: finite, rising, with a slope of 1 at threshold, and with its own derivative."""

from __future__ import annotations

import torch

from ..property import prop
from ..subject import SurrogateSubject
from ..violation import require
from .ranges import DTYPES, FAR, grid

_ROUNDING = {torch.float64: 1e-12, torch.float32: 1e-5}


@prop(
    "surrogate",
    "finite-everywhere",
    "training",
    why="one unit far from threshold with a derivative that is no number ends a training",
)
def finite_everywhere(subject: SurrogateSubject) -> None:
    """S and S' are finite from -1e6 to 1e6 distances from threshold, in float64 and float32."""
    for dtype in DTYPES:
        z = torch.tensor(FAR, dtype=dtype, requires_grad=True)
        for what, values in (("S", subject.obj(z)), ("S'", subject.slope(z))):
            bad = (~values.isfinite()).nonzero()
            if len(bad):
                place = int(bad[0])
                require(False, f"{what}({FAR[place]:g}) is {float(values[place])} in {dtype}")


@prop(
    "surrogate",
    "never-falls",
    "training",
    why="where it falls, a unit learns to spike by moving away from threshold",
)
def never_falls(subject: SurrogateSubject) -> None:
    """S never falls, and S' is nowhere negative."""
    for dtype in DTYPES:
        z = grid(dtype).requires_grad_()
        slope = subject.slope(z)
        place = int(slope.argmin())
        require(float(slope[place]) >= 0, f"S'({float(z[place]):g}) is {float(slope[place]):g} in {dtype}")
        value = subject.obj(z).detach()
        rise = value.diff()
        place = int(rise.argmin())
        require(
            float(rise[place]) >= -_ROUNDING[dtype] * float(value.abs().max()),
            f"S falls by {-float(rise[place]):.3g} from z = {float(z[place]):g} to {float(z[place + 1]):g} "
            f"in {dtype}",
        )


@prop(
    "surrogate",
    "rises-by-one-at-threshold",
    "training",
    why="width and height mean the same for all surrogates only if all have one slope there; with none, a "
    "unit at threshold learns nothing",
)
def rises_by_one_at_threshold(subject: SurrogateSubject) -> None:
    """S'(0) = 1, in float64 and float32, alone and in a batch."""
    for dtype in DTYPES:
        for shape in ((), (5,)):
            slope = subject.slope(torch.zeros(shape, dtype=dtype, requires_grad=True))
            require(
                bool(torch.isclose(slope, torch.ones_like(slope), rtol=1e-5, atol=0).all()),
                f"S'(0) is {float(slope.reshape(-1)[0]):g} in {dtype}; scale z and S so that it is 1",
            )


@prop(
    "surrogate",
    "derivative-is-that-of-the-value",
    "training",
    why="a function whose value and derivative are told apart passes no check of gradients by differences",
)
def derivative_is_that_of_the_value(subject: SurrogateSubject) -> None:
    """S rises between any two numbers by the integral of S'."""
    z = grid().requires_grad_()
    slope, value = subject.slope(z), subject.obj(z).detach()
    step = float(z[1] - z[0])
    area = 0.5 * (slope[1:] + slope[:-1]) * step
    gone = (value.diff() - area).abs()
    # Exact to step^2 where S' is smooth; one step's worth of it where S' has a jump.
    most = step * float(slope.max()) + 1e-9
    place = int(gone.argmax())
    require(
        float(gone[place]) <= most,
        f"from z = {float(z[place]):g} to {float(z[place + 1]):g} S rises by "
        f"{float(value.diff()[place]):.6g}, and the integral of S' is {float(area[place]):.6g}",
    )
    rises, whole = float(value[-1] - value[0]), float(area.sum())
    require(
        abs(rises - whole) <= 8 * step * float(slope.max()),
        f"from z = -12 to 12 S rises by {rises:.6g}, and the integral of S' is {whole:.6g}; let autograd "
        "make the derivative",
    )

"""The bursting neuron of Hindmarsh and Rose."""

from __future__ import annotations

from typing import Any

from rheobase import Expect, Input, Parameter, Preset, SpikingNeuron, State, stimulus
from torch import Tensor

CITATION = (
    "J. L. Hindmarsh & R. M. Rose (1984), A model of neuronal bursting using three coupled first order "
    "differential equations, Proceedings of the Royal Society B 221, 87-102, doi:10.1098/rspb.1984.0024"
)


def _constant(what: str, current: float, duration: float, **figures: Any) -> Preset:
    return Preset(
        what,
        stimulus=stimulus.Constant(current),
        duration=duration,
        citation=CITATION,
        expect=Expect(**figures, source="the equations of Hindmarsh & Rose 1984, by scipy's DOP853 at 1e-10"),
    )


class HindmarshRose(SpikingNeuron):
    r"""Bursts of three coupled equations (Hindmarsh and Rose 1984).

    .. math::

        \frac{dx}{dt} &= y - a x^3 + b x^2 - z + I \\
        \frac{dy}{dt} &= c - d x^2 - y \\
        \frac{dz}{dt} &= r (s (x - x_R) - z)

    A spike is x rising through 0; nothing is reset. It bursts at I = 2, and is chaotic at 3.25.

    Units: all are numbers; the unit of time is called 1 ms.

    Paper: J. L. Hindmarsh & R. M. Rose (1984), Proceedings of the Royal Society B 221, 87-102,
    doi:10.1098/rspb.1984.0024.

    Example:
        >>> import rheobase as rb
        >>> rb.simulate(rb.create("hindmarsh-rose", dt=0.05), 1.0, duration=500.0).counts().tolist()
        [4]
    """

    dt_max = 0.1

    a = Parameter(1.0, unit="1", above=0, doc="cubic term a")
    b = Parameter(3.0, unit="1", doc="quadratic term b")
    c = Parameter(1.0, unit="1", doc="constant of the fast recovery c")
    d = Parameter(5.0, unit="1", doc="quadratic term of the fast recovery d")
    r = Parameter(0.006, unit="1/ms", above=0, doc="rate of the slow adaptation r")
    s = Parameter(4.0, unit="1", doc="strength of the adaptation s")
    x_r = Parameter(-1.6, unit="1", doc="potential at rest x_R")
    theta = Parameter(0.0, unit="1", doc="where a spike is counted")

    current = Input(unit="1", doc="current I")

    x = State(-1.6, unit="1", doc="membrane potential, scaled")
    y = State(-11.8, unit="1", doc="fast recovery")
    z = State(0.0, unit="1", doc="slow adaptation")

    burst = _constant("one burst, then rest", 1.0, 500.0, spikes=4)
    bursting = _constant("bursts of two spikes", 2.0, 1500.0, isi=(14.806526, 113.698318), within=0.01)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Tensor]:
        x, y, z = state.x, state.y, state.z
        return {
            "x": y - params.a * x**3 + params.b * x**2 - z + data.current,
            "y": params.c - params.d * x**2 - y,
            "z": params.r * (params.s * (x - params.x_r) - z),
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.x - params.theta
        return distance

"""The neuron of FitzHugh and Nagumo."""

from __future__ import annotations

from typing import Any

from rheobase import Expect, Input, Parameter, Preset, SpikingNeuron, State, stimulus
from torch import Tensor

CITATION = (
    "R. FitzHugh (1961), Impulses and physiological states in theoretical models of nerve membrane, "
    "Biophysical Journal 1, 445-466, doi:10.1016/S0006-3495(61)86902-6"
)


def _constant(what: str, current: float, duration: float, source: str, **figures: Any) -> Preset:
    return Preset(
        what,
        stimulus=stimulus.Constant(current),
        duration=duration,
        citation=CITATION,
        expect=Expect(**figures, source=source),
    )


class FitzHughNagumo(SpikingNeuron):
    r"""Excitability in two states (FitzHugh 1961; Nagumo et al. 1962).

    .. math:: \frac{dv}{dt} = v - \frac{v^3}{3} - w + I, \qquad \frac{dw}{dt} = \epsilon (v + a - b w)

    A spike is v rising through 1; nothing is reset. Rest loses its stability where 1 - v^2 = b epsilon: with
    the defaults at I = 0.331281, and gains it back at 1.418719.

    Units: all are numbers; the unit of time is called 1 ms.

    Papers: R. FitzHugh (1961), Biophysical Journal 1, 445-466, doi:10.1016/S0006-3495(61)86902-6; J. Nagumo,
    S. Arimoto, S. Yoshizawa (1962), Proceedings of the IRE 50, 2061-2070, doi:10.1109/JRPROC.1962.288235.

    Example:
        >>> import rheobase as rb
        >>> rb.simulate(rb.create("fitzhugh-nagumo"), 0.5, duration=200.0).counts().tolist()
        [5]
    """

    a = Parameter(0.7, unit="1", doc="where v and w balance a")
    b = Parameter(0.8, unit="1", at_least=0, doc="decay of the recovery b")
    epsilon = Parameter(0.08, unit="1/ms", above=0, doc="rate of the recovery epsilon")
    theta = Parameter(1.0, unit="1", doc="where a spike is counted")

    current = Input(unit="1", doc="current I")

    v = State(-1.1994080, unit="1", doc="membrane potential, scaled")
    w = State(-0.6242600, unit="1", doc="recovery")

    oscillating = _constant(
        "repetitive firing", 0.5, 400.0, "scipy's DOP853 at 1e-10", period=39.474415, within=1e-5
    )
    resting = _constant(
        "below the first Hopf bifurcation at 0.331281", 0.3, 500.0, "linear stability", rate=0.0
    )
    blocked = _constant("above the second at 1.418719", 1.5, 500.0, "linear stability", rate=0.0)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Tensor]:
        v, w = state.v, state.w
        return {
            "v": v - v**3 / 3.0 - w + data.current,
            "w": params.epsilon * (v + params.a - params.b * w),
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.v - params.theta
        return distance

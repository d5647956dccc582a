"""The quadratic integrate-and-fire neuron."""

from __future__ import annotations

from typing import Any

from rheobase import Expect, Parameter, Preset, SpikingNeuron, State, stimulus
from torch import Tensor

CITATION = (
    "P. E. Latham, B. J. Richmond, P. G. Nelson, S. Nirenberg (2000), Intrinsic dynamics in neuronal "
    "networks. I. Theory, Journal of Neurophysiology 83, 808-827, doi:10.1152/jn.2000.83.2.808"
)


def _constant(what: str, current: float, duration: float, interval: float) -> Preset:
    return Preset(
        what,
        stimulus=stimulus.Constant(current),
        duration=duration,
        citation=CITATION,
        expect=Expect(
            isi=interval, within=interval * 1e-6, source="closed form: the interval of the docstring, by hand"
        ),
    )


class QIF(SpikingNeuron):
    r"""Quadratic integrate-and-fire: the normal form of a saddle-node, with a peak and a reset.

    .. math:: C \frac{dV}{dt} = k (V - V_r) (V - V_c) + I

    When V reaches V_peak: V is set to V_reset. Rest is V_r, and above V_c a spike comes without input. It
    fires where I exceeds the rheobase :math:`k (V_c - V_r)^2 / 4`, and then, with J the excess and U the
    distance from the middle of V_r and V_c, every

    .. math::

        T = \frac{C}{\sqrt{k J}}
            \left( \arctan \sqrt{k / J}\, U_{peak} - \arctan \sqrt{k / J}\, U_{reset} \right)

    Units: V in mV, times in ms, I in pA, k in nS/mV, C in pF.

    Papers: G. B. Ermentrout & N. Kopell (1986), SIAM Journal on Applied Mathematics 46, 233-253,
    doi:10.1137/0146017; P. E. Latham et al. (2000), Journal of Neurophysiology 83, 808-827,
    doi:10.1152/jn.2000.83.2.808.

    Example:
        >>> import rheobase as rb
        >>> rb.simulate(rb.create("qif"), 100.0, duration=200.0).counts().tolist()
        [5]
    """

    input_unit = "pA"

    c = Parameter(100.0, unit="pF", above=0, doc="membrane capacitance C")
    k = Parameter(1.0, unit="nS/mV", above=0, doc="curvature k")
    v_r = Parameter(-65.0, unit="mV", doc="resting potential V_r")
    v_c = Parameter(-50.0, unit="mV", doc="critical potential V_c")
    v_peak = Parameter(30.0, unit="mV", doc="where a spike is counted V_peak")
    v_reset = Parameter("v_r", unit="mV", doc="potential after a spike V_reset")

    voltage = State("v_r", unit="mV", at_rest=True, doc="membrane potential V")

    near = _constant("near the rheobase of 56.25 pA, at a low rate", 60.0, 500.0, 148.04012416)
    above = _constant("well above the rheobase", 100.0, 200.0, 35.42901400)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        v = state.voltage
        return {"voltage": (params.k * (v - params.v_r) * (v - params.v_c) + data) / params.c}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.voltage - params.v_peak
        return distance

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Tensor]:
        return {"voltage": params.v_reset}

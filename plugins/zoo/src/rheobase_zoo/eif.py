"""The exponential integrate-and-fire neuron."""

from __future__ import annotations

from typing import Any

import torch
from rheobase import Expect, Input, Parameter, Preset, SpikingNeuron, State, stimulus
from torch import Tensor

CITATION = (
    "N. Fourcaud-Trocme, D. Hansel, C. van Vreeswijk, N. Brunel (2003), How spike generation mechanisms "
    "determine the neuronal response to fluctuating inputs, Journal of Neuroscience 23, 11628-11640, "
    "doi:10.1523/JNEUROSCI.23-37-11628.2003"
)


def _step(what: str, current: float, duration: float, source: str, **figures: Any) -> Preset:
    expect = Expect(**figures, source=source)
    return Preset(
        what, stimulus=stimulus.Constant(current), duration=duration, citation=CITATION, expect=expect
    )


class EIF(SpikingNeuron):
    r"""Exponential integrate-and-fire (Fourcaud-Trocme et al. 2003).

    .. math:: C \frac{dV}{dt} = -g_L (V - V_L) + g_L \Delta_T e^{(V - V_T) / \Delta_T} + I

    When V reaches V_peak: V is set to V_r and held there for tau_ref. It fires above the rheobase
    :math:`g_L (V_T - V_L - \Delta_T)`, here 0.162 uA/cm2. The defaults are the paper's, fitted to the
    model of Wang and Buzsaki (1996): values as in BrainPy's ExpIF.

    Units: V in mV, times in ms, I in uA/cm2, conductances in mS/cm2, C in uF/cm2.

    Paper: N. Fourcaud-Trocme et al. (2003), Journal of Neuroscience 23, 11628-11640,
    doi:10.1523/JNEUROSCI.23-37-11628.2003.

    Example:
        >>> import rheobase as rb
        >>> rb.simulate(rb.create("eif", num_units=2), rb.stimulus.Constant(0.3), duration=200.0).counts()
        tensor([3, 3])
    """

    c = Parameter(1.0, unit="uF/cm2", above=0, doc="membrane capacitance C")
    g_l = Parameter(0.1, unit="mS/cm2", above=0, doc="leak conductance g_L")
    v_l = Parameter(-65.0, unit="mV", doc="leak reversal potential V_L")
    v_t = Parameter(-59.9, unit="mV", doc="threshold of the exponential V_T")
    delta_t = Parameter(3.48, unit="mV", above=0, doc="slope of the exponential Delta_T")
    v_r = Parameter(-68.0, unit="mV", doc="potential after a spike V_r")
    v_peak = Parameter(-30.0, unit="mV", doc="where a spike is counted V_peak")
    tau_ref = Parameter(1.7, unit="ms", at_least=0, doc="refractory period")

    current = Input(unit="uA/cm2", doc="current I, per area")
    voltage = State("v_l", unit="mV", doc="membrane potential V")

    firing = _step("above the rheobase", 0.3, 500.0, "scipy's DOP853 at 1e-10", isi=56.9945, within=1e-3)
    strong = _step("at a high rate", 1.0, 200.0, "scipy's DOP853 at 1e-10", isi=17.3224, within=1e-3)
    below = _step("below the rheobase", 0.16, 500.0, "the rheobase g_L (V_T - V_L - Delta_T)", spikes=0)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Tensor]:
        v = state.voltage
        upstroke = params.delta_t * torch.exp((v - params.v_t) / params.delta_t)
        return {"voltage": (params.g_l * (params.v_l - v + upstroke) + data.current) / params.c}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.voltage - params.v_peak
        return distance

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Tensor]:
        return {"voltage": params.v_r}

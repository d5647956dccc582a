"""The squid's axon of Hodgkin and Huxley."""

from __future__ import annotations

from typing import Any

import torch
from rheobase import Expect, Input, Parameter, Preset, SpikingNeuron, State, exprel, stimulus
from torch import Tensor

CITATION = (
    "A. L. Hodgkin & A. F. Huxley (1952), A quantitative description of membrane current and its application "
    "to conduction and excitation in nerve, Journal of Physiology 117, 500-544, "
    "doi:10.1113/jphysiol.1952.sp004764"
)
SOURCE = "the equations of Hodgkin & Huxley 1952, solved by scipy's DOP853 at 1e-10"


def _step(what: str, current: float, duration: float, **figures: Any) -> Preset:
    """A current that is on from 0 ms."""
    return Preset(
        what,
        stimulus=stimulus.Constant(current),
        duration=duration,
        citation=CITATION,
        expect=Expect(**figures, source=SOURCE),
    )


class HodgkinHuxley(SpikingNeuron):
    r"""The squid's giant axon at 6.3 degrees Celsius (Hodgkin and Huxley 1952), with rest at -65 mV.

    .. math::

        C \frac{dV}{dt} &= I - g_{Na} m^3 h (V - E_{Na}) - g_K n^4 (V - E_K) - g_L (V - E_L) \\
        \frac{dx}{dt} &= \alpha_x(V) (1 - x) - \beta_x(V) x, \quad x = m, h, n

    The rates are, in 1/ms, with V in mV::

        alpha_m = 0.1 (V + 40) / (1 - exp(-(V + 40) / 10))    beta_m = 4 exp(-(V + 65) / 18)
        alpha_h = 0.07 exp(-(V + 65) / 20)                    beta_h = 1 / (1 + exp(-(V + 35) / 10))
        alpha_n = 0.01 (V + 55) / (1 - exp(-(V + 55) / 10))   beta_n = 0.125 exp(-(V + 65) / 80)

    A spike is V rising through 0 mV; nothing is reset. The paper counts V from rest and with the other sign;
    E_L is 10.598 mV above rest, with which no current flows at -65 mV.

    Units: V in mV, times in ms, I in uA/cm2, conductances in mS/cm2, C in uF/cm2.

    Paper: A. L. Hodgkin & A. F. Huxley (1952), Journal of Physiology 117, 500-544,
    doi:10.1113/jphysiol.1952.sp004764.

    Example:
        >>> import rheobase as rb
        >>> axon = rb.create("hodgkin-huxley")
        >>> len(rb.simulate(axon, 10.0, duration=100.0).spikes)
        7
    """

    dt_max = 0.025

    c = Parameter(1.0, unit="uF/cm2", above=0, doc="membrane capacitance C")
    g_na = Parameter(120.0, unit="mS/cm2", at_least=0, doc="largest conductance of sodium g_Na")
    g_k = Parameter(36.0, unit="mS/cm2", at_least=0, doc="largest conductance of potassium g_K")
    g_l = Parameter(0.3, unit="mS/cm2", at_least=0, doc="leak conductance g_L")
    e_na = Parameter(50.0, unit="mV", doc="reversal potential of sodium E_Na")
    e_k = Parameter(-77.0, unit="mV", doc="reversal potential of potassium E_K")
    e_l = Parameter(-54.402, unit="mV", doc="reversal potential of the leak E_L")

    current = Input(unit="uA/cm2", doc="current I, per area")

    voltage = State(-65.0, unit="mV", doc="membrane potential V")
    m = State(0.0529325, unit="1", at_least=0, at_most=1, doc="activation of sodium")
    h = State(0.5961208, unit="1", at_least=0, at_most=1, doc="inactivation of sodium")
    n = State(0.3176769, unit="1", at_least=0, at_most=1, doc="activation of potassium")

    subthreshold = _step("just too weak for a spike", 2.2412, 100.0, spikes=0)
    single_spike = _step("just strong enough for one spike", 2.2415, 100.0, spikes=1, first=10.6197)
    onset = _step("little above the onset of repetitive firing", 6.3, 400.0, rate=52.26)
    repetitive = _step("repetitive firing", 10.0, 250.0, spikes=17, first=(1.9015, 16.8254), rate=68.31)
    strong = _step("at a high rate", 20.0, 250.0, spikes=22, first=(1.2709, 13.334), rate=86.46)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Tensor]:
        v, m, h, n = state.voltage, state.m, state.h, state.n
        sodium = params.g_na * m**3 * h * (v - params.e_na)
        potassium = params.g_k * n**4 * (v - params.e_k)
        leak = params.g_l * (v - params.e_l)
        return {
            "voltage": (data.current - sodium - potassium - leak) / params.c,
            "m": (1.0 - m) / exprel(-(v + 40.0) / 10.0) - 4.0 * torch.exp(-(v + 65.0) / 18.0) * m,
            "h": 0.07 * torch.exp(-(v + 65.0) / 20.0) * (1.0 - h) - torch.sigmoid((v + 35.0) / 10.0) * h,
            "n": 0.1 * (1.0 - n) / exprel(-(v + 55.0) / 10.0) - 0.125 * torch.exp(-(v + 65.0) / 80.0) * n,
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.voltage
        return distance

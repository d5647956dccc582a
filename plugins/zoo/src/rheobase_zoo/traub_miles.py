"""The hippocampal cell of Traub and Miles, as in the benchmark of Brette et al."""

from __future__ import annotations

from typing import Any

import torch
from rheobase import Expect, Parameter, Preset, SpikingNeuron, State, exprel, stimulus
from torch import Tensor

CITATION = (
    "R. Brette et al. (2007), Simulation of networks of spiking neurons: a review of tools and strategies, "
    "Journal of Computational Neuroscience 23, 349-398, doi:10.1007/s10827-007-0038-6, benchmark 3 (COBAHH)"
)
SOURCE = "the equations of Brette et al. 2007, by scipy's DOP853 at 1e-10"


def _step(what: str, current: float, spikes: int, first: float) -> Preset:
    expect = Expect(spikes=spikes, first=first, within=0.01, source=SOURCE)
    return Preset(what, stimulus=stimulus.Constant(current), duration=500.0, citation=CITATION, expect=expect)


class TraubMiles(SpikingNeuron):
    r"""A Hodgkin-Huxley neuron with the channels of Traub and Miles (1991), as in Brette et al. (2007).

    .. math::

        C \frac{dV}{dt} &= I - g_{Na} m^3 h (V - E_{Na}) - g_K n^4 (V - E_K) - g_L (V - E_L) \\
        \frac{dx}{dt} &= \alpha_x(u) (1 - x) - \beta_x(u) x, \quad x = m, h, n, \quad u = V - V_T

    The rates are, in 1/ms, with u in mV::

        alpha_m = 0.32 (u - 13) / (1 - exp(-(u - 13) / 4))    beta_m = 0.28 (u - 40) / (exp((u - 40) / 5) - 1)
        alpha_h = 0.128 exp(-(u - 17) / 18)                   beta_h = 4 / (1 + exp(-(u - 40) / 5))
        alpha_n = 0.032 (u - 15) / (1 - exp(-(u - 15) / 5))   beta_n = 0.5 exp(-(u - 10) / 40)

    A spike is V rising through 0 mV; nothing is reset. Gates start at their values of rest at -60 mV.

    Units: V in mV, times in ms, I in pA, conductances in nS, C in pF: a cell of 20,000 um2.

    Papers: R. D. Traub & R. Miles (1991), Neuronal Networks of the Hippocampus, Cambridge University Press;
    R. Brette et al. (2007), Journal of Computational Neuroscience 23, 349-398, doi:10.1007/s10827-007-0038-6.

    Example:
        >>> import rheobase as rb
        >>> rb.simulate(rb.create("traub-miles"), 500.0, duration=50.0).counts().tolist()
        [4]
    """

    dt_max = 0.05

    input_unit = "pA"

    c = Parameter(200.0, unit="pF", above=0, doc="membrane capacitance C")
    g_na = Parameter(20000.0, unit="nS", at_least=0, doc="largest conductance of sodium g_Na")
    g_k = Parameter(6000.0, unit="nS", at_least=0, doc="largest conductance of potassium g_K")
    g_l = Parameter(10.0, unit="nS", at_least=0, doc="leak conductance g_L")
    e_na = Parameter(50.0, unit="mV", doc="reversal potential of sodium E_Na")
    e_k = Parameter(-90.0, unit="mV", doc="reversal potential of potassium E_K")
    e_l = Parameter(-60.0, unit="mV", doc="reversal potential of the leak E_L")
    v_t = Parameter(-63.0, unit="mV", at_least=-100, at_most=-30, doc="shift of the rates V_T")

    voltage = State("e_l", unit="mV", doc="membrane potential V")
    m = State(0.0268633, unit="1", at_least=0, at_most=1, doc="activation of sodium")
    h = State(0.9913058, unit="1", at_least=0, at_most=1, doc="inactivation of sodium")
    n = State(0.0604340, unit="1", at_least=0, at_most=1, doc="activation of potassium")

    weak = _step("a weak current", 100.0, 16, 5.5289)
    strong = _step("a strong current", 500.0, 42, 2.4740)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        v, m, h, n = state.voltage, state.m, state.h, state.n
        u = v - params.v_t
        sodium = params.g_na * m**3 * h * (v - params.e_na)
        potassium = params.g_k * n**4 * (v - params.e_k)
        leak = params.g_l * (v - params.e_l)
        return {
            "voltage": (data - sodium - potassium - leak) / params.c,
            "m": 1.28 * (1.0 - m) / exprel((13.0 - u) / 4.0) - 1.4 * m / exprel((u - 40.0) / 5.0),
            "h": 0.128 * torch.exp((17.0 - u) / 18.0) * (1.0 - h) - 4.0 * torch.sigmoid((u - 40.0) / 5.0) * h,
            "n": 0.16 * (1.0 - n) / exprel((15.0 - u) / 5.0) - 0.5 * torch.exp((10.0 - u) / 40.0) * n,
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.voltage
        return distance

"""The interneuron of Wang and Buzsaki."""

from __future__ import annotations

from typing import Any

import torch
from rheobase import Expect, Input, Parameter, Preset, SpikingNeuron, State, exprel, stimulus
from torch import Tensor

CITATION = (
    "X.-J. Wang & G. Buzsaki (1996), Gamma oscillation by synaptic inhibition in a hippocampal interneuronal "
    "network model, Journal of Neuroscience 16, 6402-6413, doi:10.1523/JNEUROSCI.16-20-06402.1996"
)
SOURCE = "the equations of Wang & Buzsaki 1996, by scipy's DOP853 at 1e-10"


def _step(what: str, current: float, duration: float, **figures: Any) -> Preset:
    expect = Expect(**figures, source=SOURCE)
    return Preset(
        what, stimulus=stimulus.Constant(current), duration=duration, citation=CITATION, expect=expect
    )


class WangBuzsaki(SpikingNeuron):
    r"""A fast-spiking interneuron of the hippocampus (Wang and Buzsaki 1996).

    .. math::

        C \frac{dV}{dt} &= I - g_{Na} m_\infty^3 h (V - E_{Na}) - g_K n^4 (V - E_K) - g_L (V - E_L) \\
        \frac{dx}{dt} &= \phi (\alpha_x(V) (1 - x) - \beta_x(V) x), \quad x = h, n, \quad
        m_\infty = \alpha_m / (\alpha_m + \beta_m)

    The rates are, in 1/ms, with V in mV::

        alpha_m = 0.1 (V + 35) / (1 - exp(-(V + 35) / 10))    beta_m = 4 exp(-(V + 60) / 18)
        alpha_h = 0.07 exp(-(V + 58) / 20)                    beta_h = 1 / (1 + exp(-(V + 28) / 10))
        alpha_n = 0.01 (V + 34) / (1 - exp(-(V + 34) / 10))   beta_n = 0.125 exp(-(V + 44) / 80)

    A spike is V rising through 0 mV; nothing is reset. Gates start at their values of rest at -64 mV.
    Rates and values are as in Brian2's example of the paper.

    Units: V in mV, times in ms, I in uA/cm2, conductances in mS/cm2, C in uF/cm2.

    Paper: X.-J. Wang & G. Buzsaki (1996), Journal of Neuroscience 16, 6402-6413,
    doi:10.1523/JNEUROSCI.16-20-06402.1996.

    Example:
        >>> import rheobase as rb
        >>> rb.simulate(rb.create("wang-buzsaki"), 1.0, duration=100.0).counts().tolist()
        [6]
    """

    dt_max = 0.05

    c = Parameter(1.0, unit="uF/cm2", above=0, doc="membrane capacitance C")
    g_na = Parameter(35.0, unit="mS/cm2", at_least=0, doc="largest conductance of sodium g_Na")
    g_k = Parameter(9.0, unit="mS/cm2", at_least=0, doc="largest conductance of potassium g_K")
    g_l = Parameter(0.1, unit="mS/cm2", at_least=0, doc="leak conductance g_L")
    e_na = Parameter(55.0, unit="mV", doc="reversal potential of sodium E_Na")
    e_k = Parameter(-90.0, unit="mV", doc="reversal potential of potassium E_K")
    e_l = Parameter(-65.0, unit="mV", doc="reversal potential of the leak E_L")
    phi = Parameter(5.0, unit="1", above=0, doc="temperature factor of the gates phi")

    current = Input(unit="uA/cm2", doc="current I, per area")

    voltage = State(-64.0, unit="mV", doc="membrane potential V")
    h = State(0.7803483, unit="1", at_least=0, at_most=1, doc="inactivation of sodium")
    n = State(0.0891984, unit="1", at_least=0, at_most=1, doc="activation of potassium")

    silent = _step("at the rheobase of its integrate-and-fire fit", 0.16, 500.0, spikes=0)
    slow = _step("at a low rate", 0.2, 1000.0, rate=8.6206)
    gamma = _step("in the gamma band", 1.0, 300.0, rate=59.7015)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Tensor]:
        v, h, n = state.voltage, state.h, state.n
        opens = 1.0 / exprel(-(v + 35.0) / 10.0)
        m = opens / (opens + 4.0 * torch.exp(-(v + 60.0) / 18.0))
        sodium = params.g_na * m**3 * h * (v - params.e_na)
        potassium = params.g_k * n**4 * (v - params.e_k)
        leak = params.g_l * (v - params.e_l)
        h_slope = 0.07 * torch.exp(-(v + 58.0) / 20.0) * (1.0 - h) - torch.sigmoid((v + 28.0) / 10.0) * h
        n_slope = 0.1 * (1.0 - n) / exprel(-(v + 34.0) / 10.0) - 0.125 * torch.exp(-(v + 44.0) / 80.0) * n
        return {
            "voltage": (data.current - sodium - potassium - leak) / params.c,
            "h": params.phi * h_slope,
            "n": params.phi * n_slope,
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.voltage
        return distance

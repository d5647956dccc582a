"""The barnacle's muscle fibre of Morris and Lecar."""

from __future__ import annotations

from typing import Any

import torch
from rheobase import Expect, Input, Parameter, Preset, SpikingNeuron, State, stimulus
from torch import Tensor

CITATION = (
    "C. Morris & H. Lecar (1981), Voltage oscillations in the barnacle giant muscle fiber, Biophysical "
    "Journal 35, 193-213, doi:10.1016/S0006-3495(81)84782-0; values of J. Rinzel & G. B. Ermentrout (1998), "
    "Analysis of neural excitability and oscillations, in Methods in Neuronal Modeling, MIT Press"
)
SNIC = {"g_ca": 4.0, "v_3": 12.0, "v_4": 17.4, "phi": 0.067}


def _step(what: str, current: float, duration: float, params: Any = None, **figures: Any) -> Preset:
    return Preset(
        what,
        params=params,
        stimulus=stimulus.Constant(current),
        duration=duration,
        citation=CITATION,
        expect=Expect(**figures, source="the equations of Morris & Lecar 1981, by scipy's DOP853 at 1e-10"),
    )


class MorrisLecar(SpikingNeuron):
    r"""Calcium and potassium of the barnacle's muscle (Morris and Lecar 1981): two states, two ways to fire.

    .. math::

        C \frac{dV}{dt} &= I - g_{Ca} m_\infty (V - E_{Ca}) - g_K n (V - E_K) - g_L (V - E_L) \\
        \frac{dn}{dt} &= \phi (n_\infty - n) \cosh \frac{V - V_3}{2 V_4} \\
        m_\infty &= \tfrac12 \left( 1 + \tanh \frac{V - V_1}{V_2} \right), \quad
        n_\infty = \tfrac12 \left( 1 + \tanh \frac{V - V_3}{V_4} \right)

    A spike is V rising through 0 mV; nothing is reset. The defaults, as in ``hopf``, begin to fire by a Hopf
    bifurcation, at a rate above 0; those of ``snic`` by a saddle-node on a circle, at any rate. Both are sets
    of Rinzel and Ermentrout (1998), with values as in table 3.1 of Ermentrout and Terman (2010).

    Units: V in mV, times in ms, I in uA/cm2, conductances in mS/cm2, C in uF/cm2.

    Paper: C. Morris & H. Lecar (1981), Biophysical Journal 35, 193-213, doi:10.1016/S0006-3495(81)84782-0.

    Example:
        >>> import rheobase as rb
        >>> rb.simulate(rb.create("morris-lecar"), 100.0, duration=500.0).counts().tolist()
        [6]
    """

    c = Parameter(20.0, unit="uF/cm2", above=0, doc="membrane capacitance C")
    g_ca = Parameter(4.4, unit="mS/cm2", at_least=0, doc="largest conductance of calcium g_Ca")
    g_k = Parameter(8.0, unit="mS/cm2", at_least=0, doc="largest conductance of potassium g_K")
    g_l = Parameter(2.0, unit="mS/cm2", at_least=0, doc="leak conductance g_L")
    e_ca = Parameter(120.0, unit="mV", doc="reversal potential of calcium E_Ca")
    e_k = Parameter(-84.0, unit="mV", doc="reversal potential of potassium E_K")
    e_l = Parameter(-60.0, unit="mV", doc="reversal potential of the leak E_L")
    v_1 = Parameter(-1.2, unit="mV", doc="where half of the calcium channels are open V_1")
    v_2 = Parameter(18.0, unit="mV", at_least=1, doc="width of their activation V_2")
    v_3 = Parameter(2.0, unit="mV", doc="where half of the potassium channels are open V_3")
    v_4 = Parameter(30.0, unit="mV", at_least=5, doc="width of their activation V_4")
    phi = Parameter(0.04, unit="1/ms", above=0, doc="least rate of the potassium channels phi")

    current = Input(unit="uA/cm2", doc="current I, per area")

    voltage = State(-60.0, unit="mV", doc="membrane potential V")
    n = State(0.0, unit="1", at_least=0, at_most=1, doc="activation of potassium")

    hopf = _step("class 2: the onset of firing has a rate", 90.0, 1500.0, period=102.72717, within=1e-4)
    hopf_strong = _step("class 2, in a stronger current", 100.0, 1000.0, period=85.29064, within=1e-4)
    snic = _step("class 1: any rate", 45.0, 1000.0, SNIC, period=99.19209, within=1e-4)
    snic_silent = _step("class 1, just below the onset", 39.9, 1000.0, SNIC, spikes=0)
    snic_onset = _step("class 1, just above the onset", 40.0, 1500.0, SNIC, spikes=1)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Tensor]:
        v, n = state.voltage, state.n
        m_inf = 0.5 * (1.0 + torch.tanh((v - params.v_1) / params.v_2))
        n_inf = 0.5 * (1.0 + torch.tanh((v - params.v_3) / params.v_4))
        calcium = params.g_ca * m_inf * (v - params.e_ca)
        potassium = params.g_k * n * (v - params.e_k)
        leak = params.g_l * (v - params.e_l)
        return {
            "voltage": (data.current - calcium - potassium - leak) / params.c,
            "n": params.phi * (n_inf - n) * torch.cosh((v - params.v_3) / (2.0 * params.v_4)),
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.voltage
        return distance

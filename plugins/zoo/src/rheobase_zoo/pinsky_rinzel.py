"""The hippocampal cell of Pinsky and Rinzel, in two compartments."""

from __future__ import annotations

from typing import Any

import torch
from rheobase import Expect, Input, Parameter, Preset, SpikingNeuron, State, exprel, stimulus
from torch import Tensor

CITATION = (
    "P. F. Pinsky & J. Rinzel (1994), Intrinsic and network rhythmogenesis in a reduced Traub model for CA3 "
    "neurons, Journal of Computational Neuroscience 1, 39-60, doi:10.1007/BF00962717"
)


def _soma(what: str, current: float, duration: float, spikes: int, first: Any, **params: float) -> Preset:
    """A current into the soma."""
    source = "the equations of Pinsky & Rinzel 1994, by scipy's DOP853 at 1e-10"
    return Preset(
        what,
        params=params,
        stimulus={"soma": stimulus.Constant(current), "dendrite": stimulus.Constant(0.0)},
        duration=duration,
        citation=CITATION,
        expect=Expect(spikes=spikes, first=first, within=0.05, source=source),
    )


class PinskyRinzel(SpikingNeuron):
    r"""A pyramidal cell of CA3 in two compartments, which bursts between them (Pinsky and Rinzel 1994).

    .. math::

        C \frac{dV_s}{dt} &= -g_L V_s - g_{Na} m_\infty^2 h (V_s - E_{Na}) - g_{DR} n (V_s - E_K)
            + \frac{g_c (V_d - V_s) + I_s}{p} \\
        C \frac{dV_d}{dt} &= -g_L V_d - g_{Ca} s^2 (V_d - E_{Ca}) - g_{AHP} q (V_d - E_K)
            - g_C c \min(Ca / 250, 1) (V_d - E_K) + \frac{g_c (V_s - V_d) + I_d}{1 - p} \\
        \frac{dCa}{dt} &= -0.13 g_{Ca} s^2 (V_d - E_{Ca}) - 0.075 Ca \\
        \frac{dx}{dt} &= \alpha_x (1 - x) - \beta_x x, \quad x = h, n (V_s), \; s, c (V_d), \; q (Ca)

    The rates are, in 1/ms, with the erratum's of c::

        alpha_m = 0.32 (V - 13.1) / (1 - exp((13.1 - V) / 4))
        beta_m  = 0.28 (V - 40.1) / (exp((V - 40.1) / 5) - 1)
        alpha_h = 0.128 exp((17 - V) / 18)                       beta_h = 4 / (1 + exp((40 - V) / 5))
        alpha_n = 0.016 (V - 35.1) / (1 - exp((35.1 - V) / 5))   beta_n = 0.25 exp(0.5 - V / 40)
        alpha_s = 1.6 / (1 + exp(0.072 (65 - V)))
        beta_s  = 0.02 (V - 51.1) / (exp((V - 51.1) / 5) - 1)
        alpha_c = exp((V - 10) / 11 - (V - 6.5) / 27) / 18.975   beta_c = 2 exp((6.5 - V) / 27) - alpha_c
        alpha_q = min(0.00002 Ca, 0.01)                          beta_q = 0.001

    and where V_d > 50 mV alpha_c = 2 exp((6.5 - V) / 27), beta_c = 0. A spike is V_s rising through theta.

    Units: V in mV above rest, times in ms, currents in uA/cm2 of the whole cell, g in mS/cm2, C in uF/cm2.

    Paper: P. F. Pinsky & J. Rinzel (1994), Journal of Computational Neuroscience 1, 39-60,
    doi:10.1007/BF00962717; erratum 2, 275.

    Example:
        >>> import rheobase as rb
        >>> cell = rb.create("pinsky-rinzel", preset="bursting")
        >>> rb.simulate(cell, cell.preset.stimulus, duration=130.0).counts().tolist()
        [6]
    """

    dt_max = 0.05

    c_m = Parameter(3.0, unit="uF/cm2", above=0, doc="membrane capacitance C")
    g_l = Parameter(0.1, unit="mS/cm2", at_least=0, doc="leak conductance g_L")
    g_na = Parameter(30.0, unit="mS/cm2", at_least=0, doc="largest conductance of sodium g_Na")
    g_dr = Parameter(15.0, unit="mS/cm2", at_least=0, doc="largest conductance of the delayed rectifier g_DR")
    g_ca = Parameter(10.0, unit="mS/cm2", at_least=0, doc="largest conductance of calcium g_Ca")
    g_ahp = Parameter(0.8, unit="mS/cm2", at_least=0, doc="largest conductance of the slow potassium g_AHP")
    g_k_c = Parameter(15.0, unit="mS/cm2", at_least=0, doc="largest conductance of the fast potassium g_C")
    e_na = Parameter(120.0, unit="mV", doc="reversal potential of sodium E_Na")
    e_ca = Parameter(140.0, unit="mV", doc="reversal potential of calcium E_Ca")
    e_k = Parameter(-15.0, unit="mV", doc="reversal potential of potassium E_K")
    g_c = Parameter(2.1, unit="mS/cm2", at_least=0, doc="conductance between the compartments g_c")
    p = Parameter(0.5, unit="1", above=0, below=1, doc="the soma's part of the membrane p")
    theta = Parameter(30.0, unit="mV", doc="where a spike is counted")

    soma = Input(unit="uA/cm2", doc="current into the soma I_s")
    dendrite = Input(unit="uA/cm2", doc="current into the dendrite I_d")

    voltage = State(-4.6, unit="mV", doc="potential of the soma V_s")
    voltage_d = State(-4.5, unit="mV", doc="potential of the dendrite V_d")
    h = State(0.999, unit="1", at_least=0, at_most=1, doc="inactivation of sodium")
    n = State(0.001, unit="1", at_least=0, at_most=1, doc="activation of the delayed rectifier")
    s = State(0.009, unit="1", at_least=0, at_most=1, doc="activation of calcium")
    c = State(0.007, unit="1", at_least=0, at_most=1, doc="activation of the fast potassium")
    q = State(0.01, unit="1", at_least=0, at_most=1, doc="activation of the slow potassium")
    calcium = State(0.2, unit="1", at_least=0, doc="calcium in the dendrite Ca")

    bursting = _soma("bursts of a weak current", 0.75, 125.0, 6, (24.9536, 27.9549, 33.3212, 109.0537))
    tonic = _soma("single spikes of a strong current", 4.0, 40.0, 4, (7.7653, 10.674, 15.9688, 31.4559))
    tight = _soma("nearly one compartment: no bursts", 0.75, 60.0, 1, 25.9844, g_c=10.5)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Tensor]:
        v, u, calcium = state.voltage, state.voltage_d, state.calcium
        alpha_m, beta_m = 1.28 / exprel((13.1 - v) / 4.0), 1.4 / exprel((v - 40.1) / 5.0)
        m = alpha_m / (alpha_m + beta_m)
        sodium = params.g_na * m**2 * state.h * (v - params.e_na) + params.g_dr * state.n * (v - params.e_k)
        inward = params.g_ca * state.s**2 * (u - params.e_ca)
        slow, fast = params.g_ahp * state.q, params.g_k_c * state.c * torch.clamp(calcium / 250.0, max=1.0)
        across = params.g_c * (u - v)
        most = 2.0 * torch.exp((6.5 - u) / 27.0)
        # Not above 50 mV, where the other is chosen: what is not chosen must be finite too.
        low = torch.clamp(u, max=50.0)
        alpha_c = torch.where(u > 50.0, most, torch.exp((low - 10.0) / 11.0 - (low - 6.5) / 27.0) / 18.975)
        alpha_s, beta_s = 1.6 * torch.sigmoid(0.072 * (u - 65.0)), 0.1 / exprel((u - 51.1) / 5.0)
        return {
            "voltage": (-params.g_l * v - sodium + (across + data.soma) / params.p) / params.c_m,
            "voltage_d": (
                -params.g_l * u
                - inward
                - (slow + fast) * (u - params.e_k)
                + (data.dendrite - across) / (1.0 - params.p)
            )
            / params.c_m,
            "h": 0.128 * torch.exp((17.0 - v) / 18.0) * (1.0 - state.h)
            - 4.0 * torch.sigmoid((v - 40.0) / 5.0) * state.h,
            "n": 0.08 * (1.0 - state.n) / exprel((35.1 - v) / 5.0)
            - 0.25 * torch.exp(0.5 - v / 40.0) * state.n,
            "s": alpha_s * (1.0 - state.s) - beta_s * state.s,
            "c": alpha_c * (1.0 - state.c) - (most - alpha_c) * state.c,
            "q": torch.clamp(0.00002 * calcium, max=0.01) * (1.0 - state.q) - 0.001 * state.q,
            "calcium": -0.13 * inward - 0.075 * calcium,
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.voltage - params.theta
        return distance

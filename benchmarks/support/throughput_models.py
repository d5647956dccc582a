"""The squid axon, as anybody may declare it: no distribution of this project has it."""

from __future__ import annotations

from typing import Any

import torch
from rheobase import Parameter, SpikingNeuron, State
from torch import Tensor


class HodgkinHuxley(SpikingNeuron):
    r"""Hodgkin-Huxley (1952), in the modern sign of V and with the values of NEST's ``hh_psc_alpha``.

    C dV/dt = I - g_Na m^3 h (V - E_Na) - g_K n^4 (V - E_K) - g_L (V - E_L)
    dx/dt   = alpha_x(V) (1 - x) - beta_x(V) x,   x = m, h, n

    A spike is V crossing 0 mV upward; there is no reset. Units: V in mV, t in ms, I in pA, g in nS, C in pF,
    rates in 1/ms; a membrane of 1e-4 cm^2, so that 100 pF is 1 uF/cm^2.
    """

    c = Parameter(100.0, unit="pF", above=0, doc="membrane capacitance")
    g_na = Parameter(12000.0, unit="nS", at_least=0, doc="sodium conductance")
    g_k = Parameter(3600.0, unit="nS", at_least=0, doc="potassium conductance")
    g_l = Parameter(30.0, unit="nS", at_least=0, doc="leak conductance")
    e_na = Parameter(50.0, unit="mV", doc="sodium reversal potential")
    e_k = Parameter(-77.0, unit="mV", doc="potassium reversal potential")
    e_l = Parameter(-54.402, unit="mV", doc="leak reversal potential")

    voltage = State(-65.0, unit="mV", doc="membrane potential V")
    m = State(0.05293248525724958, unit="1", doc="sodium activation")
    h = State(0.5961207535084603, unit="1", doc="sodium inactivation")
    n = State(0.3176769140606974, unit="1", doc="potassium activation")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        v, m, h, n = state.voltage, state.m, state.h, state.n
        sodium = params.g_na * m * m * m * h * (v - params.e_na)
        potassium = params.g_k * n * n * n * n * (v - params.e_k)
        alpha_m, beta_m = linoid((v + 40.0) / 10.0), 4.0 * torch.exp(-(v + 65.0) / 18.0)
        alpha_h, beta_h = 0.07 * torch.exp(-(v + 65.0) / 20.0), 1.0 / (1.0 + torch.exp(-(v + 35.0) / 10.0))
        alpha_n, beta_n = 0.1 * linoid((v + 55.0) / 10.0), 0.125 * torch.exp(-(v + 65.0) / 80.0)
        return {
            "voltage": (data - sodium - potassium - params.g_l * (v - params.e_l)) / params.c,
            "m": alpha_m * (1.0 - m) - beta_m * m,
            "h": alpha_h * (1.0 - h) - beta_h * h,
            "n": alpha_n * (1.0 - n) - beta_n * n,
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.voltage
        return distance


def linoid(x: Tensor) -> Tensor:
    """x / (1 - exp(-x)), which is 1 + x/2 where it would be 0 / 0."""
    return torch.where(x.abs() < 1e-4, 1.0 + 0.5 * x, x / (1.0 - torch.exp(-x)))

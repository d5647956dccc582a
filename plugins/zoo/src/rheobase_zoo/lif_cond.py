"""The leaky integrate-and-fire neuron with conductances for input."""

from __future__ import annotations

import math
from typing import Any

from rheobase import Expect, Input, Parameter, Preset, SpikingNeuron, State, stimulus
from torch import Tensor

CITATION = (
    "R. Brette et al. (2007), Simulation of networks of spiking neurons: a review of tools and strategies, "
    "Journal of Computational Neuroscience 23, 349-398, doi:10.1007/s10827-007-0038-6, benchmark 1 (COBA)"
)
FIRST = 12.5 * math.log(22.5 / 12.5) + 5.0
"""tau_eff ln((V_inf - V_r) / (V_inf - V_th)) + tau_ref: V_inf is -37.5 mV and tau_eff 12.5 ms at 6 nS."""


BOTH = 200.0 / 18.0 * math.log((200.0 + 120.0) / (200.0 - 60.0))
"""The same until the first spike with 2 nS of inhibition beside it: V_inf is -760 / 18 mV, g 18 nS in all."""


class LIFCond(SpikingNeuron):
    r"""Leaky integrate-and-fire, driven by an excitatory and an inhibitory conductance (Brette et al. 2007).

    .. math:: C \frac{dV}{dt} = -g_L (V - E_L) - g_e (V - E_e) - g_i (V - E_i) + I

    When V reaches V_th: V is set to V_r, and held for tau_ref. The conductances are inputs.

    Units: V in mV, times in ms, I in pA, conductances in nS, C in pF.

    Paper: R. Brette et al. (2007), Journal of Computational Neuroscience 23, 349-398,
    doi:10.1007/s10827-007-0038-6.

    Example:
        >>> import rheobase as rb
        >>> drive = {"excitation": rb.stimulus.Constant(6.0)}
        >>> rb.simulate(rb.create("lif-cond"), drive, duration=100.0).counts().tolist()
        [8]
    """

    c = Parameter(200.0, unit="pF", above=0, doc="membrane capacitance C")
    g_l = Parameter(10.0, unit="nS", above=0, doc="leak conductance g_L")
    e_l = Parameter(-60.0, unit="mV", doc="resting potential E_L")
    e_e = Parameter(0.0, unit="mV", doc="reversal potential of the excitation E_e")
    e_i = Parameter(-80.0, unit="mV", doc="reversal potential of the inhibition E_i")
    v_th = Parameter(-50.0, unit="mV", doc="threshold V_th")
    v_r = Parameter("e_l", unit="mV", doc="potential after a spike V_r")
    tau_ref = Parameter(5.0, unit="ms", at_least=0, doc="refractory period")

    excitation = Input(unit="nS", at_least=0, doc="excitatory conductance g_e")
    inhibition = Input(unit="nS", at_least=0, doc="inhibitory conductance g_i")
    current = Input(unit="pA", doc="current I")

    voltage = State("e_l", unit="mV", at_rest=True, doc="membrane potential V")

    excited = Preset(
        "a constant excitatory conductance",
        stimulus={"excitation": stimulus.Constant(6.0)},
        duration=100.0,
        citation=CITATION,
        expect=Expect(
            spikes=8,
            first=FIRST - 5.0,
            isi=FIRST,
            within=1e-5,
            source="closed form: tau_eff ln(...) + tau_ref",
        ),
    )

    inhibited = Preset(
        "a constant excitatory conductance, and an inhibitory one",
        stimulus={"excitation": stimulus.Constant(6.0), "inhibition": stimulus.Constant(2.0)},
        duration=100.0,
        citation=CITATION,
        expect=Expect(
            spikes=7,
            first=BOTH,
            isi=BOTH + 5.0,
            within=1e-5,
            source="closed form: tau_eff ln(...) + tau_ref",
        ),
    )

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Tensor]:
        v = state.voltage
        synapses = data.excitation * (v - params.e_e) + data.inhibition * (v - params.e_i)
        return {"voltage": (data.current - params.g_l * (v - params.e_l) - synapses) / params.c}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.voltage - params.v_th
        return distance

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Tensor]:
        return {"voltage": params.v_r}

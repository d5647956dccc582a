"""The adaptive exponential integrate-and-fire neuron."""

from __future__ import annotations

from typing import Any

import torch
from rheobase import Expect, Parameter, Preset, SpikingNeuron, State, stimulus
from torch import Tensor

CITATION = (
    "R. Naud, N. Marcille, C. Clopath, W. Gerstner (2008), Firing patterns in the adaptive exponential "
    "integrate-and-fire model, Biological Cybernetics 99, 335-347, doi:10.1007/s00422-008-0264-7, figure 4; "
    "values as P. Mueller fitted them to it, in Brian2's example Naud_et_al_2008_adex_firing_patterns.py"
)
SOURCE = "Naud et al. 2008, figure 4, by scipy's DOP853 at 1e-10"
NAMES = ("c", "g_l", "e_l", "a", "tau_w", "b", "v_r")


def _pattern(what: str, current: float, values: tuple[float, ...], spikes: int, first: Any) -> Preset:
    """One panel of the figure; all have V_T = -50 mV, Delta_T = 2 mV, and count a spike at 0 mV."""
    return Preset(
        what,
        params={**dict(zip(NAMES, values, strict=True)), "v_t": -50.0, "delta_t": 2.0, "v_peak": 0.0},
        stimulus=stimulus.Constant(current),
        duration=600.0,
        citation=CITATION,
        expect=Expect(spikes=spikes, first=first, within=0.1, source=SOURCE),
    )


class AdEx(SpikingNeuron):
    r"""Adaptive exponential integrate-and-fire (Brette and Gerstner 2005).

    .. math::

        C \frac{dV}{dt} &= -g_L (V - E_L) + g_L \Delta_T e^{(V - V_T) / \Delta_T} - w + I \\
        \tau_w \frac{dw}{dt} &= a (V - E_L) - w

    When V reaches V_peak: V is set to V_r, and b is added to w. The upstroke reaches infinity in a finite
    time, so V_peak bears little on when a spike is.

    Units: V in mV, times in ms, w and I in pA, conductances in nS, C in pF.

    The defaults are the paper's, of a regular spiking pyramidal cell; the presets are the eight firing
    patterns of Naud et al. 2008.

    Papers: R. Brette & W. Gerstner (2005), Journal of Neurophysiology 94, 3637-3642,
    doi:10.1152/jn.00686.2005; R. Naud et al. (2008), Biological Cybernetics 99, 335-347,
    doi:10.1007/s00422-008-0264-7.

    Example:
        >>> import rheobase as rb
        >>> cell = rb.create("adex", preset="transient")
        >>> len(rb.simulate(cell, cell.preset.stimulus, cell.preset.duration).spikes)
        1
    """

    input_unit = "pA"

    c = Parameter(281.0, unit="pF", above=0, doc="membrane capacitance C")
    g_l = Parameter(30.0, unit="nS", above=0, doc="leak conductance g_L")
    e_l = Parameter(-70.6, unit="mV", doc="leak reversal potential E_L")
    v_t = Parameter(-50.4, unit="mV", doc="threshold of the exponential V_T")
    delta_t = Parameter(2.0, unit="mV", above=0, doc="slope of the exponential Delta_T")
    a = Parameter(4.0, unit="nS", doc="subthreshold adaptation")
    tau_w = Parameter(144.0, unit="ms", above=0, doc="time constant of the adaptation")
    b = Parameter(80.5, unit="pA", doc="spike-triggered adaptation")
    v_r = Parameter("e_l", unit="mV", doc="potential after a spike V_r")
    v_peak = Parameter(20.0, unit="mV", doc="where a spike is counted V_peak")

    voltage = State("e_l", unit="mV", doc="membrane potential V")
    w = State(0.0, unit="pA", doc="adaptation current")

    #                  what                                   I      C    g_L  E_L    a    tau_w  b    V_r
    tonic = _pattern("(a) tonic spiking", 500.0, (200, 10, -70, 2, 30, 0, -58), 62, (14.2229, 23.1518))
    adapting = _pattern("(b) adaptation", 500.0, (200, 12, -70, 2, 300, 60, -58), 12, (14.9040, 26.1718))
    initial_burst = _pattern(
        "(c) initial burst", 400.0, (130, 18, -58, 4, 150, 120, -50), 12, (5.4635, 8.8826)
    )
    regular_bursting = _pattern(
        "(d) regular bursting", 210.0, (200, 10, -58, 2, 120, 100, -46), 11, (16.1580, 19.0756)
    )
    delayed_accelerating = _pattern(
        "(e) delayed accelerating", 300.0, (200, 12, -70, -10, 300, 0, -58), 46, (33.5737, 54.1675)
    )
    delayed_regular_bursting = _pattern(
        "(f) delayed regular bursting", 110.0, (100, 10, -65, -10, 90, 30, -47), 32, (57.1796, 60.3942)
    )
    transient = _pattern("(g) transient spiking", 180.0, (100, 10, -65, 10, 90, 100, -47), 1, (30.2899,))
    irregular = _pattern(
        "(h) irregular spiking", 160.0, (100, 12, -60, -11, 130, 30, -48), 33, (15.6446, 19.0897)
    )

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        v, w = state.voltage, state.w
        upstroke = params.g_l * params.delta_t * torch.exp((v - params.v_t) / params.delta_t)
        return {
            "voltage": (-params.g_l * (v - params.e_l) + upstroke - w + data) / params.c,
            "w": (params.a * (v - params.e_l) - w) / params.tau_w,
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.voltage - params.v_peak
        return distance

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Tensor]:
        return {"voltage": params.v_r, "w": state.w + params.b}

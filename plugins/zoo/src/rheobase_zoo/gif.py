"""The generalized integrate-and-fire neuron, with escape noise."""

from __future__ import annotations

import math
from typing import Any

import torch
from rheobase import Expect, Parameter, Preset, SpikingNeuron, State, stimulus
from torch import Tensor

CITATION = (
    "S. Mensi et al. (2012), Parameter extraction and classification of three cortical neuron types reveals "
    "two distinct adaptation mechanisms, Journal of Neurophysiology 107, 1756-1775, doi:10.1152/jn.00408.2011"
)

STEEP: tuple[float, ...] = (
    *(5.089, 11.459, 21.330, 34.663, 50.732, 68.561, 87.404, 106.836, 126.648),
    *(146.747, 167.089, 187.655, 208.436, 229.426, 250.623, 272.023, 293.624),
)
"""The spikes at 500 pA of the model without noise: one where V comes to V_T + gamma_1 + gamma_2."""


class GIF(SpikingNeuron):
    r"""The generalized integrate-and-fire neuron (Mensi et al. 2012, Pozzorini et al. 2015).

    .. math::

        C \frac{dV}{dt} &= -g_L (V - E_L) - \eta_1 - \eta_2 + I \\
        \frac{d\eta_j}{dt} &= -\frac{\eta_j}{\tau_{\eta j}}, \quad
        \frac{d\gamma_j}{dt} = -\frac{\gamma_j}{\tau_{\gamma j}} \\
        \lambda &= \lambda_0 \exp \frac{V - V_T - \gamma_1 - \gamma_2}{\Delta_V}

    It spikes at random, with the hazard lambda. Then V is set to V_r and held for tau_ref, in which it has no
    hazard; q_j is added to eta_j, and r_j to gamma_j, which go on.

    The authors' toolbox adds q and r as the refractory period ends: its q is q exp(-tau_ref / tau) here.

    Units: V, V_T and gamma in mV, times in ms, I and eta in pA, C in pF, g_L in nS, lambda in 1/ms.

    Papers: S. Mensi et al. (2012), Journal of Neurophysiology 107, 1756-1775, doi:10.1152/jn.00408.2011,
    whose fitted values are the defaults, as in NEST's example of a population; C. Pozzorini et al. (2015),
    PLOS Computational Biology 11, e1004275, doi:10.1371/journal.pcbi.1004275.

    Example:
        >>> import rheobase as rb
        >>> cells = rb.create("gif", 200, seed=1)
        >>> counts = rb.simulate(cells, 150.0, duration=200.0).counts()
        >>> bool(counts.float().var() > 0)
        True
    """

    input_unit = "pA"

    c_m = Parameter(83.1, unit="pF", above=0, doc="membrane capacitance C")
    g_l = Parameter(3.7, unit="nS", above=0, doc="leak conductance g_L")
    e_l = Parameter(-67.0, unit="mV", doc="resting potential E_L")
    v_r = Parameter(-36.7, unit="mV", doc="potential after a spike V_r")
    v_t = Parameter(-39.6, unit="mV", doc="threshold at rest V_T")
    delta_v = Parameter(1.4, unit="mV", above=0, doc="width of the noise Delta_V")
    lambda_0 = Parameter(0.001, unit="1/ms", above=0, doc="hazard at the threshold lambda_0")
    q_1 = Parameter(56.7, unit="pA", doc="what a spike adds to the first current q_1")
    q_2 = Parameter(-6.9, unit="pA", doc="what a spike adds to the second current q_2")
    tau_eta_1 = Parameter(57.8, unit="ms", above=0, doc="time constant of the first current")
    tau_eta_2 = Parameter(218.2, unit="ms", above=0, doc="time constant of the second current")
    r_1 = Parameter(11.7, unit="mV", doc="what a spike adds to the threshold's first part r_1")
    r_2 = Parameter(1.8, unit="mV", doc="what a spike adds to the threshold's second part r_2")
    tau_gamma_1 = Parameter(53.8, unit="ms", above=0, doc="time constant of the threshold's first part")
    tau_gamma_2 = Parameter(640.0, unit="ms", above=0, doc="time constant of the threshold's second part")
    tau_ref = Parameter(4.0, unit="ms", at_least=0, doc="refractory period")

    voltage = State("e_l", unit="mV", doc="membrane potential V")
    eta_1 = State(0.0, unit="pA", at_rest=True, doc="first spike-triggered current")
    eta_2 = State(0.0, unit="pA", at_rest=True, doc="second spike-triggered current")
    gamma_1 = State(0.0, unit="mV", at_rest=True, doc="first part of the threshold")
    gamma_2 = State(0.0, unit="mV", at_rest=True, doc="second part of the threshold")

    renewal = Preset(
        "a voltage that stands still, so that intervals are tau_ref and an exponential number of mean 5 ms",
        params={
            "v_r": -67.0,
            "v_t": -67.0 + 1.4 * math.log(0.001 * 5.0),
            **dict.fromkeys(("q_1", "q_2", "r_1", "r_2"), 0.0),
        },
        dt=1.0,
        stimulus=stimulus.Constant(0.0),
        duration=6000.0,
        citation=CITATION,
        # 667 intervals, of which the second half are counted: three standard deviations are 0.09 of the mean.
        expect=Expect(
            rate=1000.0 / 9.0, within=0.09, source="the law of renewal: tau_ref + 1 / lambda, by hand"
        ),
    )

    steep = Preset(
        "a hazard so steep that chance moves spikes by less than 0.1 ms",
        params={"delta_v": 0.02, "lambda_0": 60.0},
        stimulus=stimulus.Constant(500.0),
        duration=300.0,
        citation=CITATION,
        expect=Expect(
            spikes=len(STEEP),
            first=STEEP,
            within=0.15,
            source="its limit, spikes where V is V_T + gamma_1 + gamma_2, by scipy's DOP853 at 1e-10",
        ),
    )

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        leak = params.g_l * (state.voltage - params.e_l)
        return {
            "voltage": (data - leak - state.eta_1 - state.eta_2) / params.c_m,
            "eta_1": -state.eta_1 / params.tau_eta_1,
            "eta_2": -state.eta_2 / params.tau_eta_2,
            "gamma_1": -state.gamma_1 / params.tau_gamma_1,
            "gamma_2": -state.gamma_2 / params.tau_gamma_2,
        }

    @staticmethod
    def hazard(state: Any, params: Any) -> Tensor:
        above = state.voltage - params.v_t - state.gamma_1 - state.gamma_2
        rate: Tensor = params.lambda_0 * torch.exp(above / params.delta_v)
        return rate

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Tensor]:
        return {
            "voltage": params.v_r,
            "eta_1": state.eta_1 + params.q_1,
            "eta_2": state.eta_2 + params.q_2,
            "gamma_1": state.gamma_1 + params.r_1,
            "gamma_2": state.gamma_2 + params.r_2,
        }

"""The generalized integrate-and-fire neuron of Mihalas and Niebur."""

from __future__ import annotations

import math
from typing import Any

import torch
from rheobase import Expect, Input, Parameter, Preset, SpikingNeuron, State, stimulus
from torch import Tensor

CITATION = (
    "S. Mihalas & E. Niebur (2009), A generalized linear integrate-and-fire neural model produces diverse "
    "spiking behaviors, Neural Computation 21, 704-718, doi:10.1162/neco.2008.12-07-680, table 1"
)


class MihalasNiebur(SpikingNeuron):
    r"""Two currents and a threshold that spikes and voltage move (Mihalas and Niebur 2009).

    .. math::

        \frac{dV}{dt} &= I + I_1 + I_2 - G (V - E_L) \\
        \frac{d\theta}{dt} &= a (V - E_L) - b (\theta - \theta_\infty) \\
        \frac{dI_j}{dt} &= -k_j I_j, \quad j = 1, 2

    When V reaches theta: V is set to V_r, theta to the larger of theta and theta_r, and I_j to R_j I_j + A_j.
    Currents and G are those of the paper divided by C.

    Units: V and theta in mV, times in ms, currents in mV/ms, rates in 1/ms.

    Paper: S. Mihalas & E. Niebur (2009), Neural Computation 21, 704-718, doi:10.1162/neco.2008.12-07-680.

    Example:
        >>> import rheobase as rb
        >>> rb.simulate(rb.create("mihalas-niebur"), 1.5, duration=200.0).counts().tolist()
        [9]
    """

    g = Parameter(0.05, unit="1/ms", above=0, doc="rate of the leak G / C")
    e_l = Parameter(-70.0, unit="mV", doc="resting potential E_L")
    a = Parameter(0.0, unit="1/ms", doc="how the threshold follows the voltage a")
    b = Parameter(0.01, unit="1/ms", above=0, doc="how fast the threshold comes back b")
    theta_inf = Parameter(-50.0, unit="mV", doc="threshold at rest theta_inf")
    theta_r = Parameter(-60.0, unit="mV", doc="least threshold after a spike theta_r")
    v_r = Parameter(-70.0, unit="mV", doc="potential after a spike V_r")
    k_1 = Parameter(0.2, unit="1/ms", above=0, doc="decay of the first current k_1")
    k_2 = Parameter(0.02, unit="1/ms", above=0, doc="decay of the second current k_2")
    r_1 = Parameter(0.0, unit="1", doc="part of the first current that a spike leaves R_1")
    r_2 = Parameter(1.0, unit="1", doc="part of the second current that a spike leaves R_2")
    a_1 = Parameter(0.0, unit="mV/ms", doc="what a spike adds to the first current A_1 / C")
    a_2 = Parameter(0.0, unit="mV/ms", doc="what a spike adds to the second current A_2 / C")

    current = Input(unit="mV/ms", doc="current I / C")

    voltage = State("e_l", unit="mV", at_rest=True, doc="membrane potential V")
    theta = State("theta_inf", unit="mV", at_rest=True, doc="threshold theta")
    i_1 = State(0.0, unit="mV/ms", at_rest=True, doc="first spike-induced current")
    i_2 = State(0.0, unit="mV/ms", at_rest=True, doc="second spike-induced current")

    tonic = Preset(
        "(A) tonic spiking",
        stimulus=stimulus.Constant(1.5),
        duration=200.0,
        citation=CITATION,
        expect=Expect(
            spikes=9,
            first=20.0 * math.log(3.0),
            isi=20.0 * math.log(3.0),
            within=1e-5,
            source="20 ln 3, closed form",
        ),
    )
    adapting = Preset(
        "(C) spike frequency adaptation",
        params={"a": 0.005},
        stimulus=stimulus.Constant(2.0),
        duration=200.0,
        citation=CITATION,
        expect=Expect(
            spikes=10,
            first=(14.69467, 30.21757),
            isi=21.25846,
            within=1e-3,
            source="scipy's DOP853 at 1e-10",
        ),
    )

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Tensor]:
        above = state.voltage - params.e_l
        return {
            "voltage": data.current + state.i_1 + state.i_2 - params.g * above,
            "theta": params.a * above - params.b * (state.theta - params.theta_inf),
            "i_1": -params.k_1 * state.i_1,
            "i_2": -params.k_2 * state.i_2,
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.voltage - state.theta
        return distance

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Tensor]:
        return {
            "voltage": params.v_r,
            "theta": torch.maximum(state.theta, params.theta_r),
            "i_1": params.r_1 * state.i_1 + params.a_1,
            "i_2": params.r_2 * state.i_2 + params.a_2,
        }

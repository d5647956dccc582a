"""The neuron with a multi-timescale adaptive threshold."""

from __future__ import annotations

from typing import Any

from rheobase import Expect, Parameter, Preset, SpikingNeuron, State, stimulus
from torch import Tensor

CITATION = (
    "R. Kobayashi, Y. Tsubo, S. Shinomoto (2009), Made-to-order spiking neuron model equipped with a "
    "multi-timescale adaptive threshold, Frontiers in Computational Neuroscience 3, 9, "
    "doi:10.3389/neuro.10.009.2009"
)


class MAT2(SpikingNeuron):
    r"""A threshold of two time scales over a voltage that is never reset (Kobayashi et al. 2009).

    .. math::

        C \frac{dV}{dt} &= -\frac{C}{\tau} (V - E_L) + I \\
        \frac{dH_j}{dt} &= -\frac{H_j}{\tau_j}, \quad j = 1, 2, \qquad \theta = \omega + H_1 + H_2

    When V reaches theta: alpha_j is added to H_j, and V goes on. For tau_ref after a spike no other comes,
    and nothing is held: where V is above theta at its end, that is a spike.

    Units: V, H_j, theta and omega in mV, times in ms, I in pA, C in pF. omega is a potential, not a distance
    from E_L.

    Paper: R. Kobayashi et al. (2009), Frontiers in Computational Neuroscience 3, 9,
    doi:10.3389/neuro.10.009.2009; defaults of NEST's mat2_psc_exp.

    Example:
        >>> import rheobase as rb
        >>> rb.simulate(rb.create("mat2"), 2400.0, duration=6.0).counts().tolist()
        [3]
    """

    held = ()

    input_unit = "pA"

    c = Parameter(100.0, unit="pF", above=0, doc="membrane capacitance C")
    tau = Parameter(5.0, unit="ms", above=0, doc="membrane time constant tau")
    e_l = Parameter(-70.0, unit="mV", doc="resting potential E_L")
    omega = Parameter(-51.0, unit="mV", doc="threshold at rest omega")
    alpha_1 = Parameter(37.0, unit="mV", doc="what a spike adds to the fast part alpha_1")
    alpha_2 = Parameter(2.0, unit="mV", doc="what a spike adds to the slow part alpha_2")
    tau_1 = Parameter(10.0, unit="ms", above=0, doc="time constant of the fast part tau_1")
    tau_2 = Parameter(200.0, unit="ms", above=0, doc="time constant of the slow part tau_2")
    tau_ref = Parameter(2.0, unit="ms", at_least=0, doc="time after a spike without another")

    voltage = State("e_l", unit="mV", at_rest=True, doc="membrane potential V")
    h_1 = State(0.0, unit="mV", at_rest=True, doc="fast part of the threshold H_1")
    h_2 = State(0.0, unit="mV", at_rest=True, doc="slow part of the threshold H_2")

    driven = Preset(
        "the current of NEST's test of mat2_psc_exp",
        stimulus=stimulus.Constant(2400.0),
        duration=6.0,
        citation=CITATION,
        expect=Expect(
            spikes=3,
            first=(0.86186, 2.86186, 5.10039),
            within=1e-3,
            source="scipy's DOP853 at 1e-10",
        ),
    )

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        return {
            "voltage": (params.e_l - state.voltage) / params.tau + data / params.c,
            "h_1": -state.h_1 / params.tau_1,
            "h_2": -state.h_2 / params.tau_2,
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.voltage - params.omega - state.h_1 - state.h_2
        return distance

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Tensor]:
        return {"h_1": state.h_1 + params.alpha_1, "h_2": state.h_2 + params.alpha_2}

"""The leaky integrate-and-fire neuron with an adaptive threshold."""

from __future__ import annotations

from typing import Any

from rheobase import Expect, Input, Parameter, Preset, SpikingNeuron, State, stimulus
from torch import Tensor

CITATION = (
    "G. Bellec, D. Salaj, A. Subramoney, R. Legenstein, W. Maass (2018), Long short-term memory and "
    "learning-to-learn in networks of spiking neurons, Advances in Neural Information Processing Systems 31, "
    "arXiv:1803.09574"
)


class ALIF(SpikingNeuron):
    r"""Leaky integrate-and-fire with a threshold that each spike raises (Bellec et al. 2018).

    .. math::

        \tau \frac{dV}{dt} &= -V + R I \\
        \tau_a \frac{da}{dt} &= -a, \qquad \theta = \theta_0 + \beta a

    When V reaches theta: theta is taken from V, and a grows by ``jump``. The paper's a grows by
    1 - exp(-dt / tau_a), which hangs on its dt of 1 ms; here ``jump`` is a number of its own.

    Units: V, theta and R I are numbers, as in the paper; times in ms.

    Paper: G. Bellec et al. (2018), NeurIPS 31, arXiv:1803.09574.

    Example:
        >>> import rheobase as rb
        >>> rb.simulate(rb.create("alif"), 2.0, duration=100.0).counts().tolist()
        [4]
    """

    tau = Parameter(20.0, unit="ms", above=0, doc="membrane time constant tau")
    r = Parameter(1.0, unit="1", above=0, doc="membrane resistance R")
    tau_a = Parameter(200.0, unit="ms", above=0, doc="time constant of the adaptation tau_a")
    th_0 = Parameter(1.0, unit="1", above=0, doc="threshold at rest theta_0")
    beta = Parameter(1.7, unit="1", at_least=0, doc="how strongly the adaptation raises it beta")
    jump = Parameter(0.1, unit="1", at_least=0, doc="what a spike adds to the adaptation")

    current = Input(unit="1", doc="current I")

    voltage = State(0.0, unit="1", at_rest=True, doc="membrane potential V")
    a = State(0.0, unit="1", at_rest=True, doc="adaptation a")

    adapting = Preset(
        "a constant current, from rest",
        stimulus=stimulus.Constant(2.0),
        duration=1000.0,
        citation=CITATION,
        expect=Expect(
            spikes=27,
            first=13.862944,
            isi=41.13996,
            within=1e-3,
            source="20 ln 2 by hand; others scipy's DOP853 at 1e-10",
        ),
    )

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Tensor]:
        return {
            "voltage": (params.r * data.current - state.voltage) / params.tau,
            "a": -state.a / params.tau_a,
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.voltage - params.th_0 - params.beta * state.a
        return distance

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Tensor]:
        threshold = params.th_0 + params.beta * state.a
        return {"voltage": state.voltage - threshold, "a": state.a + params.jump}

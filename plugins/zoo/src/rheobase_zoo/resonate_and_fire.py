"""The resonate-and-fire neuron."""

from __future__ import annotations

from typing import Any

from rheobase import Expect, Input, Parameter, Preset, SpikingNeuron, State, stimulus
from torch import Tensor

CITATION = (
    "E. M. Izhikevich (2001), Resonate-and-fire neurons, Neural Networks 14, 883-894, "
    "doi:10.1016/S0893-6080(01)00078-8"
)


class ResonateAndFire(SpikingNeuron):
    r"""A damped oscillation with a threshold (Izhikevich 2001).

    .. math:: \frac{dx}{dt} = b x - \omega y + I, \qquad \frac{dy}{dt} = \omega x + b y

    x is like a current and y like a voltage. When y reaches 1: x is set to x_r and y to y_r, by default
    x + i y to i; the next spike needs y below 1 before. Two pulses sum
    up where they are a period 2 pi / omega apart, and not in between.

    Units: x and y are numbers, b, omega and I in 1/ms.

    Paper: E. M. Izhikevich (2001), Neural Networks 14, 883-894, doi:10.1016/S0893-6080(01)00078-8.

    Example:
        >>> import rheobase as rb
        >>> rb.simulate(rb.create("resonate-and-fire", event="located"), 2.0, duration=20.0).counts().tolist()
        [95]
    """

    b = Parameter(-0.1, unit="1/ms", below=0, doc="decay of the oscillation b")
    omega = Parameter(1.0, unit="1/ms", above=0, doc="its angular frequency omega")
    y_th = Parameter(1.0, unit="1", above=0, doc="threshold of y")
    x_r = Parameter(0.0, unit="1", doc="x after a spike x_r")
    y_r = Parameter(1.0, unit="1", doc="y after a spike y_r")

    current = Input(unit="1/ms", doc="current I")
    x = State(0.0, unit="1", at_rest=True, doc="real part, like a current")
    y = State(0.0, unit="1", at_rest=True, doc="imaginary part, like a voltage")

    ringing = Preset(
        "from x = 2, a spike on the first rise",
        state={"x": 2.0},
        stimulus=stimulus.Constant(0.0),
        duration=20.0,
        citation=CITATION,
        expect=Expect(spikes=1, first=0.556998, within=1e-5, source="exp(b t) sin(t) = 1/2, by bisection"),
    )
    weak = Preset(
        "from x = 1, the first rise is too low",
        state={"x": 1.0},
        stimulus=stimulus.Constant(0.0),
        duration=20.0,
        citation=CITATION,
        expect=Expect(spikes=0, source="max of exp(b t) sin(t) is 0.8589"),
    )
    driven = Preset(
        "a constant current",
        stimulus=stimulus.Constant(2.0),
        duration=50.0,
        citation=CITATION,
        expect=Expect(
            spikes=245, first=1.089042, isi=0.200004, within=1e-4, source="scipy's DOP853 at 1e-12"
        ),
    )

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Tensor]:
        x, y = state.x, state.y
        return {"x": params.b * x - params.omega * y + data.current, "y": params.omega * x + params.b * y}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.y - params.y_th
        return distance

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Tensor]:
        return {"x": params.x_r, "y": params.y_r}

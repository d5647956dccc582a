"""The theta neuron."""

from __future__ import annotations

import math
from typing import Any

import torch
from rheobase import Expect, Input, Parameter, Preset, SpikingNeuron, State, stimulus
from torch import Tensor

CITATION = (
    "G. B. Ermentrout & N. Kopell (1986), Parabolic bursting in an excitable system coupled with a slow "
    "oscillation, SIAM Journal on Applied Mathematics 46, 233-253, doi:10.1137/0146017"
)


def _constant(what: str, drive: float) -> Preset:
    interval = math.pi / math.sqrt(drive)
    return Preset(
        what,
        stimulus=stimulus.Constant(drive),
        duration=100.0,
        citation=CITATION,
        expect=Expect(first=interval / 2.0, isi=interval, within=1e-5, source="pi / sqrt(I), closed form"),
    )


class Theta(SpikingNeuron):
    r"""The theta neuron (Ermentrout and Kopell 1986): a saddle-node on a circle.

    .. math:: \tau \frac{d\theta}{dt} = 1 - \cos\theta + (1 + \cos\theta) I

    A spike is theta reaching pi, from where it goes on at -pi. With V = tan(theta / 2) it is the quadratic
    integrate-and-fire neuron tau dV/dt = V^2 + I that spikes at infinity. For I > 0 it fires every
    :math:`\tau \pi / \sqrt{I}`; from theta = 0 the first spike takes half of that.

    Units: theta and I are numbers, t and tau in ms.

    Paper: G. B. Ermentrout & N. Kopell (1986), SIAM Journal on Applied Mathematics 46, 233-253,
    doi:10.1137/0146017.

    Example:
        >>> import rheobase as rb
        >>> rb.simulate(rb.create("theta"), 1.0, duration=10.0).counts().tolist()
        [3]
    """

    tau = Parameter(1.0, unit="ms", above=0, doc="time constant tau")

    drive = Input(unit="1", doc="excitability I; below 0 it rests")
    theta = State(0.0, unit="1", doc="phase theta, from -pi to pi")

    slow = _constant("at a low rate", 0.01)
    unit = _constant("at one", 1.0)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Tensor]:
        cos = torch.cos(state.theta)
        return {"theta": (1.0 - cos + (1.0 + cos) * data.drive) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.theta - math.pi
        return distance

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Tensor]:
        return {"theta": state.theta - 2.0 * math.pi}

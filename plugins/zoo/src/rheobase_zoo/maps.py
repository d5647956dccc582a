"""Neurons that are maps: of Rulkov, and of Chialvo. A step is an iteration, whatever dt."""

from __future__ import annotations

from typing import Any

import torch
from rheobase import Expect, Input, Parameter, Preset, SpikingNeuron, State, stimulus
from torch import Tensor


def _iterations(what: str, count: int, citation: str, **figures: Any) -> Preset:
    """Iterations without input, called 1 ms each."""
    return Preset(
        what,
        dt=1.0,
        stimulus=stimulus.Constant(0.0),
        duration=float(count),
        citation=citation,
        expect=Expect(**figures, event="step", source="iterated in Python's float64, apart"),
    )


class Rulkov(SpikingNeuron):
    r"""The chaotic map of Rulkov (2001): spikes and bursts of two numbers.

    .. math:: x_{n+1} = \frac{\alpha}{1 + x_n^2} + y_n + I_n, \qquad y_{n+1} = y_n - \sigma x_n - \beta

    A step is one iteration; a spike is x rising through 0, and nothing is reset. Values are as in The Virtual
    Brain's RulkovMap.

    Units: all are numbers.

    Paper: N. F. Rulkov (2001), Physical Review Letters 86, 183-186, doi:10.1103/PhysRevLett.86.183.

    Example:
        >>> import rheobase as rb
        >>> cell = rb.create("rulkov", preset="begins", event="step")
        >>> rb.simulate(cell, 0.0, duration=5.0, record="x").traces["x"][:2, 0]
        tensor([-0.9500, -0.8449])
    """

    discrete = True

    alpha = Parameter(4.1, unit="1", above=0, doc="how strongly x turns alpha")
    sigma = Parameter(0.001, unit="1", doc="how y follows x sigma")
    beta = Parameter(0.001, unit="1", doc="drift of y beta")

    current = Input(unit="1", doc="input I to x")
    x = State(-1.0, unit="1", doc="fast variable")
    y = State(-3.0, unit="1", doc="slow variable")

    begins = _iterations(
        "its first five iterations",
        5,
        "N. F. Rulkov (2001), doi:10.1103/PhysRevLett.86.183",
        first=5.0,
        peak=1.0992321803,
        within=1e-9,
    )

    @staticmethod
    def update(state: Any, params: Any, data: Any, dt: Any) -> dict[str, Tensor]:
        x, y = state.x, state.y
        return {
            "x": params.alpha / (1.0 + x**2) + y + data.current,
            "y": y - params.sigma * x - params.beta,
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.x
        return distance


class Chialvo(SpikingNeuron):
    r"""The excitable map of Chialvo (1995).

    .. math:: x_{n+1} = x_n^2 e^{y_n - x_n} + k + I_n, \qquad y_{n+1} = a y_n - b x_n + c

    A step is one iteration; a spike is x rising through 1, and nothing is reset. a, b and c are the paper's,
    which varies k: at the default 0.03 it fires by itself, as at the 0.04 that others take.

    Units: all are numbers.

    Paper: D. R. Chialvo (1995), Chaos, Solitons & Fractals 5, 461-479, doi:10.1016/0960-0779(93)E0056-H.

    Example:
        >>> import rheobase as rb
        >>> cell = rb.create("chialvo", preset="begins", event="step")
        >>> rb.simulate(cell, 0.0, duration=3.0, record="x").traces["x"][:, 0]
        tensor([0.0400, 0.0321, 0.0317])
    """

    discrete = True

    a = Parameter(0.89, unit="1", at_least=0, below=1, doc="memory of the recovery a")
    b = Parameter(0.6, unit="1", at_least=0, doc="how the recovery follows x b")
    c = Parameter(0.28, unit="1", doc="offset of the recovery c")
    k = Parameter(0.03, unit="1", doc="constant input k")

    current = Input(unit="1", doc="input I to x")
    x = State(0.1, unit="1", doc="activation")
    y = State(0.1, unit="1", doc="recovery")

    begins = _iterations(
        "two spikes of its own",
        200,
        "D. R. Chialvo (1995), doi:10.1016/0960-0779(93)E0056-H",
        spikes=2,
        first=(69.0, 144.0),
        peak=1.619391431560626,
        within=1e-9,
    )

    @staticmethod
    def update(state: Any, params: Any, data: Any, dt: Any) -> dict[str, Tensor]:
        x, y = state.x, state.y
        return {
            "x": x**2 * torch.exp(y - x) + params.k + data.current,
            "y": params.a * y - params.b * x + params.c,
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.x - 1.0
        return distance

"""Spikes at random times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

from rheobase import Draw, Parameter, SpikingNeuron, State
from torch import Tensor

_LEAST = 1e-6
"""The shortest that is waited for, of an interval's mean."""

_FLAT = 1e-12
"""How far the threshold goes beyond 0; far less than the shortest that is waited for."""


@final
class Poisson(SpikingNeuron):
    r"""Each unit a Poisson process of its own; it takes no notice of its input.

    .. math:: \dot w = -\lambda, \qquad \text{a spike at } w = 0, \text{ and then } w \to w + \xi

    with :math:`\lambda` the rate per ms and :math:`\xi` exponential of mean 1: what is waited for is the
    integral of the rate, so a rate that is set anew holds from there on. Draws are counted: the spikes of a
    unit follow from the seed, the identifier and its number.

    With ``event="located"`` spikes have their own times, any number in a step. On the grid there is at most
    one in a step, and what is late comes in the next: about :math:`(\lambda dt)^2 / 6` of them are missing.

    Example:
        >>> import rheobase as rb
        >>> noise = rb.create("poisson", 100, rate=50.0, seed=1, dt=1.0)
        >>> spikes = rb.simulate(noise, rb.stimulus.Constant(0.0), duration=200.0).spikes
        >>> bool(900 < len(spikes.times) < 1100)
        True
    """

    input_unit = ""  # there is none

    rate = Parameter(10.0, unit="Hz", at_least=0, doc="rate of each unit")
    gap = Draw("exponential")
    waiting = State(lambda p: p.gap, unit="1", doc="integral of the rate until the next spike")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> Mapping[str, Tensor]:
        # The state times 0: as many values as there are units, and batches.
        return {"waiting": 0.0 * state.waiting - params.rate / 1000.0}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        # Flat beyond the threshold: what is interpolated there is the end of the step, so that the next spike
        # is waited for from the time of this one, and not from the end.
        due: Tensor = (-state.waiting).clamp(max=_FLAT)
        return due

    @staticmethod
    def reset(state: Any, params: Any) -> Mapping[str, Tensor]:
        # A unit that is due again at once must be below its threshold first, or it would not reach it.
        return {"waiting": (state.waiting + params.gap).clamp(min=_LEAST)}

"""What is asked of the end of a step of a spiking model, and what is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor


class Known(NamedTuple):
    """What is known of a state before a step. Each is a promise, which saves time."""

    # Nobody changed a state or a parameter since the last step: g at the start is what it was at that end.
    settled: bool = False
    # Everybody is armed, nobody is refractory, and nobody spiked in the last step.
    calm: bool = False
    # All states are finite.
    finite: bool = False


class Surrogate(NamedTuple):
    """What stands for the derivative of a spike, which has none.

    The spike's value is 0 or 1 and is not touched: s = spiked + (S(u) - S(u).detach()) with u = g / scale.
    """

    # S, smooth and finite.
    function: Callable[[Tensor], Tensor]
    # A size of g, such as |g| at the initial state, ``[]`` or ``[units]``.
    scale: Tensor
    # Whether the reset takes part in the derivative, as (1 - s) y1 + s reset(y1) does.
    attached: bool = False
    # S(u) for the spike also in value, and that blend for the reset: a smooth function, to check gradients.
    smooth: bool = False


class Ends(NamedTuple):
    """A step of a spiking model, as the integrator left it: states ``[D, *batch, units]``."""

    y0: Tensor
    # At the end, before anything is held or reset.
    y1: Tensor
    # Whether g was below zero at the end of the last step.
    armed: Tensor
    # The steps left of each refractory period; None for a model that has none.
    steps: Tensor | None
    # Who spiked in the last step, where that is known.
    spiked: Tensor | None = None
    # Whether ``y1`` is nobody else's, so that it may be written to.
    fresh: bool = False


class Path(NamedTuple):
    """The end of a step before what arrived there changed the model's own states: the states, and g."""

    y: Tensor
    g: Tensor


class Finished(NamedTuple):
    """What a step leaves behind, after holding and resets."""

    y: Tensor
    armed: Tensor
    steps: Tensor | None
    spiked: Tensor
    # Whether it is known that nobody spiked, and nobody was refractory.
    quiet: bool = False
    # Whether what is new beside the integrator's result is known to be finite.
    finite: bool = False
    # The spikes as numbers of the state's type, with a derivative, where a surrogate was given.
    spike: Tensor | None = None

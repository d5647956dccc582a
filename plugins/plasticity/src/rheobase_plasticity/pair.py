"""Plasticity by pairs of spikes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

from rheobase import Parameter, Plasticity, State
from torch import Tensor

from .bounded import Bounded, counted, grown, shrunk


@final
class PairSTDP(Bounded, Plasticity):
    r"""Spike-timing dependent plasticity by pairs of spikes (Song, Miller and Abbott 2000).

    Each synapse has a trace of the spikes of either side:

    .. math::
        \tau_+ \dot x = -x, \quad x \to x + 1 \text{ at a spike of the source}, \qquad
        \tau_- \dot y = -y, \quad y \to y + 1 \text{ at one of the target}

    and its weight w, in the unit of the synapse, changes by the trace of the other side:

    .. math::
        w \to w - A_- y \text{ at a spike of the source}, \qquad w \to w + A_+ x \text{ at one of the target}

    so a pair of which the target's spike comes :math:`\Delta t \geq 0` after the source's gives
    :math:`A_+ e^{-\Delta t / \tau_+}`, and the other way round :math:`-A_- e^{-|\Delta t| / \tau_-}`. The
    weight stays between ``low`` and ``high``. With ``bounds="multiplicative"`` (van Rossum, Bi and Turrigiano
    2000) :math:`A_+` is times high - w, and :math:`A_-` times w - low. With ``pairing="nearest"`` a spike
    sets its trace to 1, so that each is paired with the last one of the other side alone, the scheme of
    Morrison, Diesmann and Gerstner (2008).

    Times are those at the synapse: the source's spikes come there after the delay of the projection, the
    target's after ``back_delay``. NEST's ``stdp_synapse``, whose delay is dendritic, has
    ``back_delay = 2 delay``.
    """

    tau_plus = Parameter(20.0, unit="ms", above=0, doc="time constant of the trace of the source")
    tau_minus = Parameter(20.0, unit="ms", above=0, doc="time constant of the trace of the target")
    a_plus = Parameter(0.01, unit="1", at_least=0, doc="potentiation by a pair, in the unit of the weight")
    a_minus = Parameter(0.0105, unit="1", at_least=0, doc="depression by a pair, in the unit of the weight")
    pre_trace = State(0.0, unit="1", per="synapse", at_rest=True, doc="x, spikes of the source")
    post_trace = State(0.0, unit="1", per="synapse", at_rest=True, doc="y, spikes of the target")

    @staticmethod
    def derivatives(state: Any, params: Any) -> Mapping[str, Tensor]:
        return {
            "pre_trace": -state.pre_trace / params.tau_plus,
            "post_trace": -state.post_trace / params.tau_minus,
        }

    @staticmethod
    def on_pre(state: Any, params: Any) -> Mapping[str, Tensor]:
        return {
            "weight": shrunk(state, params, params.a_minus * state.post_trace),
            "pre_trace": counted(state.pre_trace, params),
        }

    @staticmethod
    def on_post(state: Any, params: Any) -> Mapping[str, Tensor]:
        return {
            "weight": grown(state, params, params.a_plus * state.pre_trace),
            "post_trace": counted(state.post_trace, params),
        }

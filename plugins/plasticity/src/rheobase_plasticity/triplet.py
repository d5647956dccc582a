"""Plasticity by pairs and triplets of spikes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

from rheobase import Parameter, Plasticity, State
from torch import Tensor

from .bounded import Bounded, counted, grown, shrunk


@final
class TripletSTDP(Bounded, Plasticity):
    r"""Spike-timing dependent plasticity by pairs and triplets of spikes (Pfister and Gerstner 2006).

    Each synapse has two traces of the spikes of either side, a quick and a slow one:

    .. math::
        \tau_+ \dot r_1 = -r_1, \quad \tau_x \dot r_2 = -r_2, \quad
        r_{1, 2} \to r_{1, 2} + 1 \text{ at a spike of the source}, \\
        \tau_- \dot o_1 = -o_1, \quad \tau_y \dot o_2 = -o_2, \quad
        o_{1, 2} \to o_{1, 2} + 1 \text{ at a spike of the target}

    and its weight w, in the unit of the synapse, changes by those of the other side, and by what the slow one
    of its own side was just before the spike:

    .. math::
        w \to w - o_1 (A_2^- + A_3^- r_2) \text{ at a spike of the source}, \qquad
        w \to w + r_1 (A_2^+ + A_3^+ o_2) \text{ at one of the target}

    :math:`A_2^\pm` are ``a_plus`` and ``a_minus``, :math:`A_3^\pm` are ``a3_plus`` and ``a3_minus``. The
    weight stays between ``low`` and ``high``; with ``bounds="multiplicative"`` growth is times high - w, and
    the other times w - low. With ``pairing="nearest"`` a spike sets its traces to 1. The defaults are the
    full model that the paper fits to visual cortex with all pairs.

    Times are those at the synapse: the source's spikes come there after the delay of the projection, the
    target's after ``back_delay``.
    """

    tau_plus = Parameter(16.8, unit="ms", above=0, doc="time constant of r1, the source's quick trace")
    tau_x = Parameter(101.0, unit="ms", above=0, doc="time constant of r2, the source's slow trace")
    tau_minus = Parameter(33.7, unit="ms", above=0, doc="time constant of o1, the target's quick trace")
    tau_y = Parameter(125.0, unit="ms", above=0, doc="time constant of o2, the target's slow trace")
    a_plus = Parameter(5e-10, unit="1", at_least=0, doc="growth by a pair, in the unit of the weight")
    a_minus = Parameter(7e-3, unit="1", at_least=0, doc="loss by a pair, in the unit of the weight")
    a3_plus = Parameter(6.2e-3, unit="1", at_least=0, doc="growth by a triplet, in the unit of the weight")
    a3_minus = Parameter(2.3e-4, unit="1", at_least=0, doc="loss by a triplet, in the unit of the weight")
    r1 = State(0.0, unit="1", per="synapse", at_rest=True, doc="spikes of the source, quick")
    r2 = State(0.0, unit="1", per="synapse", at_rest=True, doc="spikes of the source, slow")
    o1 = State(0.0, unit="1", per="synapse", at_rest=True, doc="spikes of the target, quick")
    o2 = State(0.0, unit="1", per="synapse", at_rest=True, doc="spikes of the target, slow")

    @staticmethod
    def derivatives(state: Any, params: Any) -> Mapping[str, Tensor]:
        return {
            "r1": -state.r1 / params.tau_plus,
            "r2": -state.r2 / params.tau_x,
            "o1": -state.o1 / params.tau_minus,
            "o2": -state.o2 / params.tau_y,
        }

    @staticmethod
    def on_pre(state: Any, params: Any) -> Mapping[str, Tensor]:
        amount = state.o1 * (params.a_minus + params.a3_minus * state.r2)
        return {
            "weight": shrunk(state, params, amount),
            "r1": counted(state.r1, params),
            "r2": counted(state.r2, params),
        }

    @staticmethod
    def on_post(state: Any, params: Any) -> Mapping[str, Tensor]:
        amount = state.r1 * (params.a_plus + params.a3_plus * state.o2)
        return {
            "weight": grown(state, params, amount),
            "o1": counted(state.o1, params),
            "o2": counted(state.o2, params),
        }

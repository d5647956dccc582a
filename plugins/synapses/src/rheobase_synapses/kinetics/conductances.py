"""Synapses that open a conductance: a current that goes with the distance from the reversal potential."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

from rheobase import Parameter, State, Synapse
from torch import Tensor

from .shapes import rise_of_alpha, rise_of_two


@final
class ConductanceExponential(Synapse):
    r"""A conductance that jumps and decays, as in NEST's ``iaf_cond_exp``; weights are in nS.

    .. math:: I = g (E - V), \quad \tau \dot g = -g, \qquad \text{at a spike } g \to g + w
    """

    unit, weight_unit = "pA", "nS"
    tau = Parameter(5.0, unit="ms", above=0, doc="decay time constant")
    reversal = Parameter(0.0, unit="mV", doc="voltage at which no current flows")
    conductance = State(0.0, unit="nS", at_rest=True, doc="synaptic conductance")

    @staticmethod
    def derivatives(state: Any, params: Any) -> Mapping[str, Tensor]:
        return {"conductance": -state.conductance / params.tau}

    @staticmethod
    def arrive(state: Any, params: Any, weight: Tensor) -> Mapping[str, Tensor]:
        return {"conductance": state.conductance + weight}

    @staticmethod
    def output(state: Any, params: Any, post: Any) -> Tensor:
        return _current(state, params, post)


@final
class ConductanceAlpha(Synapse):
    r"""A conductance with the shape of an alpha function, as in NEST's ``iaf_cond_alpha``; weights are in nS.

    .. math::
        I = g (E - V), \quad \dot g = r - g / \tau, \quad \dot r = -r / \tau,
        \qquad \text{at a spike } r \to r + w e / \tau

    One spike gives :math:`g = w (t / \tau) e^{1 - t / \tau}`, whose peak is w, at :math:`\tau`.
    """

    unit, weight_unit = "pA", "nS"
    tau = Parameter(2.0, unit="ms", above=0, doc="time from a spike to the peak, and of the decay")
    reversal = Parameter(0.0, unit="mV", doc="voltage at which no current flows")
    conductance = State(0.0, unit="nS", at_rest=True, doc="synaptic conductance")
    rise = State(0.0, unit="nS/ms", at_rest=True, doc="what it rises by")

    @staticmethod
    def derivatives(state: Any, params: Any) -> Mapping[str, Tensor]:
        return {"conductance": state.rise - state.conductance / params.tau, "rise": -state.rise / params.tau}

    @staticmethod
    def arrive(state: Any, params: Any, weight: Tensor) -> Mapping[str, Tensor]:
        return {"rise": state.rise + weight * rise_of_alpha(params.tau)}

    @staticmethod
    def output(state: Any, params: Any, post: Any) -> Tensor:
        return _current(state, params, post)


class ConductanceDoubleExponential(Synapse):
    r"""A conductance that rises and decays, as in NEST's ``iaf_cond_beta``; its peak is the weight, in nS.

    .. math::
        I = g (E - V), \quad \dot g = r - g / \tau_{decay}, \quad \dot r = -r / \tau_{rise},
        \qquad \text{at a spike } r \to r + k w

    One spike gives :math:`g \propto e^{-t / \tau_{decay}} - e^{-t / \tau_{rise}}`; k makes the peak w.
    """

    unit, weight_unit = "pA", "nS"
    tau_rise = Parameter(0.5, unit="ms", above=0, doc="time constant of the rise")
    tau_decay = Parameter(5.0, unit="ms", above=0, doc="time constant of the decay")
    reversal = Parameter(0.0, unit="mV", doc="voltage at which no current flows")
    conductance = State(0.0, unit="nS", at_rest=True, doc="synaptic conductance")
    rise = State(0.0, unit="nS/ms", at_rest=True, doc="what it rises by")

    @staticmethod
    def derivatives(state: Any, params: Any) -> Mapping[str, Tensor]:
        return {
            "conductance": state.rise - state.conductance / params.tau_decay,
            "rise": -state.rise / params.tau_rise,
        }

    @staticmethod
    def arrive(state: Any, params: Any, weight: Tensor) -> Mapping[str, Tensor]:
        return {"rise": state.rise + weight * rise_of_two(params.tau_rise, params.tau_decay)}

    @staticmethod
    def output(state: Any, params: Any, post: Any) -> Tensor:
        return _current(state, params, post)


def _current(state: Any, params: Any, post: Any) -> Tensor:
    current: Tensor = state.conductance * (params.reversal - post.voltage)
    return current

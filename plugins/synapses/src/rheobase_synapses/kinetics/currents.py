"""Synapses that add to the voltage, or send a current whatever the voltage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

from rheobase import Parameter, State, Synapse
from torch import Tensor

from .shapes import rise_of_alpha, rise_of_two


@final
class Delta(Synapse):
    r"""A spike of weight w: :math:`V \to V + w`, at once.

    Weights are in mV. A unit that is refractory, and holds its voltage, loses what arrives.
    """

    weight_unit = "mV"
    into = "voltage"


class Exponential(Synapse):
    r"""A current that jumps and decays; a spike of weight w (pA) gives a charge of :math:`w \tau`.

    .. math:: \tau \dot I = -I, \qquad \text{at a spike } I \to I + w

    As in NEST's ``iaf_psc_exp``.

    Example:
        >>> import rheobase as rb
        >>> rb.synapse("exponential", tau=5.0)
        rb.synapse('exponential', tau=5.0)
    """

    unit, weight_unit = "pA", "pA"
    tau = Parameter(2.0, unit="ms", above=0, doc="decay time constant")
    current = State(0.0, unit="pA", at_rest=True, doc="synaptic current")

    @staticmethod
    def derivatives(state: Any, params: Any) -> Mapping[str, Tensor]:
        return {"current": -state.current / params.tau}

    @staticmethod
    def arrive(state: Any, params: Any, weight: Tensor) -> Mapping[str, Tensor]:
        return {"current": state.current + weight}

    @staticmethod
    def output(state: Any, params: Any, post: Any) -> Tensor:
        current: Tensor = state.current
        return current


@final
class Alpha(Synapse):
    r"""A current with the shape of an alpha function (Rall 1967); its peak is the weight w, in pA.

    .. math::
        \dot I = r - I / \tau, \quad \dot r = -r / \tau, \qquad \text{at a spike } r \to r + w e / \tau

    So one spike gives :math:`I = w (t / \tau) e^{1 - t / \tau}`, as in NEST's ``iaf_psc_alpha``.
    """

    unit, weight_unit = "pA", "pA"
    tau = Parameter(2.0, unit="ms", above=0, doc="time from a spike to the peak, and of the decay")
    current = State(0.0, unit="pA", at_rest=True, doc="synaptic current")
    rise = State(0.0, unit="pA/ms", at_rest=True, doc="what it rises by")

    @staticmethod
    def derivatives(state: Any, params: Any) -> Mapping[str, Tensor]:
        return {"current": state.rise - state.current / params.tau, "rise": -state.rise / params.tau}

    @staticmethod
    def arrive(state: Any, params: Any, weight: Tensor) -> Mapping[str, Tensor]:
        return {"rise": state.rise + weight * rise_of_alpha(params.tau)}

    @staticmethod
    def output(state: Any, params: Any, post: Any) -> Tensor:
        current: Tensor = state.current
        return current


@final
class DoubleExponential(Synapse):
    r"""A current that rises with one time constant and decays with another; its peak is the weight w (pA).

    .. math::
        \dot I = r - I / \tau_{decay}, \quad \dot r = -r / \tau_{rise},
        \qquad \text{at a spike } r \to r + k w

    So one spike gives :math:`I \propto e^{-t / \tau_{decay}} - e^{-t / \tau_{rise}}`; k makes the peak w.
    With both time constants alike it is :class:`Alpha`.
    """

    unit, weight_unit = "pA", "pA"
    tau_rise = Parameter(0.5, unit="ms", above=0, doc="time constant of the rise")
    tau_decay = Parameter(5.0, unit="ms", above=0, doc="time constant of the decay")
    current = State(0.0, unit="pA", at_rest=True, doc="synaptic current")
    rise = State(0.0, unit="pA/ms", at_rest=True, doc="what it rises by")

    @staticmethod
    def derivatives(state: Any, params: Any) -> Mapping[str, Tensor]:
        return {
            "current": state.rise - state.current / params.tau_decay,
            "rise": -state.rise / params.tau_rise,
        }

    @staticmethod
    def arrive(state: Any, params: Any, weight: Tensor) -> Mapping[str, Tensor]:
        return {"rise": state.rise + weight * rise_of_two(params.tau_rise, params.tau_decay)}

    @staticmethod
    def output(state: Any, params: Any, post: Any) -> Tensor:
        current: Tensor = state.current
        return current

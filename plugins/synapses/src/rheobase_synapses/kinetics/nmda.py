"""Synapses of NMDA receptors."""

from __future__ import annotations

from typing import Any, final

from rheobase import Parameter
from torch import Tensor

from .conductances import ConductanceDoubleExponential


@final
class NMDA(ConductanceDoubleExponential):
    r"""A conductance that magnesium blocks unless the voltage is high (Jahr and Stevens 1990).

    .. math::
        I = g B(V) (E - V), \quad B(V) = \frac{1}{1 + [\mathrm{Mg}] / 3.57 \cdot e^{-0.062 V}}

    with V in mV, magnesium in mM, and g as in :class:`ConductanceDoubleExponential`: its peak, without the
    block, is the weight, in nS. It does not saturate.
    """

    tau_rise = Parameter(2.0, unit="ms", above=0, doc="time constant of the rise")
    tau_decay = Parameter(100.0, unit="ms", above=0, doc="time constant of the decay")
    magnesium = Parameter(1.0, unit="mM", at_least=0, doc="concentration of magnesium outside")

    @staticmethod
    def output(state: Any, params: Any, post: Any) -> Tensor:
        blocked = 1.0 + params.magnesium / 3.57 * (-0.062 * post.voltage).exp()
        current: Tensor = state.conductance / blocked * (params.reversal - post.voltage)
        return current

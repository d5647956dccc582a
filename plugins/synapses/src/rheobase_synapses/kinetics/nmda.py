"""Synapses of NMDA receptors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import torch
from rheobase import Parameter, State
from torch import Tensor

from .conductances import ConductanceDoubleExponential


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


@final
class SaturatingNMDA(NMDA):
    r"""NMDA receptors that saturate (Wang 1999, 2002): a gate s for each source, which never exceeds 1.

    .. math::
        \dot s = -s / \tau_{decay} + \alpha x (1 - s), \quad \dot x = -x / \tau_{rise},
        \qquad \text{at a spike } x \to x + 1

    The current is :math:`\sum w s B(V) (E - V)` over the sources, weights w in nS, B(V) as in :class:`NMDA`.
    A spike moves the gate, once x has decayed, by

    .. math::
        \Delta s = k_0 + k_1 s, \quad k_0 = a^b \, \gamma(1 - b, a), \quad k_1 = e^{-a} - 1, \qquad
        a = \alpha \tau_{rise}, \; b = \tau_{rise} / \tau_{decay}

    (as NEST's ``iaf_bw_2001``), and that is what is sent: for each target the sum of all gates is then two
    states, whatever the number of sources. It rises with :math:`\tau_{rise}`. This is exact for spikes that
    are far apart; 10, 5 and 2.5 :math:`\tau_{rise}` apart it is so to 5e-6, 3e-4 and 2e-3.

    With a rise of more than half the decay b is taken as 1/2.
    """

    alpha = Parameter(0.5, unit="1/ms", above=0, doc="how fast the gate opens")
    gate = State(0.0, unit="1", per="source", doc="s, after the last spike")

    @staticmethod
    def arrive(state: Any, params: Any, weight: Tensor) -> Mapping[str, Tensor]:
        # So that the conductance is the weight times e^-t/tau_decay, once the rise is over.
        return {"rise": state.rise + weight * (1.0 - _part(params)) / params.tau_rise}

    @staticmethod
    def transmit(state: Any, params: Any, elapsed: Tensor) -> tuple[Tensor, Mapping[str, Tensor]]:
        before = state.gate * torch.exp(-elapsed / params.tau_decay)
        a = params.alpha * params.tau_rise
        sent = _opened(a, _part(params)) + before * torch.expm1(-a)
        return sent, {"gate": before + sent}


def _part(params: Any) -> Tensor:
    """b, the rise as a part of the decay. Where they are alike the gate has no decay of its own to go by."""
    part: Tensor = (params.tau_rise / params.tau_decay).clamp(max=0.5)
    return part


def _opened(a: Tensor, b: Tensor) -> Tensor:
    r"""k0, by :math:`a^b \gamma(1 - b, a) = a e^{-a} \sum_n a^n / ((1 - b) (2 - b) \dots (n + 1 - b))`."""
    # All terms are positive, and have gradients to both, as torch's own function has not. The largest is at
    # n = a; so many serve up to a = 150.
    n = torch.arange(256, dtype=a.dtype, device=a.device)
    factors = torch.log(n + 1.0 - b[..., None]).cumsum(-1)
    return torch.exp((n + 1.0) * torch.log(a)[..., None] - a[..., None] - factors).sum(-1)

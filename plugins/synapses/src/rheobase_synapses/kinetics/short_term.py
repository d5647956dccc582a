"""Synapses that tire and recover: each source has resources, and its spikes use them up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import torch
from rheobase import Parameter, State
from torch import Tensor

from .currents import Exponential


@final
class TsodyksMarkram(Exponential):
    r"""Short-term depression and facilitation (Tsodyks, Pawelzik and Markram 1998) of an exponential current.

    Each source has resources x, of which a spike uses the part u:

    .. math::
        \dot x = (1 - x) / \tau_{rec}, \quad \dot u = -u / \tau_{facil}, \qquad
        \text{at a spike } u \to u + U (1 - u), \text{ then } x \to x - u x

    What the spike sends, of weight w (pA), is :math:`w u x` with the new u and the old x; there
    :math:`\tau \dot I = -I`. With ``tau_facil = 0`` u is U at every spike: depression alone. At the start x
    is 1 and u is 0. As NEST's ``tsodyks2_synapse``: what is used recovers at once, without the inactive state
    of Tsodyks et al. (2000).

    Between spikes this is exact. What ``transmit`` uses cannot differ from target to target.
    """

    tau = Parameter(3.0, unit="ms", above=0, doc="decay time constant of the current")
    tau_rec = Parameter(800.0, unit="ms", above=0, doc="time constant of recovery")
    tau_facil = Parameter(0.0, unit="ms", at_least=0, doc="time constant of facilitation; 0: none")
    U = Parameter(0.5, unit="1", at_least=0, at_most=1, doc="part that the first spike uses")
    resources = State(1.0, unit="1", per="source", doc="x, after the last spike")
    used = State(0.0, unit="1", per="source", doc="u, after the last spike")

    @staticmethod
    def transmit(state: Any, params: Any, elapsed: Tensor) -> tuple[Tensor, Mapping[str, Tensor]]:
        facilitates = params.tau_facil > 0
        # Without facilitation nothing is left, not 0 / 0 either where two spikes come at once.
        left = torch.where(
            facilitates, torch.exp(-elapsed / torch.where(facilitates, params.tau_facil, 1.0)), 0.0
        )
        used = state.used * left
        used = used + params.U * (1.0 - used)
        resources = 1.0 - (1.0 - state.resources) * torch.exp(-elapsed / params.tau_rec)
        sent = used * resources
        return sent, {"resources": resources - sent, "used": used}

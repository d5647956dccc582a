"""How large a rise makes a peak of one."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def rise_of_alpha(tau: Tensor) -> Tensor:
    r"""What :math:`\dot r = -r / \tau, \dot x = r - x / \tau` starts from so that x has a peak of 1, per ms.

    From r it is :math:`x = r t e^{-t / \tau}`, whose peak :math:`r \tau / e` is at :math:`\tau`.
    """
    return math.e / tau


def rise_of_two(tau_rise: Tensor, tau_decay: Tensor) -> Tensor:
    r"""The same for :math:`\dot r = -r / \tau_r, \dot x = r - x / \tau_d`.

    From 1 the peak is :math:`\tau_r e^{-t_p / \tau_d}`, where :math:`t_p / \tau_d = \ln(1 + z) / z` with
    :math:`z = (\tau_d - \tau_r) / \tau_r`. Where both time constants are one, this is alpha's.
    """
    z = (tau_decay - tau_rise) / tau_rise
    near = z.abs() < 1e-3
    # Near 0 by its series, to the last digit; each is finite where the other is taken, for gradients.
    apart = torch.where(near, 1.0, z)
    small = torch.where(near, z, 0.0)
    series = 1.0 - small * (1 / 2 - small * (1 / 3 - small * (1 / 4 - small * (1 / 5 - small / 6))))
    return torch.where(near, series, torch.log1p(apart) / apart).exp() / tau_rise

"""Readouts: what a sequence of spikes or voltages says, as one number for each unit."""

from __future__ import annotations

from torch import Tensor

from ..errors import InputError


def count(spikes: Tensor) -> Tensor:
    """How many spikes each unit had.

    Args:
        spikes: ``[T, *batch, *units]``.

    Returns:
        ``[*batch, *units]``.

    Example:
        >>> import torch
        >>> count(torch.tensor([[1.0, 0.0], [1.0, 1.0]]))
        tensor([2., 1.])
    """
    return spikes.sum(0)


def rate(spikes: Tensor, dt: float | None = None) -> Tensor:
    """The mean rate of each unit.

    Args:
        spikes: ``[T, *batch, *units]``.
        dt: The time step, ms. None: the rate is in spikes per step.

    Returns:
        ``[*batch, *units]``, in Hz, or per step; NaN where there are no steps.

    Example:
        >>> import torch
        >>> rate(torch.tensor([[1.0, 0.0], [1.0, 1.0]]), dt=0.5)
        tensor([2000., 1000.])
    """
    share = spikes.mean(0)
    return share if dt is None else share * (1000.0 / dt)


def first_spike(spikes: Tensor, dt: float = 1.0) -> Tensor:
    """When each unit spiked first: the end of that step, or T dt if it did not.

    It is dt times the sum over steps of the product of 1 - s before each; so it has a derivative: a spike
    that is more likely makes the time shorter.

    Args:
        spikes: ``[T, *batch, *units]``, 0 or 1.
        dt: The time step, ms.

    Returns:
        ``[*batch, *units]``, ms.

    Raises:
        InputError: If there are no steps.

    Example:
        >>> import torch
        >>> first_spike(torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 0.0]]), dt=0.5)
        tensor([1.0000, 1.5000])
    """
    if not len(spikes):
        raise InputError("first_spike: there are no steps; give spikes [T, *batch, *units] with T from 1 up")
    silent = (1.0 - spikes[:-1]).cumprod(0)
    return dt * (1.0 + silent.sum(0))


def largest(voltages: Tensor) -> Tensor:
    """The largest voltage of each unit.

    Args:
        voltages: ``[T, *batch, *units]``, from a layer with ``output="voltage"``.

    Returns:
        ``[*batch, *units]``.

    Raises:
        InputError: If there are no steps.

    Example:
        >>> import torch
        >>> largest(torch.tensor([[0.2, -0.1], [0.7, -0.3]]))
        tensor([ 0.7000, -0.1000])
    """
    if not len(voltages):
        raise InputError("largest: there are no steps; give voltages [T, *batch, *units] with T from 1 up")
    return voltages.amax(0)

"""Neurons that emit all-or-none events."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from .base import Neuron


class SpikingNeuron(Neuron):
    """A neuron that emits all-or-none events past a threshold.

    A model defines ``derivatives(state, params, data)``, ``threshold(state, params)``, whose upward
    crossing of zero is a spike, and ``reset(state, params)``, which gives new values to some of the
    states; ``hazard(state, params)``, in 1/ms, is how often it spikes by chance beside that or instead.
    A parameter ``tau_ref`` gives it a refractory period, which holds the states in ``held`` (the voltage,
    unless the class says otherwise). See :class:`~rheobase.Neuron` for the arguments.

    Attributes:
        spiked: 1 where a unit spiked in the last step, else 0; a buffer of int8, ``[*batch, units]``.
        spike_count: With ``event="located"``: how many spikes each unit had in the last step; int32,
            ``[*batch, units]``.
        spike_times: With ``event="located"``: when, in ms since the reset, float64
            ``[*batch, units, K]``, K the largest count and at least 1; NaN where there is none.
        armed: Whether g was below zero at the end of the last step; a unit spikes only then.

    Example:
        >>> import torch
        >>> from rheobase import Parameter, SpikingNeuron, State
        >>> class PerfectIntegrator(SpikingNeuron):
        ...     capacitance = Parameter(100.0, unit="pF", above=0)
        ...     voltage = State(0.0, unit="mV")
        ...     @staticmethod
        ...     def derivatives(state, params, data):
        ...         return {"voltage": data / params.capacitance}
        ...     @staticmethod
        ...     def threshold(state, params):
        ...         return state.voltage - 10.0
        ...     @staticmethod
        ...     def reset(state, params):
        ...         return {"voltage": 0.0}
        >>> neuron = PerfectIntegrator(dt=1.0)
        >>> [int(neuron(torch.tensor([600.0]))["spiked"]) for _ in range(4)]
        [0, 1, 0, 1]
    """

    _framework = True

    spiking: ClassVar[bool] = True
    loggable_props: tuple[str, ...] = ("input", "voltage", "spiked")

    # A buffer, set in every step; the annotation is for type checkers.
    spiked: Tensor
    armed: Tensor
    spike_count: Tensor
    spike_times: Tensor

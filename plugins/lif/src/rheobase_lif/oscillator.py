"""The harmonic oscillator, which a current may drive."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rheobase import AnalogNeuron, Parameter, State

if TYPE_CHECKING:
    from torch import Tensor


class Oscillator(AnalogNeuron):
    r"""Harmonic oscillator: dV/dt = -omega W + I / C,  dW/dt = omega V,  omega = 2 pi f / 1000.

    V is the output, W the same wave a quarter of a period later. They start at

    .. math::

        V(0) = A \cos\varphi, \quad W(0) = A \sin\varphi

    and without input V(t) = A cos(omega t + phase) for ever; a current moves the amplitude and the phase.

    Units: V and W in mV, t in ms, f in Hz, phase in radians, I in pA, C in pF; so I / C is in mV/ms.

    Any text on linear oscillators has it, such as A. A. Andronov, A. A. Vitt & S. E. Khaikin (1966),
    Theory of Oscillators, chapter 1.

    Example:
        A wave of 10 Hz is at its minimum after half a period, 50 ms.

        >>> import rheobase as rb
        >>> wave = rb.create("oscillator", frequency=10.0, amplitude=2.0)
        >>> recording = rb.simulate(wave, rb.stimulus.Constant(0.0), duration=50.0, record=("voltage",))
        >>> round(recording.traces["voltage"][-1].item(), 3)
        -2.0
    """

    input_unit = "pA"

    frequency = Parameter(10.0, unit="Hz", above=0, doc="frequency")
    amplitude = Parameter(1.0, unit="mV", at_least=0, doc="amplitude at the start")
    phase = Parameter(0.0, unit="rad", doc="phase at the start")
    capacitance = Parameter(100.0, unit="pF", above=0, doc="membrane capacitance, for the input")

    voltage = State(lambda p: p.amplitude * p.phase.cos(), unit="mV", doc="the output")
    quadrature = State(lambda p: p.amplitude * p.phase.sin(), unit="mV", doc="a quarter period behind")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        omega = params.frequency * (2.0 * math.pi / 1000.0)
        return {
            "voltage": data / params.capacitance - omega * state.quadrature,
            "quadrature": omega * state.voltage,
        }

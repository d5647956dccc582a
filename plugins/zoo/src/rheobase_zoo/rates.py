"""Rates of populations: threshold-linear, Wilson-Cowan, and the oscillator of Stuart and Landau."""

from __future__ import annotations

import math
from typing import Any

import torch
from rheobase import AnalogNeuron, Expect, Input, Parameter, Preset, State, stimulus
from torch import Tensor


class ThresholdLinear(AnalogNeuron):
    r"""A rate that follows its input above a threshold.

    .. math:: \tau \frac{dr}{dt} = -r + g \max(I - \theta, 0)

    Units: r in Hz, I a number, tau in ms.

    Paper: H. K. Hartline & F. Ratliff (1957), Journal of General Physiology 40, 357-376,
    doi:10.1085/jgp.40.3.357.

    Example:
        >>> import rheobase as rb
        >>> cell = rb.create("threshold-linear", tau=10.0)
        >>> rb.simulate(cell, 3.0, duration=100.0, record="rate").traces["rate"][-1]
        tensor([1.9999])
    """

    tau = Parameter(10.0, unit="ms", above=0, doc="time constant tau")
    gain = Parameter(1.0, unit="Hz", at_least=0, doc="gain g")
    theta = Parameter(1.0, unit="1", doc="threshold theta")

    current = Input(unit="1", doc="input I")
    rate = State(0.0, unit="Hz", at_least=0, doc="rate r")

    charging = Preset(
        "a constant input",
        stimulus=stimulus.Constant(3.0),
        duration=20.0,
        citation="H. K. Hartline & F. Ratliff (1957), doi:10.1085/jgp.40.3.357",
        expect=Expect(
            peak=2.0 * (1.0 - math.exp(-2.0)),
            within=1e-6,
            source="closed form: g (I - theta) (1 - exp(-t / tau))",
        ),
    )

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Tensor]:
        drive = params.gain * torch.relu(data.current - params.theta)
        return {"rate": (drive - state.rate) / params.tau}


def _sigmoid(x: Tensor, slope: Tensor, theta: Tensor) -> Tensor:
    """S(x) = 1 / (1 + exp(-a (x - theta))) - 1 / (1 + exp(a theta)), which is 0 at 0."""
    return torch.sigmoid(slope * (x - theta)) - torch.sigmoid(-slope * theta)


class WilsonCowan(AnalogNeuron):
    r"""An excitatory and an inhibitory population (Wilson and Cowan 1972).

    .. math::

        \tau \frac{dE}{dt} &= -E + (1 - r E) S_e(c_1 E - c_2 I + P) \\
        \tau \frac{dI}{dt} &= -I + (1 - r I) S_i(c_3 E - c_4 I + Q) \\
        S(x) &= \frac{1}{1 + e^{-a (x - \theta)}} - \frac{1}{1 + e^{a \theta}}

    The defaults are those of the paper's limit cycle, at P = 1.25.

    Units: E and I are parts of the populations that fire, P and Q numbers, tau in ms.

    Paper: H. R. Wilson & J. D. Cowan (1972), Biophysical Journal 12, 1-24, doi:10.1016/S0006-3495(72)86068-5,
    figure 11.

    Example:
        >>> import rheobase as rb
        >>> pair = rb.create("wilson-cowan", preset="cycle")
        >>> run = rb.simulate(pair, pair.preset.stimulus, duration=200.0, record="excited")
        >>> late = run.traces["excited"][1000:]
        >>> bool(late.max() > 0.25), bool(late.min() < 0.15)
        (True, True)
    """

    tau = Parameter(8.0, unit="ms", above=0, doc="time constant tau")
    r = Parameter(1.0, unit="1", at_least=0, at_most=1, doc="refractory part r")
    c_1 = Parameter(16.0, unit="1", at_least=0, doc="excitation of the excitatory ones c_1")
    c_2 = Parameter(12.0, unit="1", at_least=0, doc="inhibition of the excitatory ones c_2")
    c_3 = Parameter(15.0, unit="1", at_least=0, doc="excitation of the inhibitory ones c_3")
    c_4 = Parameter(3.0, unit="1", at_least=0, doc="inhibition of the inhibitory ones c_4")
    a_e = Parameter(1.3, unit="1", above=0, doc="slope of the excitatory sigmoid a_e")
    a_i = Parameter(2.0, unit="1", above=0, doc="slope of the inhibitory sigmoid a_i")
    theta_e = Parameter(4.0, unit="1", doc="its threshold theta_e")
    theta_i = Parameter(3.7, unit="1", doc="its threshold theta_i")

    p = Input(unit="1", doc="input to the excitatory ones P")
    q = Input(unit="1", doc="input to the inhibitory ones Q")

    excited = State(0.1, unit="1", doc="part of the excitatory ones that fire E")
    inhibited = State(0.05, unit="1", doc="part of the inhibitory ones that fire I")

    cycle = Preset(
        "a limit cycle",
        stimulus={"p": stimulus.Constant(1.25)},
        duration=600.0,
        citation="H. R. Wilson & J. D. Cowan (1972), doi:10.1016/S0006-3495(72)86068-5, figure 11",
        expect=Expect(
            period=8.0 * 5.003411, within=1e-4, source="the paper's equations, by scipy's DOP853 at 1e-10"
        ),
    )

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Tensor]:
        e, i = state.excited, state.inhibited
        to_e = _sigmoid(params.c_1 * e - params.c_2 * i + data.p, params.a_e, params.theta_e)
        to_i = _sigmoid(params.c_3 * e - params.c_4 * i + data.q, params.a_i, params.theta_i)
        return {
            "excited": (-e + (1.0 - params.r * e) * to_e) / params.tau,
            "inhibited": (-i + (1.0 - params.r * i) * to_i) / params.tau,
        }


class StuartLandau(AnalogNeuron):
    r"""The normal form of a Hopf bifurcation: an oscillation that grows to its own size.

    .. math::

        \frac{dx}{dt} &= \lambda x - \omega y - (x^2 + y^2) x + I \\
        \frac{dy}{dt} &= \lambda y + \omega x - (x^2 + y^2) y

    Units: x, y are numbers, lambda and omega in 1/ms, I in 1/ms.

    Paper: J. T. Stuart (1960), Journal of Fluid Mechanics 9, 353-370, doi:10.1017/S002211206000116X.

    Example:
        >>> import rheobase as rb
        >>> x = rb.simulate(rb.create("stuart-landau"), 0.0, duration=50.0, record="x").traces["x"]
        >>> round(float(x.max()), 3)
        1.0
    """

    growth = Parameter(1.0, unit="1/ms", doc="rate of growth lambda; below 0 it rests")
    omega = Parameter(1.0, unit="1/ms", doc="angular frequency omega")

    current = Input(unit="1/ms", doc="input to x")
    x = State(0.1, unit="1", doc="real part")
    y = State(0.0, unit="1", doc="imaginary part")

    growing = Preset(
        "growth from 0.1, without rotation",
        params={"omega": 0.0},
        stimulus=stimulus.Constant(0.0),
        duration=2.0,
        citation="J. T. Stuart (1960), doi:10.1017/S002211206000116X",
        expect=Expect(
            peak=0.596205491, within=1e-6, source="closed form: r = (1 + (r_0^-2 - 1) exp(-2 t))^(-1/2)"
        ),
    )
    turning = Preset(
        "once around",
        stimulus=stimulus.Constant(0.0),
        duration=100.0,
        citation="J. T. Stuart (1960), doi:10.1017/S002211206000116X",
        expect=Expect(period=2.0 * math.pi, within=1e-4, source="closed form: 2 pi / omega"),
    )

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Tensor]:
        x, y = state.x, state.y
        rate = params.growth - (x**2 + y**2)
        return {"x": rate * x - params.omega * y + data.current, "y": rate * y + params.omega * x}

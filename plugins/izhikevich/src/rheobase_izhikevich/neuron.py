"""The Izhikevich neuron."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from rheobase import Option, Parameter, SpikingNeuron, State

from .presets import CELLS, PATTERNS

if TYPE_CHECKING:
    from torch import Tensor

SLOWEST = 1e-3
"""The slowest decay that sets a limit to the step, 1/ms."""


class IzhikevichNeuron(SpikingNeuron):
    r"""The simple model of spiking neurons (Izhikevich 2003).

    .. math::

        \frac{dv}{dt} &= 0.04 v^2 + 5 v + 140 - u + I \\
        \frac{du}{dt} &= a (b v - u)

    When v reaches 30 mV: v is set to c, and d is added to u. v is ``voltage``, u is ``recovery``.

    In full, with the coefficients of the polynomial and of u as parameters, which three patterns of
    2004 need::

        dv/dt = poly_quadratic v^2 + poly_linear v + poly_constant - u + I
        du/dt = a (b (v - recovery_shift) - recovery_leak u)

    Two schemes. ``converged``, the default: both equations together, by any integrator. ``published``:
    the author's own update, v first and then u with the new v, by Euler's method; its spike trains at
    dt 0.25 ms are those of the paper's figures, and differ from the equations' true solution.

    Units: v in mV, t in ms, a and b in 1/ms, u and I in mV/ms. A current in pA counts as mV/ms, which
    is a membrane of 1 pF.

    Presets: the cells of 2003 (RS, IB, CH, FS, TC, TCb, RZ, LTS) and the twenty patterns of 2004, each
    with its parameters, initial state, dt, stimulus and duration. The defaults are those of regular
    spiking; the integrator of figure 1L is named ``integration``.

    Papers: E. M. Izhikevich (2003), IEEE Transactions on Neural Networks 14(6), 1569-1572,
    doi:10.1109/TNN.2003.820440; and (2004), 15(5), 1063-1070, doi:10.1109/TNN.2004.832719.

    Example:
        >>> import rheobase as rb
        >>> cell = rb.create("izhikevich", preset="RS", scheme="published")
        >>> recording = rb.simulate(cell, cell.preset.stimulus, duration=cell.preset.duration)
        >>> recording.spikes.times.tolist()
        [18.5, 24.5, 54.75, 88.0, 121.25]
    """

    input_unit = "pA"  # of a membrane of 1 pF

    a = Parameter(0.02, unit="1/ms", doc="rate of recovery")
    b = Parameter(0.2, unit="1/ms", doc="how strongly the recovery follows the voltage")
    c = Parameter(-65.0, unit="mV", doc="voltage after a spike")
    d = Parameter(8.0, unit="mV/ms", doc="step of the recovery at a spike")
    volt_peak = Parameter(30.0, unit="mV", doc="voltage at which a spike ends")
    poly_quadratic = Parameter(0.04, unit="1/(mV ms)", doc="coefficient of v^2")
    poly_linear = Parameter(5.0, unit="1/ms", doc="coefficient of v")
    poly_constant = Parameter(140.0, unit="mV/ms", doc="constant term")
    recovery_shift = Parameter(0.0, unit="mV", doc="voltage that counts as zero for the recovery")
    recovery_leak = Parameter(1.0, unit="1", doc="coefficient of u in its own equation")
    scheme = Option("converged", "published", doc="both equations together, or the author's update")

    voltage = State("c", unit="mV", doc="membrane potential v")
    recovery = State(lambda p: p.b * p.c, unit="mV/ms", doc="recovery variable u")

    RS = CELLS["RS"]
    IB = CELLS["IB"]
    CH = CELLS["CH"]
    FS = CELLS["FS"]
    TC = CELLS["TC"]
    TCb = CELLS["TCb"]
    RZ = CELLS["RZ"]
    LTS = CELLS["LTS"]
    tonic_spiking = PATTERNS["tonic_spiking"]
    phasic_spiking = PATTERNS["phasic_spiking"]
    tonic_bursting = PATTERNS["tonic_bursting"]
    phasic_bursting = PATTERNS["phasic_bursting"]
    mixed_mode = PATTERNS["mixed_mode"]
    spike_frequency_adaptation = PATTERNS["spike_frequency_adaptation"]
    class_1 = PATTERNS["class_1"]
    class_2 = PATTERNS["class_2"]
    spike_latency = PATTERNS["spike_latency"]
    subthreshold_oscillations = PATTERNS["subthreshold_oscillations"]
    resonator = PATTERNS["resonator"]
    integration = PATTERNS["integration"]
    rebound_spike = PATTERNS["rebound_spike"]
    rebound_burst = PATTERNS["rebound_burst"]
    threshold_variability = PATTERNS["threshold_variability"]
    bistability = PATTERNS["bistability"]
    depolarizing_afterpotential = PATTERNS["depolarizing_afterpotential"]
    accommodation = PATTERNS["accommodation"]
    inhibition_induced_spiking = PATTERNS["inhibition_induced_spiking"]
    inhibition_induced_bursting = PATTERNS["inhibition_induced_bursting"]

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        v, u = state.voltage, state.recovery
        return {"voltage": _rise(v, u, params, data), "recovery": params.a * _pull(v, u, params)}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.voltage - params.volt_peak
        return distance

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Tensor]:
        return {"voltage": params.c, "recovery": state.recovery + params.d}

    @staticmethod
    def dt_max(state: Any, params: Any, data: Tensor) -> Tensor:
        """One over the fastest decay; the upstroke, which grows, sets no limit.

        The Jacobian is [[2 q v + l, -1], [a b, -a leak]]. Every eigenvalue lies within sqrt(|a b|) of an
        element of its diagonal (Gershgorin, with u scaled by sqrt(|a b|)).
        """
        fall = -(2.0 * params.poly_quadratic * state.voltage + params.poly_linear)
        rate = torch.maximum(fall, params.a * params.recovery_leak) + (params.a * params.b).abs().sqrt()
        limit: Tensor = 1.0 / rate.clamp(min=SLOWEST)
        return limit

    @staticmethod
    def update(state: Any, params: Any, data: Tensor, dt: Any) -> Any:
        """The published scheme; the converged one is left to the integrator."""
        if params.scheme == "converged":
            return NotImplemented
        v, u = state.voltage, state.recovery
        v = v + dt * _rise(v, u, params, data)
        # The author's u sees the new v: that is what makes the scheme his.
        u = u + dt * params.a * _pull(v, u, params)
        return {"voltage": v, "recovery": u}


# The operations are in the author's order, so that float64 gives his numbers to the last bit.
def _rise(v: Tensor, u: Tensor, params: Any, data: Tensor) -> Tensor:
    """dv/dt."""
    slope: Tensor = params.poly_quadratic * (v * v) + params.poly_linear * v + params.poly_constant - u + data
    return slope


def _pull(v: Tensor, u: Tensor, params: Any) -> Tensor:
    """du/dt, divided by a."""
    pull: Tensor = params.b * (v - params.recovery_shift) - params.recovery_leak * u
    return pull

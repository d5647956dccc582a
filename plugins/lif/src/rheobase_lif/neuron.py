"""The leaky integrate-and-fire neuron."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rheobase import Parameter, SpikingNeuron, State

if TYPE_CHECKING:
    from torch import Tensor


class LIFNeuron(SpikingNeuron):
    r"""Leaky integrate-and-fire: tau_mem dV/dt = -(V - V_rest) + I / g_L  (Lapicque 1907).

    The membrane is a capacitance C = tau_mem g_L beside a leak g_L. When V crosses V_thresh from below
    the neuron spikes, V is set to V_reset, and there it stays for tau_ref. Under a constant current
    with I / g_L > V_thresh - V_rest the time between spikes is

    .. math::

        T = \tau_{ref} + \tau_{mem} \ln
            \frac{I / g_L - (V_{reset} - V_{rest})}{I / g_L - (V_{thresh} - V_{rest})}

    Units: V in mV, times in ms, I in pA, g_L in nS; so I / g_L is in mV, and C in pF.

    Paper: L. Lapicque (1907), Recherches quantitatives sur l'excitation électrique des nerfs traitée
    comme une polarisation, Journal de physiologie et de pathologie générale 9, 620-635. English in
    Biological Cybernetics 97, 341-349 (2007), doi:10.1007/s00422-007-0189-6.

    Example:
        300 pA through 5 nS is 60 mV: a spike every 1 + 5 ln(60 / 40) = 3.03 ms.

        >>> import rheobase as rb
        >>> lif = rb.create("lif", num_units=2, tau_mem=5.0)
        >>> recording = rb.simulate(lif, rb.stimulus.Constant(300.0), duration=10.0)
        >>> len(recording.spikes.times)
        6
    """

    volt_thresh = Parameter(-55.0, unit="mV", doc="spike threshold")
    volt_rest = Parameter(-75.0, unit="mV", doc="resting potential")
    volt_reset = Parameter("volt_rest", unit="mV", doc="potential after a spike")
    leak_gl = Parameter(5.0, unit="nS", above=0, doc="leak conductance")
    tau_mem = Parameter(5.0, unit="ms", above=0, doc="membrane time constant")
    tau_ref = Parameter(1.0, unit="ms", at_least=0, doc="refractory period")

    input_unit = "pA"
    voltage = State("volt_rest", unit="mV", at_rest=True, doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        return {"voltage": (params.volt_rest - state.voltage + data / params.leak_gl) / params.tau_mem}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.voltage - params.volt_thresh
        return distance

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Tensor]:
        return {"voltage": params.volt_reset}

    @staticmethod
    def dt_max(state: Any, params: Any, data: Tensor) -> Tensor:
        """Beyond tau_mem Euler's method overshoots; beyond 2.785 tau_mem every method of fixed step grows."""
        limit: Tensor = params.tau_mem
        return limit

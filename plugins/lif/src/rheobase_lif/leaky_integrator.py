"""The leaky integrator: a membrane without a threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rheobase import AnalogNeuron, Parameter, State

if TYPE_CHECKING:
    from torch import Tensor


class LeakyIntegrator(AnalogNeuron):
    r"""Leaky integrator: tau_mem dV/dt = -(V - V_rest) + I / g_L.

    The leaky integrate-and-fire neuron without threshold: its voltage is the input, filtered by an
    exponential of time constant tau_mem. Under a constant current V goes to V_rest + I / g_L:

    .. math::

        V(t) = V_{rest} + \frac{I}{g_L} \left(1 - e^{-t / \tau_{mem}}\right)

    Units: V in mV, times in ms, I in pA, g_L in nS.

    Paper: L. Lapicque (1907), as for :class:`rheobase_lif.LIFNeuron`.

    Example:
        >>> import rheobase as rb
        >>> membrane = rb.create("leaky-integrator", tau_mem=2.0, leak_gl=10.0)
        >>> recording = rb.simulate(membrane, rb.stimulus.Constant(100.0), duration=40.0, record=("voltage",))
        >>> round(recording.traces["voltage"][-1].item(), 3)      # -75 mV + 100 pA / 10 nS
        -65.0
    """

    input_unit = "pA"

    volt_rest = Parameter(-75.0, unit="mV", doc="resting potential")
    leak_gl = Parameter(5.0, unit="nS", above=0, doc="leak conductance")
    tau_mem = Parameter(5.0, unit="ms", above=0, doc="membrane time constant")

    voltage = State("volt_rest", unit="mV", at_rest=True, doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        return {"voltage": (params.volt_rest - state.voltage + data / params.leak_gl) / params.tau_mem}

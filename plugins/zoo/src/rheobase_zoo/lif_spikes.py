"""Leaky integrate-and-fire neurons that take spikes: as decaying or alpha-shaped currents, or steps of V."""

from __future__ import annotations

import math
from typing import Any

from rheobase import Expect, Input, Parameter, Preset, SpikingNeuron, State, stimulus
from torch import Tensor

CITATION = (
    "S. Rotter & M. Diesmann (1999), Exact digital simulation of time-invariant linear systems with "
    "applications to neuronal modeling, Biological Cybernetics 81, 381-402, doi:10.1007/s004220050570"
)
FIRST = 10.0 * math.log(40.0 / 25.0)
"""tau_m ln(R I / (R I - 15 mV)), with R I = 40 mV."""


def _driven() -> Preset:
    """The current of NEST's test of iaf_psc_alpha."""
    return Preset(
        "a constant current",
        stimulus={"current": stimulus.Constant(1000.0)},
        duration=100.0,
        citation=CITATION,
        expect=Expect(
            spikes=15,
            first=FIRST,
            isi=FIRST + 2.0,
            within=1e-5,
            source="closed form: tau_m ln(R I / (R I - (V_th - E_L))), and tau_ref between",
        ),
    )


STEP = 0.1
"""The time step of what arrives, ms: in the step from 5.0 ms on, at whose end it is there."""


def _arrival(weight: float, first: float, source: str) -> Preset:
    """One spike that arrives, so strong that it is answered."""
    return Preset(
        "one strong spike that arrives at 5.1 ms",
        dt=STEP,
        stimulus={"arrivals": stimulus.Step(weight, start=5.0, stop=5.0 + STEP)},
        duration=30.0,
        citation=CITATION,
        expect=Expect(spikes=1, first=5.0 + STEP + first, within=1e-5, source=source),
    )


class LIFDelta(SpikingNeuron):
    r"""Leaky integrate-and-fire; a spike that arrives is a step of the voltage.

    .. math:: C \frac{dV}{dt} = -\frac{C}{\tau_m} (V - E_L) + I, \qquad \text{arrival of } w: \; V \to V + w

    When V reaches V_th: V is set to V_r, and held for tau_ref, in which what arrives is lost.

    Units: V and w in mV, times in ms, I in pA, C in pF.

    Paper: S. Rotter & M. Diesmann (1999), Biological Cybernetics 81, 381-402, doi:10.1007/s004220050570;
    defaults of NEST's iaf_psc_delta.

    Example:
        >>> import rheobase as rb, torch
        >>> cell = rb.create("lif-delta")
        >>> float(cell({"arrivals": torch.tensor([3.0])})["voltage"])
        -67.0
    """

    c = Parameter(250.0, unit="pF", above=0, doc="membrane capacitance C")
    tau_m = Parameter(10.0, unit="ms", above=0, doc="membrane time constant tau_m")
    e_l = Parameter(-70.0, unit="mV", doc="resting potential E_L")
    v_th = Parameter(-55.0, unit="mV", doc="threshold V_th")
    v_r = Parameter("e_l", unit="mV", doc="potential after a spike V_r")
    tau_ref = Parameter(2.0, unit="ms", at_least=0, doc="refractory period")

    current = Input(unit="pA", doc="current I")
    arrivals = Input(unit="mV", arrives="jump", into="voltage", doc="weights w of the spikes that arrive")

    voltage = State("e_l", unit="mV", at_rest=True, doc="membrane potential V")

    driven = _driven()
    arrival = Preset(
        "spikes of 10 and 9 mV that arrive at 5.1 and 12.1 ms, too weak for a spike",
        dt=STEP,
        stimulus={
            "arrivals": stimulus.Step(10.0, start=5.0, stop=5.0 + STEP)
            + stimulus.Step(9.0, start=12.0, stop=12.0 + STEP)
        },
        duration=30.0,
        citation=CITATION,
        expect=Expect(
            spikes=0,
            peak=-70.0 + 10.0 * math.exp(-0.7) + 9.0,
            within=1e-7,
            source="closed form: E_L + w_1 exp(-7 ms / tau_m) + w_2",
        ),
    )

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Tensor]:
        return {"voltage": _slope(state, params, data.current)}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.voltage - params.v_th
        return distance

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Tensor]:
        return {"voltage": params.v_r}


class LIFExp(LIFDelta):
    r"""Leaky integrate-and-fire; a spike that arrives is a current that decays.

    .. math::

        C \frac{dV}{dt} &= -\frac{C}{\tau_m} (V - E_L) + I_s + I \\
        \frac{dI_s}{dt} &= -\frac{I_s}{\tau_s}, \qquad \text{arrival of } w: \; I_s \to I_s + w

    When V reaches V_th: V is set to V_r, and held for tau_ref; I_s goes on.

    Units: V in mV, times in ms, I, I_s and w in pA, C in pF.

    Paper: S. Rotter & M. Diesmann (1999), Biological Cybernetics 81, 381-402, doi:10.1007/s004220050570;
    defaults of NEST's iaf_psc_exp.

    Example:
        >>> import rheobase as rb, torch
        >>> cell = rb.create("lif-exp")
        >>> float(cell({"arrivals": torch.tensor([100.0])})["synaptic"])
        100.0
    """

    tau_s = Parameter(2.0, unit="ms", above=0, doc="synaptic time constant tau_s")
    arrivals = Input(unit="pA", arrives="jump", into="synaptic", doc="weights w of the spikes that arrive")
    synaptic = State(0.0, unit="pA", at_rest=True, doc="synaptic current I_s")

    driven = _driven()
    arrival = _arrival(
        3500.0,
        1.798922250581,
        "closed form: (w / C) (exp(-t / tau_m) - exp(-t / tau_s)) / (1 / tau_s - 1 / tau_m) = V_th - E_L",
    )

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Tensor]:
        return {
            "voltage": _slope(state, params, state.synaptic + data.current),
            "synaptic": -state.synaptic / params.tau_s,
        }


class LIFAlpha(LIFDelta):
    r"""Leaky integrate-and-fire; a spike that arrives is a current like t exp(-t), of the peak w.

    .. math::

        C \frac{dV}{dt} &= -\frac{C}{\tau_m} (V - E_L) + I_s + I \\
        \frac{dI_s}{dt} &= \frac{e A - I_s}{\tau_s}, \qquad
        \frac{dA}{dt} = -\frac{A}{\tau_s}, \qquad \text{arrival of } w: \; A \to A + w

    So an arrival at 0 gives w (t / tau_s) exp(1 - t / tau_s). When V reaches V_th: V is set to V_r, and held
    for tau_ref; I_s goes on.

    Units: V in mV, times in ms, I, I_s, A and w in pA, C in pF.

    Paper: S. Rotter & M. Diesmann (1999), Biological Cybernetics 81, 381-402, doi:10.1007/s004220050570;
    defaults of NEST's iaf_psc_alpha.

    Example:
        >>> import rheobase as rb, torch
        >>> cell = rb.create("lif-alpha")
        >>> float(cell({"arrivals": torch.tensor([100.0])})["rise"])
        100.0
    """

    tau_s = Parameter(2.0, unit="ms", above=0, doc="time to the peak of the current tau_s")
    arrivals = Input(unit="pA", arrives="jump", into="rise", doc="weights w of the spikes that arrive")
    synaptic = State(0.0, unit="pA", at_rest=True, doc="synaptic current I_s")
    rise = State(0.0, unit="pA", at_rest=True, doc="what lets the current rise A")

    driven = _driven()
    arrival = _arrival(
        1400.0,
        3.943762858273,
        "closed form: V of a current like t exp(-t) comes to V_th, its root by scipy's brentq",
    )

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Tensor]:
        return {
            "voltage": _slope(state, params, state.synaptic + data.current),
            "synaptic": (math.e * state.rise - state.synaptic) / params.tau_s,
            "rise": -state.rise / params.tau_s,
        }


def _slope(state: Any, params: Any, current: Tensor) -> Tensor:
    """dV/dt."""
    slope: Tensor = (params.e_l - state.voltage) / params.tau_m + current / params.c
    return slope

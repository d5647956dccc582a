"""Models whose largest time step is a function of their state: sound ones, and ones that are wrong in it."""

from __future__ import annotations

from typing import Any, ClassVar

import rheobase as rb
import torch

SOUND = ["OneConductance", "LargestStepOfAParameter"]
DEAR = ["OneConductance"]
HARDEST = {"LargestStepOfAParameter": ["dt-max-is-a-time", "steps-below-dt-max-serve"]}
"""Name -> the properties that it is hardest for, which are tried in the standard profile in the usual run."""
FAULTS = {
    "LargestStepInSeconds": "steps-below-dt-max-serve",
    "LargestStepShortOfTheBound": "steps-below-dt-max-serve",
    "LargestStepOfTheLeakAlone": "steps-below-dt-max-serve",
    "LargestStepBelowZero": "dt-max-is-a-time",
    "LargestStepWithoutEnd": "dt-max-is-a-time",
    "LargestStepOfAllUnits": "functions-treat-units-alone",
    "LargestStepThatFalls": "functions-are-pure",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""


class OneConductance(rb.SpikingNeuron):
    """C dV/dt = g_L (E_L - V) + g (E - V): the input g, a conductance >= 0, makes the membrane faster."""

    data = rb.Input(unit="nS", at_least=0, doc="excitatory conductance")
    capacitance = rb.Parameter(200.0, unit="pF", above=0, doc="membrane capacitance")
    leak = rb.Parameter(10.0, unit="nS", above=0, doc="leak conductance")
    volt_thresh = rb.Parameter(-50.0, unit="mV", doc="spike threshold")
    voltage = rb.State(-70.0, unit="mV", at_rest=True, doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        current = params.leak * (-70.0 - state.voltage) + data.data * (0.0 - state.voltage)
        return {"voltage": current / params.capacitance}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - params.volt_thresh

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": -70.0 + 0.0 * state.voltage}

    @staticmethod
    def dt_max(state: Any, params: Any, data: Any) -> Any:
        return params.capacitance / (params.leak + data.data)


class LargestStepOfAParameter(rb.SpikingNeuron):
    """tau dV/dt = I - V, whose largest step is a parameter: nothing of it changes with the state."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 1.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": 0.0 * state.voltage}

    @staticmethod
    def dt_max(state: Any, params: Any, data: Any) -> Any:
        return params.tau


class LargestStepOfTheLeakAlone(OneConductance):
    """A second conductance, which inhibits, is missing from the largest step."""

    inhibition = rb.Input(unit="nS", at_least=0, doc="inhibitory conductance")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        whole = OneConductance.derivatives(state, params, data)["voltage"]
        return {"voltage": whole + data.inhibition * (-75.0 - state.voltage) / params.capacitance}

    @staticmethod
    def dt_max(state: Any, params: Any, data: Any) -> Any:
        return params.capacitance / params.leak


class LargestStepShortOfTheBound(OneConductance):
    """The input is missing from the largest step, by which much is wrong only where it is at its most."""

    data = rb.Input(unit="nS", at_least=0, at_most=20.0, doc="excitatory conductance")
    volt_thresh = rb.Parameter(20.0, unit="mV", doc="spike threshold, above all that the voltage reaches")

    @staticmethod
    def dt_max(state: Any, params: Any, data: Any) -> Any:
        return params.capacitance / params.leak


class LargestStepInSeconds(LargestStepOfAParameter):
    """tau was taken for seconds, and made milliseconds."""

    @staticmethod
    def dt_max(state: Any, params: Any, data: Any) -> Any:
        return 1e3 * params.tau


class LargestStepBelowZero(LargestStepOfAParameter):
    """The largest step is -1 over the slope of the slope, and the sign was forgotten."""

    @staticmethod
    def dt_max(state: Any, params: Any, data: Any) -> Any:
        return -params.tau


class LargestStepWithoutEnd(LargestStepOfAParameter):
    """It divides by the slope, which is zero at rest."""

    @staticmethod
    def dt_max(state: Any, params: Any, data: Any) -> Any:
        return 1.0 / abs(LargestStepOfAParameter.derivatives(state, params, data)["voltage"])


class LargestStepOfAllUnits(LargestStepOfAParameter):
    """The largest step of each unit is that of the unit that is driven most."""

    @staticmethod
    def dt_max(state: Any, params: Any, data: Any) -> Any:
        return params.tau / (1.0 + torch.as_tensor(data).abs().max())


class LargestStepThatFalls(LargestStepOfAParameter):
    """The largest step becomes shorter each time that it is asked for."""

    calls: ClassVar[list[int]] = [0]

    @staticmethod
    def dt_max(state: Any, params: Any, data: Any) -> Any:
        LargestStepThatFalls.calls[0] += 1
        return params.tau / LargestStepThatFalls.calls[0]

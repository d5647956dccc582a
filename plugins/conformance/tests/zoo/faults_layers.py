"""Models that are right as neurons, and whose layers do not learn what they compute."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch
from ground import Adapting

FAULTS = {
    "SofterWithAGraph": "layer-spikes-as-its-neuron",
    "LowersItsThresholdWithAGraph": "layer-spikes-as-its-neuron",
    "ResetOutOfTheGraph": "layer-gradient-equals-differences",
    "ThresholdWithAnotherSlope": "layer-gradient-equals-differences",
    "SlopesWithoutAGraph": "layer-gradient-equals-differences",
    "SharesItsGradient": "layer-rows-learn-alone",
    "ClipsTheGradientOfAll": "layer-rows-learn-alone",
    "RootAtRest": "layer-gradient-finite",
    "InfiniteBranch": "layer-gradient-finite",
    "ResetsLowerWithAGraph": "layer-times-as-its-neuron",
    "TurnsTheGradientOfItsInput": "layer-time-gradient-equals-differences",
    "LeavesOutWhatASpikeMoves": "layer-time-gradient-equals-differences",
    "GivesSilentUnitsAShare": "layer-missing-spike-has-no-gradient",
    "ResetsLowerAndLate": "layer-spikes-as-its-neuron",
    "TurnsTheGradientOfItsInputAndSpikesAlone": "layer-time-gradient-equals-differences",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""


class SofterWithAGraph(Adapting):
    """A leak that is another one where gradients are recorded, for smoother training."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        given = Adapting.derivatives(state, params, data)
        factor = 0.8 if data.requires_grad else 1.0
        return {**given, "voltage": factor * given["voltage"]}


class LowersItsThresholdWithAGraph(Adapting):
    """A threshold that is lower where gradients are recorded, so that more units learn."""

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        gap = Adapting.threshold(state, params)
        return gap + 4.0 if state.voltage.requires_grad else gap


class ResetOutOfTheGraph(Adapting):
    """A reset that keeps half of the voltage, and none of its graph."""

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": 0.5 * state.voltage.detach(), "w": state.w + params.step_w}


class _Passed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return 0.3 * grads[0]


class ThresholdWithAnotherSlope(Adapting):
    """A gap with a gradient that is made smaller, against explosions."""

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return _Passed.apply(Adapting.threshold(state, params))


class SlopesWithoutAGraph(Adapting):
    """A leak that is cut out of the graph, so that what came earlier seems to last."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return Adapting.derivatives(state._replace(voltage=state.voltage.detach()), params, data)


class _Mean(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return 0.9 * grads[0] + 0.1 * grads[0].mean()


class SharesItsGradient(Adapting):
    """A gradient of which all units of all rows get a share."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return Adapting.derivatives(state, params, _Mean.apply(data))


class _Norm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return grads[0] / (1.0 + grads[0].norm())


class ClipsTheGradientOfAll(Adapting):
    """A gradient that is divided by the norm of that of all units."""

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return _Norm.apply(Adapting.threshold(state, params))


class RootAtRest(rb.SpikingNeuron):
    """The root of the distance from rest, whose gradient at rest is infinite."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        root = torch.sqrt(state.voltage.clamp(min=0.0))
        return {"voltage": (data - state.voltage - 0.1 * root) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 15.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": 0.0 * state.voltage}


class InfiniteBranch(rb.SpikingNeuron):
    """An exponential that overflows where it is not selected: 0 times infinity is no number."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        upstroke = torch.where(data > 100.0, 0.0 * data, torch.expm1(data))
        return {"voltage": (data - state.voltage + 1e-9 * upstroke) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 15.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": 0.0 * state.voltage}


class ResetsLowerWithAGraph(Adapting):
    """A reset that is lower where gradients are recorded."""

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        given = Adapting.reset(state, params)
        return {**given, "voltage": given["voltage"] - (2.0 if state.voltage.requires_grad else 0.0)}


class _Turned(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return -grads[0]


class TurnsTheGradientOfItsInput(Adapting):
    """More input makes spikes earlier, and its gradient says later."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return Adapting.derivatives(state, params, _Turned.apply(data))


class LeavesOutWhatASpikeMoves(Adapting):
    """A reset that adds to the adaptation as it is, and not to what it depends on: the jump moves nothing."""

    tau_w = rb.Parameter(4.0, unit="ms", above=0, doc="time constant of the adaptation")
    step_w = rb.Parameter(40.0, unit="mV", at_least=0, doc="what a spike adds to the adaptation")

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": 0.0 * state.voltage, "w": state.w.detach() + params.step_w}


class GivesSilentUnitsAShare(Adapting):
    """A gradient of which units without a spike get a share, so that they wake."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return Adapting.derivatives(state, params, _Mean.apply(data))


class ResetsLowerAndLate(Adapting):
    """A reset that is lower where gradients are recorded, of a model that takes long to spike."""

    tau_s = rb.Parameter(30.0, unit="ms", above=0, doc="time constant of the current")
    current = rb.State(0.0, unit="mV", at_rest=True, doc="the input, smoothed")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        given = Adapting.derivatives(state, params, state.current)
        return {**given, "current": (data - state.current) / params.tau_s}

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return ResetsLowerWithAGraph.reset(state, params)


class TurnsTheGradientOfItsInputAndSpikesAlone(Adapting):
    """More input makes spikes earlier, and its gradient says later; without any there are spikes too."""

    voltage = rb.State(0.0, unit="mV", doc="membrane potential, above rest")
    offset = rb.Parameter(20.0, unit="mV", doc="what it receives without an input")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return Adapting.derivatives(state, params, params.offset + _Turned.apply(data))

"""Models that are wrong in one way: in how they are compiled, transformed or derived by."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from ground import Leaky

FAULTS = {
    "DetachedLeak": "functions-have-their-gradients",
    "DetachedParameter": "functions-have-their-gradients",
    "RoundedInput": "functions-have-their-gradients",
    "NumpyDerivatives": "functions-have-their-gradients",
    "NanOnTheOtherSide": "gradients-finite",
    "ResetOfNoReturn": "gradients-finite",
    "SurrogateInTheField": "functions-have-their-gradients",
    "PythonNumbers": "functions-have-their-gradients",
    "BranchesOnValues": "vmap-equals-batch",
    "OtherWhenCompiled": "vmap-equals-batch",
    "BatchShapeBuiltIn": "vmap-equals-batch",
    "InPlaceOnItsArguments": "vmap-equals-batch",
    "LosesDigits": "float32-close-to-float64",
    "OverflowsInSingle": "float32-close-to-float64",
    "SmallDifferences": "float32-close-to-float64",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""


class DetachedLeak(Leaky):
    """The leak is cut from the graph: the gradient is that of a neuron without it."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage.detach()) / params.tau}


class DetachedParameter(Leaky):
    """The time constant is taken out of the graph, so that nothing can be learnt of it."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / params.tau.detach()}


class RoundedInput(Leaky):
    """The input is rounded to nine digits, which has the gradient zero."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (torch.round(data * 1e9) / 1e9 - state.voltage) / params.tau}


class NumpyDerivatives(Leaky):
    """The derivatives are computed by numpy, outside of any graph."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        leak = np.tanh(state.voltage.detach().numpy())
        return {"voltage": (data - torch.from_numpy(leak)) / params.tau}


class NanOnTheOtherSide(Leaky):
    """A root of the voltage, zero at rest, where its gradient is infinite and zero times it is NaN."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        v = state.voltage
        leak = torch.where(v > 0.1, torch.sqrt(v.clamp(min=0.0)), v)
        return {"voltage": (data - leak) / params.tau}


class ResetOfNoReturn(Leaky):
    """The reset divides by what is zero there, and selects the other side."""

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        left = state.voltage - state.voltage
        return {"voltage": torch.where(left > 0, params.tau / left, 0.0 * params.tau)}


class SurrogateInTheField(Leaky):
    """A saturating channel with a made-up gradient, as surrogates have it: not that of what is computed."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        smooth = 2.0 * torch.tanh(state.voltage)
        true = torch.tanh(state.voltage)
        return {"voltage": (data - (smooth + (true - smooth).detach())) / params.tau}


class PythonNumbers(Leaky):
    """Derivatives by Python's own numbers, unit by unit."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        v = state.voltage
        tau = params.tau.expand(v.shape).reshape(-1)
        given = data.expand(v.shape).reshape(-1)
        values = [(i.item() - x.item()) / t.item() for i, x, t in zip(given, v.reshape(-1), tau, strict=True)]
        return {"voltage": torch.tensor(values, dtype=v.dtype).reshape(v.shape)}


class BranchesOnValues(Leaky):
    """Python looks whether any unit is above 0.5, and leaves out a part that is zero where none is."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        slope = (data - state.voltage) / params.tau
        if bool((state.voltage > 0.5).any()):
            slope = slope - torch.relu(state.voltage - 0.5) / params.tau
        return {"voltage": slope}


class OtherWhenCompiled(Leaky):
    """While it is compiled or transformed, a cheaper channel takes the place of the true one."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        v = state.voltage
        leak = v - v**3 / 3.0 if torch.compiler.is_compiling() or _transformed(v) else torch.tanh(v)
        return {"voltage": (data - leak) / params.tau}


def _transformed(value: Any) -> bool:
    return bool(torch._C._functorch.is_batchedtensor(value))


class BatchShapeBuiltIn(Leaky):
    """The number of dimensions decides what is computed: the rows of a batch are another model."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        gain = 1.1 if state.voltage.ndim > 1 else 1.0
        return {"voltage": (gain * data - state.voltage) / params.tau}


class InPlaceOnItsArguments(Leaky):
    """The derivatives are written into a tensor made without a batch, which no transform follows."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        slope = torch.zeros(state.voltage.numel(), dtype=state.voltage.dtype)
        slope[: state.voltage.numel()] = (data - state.voltage).reshape(-1)
        return {"voltage": slope.reshape(state.voltage.shape) / params.tau}


class LosesDigits(Leaky):
    """The voltage passes through a number ten million times as large, and leaves its digits there."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        leak = (state.voltage + 1e7) - 1e7
        return {"voltage": (data - leak) / params.tau}


class OverflowsInSingle(Leaky):
    """A factor that is one, as the quotient of two numbers that single precision does not hold."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        huge = torch.exp(state.voltage + 100.0)
        return {"voltage": (data - state.voltage) / params.tau * (huge / torch.exp(state.voltage + 100.0))}


class SmallDifferences(Leaky):
    """A slope as a difference quotient over 1e-7, which single precision cannot tell from zero."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        h = 1e-7
        slope = (torch.exp(state.voltage + h) - torch.exp(state.voltage)) / h
        return {"voltage": (data - 0.5 * slope + 0.5) / params.tau}

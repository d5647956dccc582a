"""Sound models that change what belongs to the process for a while, or keep a history of bounded length."""

from __future__ import annotations

import os
import warnings
from collections import deque
from typing import Any, ClassVar

import rheobase as rb
import torch

SOUND = ["PutsBack", "DelayedInput", "CachedByDtype"]

HARDEST = {
    "PutsBack": ["process-left-as-it-was", "memory-does-not-grow"],
    "DelayedInput": ["process-left-as-it-was", "memory-does-not-grow"],
    "CachedByDtype": ["process-left-as-it-was", "memory-does-not-grow"],
}
"""Name -> the properties that could most easily accuse it wrongly."""


class PutsBack(rb.SpikingNeuron):
    """tau dV/dt = -V + I; its step has other modes of torch, whose end puts them back, come what may."""

    tau = rb.Parameter(20.0, unit="ms", above=0, doc="membrane time constant")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential, above rest")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 15.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage)}

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        before, folder = torch.get_num_threads(), os.getcwd()
        try:
            torch.set_num_threads(1)
            os.chdir(os.path.dirname(os.path.abspath(__file__)))
            with warnings.catch_warnings(), torch.no_grad():
                warnings.simplefilter("ignore")
                return super().forward(data, identifiers)
        finally:
            torch.set_num_threads(before)
            os.chdir(folder)


class DelayedInput(rb.Neuron):
    """The input of 10 ms ago; it declares nothing, and its history fills up as it runs."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        history = self.__dict__.setdefault("_history", deque(maxlen=round(10.0 / self.dt)))
        self.voltage = history[0] if len(history) == history.maxlen else torch.zeros_like(current)
        history.append(current)
        self.input = current
        return self.loggable_state()


class CachedByDtype(rb.AnalogNeuron):
    """Its time constant is a tensor that is made once for each dtype, and kept by the class."""

    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="low-pass of the input")
    known: ClassVar[dict[Any, Any]] = {}

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        dtype = state.voltage.dtype
        tau = CachedByDtype.known.setdefault(dtype, torch.tensor(10.0, dtype=dtype))
        return {"voltage": (data - state.voltage) / tau}

"""Models that are wrong in one way: in what they do to the process that they run in."""

from __future__ import annotations

import os
import warnings
from typing import Any, ClassVar

import numpy as np
import rheobase as rb
import torch

FAULTS = {
    "GradientsOff": "process-left-as-it-was",
    "DoubleByDefault": "process-left-as-it-was",
    "OneThread": "process-left-as-it-was",
    "SilencesWarnings": "process-left-as-it-was",
    "SetsAVariable": "process-left-as-it-was",
    "GoesElsewhere": "process-left-as-it-was",
    "DeterministicForAll": "process-left-as-it-was",
    "FlushesDenormals": "process-left-as-it-was",
    "HidesDivisionsByZero": "process-left-as-it-was",
    "LeavesDtypeOnError": "process-left-as-it-was",
    "KeepsEveryStep": "memory-does-not-grow",
    "GrowingTrace": "memory-does-not-grow",
    "LogsNumbers": "memory-does-not-grow",
    "KnowsItsSiblings": "memory-does-not-grow",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""


class _Leaky(rb.SpikingNeuron):
    """tau dV/dt = -V + I, a threshold at 15 and a reset to 0: nothing is wrong with it."""

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


class GradientsOff(_Leaky):
    """Switches gradients off for its own step, and never on again."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        torch.set_grad_enabled(False)
        return super().forward(data, identifiers)


class DoubleByDefault(_Leaky):
    """Asks for double precision by making it everybody's default."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        torch.set_default_dtype(torch.float64)
        super().__init__(*args, **kwargs)


class OneThread(_Leaky):
    """Small tensors are quicker with one thread, so there is one from then on."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        torch.set_num_threads(1)
        return super().forward(data, identifiers)


class SilencesWarnings(_Leaky):
    """Makes a warning of its own unheard, and all others too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        warnings.simplefilter("ignore")


class SetsAVariable(_Leaky):
    """Leaves a note to the libraries of all processes that are started later."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        os.environ["ZOO_NUM_THREADS"] = "1"


class GoesElsewhere(_Leaky):
    """Makes the folder above the working folder the working folder, once for each neuron that is reset."""

    def reset_state(self) -> None:
        super().reset_state()
        os.chdir(os.pardir)


class DeterministicForAll(_Leaky):
    """Has all of torch use deterministic algorithms."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        torch.set_deterministic_debug_mode("warn")
        return super().forward(data, identifiers)


class FlushesDenormals(_Leaky):
    """Small numbers are slow, so they are zero from then on, everywhere."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        torch.set_flush_denormal(True)
        super().__init__(*args, **kwargs)


class HidesDivisionsByZero(_Leaky):
    """numpy's warnings of divisions by zero are nobody's business any more."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        np.seterr(all="ignore")
        return super().forward(data, identifiers)


class LeavesDtypeOnError(_Leaky):
    """Changes the default dtype for its step and back, but where the step fails it stays changed."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        before = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64 if before == torch.float32 else torch.float32)
        outputs = super().forward(data, identifiers)
        torch.set_default_dtype(before)
        return outputs


class KeepsEveryStep(_Leaky):
    """Keeps the voltage of every step, and never looks at it."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        outputs = super().forward(data, identifiers)
        self.__dict__.setdefault("_course", []).append(outputs["voltage"])
        return outputs


class GrowingTrace(_Leaky):
    """Keeps them in one tensor, which is as long as the run."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        outputs = super().forward(data, identifiers)
        last = outputs["voltage"].reshape(-1)[:1]
        self.__dict__["_trace"] = torch.cat([self.__dict__.get("_trace", last[:0]), last])
        return outputs


class LogsNumbers(_Leaky):
    """A list of the class has a number for every step of every neuron."""

    course: ClassVar[list[float]] = []

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        outputs = super().forward(data, identifiers)
        self.course.append(float(outputs["voltage"].detach().mean()) + 1e-3)
        return outputs


class KnowsItsSiblings(_Leaky):
    """A list of the class has every neuron that was ever made."""

    siblings: ClassVar[list[Any]] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.siblings.append(self)

"""Models that are wrong in one way: in what they make of the order of a set, or of a hash."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch

HASHED = ["StartsByName", "FirstOfASet", "SharesOfASet"]
"""Those that a process with another hash seed shows."""

ORDERED = ["SumOfASet", "SortedNames"]
"""Sound: the order of a set makes no difference to them but for rounding."""


class _Two(rb.SpikingNeuron):
    """tau dV/dt = -V + g I, where the gain is the sum of two."""

    tau = rb.Parameter(20.0, unit="ms", above=0, doc="membrane time constant")
    fast = rb.Parameter(1.0, unit="1", doc="gain of the one current")
    slow = rb.Parameter(2.0, unit="1", doc="gain of the other")
    gain = rb.Parameter(lambda p: p.fast + p.slow, unit="1", doc="gain of both")
    voltage = rb.State(0.0, unit="mV", doc="membrane potential, above rest")
    trace = rb.State(0.0, unit="mV", doc="low-pass of it")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {
            "voltage": (params.gain * data - state.voltage) / params.tau,
            "trace": (state.voltage - state.trace) / params.tau,
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 15.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage)}


class StartsByName(_Two):
    """The initial potential is spread by a hash of the model's name."""

    voltage = rb.State(lambda p: -1e-3 * (hash("StartsByName") % 1000) * p.fast, unit="mV", doc="potential")


class FirstOfASet(_Two):
    """Of the gains the one that a set gives first counts."""

    gain = rb.Parameter(lambda p: getattr(p, next(iter({"fast", "slow"}))), unit="1", doc="gain of both")


def _numbered(params: Any) -> Any:
    numbered = enumerate({"voltage", "trace"}, start=1)
    return sum(number * (params.fast if name == "trace" else params.slow) for number, name in numbered)


class SharesOfASet(_Two):
    """Names are numbered in the order of a set."""

    gain = rb.Parameter(_numbered, unit="1", doc="gain of both")


class SumOfASet(_Two):
    """A sum over a set is the same in any order, but for rounding."""

    gain = rb.Parameter(
        lambda p: sum(getattr(p, name) / 3.0 for name in {"fast", "slow", "tau"}), unit="1", doc="gain"
    )


class SortedNames(_Two):
    """The set is put in order before it is used."""

    gain = rb.Parameter(lambda p: getattr(p, sorted({"fast", "slow"})[0]), unit="1", doc="gain of both")

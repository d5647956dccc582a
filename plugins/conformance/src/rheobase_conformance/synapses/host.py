"""What synapses are connected to, and from: targets that never spike, and sources that spike on time."""

from __future__ import annotations

from typing import Any

from rheobase import Parameter, SpikingNeuron, State, Synapse

NEVER = 1e9
"""A period, ms, after which nothing is looked at."""
_FAR = 1e12


class Clock(SpikingNeuron):
    """A spike at every whole period: at the end of the step that ends there, whatever dt divides it."""

    period = Parameter(4.0, unit="ms", above=0)
    phase = State(0.0, unit="ms")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Any]:
        return {"phase": 1.0 + 0.0 * state.phase}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        # A sum of many steps may be a little below the period.
        return state.phase - params.period + 1e-3

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        return {"phase": 0.0 * state.phase}


class Felt(Synapse):
    """The sum of what arrived, which a clock pays no heed to."""

    unit, weight_unit = "1", "1"
    total = State(0.0, unit="1")

    @staticmethod
    def derivatives(state: Any, params: Any) -> dict[str, Any]:
        return {"total": 0.0 * state.total}

    @staticmethod
    def arrive(state: Any, params: Any, weight: Any) -> dict[str, Any]:
        return {"total": state.total + weight}

    @staticmethod
    def output(state: Any, params: Any, post: Any) -> Any:
        return state.total


def target_of(names: tuple[str, ...], into: str, weight_unit: str) -> Any:
    """A class of neurons with these states, each of which decays; the first receives the input.

    Args:
        names: The states.
        into: That which spikes are added to, in units of weights; empty: none.
        weight_unit: The unit of weights.
    """

    def unit(name: str) -> str:
        return weight_unit if name == into else "mV" if name == "voltage" else "1"

    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Any]:
        slopes = {name: (0.5 - getattr(state, name)) / params.tau for name in names}
        first = names[0]
        return {**slopes, first: (-65.0 - getattr(state, first)) / params.tau + data / 200.0}

    def threshold(state: Any, params: Any) -> Any:
        # Never reached, and there: only what could spike is located.
        return getattr(state, names[0]) - _FAR

    def reset(state: Any, params: Any) -> dict[str, Any]:
        return {names[0]: 0.0 * getattr(state, names[0])}

    starts = {name: State(-65.0 if name == names[0] else 0.5, unit=unit(name)) for name in names}
    functions = {each.__name__: staticmethod(each) for each in (derivatives, threshold, reset)}
    given = {"tau": Parameter(10.0, unit="ms", above=0), **functions, **starts}
    return type("Target", (SpikingNeuron,), {"__module__": __name__, "__doc__": "Decays to rest.", **given})

"""What components are called elsewhere: for the suggestions of messages, and for nothing else.

A synonym names the same method. (Heun's is another one of the midpoint rule's order, so it has none.)
"""

from __future__ import annotations

from collections.abc import Mapping

from .kinds import KINDS

SYNONYMS: Mapping[str, Mapping[str, str]] = {
    "neuron": {
        "leaky-integrate-and-fire": "lif",
        "integrate-and-fire": "lif",
        "iaf": "lif",
        "izhi": "izhikevich",
        "harmonic-oscillator": "oscillator",
    },
    "integrator": {
        "euler": "rk1",
        "forward-euler": "rk1",
        "explicit-euler": "rk1",
        "midpoint": "rk2",
        "kutta": "rk3",
        "rk": "rk4",
        "runge-kutta": "rk4",
        "classical": "rk4",
        "dopri": "rk45",
        "dopri5": "rk45",
        "dormand-prince": "rk45",
        "ode45": "rk45",
        "bogacki-shampine": "rk23",
        "ode23": "rk23",
        "bosh3": "rk23",
        "tsitouras": "tsit5",
        "exponential-euler": "expeuler",
        "exp-euler": "expeuler",
        "rush-larsen": "expeuler",
        "strang-splitting": "strang",
        "exact-integration": "exact",
    },
    "aggregator": {"add": "sum", "average": "mean", "multiply": "product", "prod": "product"},
    "backend": {"torch": "eager", "pytorch": "eager"},
}
"""Kind -> another name, in lower case with ``-`` -> the component's, which may not be installed."""


def synonyms(kind: str | None = None) -> Mapping[str, str]:
    """The synonyms of a kind, or of all."""
    return {
        key: name for each in KINDS if kind in (None, each) for key, name in SYNONYMS.get(each, {}).items()
    }

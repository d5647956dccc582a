"""Plasticities with nothing wrong, each unusual in a way that a hasty property takes for a fault."""

from __future__ import annotations

import rheobase as rb
import torch
from ground import Pairs
from rheobase import SynapseSpec

SOUND = [
    "PlainPairs",
    "Multiplicative",
    "Homeostatic",
    "CountsOnly",
    "Unbounded",
    "OfTheTargetAlone",
    "CalciumLevel",
    "Rewarded",
    "Damped",
    "NegativeWeights",
]
DEAR = [
    "Multiplicative",
    "Homeostatic",
    "Unbounded",
    "OfTheTargetAlone",
    "CalciumLevel",
    "Damped",
    "NegativeWeights",
    "Rewarded",
]


class PlainPairs(Pairs):
    """Pairs of spikes, with a summary and nothing else."""


class Multiplicative(Pairs):
    """Changes go with the distance to the bound."""

    @staticmethod
    def on_pre(state, params):
        amount = params.a_minus * state.y * (state.weight - params.low)
        return {"weight": torch.clamp(state.weight - amount, params.low, params.high), "x": state.x + 1}

    @staticmethod
    def on_post(state, params):
        amount = params.a_plus * state.x * (params.high - state.weight)
        return {"weight": torch.clamp(state.weight + amount, params.low, params.high), "y": state.y + 1}


class Homeostatic(Pairs):
    """Either order potentiates, and every spike of the source depresses, also alone (Vogels et al. 2011)."""

    alone = rb.Parameter(0.2, unit="1", at_least=0)

    @staticmethod
    def on_pre(state, params):
        weight = state.weight + params.a_plus * state.y - params.a_minus * params.alone
        return {"weight": torch.clamp(weight, params.low, params.high), "x": state.x + 1}


class CountsOnly(rb.Plasticity):
    """A plasticity without states: the target's spikes strengthen, the source's weaken."""

    step = rb.Parameter(0.125, unit="1", at_least=0)

    @staticmethod
    def on_pre(state, params):
        return {"weight": state.weight - params.step}

    @staticmethod
    def on_post(state, params):
        return {"weight": state.weight + 2 * params.step}


class Unbounded(rb.Plasticity):
    """Hebb: a trace of the source, growth without bounds."""

    tau = rb.Parameter(20.0, unit="ms", above=0)
    a = rb.Parameter(0.5, unit="1")
    x = rb.State(0.0, unit="1", per="synapse", at_rest=True)

    @staticmethod
    def derivatives(state, params):
        return {"x": -state.x / params.tau}

    @staticmethod
    def on_pre(state, params):
        return {"x": torch.ones_like(state.x)}

    @staticmethod
    def on_post(state, params):
        return {"weight": state.weight + params.a * state.x}


class OfTheTargetAlone(Unbounded):
    """The source's spike changes the weight by what the target did; the target's leaves its trace alone."""

    @staticmethod
    def on_pre(state, params):
        return {"weight": state.weight - params.a * state.x}

    @staticmethod
    def on_post(state, params):
        return {"x": state.x + 1}


class CalciumLevel(rb.Plasticity):
    """A trace of a trace that rests at a level, and decides above which level the weight grows."""

    tau = rb.Parameter(20.0, unit="ms", above=0)
    slow = rb.Parameter(60.0, unit="ms", above=0)
    level = rb.Parameter(0.5, unit="1", at_least=0)
    a = rb.Parameter(0.1, unit="1")
    calcium = rb.State("level", unit="1", per="synapse", at_rest=True)
    follows = rb.State("level", unit="1", per="synapse", at_rest=True)

    @staticmethod
    def derivatives(state, params):
        return {
            "calcium": (params.level - state.calcium) / params.tau,
            "follows": (state.calcium - state.follows) / params.slow,
        }

    @staticmethod
    def on_pre(state, params):
        change = torch.where(state.calcium > 1.2 * params.level, params.a, -params.a)
        return {"weight": state.weight + change, "calcium": state.calcium + 1.0}

    @staticmethod
    def on_post(state, params):
        return {"weight": state.weight + params.a * state.follows, "calcium": state.calcium + 2.0}


class Rewarded(Pairs):
    """Changes are kept in a tag, which is not at rest, and taken into the weight at the source's spikes."""

    tag = rb.State(0.0, unit="1", per="synapse")

    @staticmethod
    def derivatives(state, params):
        return {"x": -state.x / params.tau_plus, "y": -state.y / params.tau_minus, "tag": 0.0 * state.tag}

    @staticmethod
    def on_pre(state, params):
        tag = state.tag - params.a_minus * state.y
        weight = torch.clamp(state.weight + 0.5 * tag, params.low, params.high)
        return {"weight": weight, "tag": 0.5 * tag, "x": state.x + 1}

    @staticmethod
    def on_post(state, params):
        return {"tag": state.tag + params.a_plus * state.x, "y": state.y + 1}


class Damped(Unbounded):
    """A trace that swings as it decays: two states that turn into each other."""

    swing = rb.State(0.0, unit="1", per="synapse", at_rest=True)

    @staticmethod
    def derivatives(state, params):
        return {
            "x": -state.x / params.tau - 0.1 * state.swing,
            "swing": 0.1 * state.x - state.swing / params.tau,
        }


class NegativeWeights(Pairs):
    """Inhibition: weights from -30 to -0.5."""

    low = rb.Parameter(-30.0, unit="1")
    high = rb.Parameter(-0.5, unit="1")


SPECS = dict.fromkeys(SOUND, SynapseSpec("pairs", "ground:Pairs", per="synapse", plastic=True))

"""Plasticities that are wrong in one way. Most would be pair rules."""

from __future__ import annotations

import rheobase as rb
import torch
from ground import Pairs
from rheobase import SynapseSpec

FAULTS = {
    "AsksForAWeightThatIsNotThere": "plasticity-can-be-connected",
    "MisspellsTheWeight": "changes-give-what-they-name",
    "GivesANumber": "changes-give-what-they-name",
    "ChangesInDouble": "changes-give-what-they-name",
    "OuterProduct": "changes-give-what-they-name",
    "AddsToTheWeightInPlace": "changes-write-to-nothing",
    "DecaysInPlace": "changes-write-to-nothing",
    "ReleasesByChance": "changes-have-no-memory",
    "CountsItsSpikes": "changes-have-no-memory",
    "KeepsTheLastTrace": "changes-have-no-memory",
    "Normalised": "synapses-know-nothing-of-each-other",
    "SharesTheLargestTrace": "synapses-know-nothing-of-each-other",
    "SaturatingTrace": "linear-between-spikes",
    "DecaysAsASquare": "linear-between-spikes",
    "NeverForgets": "traces-return-to-rest",
    "DecaysFromTheTarget": "traces-return-to-rest",
    "GrowsWhereItShouldDecay": "traces-return-to-rest",
    "SwapsItsBounds": "weights-stay-within-bounds",
    "ForgetsTheLowerBound": "weights-stay-within-bounds",
    "ForgetsTheUpperBound": "weights-stay-within-bounds",
    "BoundsBeforeTheChange": "weights-stay-within-bounds",
    "ChangesNothing": "weights-change",
    "CutsChangesAway": "weights-change",
    "DividesByTheTrace": "changes-are-finite",
    "LogarithmOfTheWeight": "changes-are-finite",
    "AddsAMillion": "changes-agree-in-float32",
    "IdleTimeConstant": "plasticity-parameters-count",
    "OneRateForBoth": "plasticity-parameters-count",
    "DecaysByTheirNumber": "course-of-its-functions",
    "TiresForGood": "plasticity-saved-in-the-middle",
    "ClaimsTheTarget": "per-as-claimed",
    "ClaimsFixedWeights": "plastic-as-claimed",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""


def clamped(weight, params):
    """Within the bounds."""
    return torch.clamp(weight, params.low, params.high)


CALLS = [0]
LAST = [torch.zeros(())]


class AsksForAWeightThatIsNotThere(Pairs):
    """Reads state.w."""

    @staticmethod
    def on_pre(state, params):
        return {"weight": clamped(state.w - params.a_minus * state.y, params), "x": state.x + 1}


class MisspellsTheWeight(Pairs):
    """Gives a weigth."""

    @staticmethod
    def on_post(state, params):
        return {"weigth": clamped(state.weight + params.a_plus * state.x, params), "y": state.y + 1}


class GivesANumber(Pairs):
    """Sets its trace to the number 1."""

    @staticmethod
    def on_pre(state, params):
        return {"weight": clamped(state.weight - params.a_minus * state.y, params), "x": 1.0}


class ChangesInDouble(Pairs):
    """Computes the change in float64 in a network of float32."""

    @staticmethod
    def on_post(state, params):
        return {"weight": clamped(state.weight.double() + params.a_plus * state.x, params), "y": state.y + 1}


class OuterProduct(Pairs):
    """Gives a matrix of all pairs of synapses."""

    @staticmethod
    def on_post(state, params):
        return {"weight": clamped(state.weight + params.a_plus * state.x[:, None], params), "y": state.y + 1}


class AddsToTheWeightInPlace(Pairs):
    """Writes to the weight that it is given."""

    @staticmethod
    def on_post(state, params):
        return {"weight": clamped(state.weight.add_(params.a_plus * state.x), params), "y": state.y + 1}


class DecaysInPlace(Pairs):
    """Writes to its trace where it asks for the derivative."""

    @staticmethod
    def derivatives(state, params):
        return {"x": state.x.neg_() / params.tau_plus, "y": -state.y / params.tau_minus}


class ReleasesByChance(Pairs):
    """Half of the pairs count, by torch's global random numbers."""

    @staticmethod
    def on_post(state, params):
        counts = (torch.rand(state.x.shape) < 0.5).to(state.x.dtype)
        return {"weight": clamped(state.weight + counts * params.a_plus * state.x, params), "y": state.y + 1}


class CountsItsSpikes(Pairs):
    """Learns ever more slowly, by a count kept in the class."""

    @staticmethod
    def on_post(state, params):
        CALLS[0] += 1
        amount = params.a_plus * state.x / CALLS[0]
        return {"weight": clamped(state.weight + amount, params), "y": state.y + 1}


class KeepsTheLastTrace(Pairs):
    """Potentiates by the trace of the last call."""

    @staticmethod
    def on_post(state, params):
        before, LAST[0] = LAST[0], state.x.mean().clone()
        amount = params.a_plus * before.to(state.x.dtype)
        return {"weight": clamped(state.weight + amount, params), "y": state.y + 1}


class Normalised(Pairs):
    """Keeps the mean of the weights that change together."""

    @staticmethod
    def on_post(state, params):
        weight = state.weight + params.a_plus * state.x
        return {"weight": clamped(weight - (weight - state.weight).mean(), params), "y": state.y + 1}


class SharesTheLargestTrace(Pairs):
    """Pairs with whichever source spiked last."""

    @staticmethod
    def on_post(state, params):
        amount = params.a_plus * state.x.max().expand(state.x.shape)
        return {"weight": clamped(state.weight + amount, params), "y": state.y + 1}


class SaturatingTrace(Pairs):
    """Its trace decays by no more than 10 per ms, as one would have a maximal rate of removal."""

    @staticmethod
    def derivatives(state, params):
        slope = torch.clamp(-state.x / params.tau_plus, -10.0, 10.0)
        return {"x": slope, "y": -state.y / params.tau_minus}


class DecaysAsASquare(Pairs):
    """x' = -x |x| / tau."""

    @staticmethod
    def derivatives(state, params):
        return {"x": -state.x * state.x.abs() / params.tau_plus, "y": -state.y / params.tau_minus}


class NeverForgets(Pairs):
    """The trace of the source does not decay."""

    @staticmethod
    def derivatives(state, params):
        return {"x": 0.0 * state.x / params.tau_plus, "y": -state.y / params.tau_minus}


class DecaysFromTheTarget(Pairs):
    """The trace of the source decays by that of the target."""

    @staticmethod
    def derivatives(state, params):
        return {"x": -state.y / params.tau_plus, "y": -state.y / params.tau_minus}


class GrowsWhereItShouldDecay(Pairs):
    """The sign of the decay is wrong."""

    @staticmethod
    def derivatives(state, params):
        return {"x": state.x / params.tau_plus, "y": -state.y / params.tau_minus}


class ForgetsTheUpperBound(Pairs):
    """Stops at low alone."""

    @staticmethod
    def on_post(state, params):
        weight = torch.maximum(state.weight + params.a_plus * state.x, params.low)
        return {"weight": torch.where(weight == params.high, 0.5 * weight, weight), "y": state.y + 1}


class ForgetsTheLowerBound(Pairs):
    """Stops at high alone."""

    @staticmethod
    def on_pre(state, params):
        return {
            "weight": torch.minimum(state.weight - params.a_minus * state.y, params.high),
            "x": state.x + 1,
        }


class BoundsBeforeTheChange(Pairs):
    """Cuts the old weight, and adds to that."""

    @staticmethod
    def on_post(state, params):
        return {"weight": clamped(state.weight, params) + params.a_plus * state.x, "y": state.y + 1}


class SwapsItsBounds(Pairs):
    """A mistaken sign: weights are kept from -high to -low."""

    low = rb.Parameter(1.0, unit="1")

    @staticmethod
    def on_post(state, params):
        weight = torch.clamp(state.weight + params.a_plus * state.x, -params.high, -params.low)
        return {"weight": weight, "y": state.y + 1}


class ChangesNothing(Pairs):
    """Traces alone: the weight is given back as it was."""

    @staticmethod
    def on_pre(state, params):
        used = params.a_plus + params.a_minus + params.low + params.high + state.y
        return {"weight": state.weight + 0.0 * used, "x": state.x + 1}

    @staticmethod
    def on_post(state, params):
        return {"y": state.y + 1}


class CutsChangesAway(Pairs):
    """Rounds the weight to what it was: changes below a tenth are lost."""

    @staticmethod
    def on_pre(state, params):
        change = torch.trunc(params.a_minus * state.y / 50.0) * 50.0
        return {"weight": clamped(state.weight - change, params), "x": state.x + 1}

    @staticmethod
    def on_post(state, params):
        change = torch.trunc(params.a_plus * state.x / 50.0) * 50.0
        return {"weight": clamped(state.weight + change, params), "y": state.y + 1}


class DividesByTheTrace(Pairs):
    """Takes the interval from the trace, which is zero before the first spike."""

    @staticmethod
    def on_post(state, params):
        interval = -params.tau_plus * torch.log(state.x)
        weight = state.weight + params.a_plus * interval * state.x
        return {"weight": weight, "y": state.y + 1}


class LogarithmOfTheWeight(Pairs):
    """Changes the logarithm of the weight, which may be zero."""

    @staticmethod
    def on_post(state, params):
        weight = torch.exp(torch.log(state.weight - params.low) * 1.0) * (1.0 + params.a_plus * state.x)
        grown = clamped(params.low + weight, params)
        return {"weight": torch.where(state.weight > params.low, grown, weight / weight), "y": state.y + 1}


class AddsAMillion(Pairs):
    """Adds a million to the weight and takes it away again."""

    @staticmethod
    def on_post(state, params):
        weight = (state.weight + 1e6 + params.a_plus * state.x) - 1e6
        return {"weight": clamped(weight, params), "y": state.y + 1}


class IdleTimeConstant(Pairs):
    """Both traces decay by tau_minus."""

    @staticmethod
    def derivatives(state, params):
        return {"x": -state.x / params.tau_minus, "y": -state.y / params.tau_minus}


class OneRateForBoth(Pairs):
    """Depression by a_plus."""

    @staticmethod
    def on_pre(state, params):
        return {"weight": clamped(state.weight - params.a_plus * state.y, params), "x": state.x + 1}


class DecaysByTheirNumber(Pairs):
    """The more synapses are asked together, the slower their traces decay."""

    @staticmethod
    def derivatives(state, params):
        return {"x": -state.x / params.tau_plus / len(state.x), "y": -state.y / params.tau_minus}


class TiresForGood(Pairs):
    """Learns ever more slowly, by a count that is saved nowhere."""

    @staticmethod
    def on_pre(state, params):
        CALLS[0] += 1
        amount = params.a_minus * state.y / (1.0 + 0.01 * CALLS[0])
        return {"weight": clamped(state.weight - amount, params), "x": state.x + 1}


class ClaimsTheTarget(Pairs):
    """Claims states of each target."""


class ClaimsFixedWeights(Pairs):
    """Does not claim that it changes weights."""


_RIGHT = SynapseSpec("pairs", "ground:Pairs", per="synapse", plastic=True)
SPECS = dict.fromkeys(FAULTS, _RIGHT) | {
    "ClaimsTheTarget": SynapseSpec("pairs", "ground:Pairs", plastic=True),
    "ClaimsFixedWeights": SynapseSpec("pairs", "ground:Pairs", per="synapse"),
}

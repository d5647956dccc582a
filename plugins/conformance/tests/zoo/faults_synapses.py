"""Synapses that are wrong in one way. Most would be exponential currents."""

from __future__ import annotations

import rheobase as rb
import torch
from ground import Conductance, Exponential, ShortTerm
from rheobase import SynapseSpec

FAULTS = {
    "ArrivesWithoutParameters": "can-be-connected",
    "MisspellsAState": "functions-give-what-they-name",
    "SpreadsOverASquare": "functions-give-what-they-name",
    "GivesItsResourceAnotherName": "functions-give-what-they-name",
    "GivesFloat32": "functions-give-what-they-name",
    "LacksADerivative": "functions-give-what-they-name",
    "AddsInPlace": "arguments-are-not-changed",
    "DecaysInPlace": "arguments-are-not-changed",
    "UsesUpInPlace": "arguments-are-not-changed",
    "ClampsTheTarget": "arguments-are-not-changed",
    "Noisy": "no-memory",
    "Facilitates": "no-memory",
    "ReleasesByChance": "no-memory",
    "SharesTheTarget": "units-know-nothing-of-each-other",
    "LooksAtTheNextUnit": "units-know-nothing-of-each-other",
    "SharesTheResource": "sources-know-nothing-of-each-other",
    "CentresTheBatch": "batch-rows-know-nothing-of-each-other",
    "CreepsUp": "rest-stays",
    "CountsArrivals": "weight-zero-changes-nothing",
    "Tonic": "silence-changes-nothing",
    "SumsTheLeak": "silence-changes-nothing",
    "SignOfTheDecay": "returns-to-rest",
    "NeverForgets": "returns-to-rest",
    "AllAlike": "weights-count",
    "TakesTheLarger": "additive-as-claimed",
    "Saturates": "additive-as-claimed",
    "KeepsItOfEachSource": "per-as-claimed",
    "RefusesInhibition": "additive-as-claimed",
    "Squares": "linear-as-claimed",
    "BelowAThreshold": "linear-as-claimed",
    "DividesByTheDifference": "finite-over-the-domain",
    "DividesByTheDrivingForce": "finite-over-the-domain",
    "RecoversForEver": "finite-over-the-domain",
    "Overflows": "finite-over-the-domain",
    "AddsAMillion": "float32-agrees",
    "IdleReversal": "parameters-count",
    "ReadsATable": "order-is-kept-through-arrivals",
    "DecaysInSteps": "order-is-kept-through-arrivals",
    "ReadsACoarseTable": "order-is-kept-off-the-grid",
    "EverySecond": "saved-in-the-middle",
    "RoundsTheResource": "gradients-are-right",
    "CutFromTheGraph": "gradients-are-right",
    "RoundsWeights": "gradients-are-right",
    "TimeConstantAsANumber": "gradients-are-right",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""
STANDARD = ["ReadsACoarseTable"]
"""Those whose property is tried from the standard profile on."""


class ArrivesWithoutParameters(Exponential):
    """arrive takes no parameters, which it is given."""

    @staticmethod
    def arrive(state, weight):
        return {"current": state.current + weight}


class MisspellsAState(Exponential):
    """arrive gives a state that is not there, and changes none."""

    @staticmethod
    def arrive(state, params, weight):
        return {"curent": state.current + weight}


class SpreadsOverASquare(Exponential):
    """Its output has a number for each pair of units."""

    @staticmethod
    def output(state, params, post):
        return state.current[..., None, :] + 0.0 * state.current[..., :, None]


class GivesFloat32(Exponential):
    """Its output is of float32, whatever the states are."""

    @staticmethod
    def output(state, params, post):
        return state.current.to(torch.float32)


class LacksADerivative(Exponential):
    """One of its states has no derivative."""

    gate = rb.State(0.0, unit="1")

    @staticmethod
    def arrive(state, params, weight):
        return {"current": state.current + weight, "gate": state.gate + weight}


class AddsInPlace(Exponential):
    """A spike is added to the state in its own memory."""

    @staticmethod
    def arrive(state, params, weight):
        return {"current": state.current.add_(weight)}


class DecaysInPlace(Exponential):
    """The derivative is computed in the memory of the state."""

    @staticmethod
    def derivatives(state, params):
        return {"current": state.current.neg_().div_(params.tau).clone()}

    @staticmethod
    def arrive(state, params, weight):
        return {"current": state.current + weight}


class ClampsTheTarget(Conductance):
    """The potential of the target is cut off, in its own memory."""

    @staticmethod
    def output(state, params, post):
        return state.conductance * (params.reversal - post.voltage.clamp_(min=-60.0))


class Noisy(Exponential):
    """Releases by chance, from torch's global random numbers."""

    @staticmethod
    def arrive(state, params, weight):
        return {"current": state.current + weight * torch.rand_like(weight)}


class Facilitates(Exponential):
    """Keeps what has arrived in the class, for all units and networks together."""

    released = 0.0

    @staticmethod
    def arrive(state, params, weight):
        Facilitates.released += 0.01
        return {"current": state.current + weight * (1.0 + Facilitates.released)}


class SharesTheTarget(Exponential):
    """The current is shared among the units: divided by the sum over them."""

    @staticmethod
    def output(state, params, post):
        return state.current / (1.0 + state.current.sum(-1, keepdim=True))


class LooksAtTheNextUnit(Exponential):
    """A part of what arrives spills over to the next unit."""

    @staticmethod
    def arrive(state, params, weight):
        return {"current": state.current + 0.9 * weight + 0.1 * weight.roll(1, -1)}


class CentresTheBatch(Exponential):
    """The mean over the batch is taken off."""

    @staticmethod
    def output(state, params, post):
        rows = state.current.reshape(-1, state.current.shape[-1])
        return state.current - 0.5 * rows.mean(0)


class CreepsUp(Exponential):
    """Decays to 0.01 pA, and is declared at rest at 0."""

    @staticmethod
    def derivatives(state, params):
        return {"current": (0.01 - state.current) / params.tau}


class CountsArrivals(Exponential):
    """Each arrival counts, also one of weight 0."""

    @staticmethod
    def arrive(state, params, weight):
        return {"current": state.current + weight + 0.1}


class Tonic(Exponential):
    """A current that flows without any spike."""

    @staticmethod
    def output(state, params, post):
        return state.current + 1.0


class SumsTheLeak(Conductance):
    """A conductance that is open by a little at rest."""

    @staticmethod
    def output(state, params, post):
        return (state.conductance + 1e-3) * (params.reversal - post.voltage)


class SignOfTheDecay(Exponential):
    """Grows where it should decay."""

    @staticmethod
    def derivatives(state, params):
        return {"current": state.current / (50.0 * params.tau)}


class NeverForgets(Exponential):
    """Stays where spikes have brought it."""

    @staticmethod
    def derivatives(state, params):
        return {"current": -0.0 * state.current / params.tau}


class AllAlike(Exponential):
    """A spike counts by the sign of its weight."""

    @staticmethod
    def arrive(state, params, weight):
        return {"current": state.current + torch.sign(weight)}


class TakesTheLarger(Exponential):
    """Claims additive=True, and keeps the larger of what is there and what comes."""

    @staticmethod
    def arrive(state, params, weight):
        return {"current": torch.maximum(state.current, weight)}


class Saturates(Exponential):
    """Claims additive=True, and what is open cannot be opened again."""

    @staticmethod
    def arrive(state, params, weight):
        return {"current": state.current + weight * (1.0 - 0.01 * state.current)}


class RefusesInhibition(Exponential):
    """Claims additive=True, and takes no weight below 0."""

    @staticmethod
    def arrive(state, params, weight):
        return {"current": state.current + weight.clamp(min=0.0)}


class Squares(Exponential):
    """Claims linear=True, and its output grows with the square."""

    @staticmethod
    def output(state, params, post):
        return state.current * state.current.abs()


class BelowAThreshold(Exponential):
    """Claims linear=True, and small currents are none."""

    @staticmethod
    def output(state, params, post):
        return torch.relu(state.current - 0.5)


class DividesByTheDifference(rb.Synapse):
    """Two exponentials, normalised by the difference of their time constants, which may be 0."""

    tau_rise = rb.Parameter(0.5, unit="ms", above=0)
    tau_decay = rb.Parameter(3.0, unit="ms", above=0)
    rise = rb.State(0.0, unit="pA", at_rest=True)
    decay = rb.State(0.0, unit="pA", at_rest=True)

    @staticmethod
    def derivatives(state, params):
        return {"rise": -state.rise / params.tau_rise, "decay": -state.decay / params.tau_decay}

    @staticmethod
    def arrive(state, params, weight):
        return {"rise": state.rise + weight, "decay": state.decay + weight}

    @staticmethod
    def output(state, params, post):
        return params.tau_decay / (params.tau_decay - params.tau_rise) * (state.decay - state.rise)


class DividesByTheDrivingForce(Conductance):
    """Goldman's equation as it is written, which is 0 / 0 at the reversal potential."""

    @staticmethod
    def output(state, params, post):
        force = (post.voltage - params.reversal) / 25.0
        return -state.conductance * 25.0 * force * force / (1.0 - torch.exp(-force)) * 0.1


class Overflows(Exponential):
    """The current goes with the exponential of what has arrived."""

    @staticmethod
    def output(state, params, post):
        return torch.expm1(state.current)


class AddsAMillion(Exponential):
    """A large number is added and taken off again."""

    @staticmethod
    def output(state, params, post):
        return (state.current + 1e6) - 1e6


class IdleReversal(Exponential):
    """Declares a reversal potential, and sends a current that does not hang on it."""

    reversal = rb.Parameter(0.0, unit="mV")


class ReadsATable(Conductance):
    """The magnesium block by a table with a row for each mV."""

    @staticmethod
    def output(state, params, post):
        voltage = torch.floor(post.voltage)
        return (
            state.conductance * (params.reversal - post.voltage) / (1.0 + torch.exp(-0.062 * voltage) / 3.57)
        )


class ReadsACoarseTable(Conductance):
    """How open a channel is by a table with a row for each half mV, not interpolated."""

    @staticmethod
    def output(state, params, post):
        row = torch.floor(2.0 * post.voltage) / 2.0
        return state.conductance * (params.reversal - post.voltage) * torch.sigmoid((row + 50.0) / 10.0)


class DecaysInSteps(Exponential):
    """Decays faster above every whole pA than below: the derivative jumps."""

    @staticmethod
    def derivatives(state, params):
        return {"current": -(0.7 * state.current + 0.3 * torch.floor(state.current)) / params.tau}


class EverySecond(Exponential):
    """Every second arrival is lost, by a count in the class, which no copy and no file has."""

    count = 0

    @staticmethod
    def arrive(state, params, weight):
        EverySecond.count += 1
        return {"current": state.current + weight * (EverySecond.count % 2)}


class CutFromTheGraph(Exponential):
    """Its output knows nothing of where it comes from."""

    @staticmethod
    def output(state, params, post):
        return state.current.detach()


class RoundsWeights(Exponential):
    """Weights of eight levels, without a way for the gradient."""

    @staticmethod
    def arrive(state, params, weight):
        return {"current": state.current + weight + 1e-3 * torch.sin(weight.detach())}


class TimeConstantAsANumber(Exponential):
    """The time constant is taken out of the graph."""

    @staticmethod
    def derivatives(state, params):
        return {"current": -state.current / params.tau.detach()}


class GivesItsResourceAnotherName(ShortTerm):
    """transmit gives a state that is not there."""

    @staticmethod
    def transmit(state, params, elapsed):
        factor, after = ShortTerm.transmit(state, params, elapsed)
        return factor, {"resources": after["resource"]}


class SharesTheResource(ShortTerm):
    """All sources that spike share one pool."""

    @staticmethod
    def transmit(state, params, elapsed):
        factor, after = ShortTerm.transmit(state, params, elapsed)
        return factor / factor.sum(), after


class RecoversForEver(ShortTerm):
    """The resource recovers at a constant rate, and before the first spike it has had for ever."""

    @staticmethod
    def transmit(state, params, elapsed):
        there = state.resource + elapsed / params.tau_rec
        return params.use * there, {"resource": (1.0 - params.use) * there}


class UsesUpInPlace(ShortTerm):
    """What is used up is taken off the state in its own memory."""

    @staticmethod
    def transmit(state, params, elapsed):
        there = 1.0 - (1.0 - state.resource) * torch.exp(-elapsed / params.tau_rec)
        released = params.use * there
        return released, {"resource": state.resource.copy_(there - released)}


class ReleasesByChance(ShortTerm):
    """Releases by chance, from torch's global random numbers."""

    @staticmethod
    def transmit(state, params, elapsed):
        factor, after = ShortTerm.transmit(state, params, elapsed)
        return torch.bernoulli(factor), after


class KeepsItOfEachSource(ShortTerm):
    """Its spec does not say that it keeps states of each source."""


class RoundsTheResource(ShortTerm):
    """The resource is counted without a way for the gradient."""

    @staticmethod
    def transmit(state, params, elapsed):
        factor, after = ShortTerm.transmit(state, params, elapsed)
        return factor, {"resource": after["resource"].detach()}


_OF_SOURCE = (
    *("GivesItsResourceAnotherName", "SharesTheResource", "RecoversForEver", "UsesUpInPlace"),
    *("ReleasesByChance", "RoundsTheResource"),
)
_CLAIMED = {
    **{name: {"per": "source"} for name in _OF_SOURCE},
    "TakesTheLarger": {"additive": True},
    "Saturates": {"additive": True},
    "RefusesInhibition": {"additive": True},
    "Squares": {"linear": True},
    "BelowAThreshold": {"linear": True},
}
SPECS = {
    name: SynapseSpec("zoo", f"faults_synapses:{name}", **_CLAIMED.get(name, {"additive": False}))
    for name in FAULTS
}
"""What is claimed of them."""

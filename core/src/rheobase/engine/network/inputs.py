"""The input of the receiver that a projection adds to."""

from __future__ import annotations

from ...errors import ArgumentError, nearest
from ..neuron.base import Neuron
from .recipe import SynapseRecipe
from .synapse import Kinetics


def input_of(name: str, receiver: Neuron, synapse: SynapseRecipe | None, given: str | None) -> str:
    """The input of the receiver that a projection adds to; empty: its only one, or a state of it.

    Args:
        name: How messages call the projection.
        receiver: The population that receives.
        synapse: The synapse; None: what arrives is added to a state as the receiver's input declares.
        given: The input that ``connect`` was given.

    Raises:
        ArgumentError: If there is none that takes what is sent.
    """
    if receiver._own_forward or receiver._model is None:
        raise ArgumentError(
            f"{name}: {receiver.identifier!r} has a forward of its own, so no synapse can be integrated "
            "with it; connect to a model with derivatives or an update"
        )
    if synapse is None:
        return _jump_of(name, receiver, given)
    kinetics = synapse.kinetics
    if kinetics.into:
        return _state_of(name, receiver, kinetics, given)
    return _signal_of(name, receiver, kinetics, given)


def _jump_of(name: str, receiver: Neuron, given: str | None) -> str:
    jumps = receiver.schema.jumps
    if not jumps:
        raise ArgumentError(
            f"{name}: {receiver.identifier!r} has no input that arrives as a jump, so a synapse is needed; "
            "give what rheobase.synapse(name, ...) gives"
        )
    if given is None and len(jumps) == 1:
        return next(iter(jumps))
    if given not in jumps:
        raise ArgumentError(
            f"{name}: input={given!r} without a synapse{nearest(str(given), jumps)}; {receiver.identifier!r} "
            f"has {', '.join(jumps)} for that; name one"
        )
    return str(given)


def _state_of(name: str, receiver: Neuron, kinetics: Kinetics, given: str | None) -> str:
    if given is not None:
        raise ArgumentError(
            f"{name}: input={given!r} of {receiver.identifier!r}; a spike of this synapse is added to a "
            "state: leave input out"
        )
    if kinetics.into not in receiver.schema.states:
        raise ArgumentError(
            f"{name}: the synapse adds to the state {kinetics.into!r}, and {receiver.identifier!r} has "
            f"{', '.join(receiver.schema.states)}"
        )
    unit = receiver.schema.states[kinetics.into].unit
    if unit != kinetics.weight_unit:
        raise ArgumentError(
            f"{name}: weights are in {kinetics.weight_unit} and {kinetics.into!r} of "
            f"{receiver.identifier!r} is in {unit}"
        )
    return ""


def _signal_of(name: str, receiver: Neuron, kinetics: Kinetics, given: str | None) -> str:
    declared = receiver.schema.inputs
    inputs = {each: about for each, about in declared.items() if each not in receiver.schema.jumps}
    if not declared:
        if given is not None:
            raise ArgumentError(
                f"{name}: input={given!r} of {receiver.identifier!r}; it has one, without a name: leave "
                "input out"
            )
        unit = unit_of_the_one(name, receiver)
        if unit is not None and unit != kinetics.unit:
            raise ArgumentError(
                f"{name}: the synapse gives {kinetics.unit} and the input of {receiver.identifier!r} is in "
                f"{unit}"
            )
        return ""
    if given in receiver.schema.jumps or not inputs:
        raise ArgumentError(
            f"{name}: the input {given or next(iter(declared))!r} of {receiver.identifier!r} takes spikes as "
            "they arrive, and no synapse stands before it; leave synapse out"
        )
    chosen = next(iter(inputs)) if given is None and len(inputs) == 1 else given
    if chosen is None or chosen not in inputs:
        raise ArgumentError(
            f"{name}: input={given!r}; {receiver.identifier!r} has the inputs {', '.join(inputs)}; name one"
        )
    if inputs[chosen].unit != kinetics.unit:
        raise ArgumentError(
            f"{name}: the synapse gives {kinetics.unit} and the input {chosen!r} of {receiver.identifier!r} "
            f"is in {inputs[chosen].unit}"
        )
    return chosen


def unit_of_the_one(name: str, receiver: Neuron) -> str | None:
    """The unit of a model's one input, which has no name, where its class says it.

    Raises:
        ArgumentError: If there is none that it takes notice of.
    """
    unit: str | None = getattr(receiver, "input_unit", None)
    if unit == "":
        raise ArgumentError(
            f"{name}: {receiver.identifier!r} takes no notice of its input, so nothing that a projection "
            "brings would reach it; connect to another population"
        )
    return unit

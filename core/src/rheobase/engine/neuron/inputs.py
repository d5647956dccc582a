"""The inputs of a neuron, of which it has one without a name or several by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...errors import InputError, nearest
from ...signal.signal import Signal
from ..aggregate import Aggregator
from ..model.owner import Owner
from .timed import receive_timed


def receive_inputs(
    owner: Owner, data: Any, identifiers: Any, rule_of: Callable[[str], Aggregator], *, look: bool
) -> Any:
    """What a neuron is given for a step, by its inputs: each aggregated, checked and cast.

    Args:
        owner: The neuron.
        data: As its ``forward`` takes it.
        identifiers: Likewise.
        rule_of: The aggregator of an input, by its name; of the only one without, by ``""``.
        look: Whether the values of signals are looked at when they are evaluated.

    Returns:
        A tensor or a signal; several of these by name for a model that declares its inputs.
    """
    inputs = owner.schema.inputs
    if not inputs:
        if isinstance(identifiers, Mapping):
            raise InputError(f"{owner.identifier} has one input; give identifiers as a list of names")
        return receive_timed(owner, data, "the input", rule_of(""), identifiers, look=look)
    if not isinstance(data, Mapping):
        if len(inputs) > 1:
            raise InputError(
                f"{owner.identifier} has the inputs {', '.join(inputs)}; give a mapping by these names"
            )
        data = {next(iter(inputs)): data}
    for name in data:
        if name not in inputs:
            raise InputError(
                f"{owner.identifier} has no input {name!r}{nearest(str(name), inputs)}; "
                f"its inputs are {', '.join(inputs)}"
            )
    received = {
        name: receive_timed(
            owner,
            data.get(name, declared.default),
            f"the input {name!r}",
            rule_of(name),
            _identifiers_of(name, data, identifiers),
            declared,
            look=look,
        )
        for name, declared in inputs.items()
    }
    for name, declared in owner.schema.jumps.items():
        if isinstance(received[name], Signal):
            raise InputError(
                f"{owner.identifier}: the input {name!r} is added to {declared.into!r} as it arrives, and "
                "was given a signal, which has a value at every time; give what arrives in each step"
            )
    return owner.schema.pack_data(**received)


def _identifiers_of(name: str, data: Mapping[str, Any], identifiers: Any) -> list[str] | None:
    if isinstance(identifiers, Mapping):
        return identifiers.get(name)
    return identifiers if isinstance(data.get(name), (list, tuple)) else None

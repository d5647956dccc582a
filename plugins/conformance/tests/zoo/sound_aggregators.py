"""Sound aggregators: nothing may be said against them."""

from __future__ import annotations

import functools
from typing import Any

import torch
from rheobase import AggregatorSpec, errors

SOUND = [
    "summed",
    "largest",
    "log_sum_exp",
    "weighted",
    "divided",
    "excited_and_inhibited",
    "saturated",
    "counted",
    "first_less_the_others",
    "least_of_gates",
    "in_one_line",
    "reduced",
]


def _check(inputs: Any, identifiers: Any) -> None:
    if not inputs:
        raise errors.InputError("no input was given; give at least one")
    if identifiers is not None and len(identifiers) != len(inputs):
        raise errors.InputError(f"{len(identifiers)} identifiers were given for {len(inputs)} inputs")


def _names(inputs: Any, identifiers: Any, what: str) -> Any:
    _check(inputs, identifiers)
    if identifiers is None:
        raise errors.InputError(f"{what} needs identifiers; call the neuron with identifiers=[...]")
    return identifiers


def summed(inputs: Any, identifiers: Any = None) -> Any:
    """The sum."""
    _check(inputs, identifiers)
    return sum(inputs[1:], inputs[0])


def largest(inputs: Any, identifiers: Any = None) -> Any:
    """The largest."""
    _check(inputs, identifiers)
    found = inputs[0]
    for each in inputs[1:]:
        found = torch.maximum(found, each)
    return found


def log_sum_exp(inputs: Any, identifiers: Any = None) -> Any:
    """log(e^x1 + e^x2 + ...), a soft maximum."""
    _check(inputs, identifiers)
    return torch.logsumexp(torch.stack(torch.broadcast_tensors(*inputs)), dim=0)


WEIGHTS = {"soma": 1.0, "dendrite": 0.5, "tuft": 0.1}


def weighted(inputs: Any, identifiers: Any = None) -> Any:
    """Each input by the weight of its place; other names are refused."""
    names = _names(inputs, identifiers, "a weighted sum")
    unknown = sorted(set(names) - set(WEIGHTS))
    if unknown:
        raise errors.InputError(f"identifiers {unknown} are unknown; they are {', '.join(WEIGHTS)}")
    total = WEIGHTS[names[0]] * inputs[0]
    for name, each in zip(names[1:], inputs[1:], strict=True):
        total = total + WEIGHTS[name] * each
    return total


def divided(inputs: Any, identifiers: Any = None) -> Any:
    """Shunting inhibition."""
    names = _names(inputs, identifiers, "shunting")
    drives = [each for each, name in zip(inputs, names, strict=True) if not name.startswith("shunt")]
    if not drives:
        raise errors.InputError("all inputs are shunts; at least one must be a current")
    whole = 0.0 * sum(inputs[1:], inputs[0])
    shunts = [each for each, name in zip(inputs, names, strict=True) if name.startswith("shunt")]
    return (whole + sum(drives[1:], drives[0])) / (1 + sum(shunts, torch.zeros_like(whole)))


def excited_and_inhibited(inputs: Any, identifiers: Any = None) -> Any:
    """Excitation less inhibition; every other name, and too little excitation, is refused."""
    names = _names(inputs, identifiers, "the balance")
    if "excitatory" not in names or set(names) - {"excitatory", "inhibitory"}:
        raise errors.InputError(f"identifiers {names}: give 'excitatory', at least once, and 'inhibitory'")
    signs = [1.0 if name == "excitatory" else -1.0 for name in names]
    total = signs[0] * inputs[0]
    for sign, each in zip(signs[1:], inputs[1:], strict=True):
        total = total + sign * each
    return total


class Saturated:
    """A sum that goes no further than a limit, with a limit for some names."""

    def __init__(self, limit: float = 2.5) -> None:
        self.limit = limit

    def __call__(self, inputs: Any, identifiers: Any = None) -> Any:
        _check(inputs, identifiers)
        return sum(inputs[1:], inputs[0]).clamp(max=self.limit)


saturated = Saturated()


def counted(inputs: Any, identifiers: Any = None) -> Any:
    """How many inputs are above one: no gradient, and none to be had."""
    _check(inputs, identifiers)
    whole = torch.stack(torch.broadcast_tensors(*inputs))
    return (whole > 1.0).sum(dim=0).to(whole.dtype)


def first_less_the_others(inputs: Any, identifiers: Any = None) -> Any:
    """A difference, which claims nothing."""
    _check(inputs, identifiers)
    return inputs[0] - sum(inputs[1:], torch.zeros_like(inputs[0]))


def least_of_gates(inputs: Any, identifiers: Any = None) -> Any:
    """The sum, times the least of the inputs whose name begins with gate."""
    names = ["" for _ in inputs] if identifiers is None else identifiers
    _check(inputs, names)
    whole = sum(inputs[1:], inputs[0])
    gates = [each for each, name in zip(inputs, names, strict=True) if name.startswith("gate")]
    for gate in gates:
        whole = torch.minimum(whole, gate)
    return whole


SPECS = {
    name: AggregatorSpec("zoo", f"sound_aggregators:{name}", **claims)
    for name, claims in {
        "summed": {"commutative": True, "associative": True, "identity": 0.0},
        "largest": {"commutative": True, "associative": True, "identity": float("-inf")},
        "log_sum_exp": {"commutative": True, "associative": True, "identity": float("-inf")},
        "weighted": {"commutative": True},
        "divided": {"commutative": True},
        "excited_and_inhibited": {"commutative": True},
        "saturated": {},
        "counted": {"commutative": True},
        "least_of_gates": {"commutative": True},
    }.items()
}
"""What is claimed of them."""


def in_one_line(inputs: Any, identifiers: Any = None) -> Any:
    """The sum, as one writes it who leaves the checks to the neuron."""
    return sum(inputs)


def reduced(inputs: Any, identifiers: Any = None) -> Any:
    """The largest, likewise."""
    return functools.reduce(torch.maximum, inputs)

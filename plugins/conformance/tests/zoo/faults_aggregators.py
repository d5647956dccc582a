"""Aggregators that are wrong in one way. Most would be sums."""

from __future__ import annotations

import math
from typing import Any

import torch
from rheobase import AggregatorSpec, errors

FAULTS = {
    "stacked": "shape-and-type",
    "summed_over_units": "shape-and-type",
    "mean_as_associative": "associative-as-claimed",
    "difference_as_commutative": "commutative-as-claimed",
    "product_with_zero": "identity-as-claimed",
    "adds_in_place": "inputs-are-not-changed",
    "empties_the_list": "inputs-are-not-changed",
    "sorts_identifiers": "inputs-are-not-changed",
    "ignores_identifiers": "identifiers-that-are-demanded-are-used",
    "pairs_by_sorting": "commutative-as-claimed",
    "in_float32": "float64-is-precise",
    "gives_float32": "shape-and-type",
    "in_whole_numbers": "shape-and-type",
    "without_the_last": "every-input-counts",
    "one_of_each_name": "every-input-counts",
    "order_of_a_set": "names-without-meaning-change-nothing",
    "noisy": "no-memory",
    "zips": "identifiers-match-inputs",
    "running_mean": "no-memory",
    "cut_from_the_graph": "gradients-flow",
    "normalised_over_units": "units-know-nothing-of-each-other",
    "normalised_over_the_batch": "batch-rows-know-nothing-of-each-other",
    "silent_on_identifiers": "missing-identifiers-are-told",
    "by_item": "units-know-nothing-of-each-other",
    "asks_too_much": "can-be-called",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""


def _check(inputs: Any, identifiers: Any) -> None:
    if not inputs:
        raise errors.InputError("no input was given")
    if identifiers is not None and len(identifiers) != len(inputs):
        raise errors.InputError(f"{len(identifiers)} identifiers were given for {len(inputs)} inputs")


def _add(inputs: Any) -> Any:
    total = inputs[0]
    for each in inputs[1:]:
        total = total + each
    return total


def stacked(inputs: Any, identifiers: Any = None) -> Any:
    """The inputs stacked and summed over all dimensions but the last: the batch collapses."""
    _check(inputs, identifiers)
    return torch.vstack(torch.broadcast_tensors(*inputs)).sum(dim=0)


def summed_over_units(inputs: Any, identifiers: Any = None) -> Any:
    """The sum goes over units too."""
    _check(inputs, identifiers)
    total = _add(inputs)
    return total if total.ndim == 0 else total.sum(dim=-1, keepdim=True)


def mean_as_associative(inputs: Any, identifiers: Any = None) -> Any:
    """A mean, which claims to be associative."""
    _check(inputs, identifiers)
    return _add(inputs) / len(inputs)


def difference_as_commutative(inputs: Any, identifiers: Any = None) -> Any:
    """The first less the others, which claims to be commutative."""
    _check(inputs, identifiers)
    return inputs[0] if len(inputs) == 1 else inputs[0] - _add(inputs[1:])


def product_with_zero(inputs: Any, identifiers: Any = None) -> Any:
    """A product, which claims that a zero changes nothing."""
    _check(inputs, identifiers)
    total = inputs[0]
    for each in inputs[1:]:
        total = total * each
    return total


def adds_in_place(inputs: Any, identifiers: Any = None) -> Any:
    """The sum is made in the first input."""
    _check(inputs, identifiers)
    total = inputs[0] if inputs[0].shape == _add(inputs).shape else _add(inputs[:1]) + 0.0 * _add(inputs)
    for each in inputs[1:]:
        total += each
    return total


def empties_the_list(inputs: Any, identifiers: Any = None) -> Any:
    """The inputs are taken out of the caller's list."""
    _check(inputs, identifiers)
    total = inputs.pop()
    while inputs:
        total = total + inputs.pop()
    return total


def sorts_identifiers(inputs: Any, identifiers: Any = None) -> Any:
    """The caller's identifiers are sorted."""
    _check(inputs, identifiers)
    if identifiers is not None:
        identifiers.sort(reverse=True)
    return _add(inputs)


def ignores_identifiers(inputs: Any, identifiers: Any = None) -> Any:
    """Shunting that needs identifiers, and divides by the last input whatever it is called."""
    _check(inputs, identifiers)
    if identifiers is None:
        raise errors.InputError("no identifiers were given; those that begin with 'shunt' divide")
    return inputs[0] if len(inputs) == 1 else _add(inputs[:-1]) / (1 + inputs[-1])


def pairs_by_sorting(inputs: Any, identifiers: Any = None) -> Any:
    """Inputs named inh are subtracted, but the identifiers are sorted before they are paired with inputs."""
    _check(inputs, identifiers)
    if identifiers is None:
        return _add(inputs)
    signs = [-1.0 if name.startswith("inh") else 1.0 for name in sorted(identifiers)]
    return _add([sign * each for sign, each in zip(signs, inputs, strict=True)])


def in_float32(inputs: Any, identifiers: Any = None) -> Any:
    """Computed in float32, and given in the type of the inputs."""
    _check(inputs, identifiers)
    return _add([each.float() for each in inputs]).to(inputs[0].dtype)


def gives_float32(inputs: Any, identifiers: Any = None) -> Any:
    """Always float32."""
    _check(inputs, identifiers)
    return _add(inputs).float()


def in_whole_numbers(inputs: Any, identifiers: Any = None) -> Any:
    """The sum as a whole number."""
    _check(inputs, identifiers)
    return _add(inputs).to(torch.int64)


def without_the_last(inputs: Any, identifiers: Any = None) -> Any:
    """Of several inputs the last is left out."""
    _check(inputs, identifiers)
    return _add(inputs[:-1]) + 0.0 * inputs[-1] if len(inputs) > 1 else inputs[0]


def one_of_each_name(inputs: Any, identifiers: Any = None) -> Any:
    """A dictionary by identifier: of several inputs with one name the last is kept."""
    _check(inputs, identifiers)
    if identifiers is None:
        raise errors.InputError("no identifiers were given; those that begin with 'inh' are subtracted")
    by_name = dict(zip(identifiers, torch.broadcast_tensors(*inputs), strict=True))
    return _add([-each if name.startswith("inh") else each for name, each in by_name.items()])


def order_of_a_set(inputs: Any, identifiers: Any = None) -> Any:
    """The first name of a set is the one that counts twice."""
    _check(inputs, identifiers)
    total = _add(inputs)
    return total if identifiers is None else total + inputs[identifiers.index(next(iter(set(identifiers))))]


def noisy(inputs: Any, identifiers: Any = None) -> Any:
    """A little noise, from torch's own random numbers."""
    _check(inputs, identifiers)
    total = _add(inputs)
    return total + 1e-6 * torch.randn_like(total)


def zips(inputs: Any, identifiers: Any = None) -> Any:
    """Identifiers that are too few leave out inputs."""
    if not inputs:
        raise errors.InputError("no input was given")
    if identifiers is None:
        return _add(inputs)
    return _add([torch.zeros(()), *(each for each, _ in zip(inputs, identifiers, strict=False))])


_LAST: dict[Any, Any] = {}


def running_mean(inputs: Any, identifiers: Any = None) -> Any:
    """The mean of this sum and the one before: a memory outside the neuron."""
    _check(inputs, identifiers)
    total = _add(inputs)
    key = total.shape, total.dtype
    before, _LAST[key] = _LAST.get(key, total), total.detach()
    return 0.5 * (total + before)


def cut_from_the_graph(inputs: Any, identifiers: Any = None) -> Any:
    """The result has no graph."""
    _check(inputs, identifiers)
    return _add([each.detach() for each in inputs])


def normalised_over_units(inputs: Any, identifiers: Any = None) -> Any:
    """Divided by the largest of all units."""
    _check(inputs, identifiers)
    total = _add(inputs)
    return total / (1 + (total.max() if total.ndim == 0 else total.amax(dim=-1, keepdim=True)))


def normalised_over_the_batch(inputs: Any, identifiers: Any = None) -> Any:
    """Less the mean of the rows of the batch."""
    _check(inputs, identifiers)
    total = _add(inputs)
    return total - total.mean(dim=0, keepdim=True) / 2 if total.ndim > 1 else total / 2


def silent_on_identifiers(inputs: Any, identifiers: Any = None) -> Any:
    """Without identifiers it refuses, and does not say why."""
    _check(inputs, identifiers)
    if identifiers is None:
        raise errors.InputError("bad call")
    return _add(
        [-each if name.startswith("inh") else each for each, name in zip(inputs, identifiers, strict=True)]
    )


def by_item(inputs: Any, identifiers: Any = None) -> Any:
    """The first input is read as one number."""
    _check(inputs, identifiers)
    if len(inputs) == 1:
        return inputs[0]
    return float(inputs[0].reshape(-1)[0]) + _add(inputs[1:]) + 0.0 * inputs[0]


class AsksTooMuch:
    """It takes one argument only: neurons call it with two."""

    def __call__(self, inputs: Any) -> Any:
        return math.fsum(inputs)


asks_too_much = AsksTooMuch()


SPECS = {
    name: AggregatorSpec("zoo", f"faults_aggregators:{name}", **claims)
    for name, claims in {
        "mean_as_associative": {"commutative": True, "associative": True},
        "difference_as_commutative": {"commutative": True},
        "product_with_zero": {"commutative": True, "associative": True, "identity": 0.0},
        "pairs_by_sorting": {"commutative": True},
        "asks_too_much": {},
    }.items()
}
"""What is claimed of them."""

"""Aggregators that are right for a few inputs of about one, and wrong for others."""

from __future__ import annotations

import functools
from typing import Any

import torch
from rheobase import AggregatorSpec

FAULTS = {
    "largest_of_rates": "claims-hold-for-all-values",
    "rectified": "claims-hold-for-all-values",
    "product_by_logarithms": "claims-hold-for-all-values",
    "first_of_many_counts_twice": "claims-hold-for-all-values",
    "soft_maximum_that_overflows": "finite-inputs-give-finite-results",
    "mean_by_weight": "finite-inputs-give-finite-results",
    "contrast": "finite-inputs-give-finite-results",
    "missing_is_zero": "nan-is-passed-on",
    "sum_without_missing": "nan-is-passed-on",
    "positive_part_by_choice": "nan-is-passed-on",
    "touches_all_units": "what-is-not-finite-stays-in-its-unit",
    "reads_eight": "every-one-of-many-inputs-counts",
    "by_pairs": "every-one-of-many-inputs-counts",
    "of_three_kinds": "every-one-of-many-inputs-counts",
    "batch_is_one_dimension": "batches-of-any-shape",
    "trials_are_averaged": "batches-of-any-shape",
    "rows_are_columns": "batches-of-any-shape",
    "begins_with_zeros": "meta-device",
    "weights_on_the_cpu": "meta-device",
    "adds_on_the_cpu": "meta-device",
    "in_sixteen_bits": "float32-close-to-float64",
    "in_short_float": "float32-close-to-float64",
    "rounded_to_hundredths": "float32-close-to-float64",
    "no_gradient_below_zero": "gradients-for-all-values",
    "entropy": "gradients-for-all-values",
    "gate_of_exponentials": "gradients-for-all-values",
    "one_behind_the_other": "gradients-for-all-values",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""

STANDARD = [
    "begins_with_zeros",
    "weights_on_the_cpu",
    "adds_on_the_cpu",
    "by_pairs",
    "one_behind_the_other",
]


def _sum(inputs: Any) -> Any:
    return functools.reduce(torch.add, inputs)


def _stack(inputs: Any) -> Any:
    return torch.stack(torch.broadcast_tensors(*inputs))


def largest_of_rates(inputs: Any, identifiers: Any = None) -> Any:
    """The largest, of which 0 is claimed to change nothing: so it is for rates, and not for currents."""
    return functools.reduce(torch.maximum, inputs)


def rectified(inputs: Any, identifiers: Any = None) -> Any:
    """The sum or zero, whichever is more, which is claimed to be the same in groups."""
    return _sum(inputs).clamp(min=0.0)


def product_by_logarithms(inputs: Any, identifiers: Any = None) -> Any:
    """A product by the sum of logarithms, of which negative numbers have none."""
    return _stack(inputs).log().sum(dim=0).exp()


def first_of_many_counts_twice(inputs: Any, identifiers: Any = None) -> Any:
    """Of more than eight inputs the first is added twice, and the order is claimed not to matter."""
    return _sum(inputs) + (inputs[0] if len(inputs) > 8 else 0.0)


def soft_maximum_that_overflows(inputs: Any, identifiers: Any = None) -> Any:
    """log(e^x1 + e^x2 + ...) as it is written: infinite above 709."""
    return _stack(inputs).exp().sum(dim=0).log()


def mean_by_weight(inputs: Any, identifiers: Any = None) -> Any:
    """The mean of the inputs, each by its own share e^x: no number above 709."""
    weights = [each.exp() for each in inputs]
    return _sum([weight * each for weight, each in zip(weights, inputs, strict=True)]) / _sum(weights)


def contrast(inputs: Any, identifiers: Any = None) -> Any:
    """The sum of squares by the sum: in silence, 0 / 0."""
    return _sum([each * each for each in inputs]) / _sum([each.abs() for each in inputs])


def missing_is_zero(inputs: Any, identifiers: Any = None) -> Any:
    """What is no number is taken for zero."""
    return torch.nan_to_num(_sum(inputs))


def sum_without_missing(inputs: Any, identifiers: Any = None) -> Any:
    """The sum of those that are numbers."""
    return _stack(inputs).nansum(dim=0)


def positive_part_by_choice(inputs: Any, identifiers: Any = None) -> Any:
    """A sum or zero, chosen by a comparison, which is false for NaN."""
    total = _sum(inputs)
    return torch.where(total > 0, total, torch.zeros_like(total))


def touches_all_units(inputs: Any, identifiers: Any = None) -> Any:
    """Zero times the sum over units is added: zero, unless one of them is infinite."""
    total = _sum(inputs)
    return total if total.ndim == 0 else total + 0.0 * total.sum(dim=-1, keepdim=True)


def reads_eight(inputs: Any, identifiers: Any = None) -> Any:
    """There is room for eight inputs."""
    return _sum(inputs[:8])


def by_pairs(inputs: Any, identifiers: Any = None) -> Any:
    """Summed two by two, which loses the odd one where there are more than five."""
    while len(inputs) > 5:
        inputs = [inputs[place] + inputs[place + 1] for place in range(0, len(inputs) - 1, 2)]
    return _sum(inputs)


def of_three_kinds(inputs: Any, identifiers: Any = None) -> Any:
    """Every third input is of one kind, and a kind has at most three."""
    return _sum([_sum(inputs[kind::3][:3]) for kind in range(min(3, len(inputs)))])


def batch_is_one_dimension(inputs: Any, identifiers: Any = None) -> Any:
    """A batch of more dimensions comes back as one."""
    total = _sum(inputs)
    return total.flatten(0, -2) if total.ndim > 2 else total


def trials_are_averaged(inputs: Any, identifiers: Any = None) -> Any:
    """Of a batch of three dimensions each trial gets the mean of all."""
    total = _sum(inputs)
    return total.mean(dim=-2, keepdim=True).expand(total.shape) if total.ndim == 4 else total


def rows_are_columns(inputs: Any, identifiers: Any = None) -> Any:
    """The dimensions of a batch are exchanged where they fit."""
    total = _sum(inputs)
    return total.transpose(0, 2) if total.ndim == 4 and total.shape[0] == total.shape[2] else total


def begins_with_zeros(inputs: Any, identifiers: Any = None) -> Any:
    """The sum begins with zeros, which are on the CPU."""
    return _sum(
        [torch.zeros(torch.broadcast_shapes(*(x.shape for x in inputs)), dtype=inputs[0].dtype), *inputs]
    )


def weights_on_the_cpu(inputs: Any, identifiers: Any = None) -> Any:
    """A weight for each input, all in a tensor on the CPU."""
    weights = torch.linspace(1.0, 0.5, len(inputs), dtype=inputs[0].dtype)
    return torch.tensordot(weights, _stack(inputs), dims=1)


def adds_on_the_cpu(inputs: Any, identifiers: Any = None) -> Any:
    """Everything is brought to the CPU, and stays there."""
    return _sum([each.cpu() for each in inputs])


def in_sixteen_bits(inputs: Any, identifiers: Any = None) -> Any:
    """Single numbers are added as half ones."""
    return _sum([x.half() for x in inputs]).float() if inputs[0].dtype == torch.float32 else _sum(inputs)


def in_short_float(inputs: Any, identifiers: Any = None) -> Any:
    """Single numbers are added as short ones, of two digits and a half."""
    return _sum([x.bfloat16() for x in inputs]).float() if inputs[0].dtype == torch.float32 else _sum(inputs)


def rounded_to_hundredths(inputs: Any, identifiers: Any = None) -> Any:
    """Single numbers are rounded to hundredths."""
    total = _sum(inputs)
    return (
        total.detach().round(decimals=2) + total - total.detach() if total.dtype == torch.float32 else total
    )


def no_gradient_below_zero(inputs: Any, identifiers: Any = None) -> Any:
    """The sum, of which the negative part has no gradient."""
    total = _sum(inputs)
    return total.clamp(min=0.0) + total.clamp(max=0.0).detach()


def entropy(inputs: Any, identifiers: Any = None) -> Any:
    """The sum of x log x of what is positive: below zero it is 0, and its gradient NaN."""
    return _sum([torch.where(x > 0, x * x.log(), 0.0 * x) for x in inputs])


def gate_of_exponentials(inputs: Any, identifiers: Any = None) -> Any:
    """1 - 1 / (1 + e^x), whose value is right, and its gradient NaN, above 709."""
    return 1.0 - 1.0 / (1.0 + _sum(inputs).exp())


def one_behind_the_other(inputs: Any, identifiers: Any = None) -> Any:
    """1 / (1/x1 + 1/x2 + ...): right where one is zero, too, but for its gradient there: NaN for 1."""
    return 1.0 / _sum([1.0 / x for x in inputs])


_MONOID = {"commutative": True, "associative": True}

SPECS = {
    name: AggregatorSpec("zoo", f"faults_inputs:{name}", **claims)
    for name, claims in {
        "largest_of_rates": {**_MONOID, "identity": 0.0},
        "rectified": _MONOID,
        "product_by_logarithms": {**_MONOID, "identity": 1.0},
        "first_of_many_counts_twice": {"commutative": True},
        "soft_maximum_that_overflows": {**_MONOID, "identity": float("-inf")},
    }.items()
}
"""What is claimed of them."""

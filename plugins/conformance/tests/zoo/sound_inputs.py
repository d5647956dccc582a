"""Sound aggregators that zeros, negative and large numbers, NaN and the meta device are hard for."""

from __future__ import annotations

import functools
import math
from typing import Any

import torch
from rheobase import AggregatorSpec, errors

SOUND = [
    "squared_share",
    "magnesium_block",
    "gated",
    "signed_by_name",
    "normalised",
    "euclidean",
    "either",
    "middle",
    "strongest",
    "mean_in_the_exponent",
    "steep_gate",
    "step_gate",
    "refuses_negative",
    "geometric_mean",
    "softened",
    "compound",
    "rest_of_gates",
    "grows_exponentially",
    "with_weights_of_its_own",
]
DEAR = [
    "gated",
    "normalised",
    "euclidean",
    "either",
    "middle",
    "strongest",
    "mean_in_the_exponent",
    "compound",
]


def _sum(inputs: Any) -> Any:
    return functools.reduce(torch.add, inputs)


def _product(inputs: Any) -> Any:
    return functools.reduce(torch.mul, inputs)


def _stack(inputs: Any) -> Any:
    return torch.stack(torch.broadcast_tensors(*inputs))


def squared_share(inputs: Any, identifiers: Any = None) -> Any:
    """x |x| / (1 + x^2) of the sum (Naka and Rushton 1966)."""
    total = _sum(inputs)
    return total * total.abs() / (1.0 + total * total)


def magnesium_block(inputs: Any, identifiers: Any = None) -> Any:
    """Conductances, blocked by magnesium at the voltage that one input is (Jahr and Stevens 1990)."""
    if identifiers is None or len(identifiers) != len(inputs) or identifiers.count("voltage") != 1:
        raise errors.InputError("give identifiers, one of which is 'voltage'; the others are conductances")
    voltage = inputs[identifiers.index("voltage")]
    others = [x for x, name in zip(inputs, identifiers, strict=True) if name != "voltage"]
    block = 1.0 / (1.0 + torch.exp(-0.062 * voltage) / 3.57)
    return block * _sum(others) if others else block


def gated(inputs: Any, identifiers: Any = None) -> Any:
    """Each input by its share of e^x."""
    whole = _stack(inputs)
    return (torch.softmax(whole, dim=0) * whole).sum(dim=0)


def signed_by_name(inputs: Any, identifiers: Any = None) -> Any:
    """Inputs whose name begins with inh are subtracted."""
    names = identifiers or [""] * len(inputs)
    return _sum([-x if name.startswith("inh") else x for x, name in zip(inputs, names, strict=True)])


def normalised(inputs: Any, identifiers: Any = None) -> Any:
    """The sum by one and the sum of the sizes."""
    return _sum(inputs) / (1.0 + _sum([x.abs() for x in inputs]))


def euclidean(inputs: Any, identifiers: Any = None) -> Any:
    """The root of the sum of squares; at zero it has a corner, of which autograd knows nothing."""
    return _sum([x * x for x in inputs]).sqrt()


def either(inputs: Any, identifiers: Any = None) -> Any:
    """1 - (1 - x1) (1 - x2) ...: the probability of one event or another."""
    return 1.0 - _product([1.0 - x for x in inputs])


def middle(inputs: Any, identifiers: Any = None) -> Any:
    """The median."""
    return _stack(inputs).median(dim=0).values


def strongest(inputs: Any, identifiers: Any = None) -> Any:
    """The input of the largest size, with its sign."""
    whole = _stack(inputs)
    return whole.gather(0, whole.abs().argmax(dim=0, keepdim=True)).squeeze(0)


def mean_in_the_exponent(inputs: Any, identifiers: Any = None) -> Any:
    """log((e^x1 + e^x2 + ...) / n): near zero the difference of two numbers of about one."""
    return torch.logsumexp(_stack(inputs), dim=0) - math.log(len(inputs))


def steep_gate(inputs: Any, identifiers: Any = None) -> Any:
    """The sum, where it is above a threshold, in a hundredth."""
    total = _sum(inputs)
    return total * torch.sigmoid(100.0 * (total - 1.0))


def step_gate(inputs: Any, identifiers: Any = None) -> Any:
    """The sum, where it is above a threshold, and a tenth of it elsewhere."""
    total = _sum(inputs)
    return torch.where(total > 1.0, total, 0.1 * total)


def refuses_negative(inputs: Any, identifiers: Any = None) -> Any:
    """The root of the sum of rates; it looks whether they are rates."""
    if any(bool((x < 0).any()) for x in inputs):
        raise errors.InputError("rates are zero or more")
    return _sum(inputs).sqrt()


def geometric_mean(inputs: Any, identifiers: Any = None) -> Any:
    """The mean of rates by their logarithms: of negative numbers there is none."""
    return _stack(inputs).log().mean(dim=0).exp()


def softened(inputs: Any, identifiers: Any = None) -> Any:
    """log(1 + e^x) of the sum."""
    return torch.nn.functional.softplus(_sum(inputs))


def compound(inputs: Any, identifiers: Any = None) -> Any:
    """(1 + x1) (1 + x2) ... - 1: sums with all products."""
    return _product([1.0 + x for x in inputs]) - 1.0


def rest_of_gates(inputs: Any, identifiers: Any = None) -> Any:
    """Inputs by what gates leave of them: 1 / (1 + gate)^2."""
    names = identifiers or [""] * len(inputs)
    gates = [x for x, name in zip(inputs, names, strict=True) if name.startswith("gate")]
    drives = [x for x, name in zip(inputs, names, strict=True) if not name.startswith("gate")]
    if not drives:
        raise errors.InputError(f"identifiers {names}: all are gates; give an input for them")
    whole = 0.0 * _sum(inputs)
    return (whole + _sum(drives)) / (1.0 + (_sum(gates) if gates else 0.0)) ** 2


def grows_exponentially(inputs: Any, identifiers: Any = None) -> Any:
    """e^x of the sum, which no number holds above 709."""
    return _sum(inputs).exp()


WEIGHTS = (1.0, 0.5, 0.25)


def with_weights_of_its_own(inputs: Any, identifiers: Any = None) -> Any:
    """Weights by place, made where the inputs are."""
    numbers = [WEIGHTS[place % 3] for place in range(len(inputs))]
    weights = torch.tensor(numbers, dtype=inputs[0].dtype, device=inputs[0].device)
    return torch.tensordot(weights, _stack(inputs), dims=1)


_MONOID = {"commutative": True, "associative": True}

SPECS = {
    name: AggregatorSpec("zoo", f"sound_inputs:{name}", **claims)
    for name, claims in {
        "gated": {"commutative": True},
        "normalised": {"commutative": True},
        "euclidean": {**_MONOID, "identity": 0.0},
        "either": {**_MONOID, "identity": 0.0},
        "middle": {"commutative": True},
        "strongest": {**_MONOID, "identity": 0.0},
        "mean_in_the_exponent": {"commutative": True},
        "steep_gate": {"commutative": True},
        "step_gate": {"commutative": True},
        "refuses_negative": {"commutative": True},
        "geometric_mean": {"commutative": True},
        "softened": {"commutative": True},
        "compound": {**_MONOID, "identity": 0.0},
        "grows_exponentially": {"commutative": True},
    }.items()
}
"""What is claimed of them."""

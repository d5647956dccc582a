"""Units that are alike: what one of them does from the initial state, all of them do under one input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..engine.neuron.base import Neuron
from ..engine.neuron.tensors import is_hooked


class Kinds(NamedTuple):
    """The kinds of units: the first unit of each, ``[kinds]``, and the kind of each unit, ``[units]``."""

    first: Tensor
    kind: Tensor


def kinds_of(neuron: Neuron) -> Kinds:
    """The kinds of units of a neuron: those of one kind have the same parameters and initial states."""
    each = torch.arange(neuron.num_units)
    # A model without draws sees nothing of a unit but these; what sees the whole input may count units.
    apart = neuron.stochastic or neuron.schema.draws or type(neuron).prepare is not Neuron.prepare
    if neuron._model is None or apart or own_forward(neuron):
        return Kinds(each, each)
    # A column that is the same everywhere tells nobody apart, and would cost a sort.
    columns = [part.cpu() for part in _by_unit(neuron).values() if bool((part != part[:1]).any())]
    kind = torch.zeros_like(each)
    count = 1
    for column in columns:
        values, place = torch.unique(column, return_inverse=True)
        # Numbered anew after each: the product of all counts need not be a number.
        kinds, kind = torch.unique(kind * len(values) + place, return_inverse=True)
        count = len(kinds)
    # The smallest index of each kind; torch.unique gives none.
    first = torch.full((count,), neuron.num_units).scatter_reduce(0, kind, each, "amin")
    return Kinds(first, kind)


def own_forward(neuron: Neuron) -> bool:
    """Whether steps must go through ``forward``: it is the class's own, or somebody hooked into it."""
    return is_hooked(neuron) or type(neuron).forward is not Neuron.forward


def keep_units(neuron: Any, units: Tensor) -> None:
    """Narrow an ensemble, in place, to the units ``[kept]``, and reset its state."""
    parts = _by_unit(neuron)
    # Through the stores and not setattr, which checks a value against the number of units that is being
    # changed.
    for store in (neuron._buffers, neuron._parameters, neuron._initial):
        for name, part in parts.items():
            if name in store and store[name] is part:
                kept = part.detach()[units.to(part.device)]
                store[name] = torch.nn.Parameter(kept) if store is neuron._parameters else kept
    # They are some of those that were drawn, by other numbers: nothing is drawn anew.
    neuron._spread.clear()
    neuron.__dict__["_num_units"] = len(units)
    neuron.reset_state()


def _by_unit(neuron: Neuron) -> Mapping[str, Tensor]:
    """The parameters and initial states that have a value for each unit."""
    parts = {name: neuron._of(name) for name in neuron.schema.parameters} | dict(neuron._initial)
    return {name: part for name, part in parts.items() if part.shape == (neuron.num_units,)}

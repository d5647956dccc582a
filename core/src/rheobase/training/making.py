"""The neuron that a layer is of: made by name or class, with values of any shape of units."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..engine.create import create
from ..engine.model.functions import Model
from ..engine.neuron.base import Neuron
from ..errors import ArgumentError, EventModeError, shown
from .scales import is_linear


def shape_of(units: Any) -> torch.Size:
    """The shape of a layer's units, from a whole number or several."""
    given = (units,) if isinstance(units, int) else units
    whole = isinstance(given, Sequence) and not isinstance(given, str) and len(given) > 0
    if not whole or not all(type(each) is int and each > 0 for each in given):
        raise ArgumentError(f"layer: units={shown(units)}; give a whole number from 1 up, or a tuple of them")
    return torch.Size(given)


def neuron_for(
    model: str | type[Neuron],
    units: torch.Size,
    event: str | None,
    params: Mapping[str, Any],
    *,
    timed: bool = False,
    **how: Any,
) -> Neuron:
    """The neuron of a layer, at its initial state.

    Without an event it has ``"step"`` where its field is linear, else ``"crossing"``: a nonlinear one may
    explode within a step if its reset does not begin at the crossing. One that is ``timed`` has
    ``"located"``.
    """
    if timed:
        if event not in (None, "located"):
            raise EventModeError(
                f"layer: gradient='times' asks when spikes are, and event={shown(event)} has them on the "
                "grid; leave the event out"
            )
        event = "located"
    elif event == "located":
        raise EventModeError(
            "layer: event='located' gives spikes times of their own, and no surrogate's derivative; give "
            "gradient='times' with it, or 'step' or 'crossing'"
        )
    flat = {name: _flat(name, value, units) for name, value in params.items()}
    neuron = create(model, math.prod(units), event=event or "step", **how, **flat)
    # Where a model makes its own steps, whatever is chosen here is "step".
    if event is None and model_of(neuron).derivatives is not None and not is_linear(neuron):
        neuron._event = "crossing"
    return neuron


def model_of(neuron: Neuron) -> Model:
    """The pure functions of a neuron, of which a layer takes the derivative."""
    model = neuron._model
    if model is None or neuron._own_forward:
        raise ArgumentError(
            f"layer: {neuron.identifier} makes its steps by itself and declares no dynamics to be "
            "differentiated; define derivatives, threshold and reset"
        )
    if neuron.schema.draws or neuron.stochastic:
        raise ArgumentError(
            f"layer: {neuron.identifier} draws random numbers, and a layer would draw the same in each call; "
            "give a model without draws"
        )
    return model


def _flat(name: str, value: Any, units: torch.Size) -> Any:
    """A value for each unit, in a row; anything else as it is."""
    if not isinstance(value, Tensor) or value.ndim == 0:
        return value
    try:
        return value.detach().expand(units).reshape(-1)
    except RuntimeError as error:
        raise ArgumentError(
            f"layer: {name} has shape {list(value.shape)}; give a number, or a tensor that broadcasts to the "
            f"units, {list(units)}"
        ) from error

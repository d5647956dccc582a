"""Escape noise: a model's ``hazard``, made of a state and a draw, which the engine knows already.

A unit with the hazard h(t), in 1/ms, has no spike until t with the probability exp(-L), where L is the
integral of h since the last one. So it spikes where L reaches a number E that was drawn from the unit
exponential distribution. What is left, E - L, is a state that falls with the slope -h, by any integrator.
Where it comes to zero is a crossing like any other: on the grid a step of dt has a spike with the probability
-expm1(-h dt), and located spikes have their exact times, with derivatives.

A hazard below zero counts as zero, as in a rectified rate: a chance that a unit had is never taken back.
"""

from __future__ import annotations

import functools
import numbers
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from ...errors import DeclarationError
from .declaration import State
from .draw import Draw

LEFT, TARGET = "hazard_left", "hazard_target"
"""The state, what is left of the integral until the next spike; and what it is drawn from."""


def spread_hazard(cls: Any) -> None:
    """Give a class that was just defined with a ``hazard`` the state, draw and functions that follow from it.

    Raises:
        DeclarationError: If the hazard is no static method, the class no spiking neuron, or a name is taken.
    """
    hazard = getattr(cls, "hazard", None)
    if not callable(hazard):
        return
    name = cls.__qualname__
    if not isinstance(
        next(vars(base)["hazard"] for base in cls.__mro__ if "hazard" in vars(base)), staticmethod
    ):
        raise DeclarationError(f"{name}.hazard must be a @staticmethod: a pure function of named tensors")
    if not getattr(cls, "spiking", False):
        raise DeclarationError(
            f"{name} defines a hazard and is no spiking neuron; derive it from SpikingNeuron"
        )
    for own, made in ((LEFT, _left), (TARGET, _target)):
        if own in vars(cls):
            raise DeclarationError(
                f"{name}.{own}: the name is that of what follows from the hazard; give another"
            )
        if not hasattr(cls, own):
            declaration = made()
            setattr(cls, own, declaration)
            declaration.__set_name__(cls, own)
    _hold(cls)
    for function, wrap in _WRAPPED.items():
        given = getattr(cls, function, None)
        raw = getattr(given, "without_hazard", given)
        if raw is not None or function in ("threshold", "reset"):
            setattr(cls, function, staticmethod(wrap(raw, hazard, cls.__name__)))


def _left() -> State:
    return State(TARGET, unit="1", doc="what is left of the hazard's integral until the next spike")


def _target() -> Draw:
    return Draw("exponential", doc="the hazard's integral from spike to spike")


def _hold(cls: Any) -> None:
    """While refractory there is no hazard."""
    held = getattr(cls, "held", None)
    if held is None:
        own = (base for base in cls.__mro__ if not vars(base).get("_framework", False))
        held = ("voltage",) if any(isinstance(vars(base).get("voltage"), State) for base in own) else ()
    held = (held,) if isinstance(held, str) else tuple(held)
    if LEFT not in held:
        cls.held = (*held, LEFT)


def _marked(raw: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The author's name, docstring and text; and his function, for a class that is derived."""

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        made: Any = function if raw is None else functools.wraps(raw)(function)
        made.without_hazard = raw
        return made  # type: ignore[no-any-return]

    return mark


def _rate(hazard: Any, owner: str) -> Any:
    """What a hazard gave, from zero up.

    Raises:
        DeclarationError: If it is no number, or a comparison, which would count as 1/ms.
    """
    if isinstance(hazard, Tensor):
        if hazard.dtype != torch.bool and not hazard.is_complex():
            return hazard.clamp(min=0.0)
        gave = "a comparison (bool)" if hazard.dtype == torch.bool else f"numbers of {hazard.dtype}"
    elif hasattr(type(hazard), "__torch_function__"):
        return hazard  # stands for a tensor where the terms of a field are followed
    elif isinstance(hazard, numbers.Real) and not isinstance(hazard, bool):
        return max(hazard, 0.0)  # in this order: NaN stays
    else:
        gave = "a comparison (bool)" if isinstance(hazard, bool) else type(hazard).__name__
    raise DeclarationError(
        f"{owner}.hazard gave {gave}; give a rate in 1/ms, such as params.rate * "
        "torch.exp(state.voltage - params.threshold); 0 where there is no chance of a spike"
    )


def _derivatives(raw: Any, hazard: Any, owner: str) -> Callable[..., Any]:
    @_marked(raw)
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        slopes = raw(state, params, data)
        return (
            {**slopes, LEFT: -_rate(hazard(state, params), owner)} if isinstance(slopes, Mapping) else slopes
        )

    return derivatives


def _threshold(raw: Any, hazard: Any, owner: str) -> Callable[..., Any]:
    @_marked(raw)
    def threshold(state: Any, params: Any) -> Any:
        due: Tensor = -getattr(state, LEFT)
        if raw is None:
            return due
        g = raw(state, params)
        # A comparison, or what is no tensor, is told by whoever asked.
        return torch.maximum(g, due) if isinstance(g, Tensor) and g.is_floating_point() else g

    return threshold


def _reset(raw: Any, hazard: Any, owner: str) -> Callable[..., Any]:
    @_marked(raw)
    def reset(state: Any, params: Any) -> Any:
        new = {} if raw is None else raw(state, params)
        return {**new, LEFT: getattr(params, TARGET)} if isinstance(new, Mapping) else new

    return reset


def _update(raw: Any, hazard: Any, owner: str) -> Callable[..., Any]:
    @_marked(raw)
    def update(state: Any, params: Any, data: Any, dt: Any) -> Any:
        new = raw(state, params, data, dt)
        left = getattr(state, LEFT) - dt * _rate(hazard(state, params), owner)
        return {**new, LEFT: left} if isinstance(new, Mapping) else new

    return update


_WRAPPED: dict[str, Callable[[Any, Any, str], Callable[..., Any]]] = {
    "derivatives": _derivatives,
    "threshold": _threshold,
    "reset": _reset,
    "update": _update,
}
"""What follows from the hazard, of each function of a model."""

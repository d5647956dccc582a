"""Equations of the reference API, as a field: ``equation(x, **kwargs)``, with ``t`` where it is named."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias, final
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from ...errors import ArgumentError
from ...signal.segments import Segment, at_time, on_segment
from ...signal.signal import Signal

Equation: TypeAlias = "Callable[..., Any] | Sequence[Callable[..., Any]]"

# An equation's signature is looked at once, and not at each call of it.
_NAMES_TIME: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()


@final
class EquationField:
    """``field(t, y)`` of one equation, or of several that are solved together."""

    def __init__(
        self, equation: Equation, states: int, kwargs: Mapping[str, Any], start: Any, like: Tensor
    ) -> None:
        # ``states`` is 0 for one that is a tensor by itself; signals in ``kwargs`` are on the field's clock.
        if not states and not callable(equation):
            raise ArgumentError(
                f"{len(equation)} equations were given for a state of one tensor; "
                "give one equation, or a tuple of as many tensors"
            )
        self.equation, self.states, self.like = equation, states, like
        # The time at which the field's clock stands at zero, ms, for equations that name ``t``; in float64,
        # since a late time is coarse in float32.
        self.start = start.to(torch.float64) if isinstance(start, Tensor) else start
        self.constants = {name: value for name, value in kwargs.items() if not isinstance(value, Signal)}
        self.signals = {name: value for name, value in kwargs.items() if isinstance(value, Signal)}
        each = (equation,) if callable(equation) else tuple(equation)
        self.timed = [(one, names_time(one)) for one in each]
        # Whether the time is not looked at, so that none need be given.
        self.autonomous = not self.signals and not any(named for _, named in self.timed)

    def on_segment(self, segment: Segment) -> EquationField:
        """The field on a segment of the step, on its clock, with signals that are smooth there."""
        if not self.signals:
            return self
        inputs = dict(self.constants)
        for name, signal in self.signals.items():
            smooth = on_segment(signal, segment)
            # A signal that is constant on the segment is a tensor there, and the field may become autonomous.
            inputs[name] = self._value(smooth) if isinstance(smooth, Tensor) else smooth
        return EquationField(self.equation, self.states, inputs, self.start + segment.start, self.like)

    def __call__(self, t: Any, y: Tensor) -> Tensor:
        if not self.states:
            return self._typed(_tensor(self._ask(t, y[0])), y).unsqueeze(0)
        slopes = self.rows(t, y.unbind(0))
        return torch.stack([torch.broadcast_to(self._typed(slope, y), y.shape[1:]) for slope in slopes])

    def rows(self, t: Any, parts: tuple[Any, ...]) -> tuple[Any, ...]:
        """What the equations give for each of ``parts``, the states, which need not be tensors."""
        if not self.states:
            return (self._ask(t, parts[0]),)
        slopes = tuple(self._ask(t, tuple(parts)))
        if len(slopes) != self.states:
            raise ArgumentError(
                f"the equations gave {len(slopes)} derivatives for {self.states} states; give one for each"
            )
        return slopes

    def _ask(self, t: Any, x: Any) -> Any:
        kwargs, time = self.constants, {}
        if not self.autonomous:
            if any(named for _, named in self.timed):
                time = {"t": _absolute(t, self.start)}
            now = {name: self._value(at_time(signal, t)) for name, signal in self.signals.items()}
            kwargs = {**kwargs, **now}
        values = [one(x, **kwargs, **(time if named else {})) for one, named in self.timed]
        return values[0] if callable(self.equation) else values

    def _value(self, value: Tensor) -> Tensor:
        """A value of a signal in the type of the state."""
        return value.to(dtype=self.like.dtype, device=self.like.device if value.ndim == 0 else None)

    def _typed(self, slope: Tensor, y: Tensor) -> Tensor:
        # Times are float64; a state of float32 is not to become float64 by them.
        return slope if self.autonomous or slope.dtype == y.dtype else slope.to(y.dtype)


def names_time(equation: Callable[..., Any]) -> bool:
    """Whether an equation has a parameter ``t`` beside its first one, the state.

    Example:
        >>> names_time(lambda x, t: x + t), names_time(lambda x, **more: x), names_time(lambda t: -t)
        (True, False, False)
    """
    # A method is made anew each time that it is asked for; its function is not.
    key = getattr(equation, "__func__", equation)
    try:
        known = _NAMES_TIME.get(key)
    except TypeError:  # neither hashable nor kept
        return _inspect(equation)
    if known is None:
        known = _NAMES_TIME[key] = _inspect(equation)
    return known


def times_of(neuron: Any, equation: Equation | None, kwargs: Mapping[str, Any]) -> dict[str, float]:
    """The neuron's time as the argument ``t`` of its integrator; empty where nothing looks at it."""
    # The clock is a tensor, which compiled code had better not look at.
    each = (equation,) if callable(equation) else (equation or ())
    timed = any(map(names_time, each)) or any(isinstance(value, Signal) for value in kwargs.values())
    return {"t": neuron.time} if timed else {}


def _inspect(equation: Callable[..., Any]) -> bool:
    if isinstance(equation, partial) and "t" in equation.keywords:
        return False  # it was given one already
    function = equation.forward if isinstance(equation, torch.nn.Module) else equation
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return False
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return any(
        each.name == "t" and each.kind in by_name and (place or each.kind is inspect.Parameter.KEYWORD_ONLY)
        for place, each in enumerate(parameters)
    )


def _absolute(t: Any, start: Any) -> Any:
    """start + t as a float64 tensor, whatever the type of t; what is no number stays what it is."""
    if isinstance(t, Tensor):
        return t.to(torch.float64) + start
    if isinstance(t, (int, float)):
        return torch.as_tensor(start + t, dtype=torch.float64)
    return t + start


def _tensor(slope: Any) -> Tensor:
    if isinstance(slope, Tensor):
        return slope
    raise ArgumentError(
        f"the equation of a state of one tensor gave {type(slope).__name__}; it must give a tensor"
    )

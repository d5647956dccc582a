"""The largest time step that serves a model, asked of the model as it runs.

Explicit methods of fixed step fail without a sign where a step is long beside the fastest decay in a model.
Of ``dy/dt = -lambda y`` they make ``R(-lambda dt) y``, with ``R`` a polynomial: Euler's ``1 - lambda dt``
overshoots from ``lambda dt = 1`` on, so that units spike that should not, and grows from 2 on; the classical
method of order 4 grows from 2.785 on (Hairer & Wanner, Solving Ordinary Differential Equations II, IV.2).

``dt_max(state, params, data)`` is therefore ``1 / lambda`` of the fastest decay, or more, as the author
judges: it speaks for every such method, and nothing is multiplied to it for one of higher order.
"""

from __future__ import annotations

import warnings
from typing import Any, Protocol

import torch
from torch import Tensor

from ...errors import DeclarationError, StepSizeWarning
from ...torch_state import broadcast_shape, values_visible
from ..integrator import Integrator
from ..model.functions import Model, ask, own_update, pack, spread

EVERY = 16
"""The steps from one look to the next, where no unit spikes: a look costs up to a third of a step."""

_MOST = 4
"""The most looks because of spikes in a row; each of the others makes room for one more."""

_ROUNDING = 1.0 - 1e-6
"""Of a dt_max that is computed in float32 from the number that dt is."""


class Stepping(Protocol):
    """What is asked of a neuron here."""

    @property
    def identifier(self) -> str:
        """Its name, for messages."""

    @property
    def dt(self) -> float:
        """Its time step, ms."""

    @property
    def time(self) -> float:
        """The start of its step, ms."""

    @property
    def integrator(self) -> Integrator:
        """What takes its steps."""

    @property
    def params(self) -> Any:
        """Its parameters and options by name, with what its ``update`` draws."""

    @property
    def _model(self) -> Model | None:
        """Its functions."""


def concerned(integrator: Integrator) -> bool:
    """Whether ``dt_max`` is about an integrator: of fixed step, for fields of any kind."""
    return not integrator.adaptive and integrator.field == "general"


class StepWatch:
    """When a neuron's ``dt_max`` is looked at next; nothing is said twice in a run."""

    # One step in so many is looked at. Steps with spikes are too, as these may be false; where many come one
    # after the other, as in an ensemble, no more of them than of the others.

    __slots__ = ("_left", "_room", "told")

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """A new run."""
        # ``told``: whether a warning was given in this run.
        self.told, self._left, self._room = False, 0, _MOST

    def due(self, spiked: Tensor | None) -> bool:
        """Whether the step just taken is to be looked at now; ``spiked`` None: nobody can spike."""
        if self.told:
            return False
        self._left -= 1
        if self._left < 0:
            self._left = EVERY - 1
            self._room = min(self._room + 1, _MOST)
            return True
        if self._room and spiked is not None and spiked.count_nonzero().item():
            self._room -= 1
            return True
        return False


def largest_step(model: Model, parts: tuple[Tensor, ...], params: Any, data: Any) -> Tensor:
    """What the model's ``dt_max`` gives, ms: one number, or one for each unit."""
    # That it is above zero is not asked here: an input beyond all measure, which has an error of its own, may
    # have it otherwise.
    given = ask(model, "dt_max", parts, params, data)
    try:
        limit = torch.as_tensor(given)
    except (RuntimeError, TypeError, ValueError) as error:
        raise _refused(model, type(given).__name__) from error
    if limit.is_complex() or limit.dtype == torch.bool:
        raise _refused(model, f"numbers of type {limit.dtype}")
    units = parts[0].shape[-1] if parts and parts[0].ndim else 1
    if limit.ndim and limit.shape[-1] not in (1, units) and units != 1:
        raise _refused(model, f"the shape {list(limit.shape)} for {units} units")
    return limit


def _refused(model: Model, given: str) -> DeclarationError:
    return DeclarationError(
        f"{model.schema.owner}.dt_max gave {given}; give finite ms above zero, one number or one for each "
        "unit"
    )


@torch.no_grad()
def heed(neuron: Stepping, state: Any, params: Any, data: Any, who: Tensor | None = None) -> bool:
    """Warn if dt is larger than the model's ``dt_max(state, params, data)``; True where it was."""
    model, dt = neuron._model, neuron.dt
    if model is None or not concerned(neuron.integrator):
        return False
    parts, data = tuple(state[name].detach() for name in model.schema.states), model.schema.lasting(data)
    limit, when = largest_step(model, parts, params, data), "at"
    if not values_visible(limit):
        return False
    # In the first step of a batch the states have not its shape yet.
    values = (data,) if isinstance(data, Tensor) else tuple(data)
    if not _short(limit, dt):
        # Of units in ``who``, the middle of the step too, where Euler's method would have them: explicit
        # methods ask the field there.
        if who is None or model.derivatives is None or not bool(who.any()):
            return False
        # A parameter is the same wherever the states are.
        if any(limit is each for each in params):
            return False
        slopes = ask(model, "derivatives", parts, params, data)
        middle = zip(parts, (slopes[name] for name in model.schema.states), strict=True)
        ahead = tuple(part + 0.5 * dt * slope for part, slope in middle)
        there = largest_step(model, ahead, params, data)
        limit, when = torch.where(who != 0, there, torch.inf), "within the step from"
        if not _short(limit, dt):
            return False
    shape = broadcast_shape(*(value.shape for value in (*parts, *values, limit)))
    y = pack([spread(part, shape) for part in parts])
    if own_update(model, y, neuron.params, data, dt) is not None:
        return False  # The step is the model's own.
    whole = spread(limit, shape)
    short = (whole < dt * _ROUNDING).nonzero()[0].tolist()
    batch = f", batch {short[:-1]}" if len(short) > 1 else ""
    warnings.warn(
        f"{neuron.identifier}: dt={dt:g} ms is larger than dt_max={float(whole[tuple(short)]):.4g} ms of "
        f"unit {short[-1]}{batch} {when} t = {neuron.time:g} ms, above which {neuron.integrator!r} may "
        f"overshoot or grow, and spike where the model does not; {_remedy(_least(limit))}",
        StepSizeWarning,
        stacklevel=3,
    )
    return True


def _short(limit: Tensor, dt: float) -> bool:
    return bool((limit < dt * _ROUNDING).any())


def _remedy(least: float) -> str:
    if least <= 0:
        return "no dt would serve at that time: is the model's dt_max right?"
    return (
        f"dt={_rounded_down(least)} ms would serve all units at that time, and an adaptive integrator at any"
    )


def _least(limit: Tensor) -> float:
    return float(limit.nan_to_num(nan=torch.inf).min())


def _rounded_down(value: float) -> str:
    """A number in three digits, no larger than it is."""
    told = float(f"{value:.3g}")
    return f"{value * (1 - 5e-3):.3g}" if told > value else f"{told:g}"

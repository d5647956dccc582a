"""The pure functions of a declared model, and the packing of its named states into one tensor."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ...errors import DeclarationError, nearest, shown
from .branching import of_all_units
from .schema import Schema


class Model(NamedTuple):
    """The pure functions of a declared model, with its schema.

    Attributes:
        packed: ``(y, params, data)`` to what :func:`slopes` gives, of a model that has a shorter way there
            than by the names of ``derivatives``.
    """

    schema: Schema
    derivatives: Callable[..., Mapping[str, Any]] | None
    threshold: Callable[..., Tensor] | None
    reset: Callable[..., Mapping[str, Any]] | None
    update: Callable[..., Any] | None
    dt_max: Callable[..., Any] | None = None
    release: Callable[..., Mapping[str, Any]] | None = None
    packed: Callable[[Tensor, Any, Any], Tensor] | None = None


def pack(parts: list[Tensor]) -> Tensor:
    """Tensors of one shape as one, ``[D, ...]``; a view where there is only one."""
    return parts[0].unsqueeze(0) if len(parts) == 1 else torch.stack(parts)


def slopes(model: Model, y: Tensor, params: Any, data: Any) -> Tensor:
    """The derivatives at a packed state ``[D, *batch, units]``, per ms, packed like it."""
    if model.packed is not None:
        return model.packed(y, params, data)
    function, schema = model.derivatives, model.schema
    if function is None:
        raise _undefined(model, "derivatives")
    # As ask() does, written out: this is the innermost call of every stage.
    state = schema.pack_state(*y.unbind(0))
    try:
        values = function(state, params, data)
    except EXPLAINED as error:
        raise explained(model, "derivatives", error, (state, params, data)) from error
    if type(values) is dict and len(values) == len(state):
        # As nearly every model gives them: nothing needs to be cast or spread.
        parts, dtype, shape = [], y.dtype, state[0].shape
        for name in schema.states:
            value = values.get(name)
            if type(value) is not Tensor or value.dtype is not dtype or value.shape != shape:
                break
            parts.append(value)
        else:
            return parts[0][None] if len(parts) == 1 else torch.stack(parts)
    return pack_all(schema, values, y, "derivatives")


def gap(model: Model, y: Tensor, params: Any) -> Tensor:
    """g, the model's threshold function, at a packed state ``[D, *batch, units]``; of its type."""
    function = model.threshold
    if function is None:
        raise _undefined(model, "threshold")
    state = model.schema.pack_state(*y.unbind(0))
    try:
        g = function(state, params)
    except EXPLAINED as error:
        raise explained(model, "threshold", error, (state, params)) from error
    # As nearly every model gives it: nothing needs to be cast.
    if isinstance(g, Tensor) and g.dtype == y.dtype:
        shape = state[0].shape
        return g if g.shape == shape else torch.broadcast_to(g, shape)
    _check_difference(model, g)
    return _like(g, y)


def spread(tensor: Tensor, shape: torch.Size) -> Tensor:
    """A tensor in a shape that it broadcasts to; itself where it has that shape."""
    return tensor if tensor.shape == shape else torch.broadcast_to(tensor, shape)


def own_update(model: Model, y: Tensor, params: Any, data: Any, dt: float) -> Tensor | None:
    """The packed state after the model's own step, if it has one; ``params`` has the draws of the step."""
    if model.update is None:
        return None
    values = ask(model, "update", y.unbind(0), params, data, dt)
    return None if values is NotImplemented else pack_all(model.schema, values, y, "update")


def ask(model: Model, name: str, parts: tuple[Any, ...], params: Any, *more: Any) -> Any:
    """Call one of the author's functions; a misspelt name, or an ``if`` on a tensor, is told as such."""
    return ask_packed(model, name, model.schema.pack_state(*parts), params, *more)


def ask_packed(model: Model, name: str, state: Any, params: Any, *more: Any) -> Any:
    """The same, of a state whose values have their names."""
    function = getattr(model, name)
    if function is None:
        raise _undefined(model, name)
    try:
        return function(state, params, *more)
    except EXPLAINED as error:
        raise explained(model, name, error, (state, params, *more)) from error


EXPLAINED = (AttributeError, RuntimeError, TypeError, ValueError)
"""What an author's mistake raises that can be told better."""


def _undefined(model: Model, name: str) -> DeclarationError:
    left = ", and its update left the step to the integrator" if name == "derivatives" else ""
    return DeclarationError(f"{model.schema.owner} defines no {name}{left}")


def explained(model: Model, name: str, error: Exception, given: tuple[Any, ...]) -> DeclarationError:
    """What an error of one of the author's functions means; raises it as it is where that is not known."""
    owner, params = f"{model.schema.owner}.{name}", given[1]
    if not isinstance(error, AttributeError):
        told = of_all_units(error, owner)
        if told is None:
            raise error
        return told
    asked, known = str(error.name), getattr(error.obj, "_fields", None)
    # An attribute of something else than what the function was given: its author's own affair.
    if known is None or not any(error.obj is part for part in given):
        raise error
    if asked in model.schema.draws and error.obj is params:
        return DeclarationError(
            f"{owner} asks for {asked!r}, which is drawn anew for each event: only reset, update and the "
            f"defaults of states can read a draw; keep what reset draws in a State, and read that in {name}"
        )
    return DeclarationError(
        f"{owner} asks for {asked!r}{nearest(asked, known)}; it has {', '.join(known) or 'nothing'} there"
    )


def pack_all(schema: Schema, values: Any, y: Tensor, function: str) -> Tensor:
    """What one of the model's functions gave for each of its states, packed like ``y``."""
    if not isinstance(values, Mapping) or values.keys() != schema.states.keys():
        raise wrong_names(schema, values, function)
    return pack([_own_like(schema, function, name, values[name], y) for name in schema.states])


def wrong_names(schema: Schema, values: Any, function: str) -> DeclarationError:
    """The error about a function that gave no value, or one too many, for the states."""
    return DeclarationError(
        f"{schema.owner}.{function} gave {_gave(values)}; give a mapping with a value for each "
        f"state: {', '.join(schema.states)}"
    )


def after_reset(model: Model, y: Tensor, params: Any, others: Tensor | None = None) -> Tensor | None:
    """The packed state after ``reset``, None if it names no state; ``params`` has the draws of the spike.

    States that it does not name are those of ``others``, by default of the ``y`` that it was given.
    """
    return None if model.reset is None else _changed(model, "reset", y, params, others)


def after_release(model: Model, y: Tensor, params: Any) -> Tensor:
    """The packed state after ``release``, which a model has that is asked for it: at the end of a hold."""
    after = _changed(model, "release", y, params, None)
    return y if after is None else after


def _changed(model: Model, function: str, y: Tensor, params: Any, others: Tensor | None) -> Tensor | None:
    """The packed state with the new values that a function gives to some states; None if it names none."""
    schema, parts = model.schema, y.unbind(0)
    changes = ask(model, function, parts, params)
    if not isinstance(changes, Mapping) or not changes.keys() <= schema.states.keys():
        raise DeclarationError(
            f"{schema.owner}.{function} gave {_gave(changes)}; give a mapping of new values for some of the "
            f"states: {', '.join(schema.states)}"
        )
    if not changes:
        return None
    rest = parts if others is None else others.unbind(0)
    return pack(
        [
            _own_like(schema, function, name, changes[name], y) if name in changes else part
            for name, part in zip(schema.states, rest, strict=True)
        ]
    )


def resets_states(model: Model, y: Tensor, params: Any) -> bool:
    """Whether ``reset`` names a state. It is asked without a spike, and given numbers that nobody drew."""
    # 0.5 lies within every distribution.
    drawn = [torch.full_like(y[0], 0.5) for _ in model.schema.draws]
    return after_reset(model, y, model.schema.with_draws(params, drawn) if drawn else params) is not None


def held_mask(schema: Schema, y: Tensor) -> Tensor:
    """Which rows of a packed state are held while refractory, ``[D, 1, ...]``; not to be changed."""
    return _rows_mask(tuple(name in schema.held for name in schema.states), y.ndim, y.device)


def kinetic_mask(schema: Schema, y: Tensor) -> Tensor:
    """Which rows of a packed state are synapses', ``[D, 1, ...]``; not to be changed."""
    return _rows_mask(tuple(name in schema.kinetic for name in schema.states), y.ndim, y.device)


def _rows_mask(rows: tuple[bool, ...], ndim: int, device: torch.device) -> Tensor:
    # While compiling, under a transform or in inference mode a tensor that is kept would be somebody's own.
    if torch.compiler.is_compiling() or torch.is_inference_mode_enabled():
        return _made_mask(rows, ndim, device)
    return _kept_mask(rows, ndim, device)


def _made_mask(rows: tuple[bool, ...], ndim: int, device: torch.device) -> Tensor:
    return torch.tensor(rows, device=device).view(-1, *([1] * (ndim - 1)))


_kept_mask = functools.lru_cache(maxsize=256)(_made_mask)


def _check_difference(model: Model, g: Any) -> None:
    """Refuse a g that is not of the state's type, and no number at all or a comparison."""
    try:
        kind = g.dtype if isinstance(g, Tensor) else torch.as_tensor(g).dtype
    except (TypeError, ValueError, RuntimeError):
        kind = None
    if kind is None or kind == torch.bool:
        gave = type(g).__name__ if kind is None else "a comparison (bool)"
        raise DeclarationError(
            f"{model.schema.owner}.threshold gave {gave}; give a difference that is positive past the "
            "threshold, such as state.voltage - params.threshold: a spike is where it becomes positive"
        )


def _gave(values: Any) -> str:
    return str(sorted(values)) if isinstance(values, Mapping) else type(values).__name__


def _own_like(schema: Schema, function: str, name: str, value: Any, y: Tensor) -> Tensor:
    """What an author's function gave for a state, like one row of ``y``."""
    try:
        return _like(value, y)
    except (TypeError, ValueError, RuntimeError) as error:
        if isinstance(value, Tensor):
            if _broadcasts(value.shape, y.shape[1:]):
                raise
            gave = f"the shape {list(value.shape)}"
        else:
            gave = shown(value)
        raise DeclarationError(
            f"{schema.owner}.{function} gave {gave} for {name!r}; give a number, or a tensor that broadcasts "
            f"to the shape of the states that it was given, {list(y.shape[1:])}"
        ) from error


def _broadcasts(shape: torch.Size, to: torch.Size) -> bool:
    return len(shape) <= len(to) and all(
        own in (1, other) for own, other in zip(reversed(shape), reversed(to), strict=False)
    )


def _like(value: Any, y: Tensor) -> Tensor:
    if not isinstance(value, Tensor):
        value = torch.as_tensor(value, dtype=y.dtype, device=y.device)
    elif value.dtype != y.dtype:
        value = value.to(y.dtype)
    return spread(value, y.shape[1:])

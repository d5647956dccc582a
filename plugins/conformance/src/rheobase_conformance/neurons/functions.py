"""The author's functions: pure, unit by unit, and of the states they are given."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from rheobase.spi import FUNCTIONS
from torch import Tensor

from ..profiles import Profile
from ..property import Need, prop
from ..violation import require, violated
from .case import NeuronCase
from .cases import runs
from .going import STRONG
from .points import Points, as_number, both, changed, cloned
from .running import same
from .subject import NeuronSubject

DEFINED = Need(
    lambda s: any(callable(getattr(s.model, name, None)) for name in FUNCTIONS),
    "the model defines no derivatives, threshold, reset, update or function dt_max",
)


def short_runs(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """Short runs, whose states the functions are tried on."""
    return runs(subject, profile, units=(4, 3, 2), steps=(8, 14), courses=STRONG, events=("crossing",))


@prop(
    "neuron",
    "functions-give-their-states",
    "contract",
    needs=(DEFINED,),
    cases=short_runs,
    share=0.5,
    why="a state without a derivative stands still, and one that is not declared is lost",
)
def the_functions_give_what_they_must(subject: NeuronSubject, case: NeuronCase) -> None:
    """``derivatives`` and ``update`` give every state and nothing else, ``reset`` only states."""
    points, states = Points(subject, case), set(subject.schema.states)
    for name in points.names:
        values = points.call(name, *points.at(-1))
        if values is None:
            continue
        whole = {"derivatives": states, "update": states, "threshold": {""}, "dt_max": {""}}.get(name)
        given = f"{subject.model.__name__}.{name} gives {sorted(values) if '' not in values else 'one value'}"
        if whole is not None:
            require(
                set(values) == whole, f"{given}; it must give {sorted(whole) if '' not in whole else 'one'}"
            )
        else:
            require(set(values) <= states, f"{given}; the states are {sorted(states)}")
        for key, value in values.items():
            shape = list(torch.as_tensor(value).shape)
            require(
                shape in ([], [1], [case.units]),
                f"{points.told(name, key)} the shape {shape}; it must be [{case.units}], as the states are",
            )


@prop(
    "neuron",
    "functions-are-pure",
    "contract",
    needs=(DEFINED,),
    cases=short_runs,
    share=0.5,
    why="integrators call them as often as they like: several times a step, and steps that are thrown away",
)
def the_functions_are_pure(subject: NeuronSubject, case: NeuronCase) -> None:
    """The functions give the same for the same, whatever was asked between, and change nothing."""
    points = Points(subject, case)
    for name in points.names:
        states, data = points.at(0)
        params = type(points.params)(*(cloned(value) for value in points.params))
        first = _kept(points.call(name, states, data, params))
        pairs = [
            (f"state.{key}", *pair)
            for key, pair in zip(
                subject.schema.states, zip(states, points.at(0)[0], strict=True), strict=True
            )
        ]
        pairs += [
            (f"params.{key}", a, b) for key, a, b in zip(params._fields, params, points.params, strict=True)
        ]
        if isinstance(data, Tensor):
            pairs.append(("data", data, points.data[0]))
        else:
            pairs += [
                (f"data.{key}", a, b) for key, a, b in zip(data._fields, data, points.data[0], strict=True)
            ]
        for what, now, before in pairs:
            if not isinstance(now, Tensor):
                continue
            require(
                same(now, before), f"{subject.model.__name__}.{name} changes {what}, which it was only given"
            )
        for place in (-1, len(points.states) // 2, 0):
            again = points.call(name, *points.at(place))
        if first is None:
            continue
        again = _kept(again)
        for key in first:
            require(
                again is not None and key in again and same(as_number(first[key]), as_number(again[key])),
                f"{points.told(name, key)} {_short(first[key])}, and later, for the same, "
                f"{_short((again or {}).get(key))}: it keeps or reads something that it was not given",
            )


def _kept(values: Any) -> Any:
    return None if values is None else {key: cloned(value) for key, value in values.items()}


def _short(value: Any) -> str:
    return str(value.reshape(-1)[:3].tolist()) if isinstance(value, Tensor) else repr(value)


@prop(
    "neuron",
    "functions-treat-units-alone",
    "contract",
    needs=(DEFINED,),
    cases=short_runs,
    share=0.5,
    why="units meet between neurons, not within one: else a result depends on who else is simulated",
)
def the_functions_treat_units_alone(subject: NeuronSubject, case: NeuronCase) -> None:
    """What the functions give for a unit does not depend on the other units, nor on their number."""
    points = Points(subject, case)
    last, middle = len(points.states) - 1, len(points.states) // 2
    for unit in (0, points.units - 1):
        for place in (last, middle):
            for other in range(last + 1):
                is_alone(points, unit, place, other)


def is_alone(points: Points, unit: int, place: int, other: int) -> None:
    """What a unit gets is what it gets when the others are as at another point, and without them."""
    mine = torch.arange(points.units) == unit

    def own(value: Any) -> Any:
        wide = isinstance(value, Tensor) and value.ndim > 0 and value.shape[-1] > 1
        return value[..., unit : unit + 1].clone() if wide else value

    def mixed(now: Tensor, old: Tensor) -> Tensor:
        return torch.where(mine, now, old)

    params = type(points.params)(*(own(value) for value in points.params))
    for name in points.names:
        (states, data), (others, before) = points.at(place), points.at(other)
        result = points.call(name, states, data)
        if result is None:
            continue
        whole = {key: own(value) for key, value in result.items()}
        states, data = points.at(place)
        among = points.call(name, tuple(map(mixed, states, others)), both(data, before, mixed))
        points.compare(
            name, whole, {key: own(value) for key, value in among.items()}, "when only the other units differ"
        )
        alone = points.call(name, tuple(map(own, states)), changed(data, own), params)
        points.compare(name, whole, alone, f"among {points.units} units and alone")


@prop(
    "neuron",
    "functions-take-any-batch",
    "contract",
    needs=(DEFINED,),
    cases=short_runs,
    share=0.5,
    why="the leading dimensions are trials, which the same functions serve",
)
def the_functions_take_any_batch(subject: NeuronSubject, case: NeuronCase) -> None:
    """The functions give for ``[2, 1, units]`` what they give for each row."""
    points = Points(subject, case)
    one, other = points.at(0), points.at(-1)

    def stacked(a: Tensor, b: Tensor) -> Tensor:
        return torch.stack([a, b]).unsqueeze(1)

    states = tuple(stacked(a, b) for a, b in zip(one[0], other[0], strict=True))
    data = both(one[1], other[1], stacked)
    for name in points.names:
        rows = [points.call(name, *points.at(place)) for place in (0, -1)]
        if rows[0] is None:
            continue
        try:
            whole = points.call(name, states, data)
        except Exception as error:
            violated(
                f"{subject.model.__name__}.{name} fails for [2, 1, units]: {type(error).__name__}: {error}"
            )
        for row in (0, 1):
            taken = {}
            for key, value in whole.items():
                wide = as_number(value)
                fits = wide.ndim <= 3 and wide.shape in (wide.shape[-1:], (2, 1, *wide.shape[-1:]))
                require(
                    fits, f"{points.told(name, key)} the shape {list(wide.shape)} for [2, 1, {case.units}]"
                )
                taken[key] = wide[row, 0] if wide.ndim == 3 else wide
            points.compare(name, rows[row], taken, "alone and in a batch")


@prop(
    "neuron",
    "functions-keep-the-type",
    "contract",
    needs=(DEFINED,),
    cases=short_runs,
    share=0.5,
    why="a step back to float32 within a float64 model loses half of its digits, in silence",
)
def the_functions_keep_the_type(subject: NeuronSubject, case: NeuronCase) -> None:
    """The functions give floating-point tensors of no less precision than that of the states."""
    points = Points(subject, case)
    for dtype in (torch.float64, torch.float32):

        def cast(value: Any, dtype: torch.dtype = dtype) -> Any:
            return value.to(dtype) if isinstance(value, Tensor) else value

        states, data = points.at(-1)
        params = type(points.params)(*(cast(value) for value in points.params))
        for name in points.names:
            values = points.call(name, tuple(map(cast, states)), changed(data, cast), params)
            for key, value in (values or {}).items():
                if isinstance(value, Tensor) and value.ndim:
                    # A wider type is taken back by the engine, and loses nothing.
                    keeps = (
                        value.is_floating_point() and torch.finfo(value.dtype).bits >= torch.finfo(dtype).bits
                    )
                    require(keeps, f"{points.told(name, key)} {value.dtype} where the states are {dtype}")

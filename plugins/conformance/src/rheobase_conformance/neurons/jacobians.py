"""The gradients of the author's functions, where a strong run leads: those of differences."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from ..profiles import Profile
from ..property import Need, prop
from ..vacuous import vacuous
from ..violation import Violation, violated
from .case import NeuronCase
from .cases import runs
from .events import OWN_FORWARD
from .gradients import gradients_are_those_of_finite_differences
from .needs import DETERMINISTIC
from .points import Points
from .subject import NeuronSubject

ASKED = ("derivatives", "update", "threshold", "reset")
"""The functions that gradients flow through."""

SHIFTS = (0.0, 1.0, -1.0, 0.5, -0.5)
"""How far a number is moved, in parts of a step."""

STEPS = (1e-3, 1e-4, 1e-5)
"""Steps of differences, relative to the number; at each point the one that is best settled serves."""

PLACES = 4
"""How many states of a run are looked at, beside those where one of the variables is largest or smallest."""

MOST_PLACES = 12
"""And how many in all."""

STRONG = ((10.0, -5.0, 30.0, 0.0), (30.0, 0.05, 3.0), (-3.0, 1.0, 8.0), (1.0, 2.0))
"""Levels of a run that goes far to both sides of rest."""

FARTHER = ((300.0, 0.0, -100.0), (30.0, -30.0), (3.0, 1.0))
"""The same for a model without a rheobase, whose scale moves it by little."""

HAS_FUNCTIONS = Need(
    lambda s: any(callable(getattr(s.model, name, None)) for name in ASKED),
    "the model defines no derivatives, update, threshold or reset",
)
NOT_REFUSED = Need(
    lambda s: bool(getattr(s.model, "differentiable", True)), "the model says differentiable = False"
)


def far_runs(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """Runs that lead far away from rest, and back."""
    return runs(
        subject,
        profile,
        units=(3, 2),
        steps=(24, 40),
        courses=STRONG if subject.sizes.rheobase[subject.sizes.main] else FARTHER,
        dtypes=("float64",),
        events=("crossing",),
    )


@prop(
    "neuron",
    "functions-have-their-gradients",
    "numerics",
    cases=far_runs,
    share=0.5,
    needs=(HAS_FUNCTIONS, NOT_REFUSED),
    why="a term without its gradient, too small to be felt near rest, misleads a training elsewhere",
)
def the_functions_have_the_gradients_of_what_they_compute(subject: NeuronSubject, case: NeuronCase) -> None:
    """In the states of a strong run, gradients of the functions are those of central differences."""
    wide = Wide(subject, case)
    for name in wide.names:
        if wide.values(name, wide.numbers) is not None:
            _judge(subject, wide, name)


def _undisturbed(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    return runs(
        subject,
        profile,
        units=(4,),
        steps=(16, 8),
        courses=((-3.0, 0.9), (0.6, 0.9), (0.0, -10.0)),
        dtypes=("float64",),
        events=("crossing",),
    )


@prop(
    "neuron",
    "own-steps-keep-the-graph",
    "numerics",
    cases=_undisturbed,
    share=0.5,
    needs=(OWN_FORWARD, DETERMINISTIC, NOT_REFUSED),
    why="a forward that drops a part of the graph trains another model than the one that runs, in silence",
)
def a_forward_of_its_own_keeps_the_graph(subject: NeuronSubject, case: NeuronCase) -> None:
    """Between spikes, gradients through a forward of its own, if any, are those of central differences.

    Without any graph ``backward`` is an error, which nobody overlooks; with a part of it the gradient is
    wrong.
    """
    try:
        if not _has_a_graph(subject, case):
            vacuous("its forward keeps no graph")
        gradients_are_those_of_finite_differences(subject, case)
    except Violation as seen:
        violated(
            f"{seen}; a forward keeps all of the graph, or none, or the model says differentiable = False"
        )
    except RuntimeError:
        vacuous("torch refuses the graph of its forward, aloud, as it does of numpy")


def _has_a_graph(subject: NeuronSubject, case: NeuronCase) -> bool:
    """Whether a state that a step gives hangs on the input or a parameter, by its graph."""
    neuron = case.neuron(subject.model, grad=True)
    for name in subject.schema.parameters:
        setattr(neuron, name, nn.Parameter(getattr(neuron, name).detach().clone()))
    given = case.data(neuron)[0]
    out = neuron(
        {name: value.requires_grad_() for name, value in given.items()}
        if isinstance(given, dict)
        else given.requires_grad_()
    )
    return any(
        value.requires_grad
        for name in subject.schema.states
        for value in (out.get(name), getattr(neuron, name))
        if isinstance(value, Tensor)
    )


class Wide:
    """The functions at several states of a run at once, as so many units.

    Args:
        subject: The model.
        case: The run.

    Attributes:
        names: The functions that the model defines, of those that are asked for.
        numbers: What they are given, each ``[points]``: states, parameters and inputs, called
            ``"state v"``, ``"parameter tau"`` and ``"input data"``.
        dt: The step, ms.
    """

    def __init__(self, subject: NeuronSubject, case: NeuronCase) -> None:
        self._points = points = Points(subject, case)
        self._subject, self._schema = subject, subject.schema
        self.names = [name for name in ASKED if name in points.names]
        self.dt = points.dt
        chosen = _places(points)
        units, places = points.units, len(chosen)
        self.numbers: dict[str, Tensor] = {}
        for row, name in enumerate(subject.schema.states):
            self.numbers[f"state {name}"] = torch.cat(
                [points.at(place)[0][row].expand(units) for place in chosen]
            )
        for name in subject.schema.parameters:
            value = getattr(points.params, name)
            self.numbers[f"parameter {name}"] = value.expand(units).repeat(places)
        # Draws are of each unit, and stay as they are; options are words.
        self._fixed = {
            name: value.expand(units).repeat(places) if isinstance(value, Tensor) else value
            for name, value in zip(points.params._fields, points.params, strict=True)
            if name not in subject.schema.parameters
        }
        self._data = [points.at(place)[1] for place in chosen]
        for name in self._inputs():
            rows = [each if isinstance(each, Tensor) else getattr(each, name) for each in self._data]
            self.numbers[f"input {name}"] = torch.cat([each.expand(units) for each in rows])

    def _inputs(self) -> tuple[str, ...]:
        first = self._data[0]
        return ("data",) if isinstance(first, Tensor) else first._fields

    def values(self, function: str, numbers: dict[str, Tensor]) -> dict[str, Tensor] | None:
        """What a function gives for such numbers, by name; None: it leaves it to others.

        Args:
            function: Its name.
            numbers: As :attr:`numbers`; they may have leading dimensions.
        """
        points = self._points
        params = type(points.params)(
            **{
                name: numbers.get(f"parameter {name}", self._fixed.get(name))
                for name in points.params._fields
            }
        )
        first = self._data[0]
        data = (
            numbers["input data"]
            if isinstance(first, Tensor)
            else type(first)(*(numbers[f"input {name}"] for name in first._fields))
        )
        states = tuple(numbers[f"state {name}"] for name in self._schema.states)
        given = points.call(function, states, data, params)
        if given is None:
            return None
        return {key: torch.as_tensor(value, dtype=torch.float64) for key, value in given.items()}

    def size(self, name: str) -> Tensor:
        """How large a number is at each point; one of zero as what usually moves it, or one."""
        kind, _, bare = name.partition(" ")
        sizes, at = self._subject.sizes, self.numbers[name].abs()
        scale = {
            "state": sizes.excursion.get(bare, 0.0),
            "input": sizes.scale.get(bare, sizes.scale[sizes.main]),
        }.get(kind, 0.0)
        return torch.where(at > 1e-9 * scale, at, scale or 1.0)

    def inside(self, name: str, moved: Tensor) -> Tensor:
        """Which numbers lie in the domain that is declared for them."""
        kind, _, bare = name.partition(" ")
        table: Any = {"state": self._schema.states, "parameter": self._schema.parameters}.get(
            kind, self._schema.inputs
        )
        declared = table.get(bare)
        return (
            declared.domain.contains(moved)
            if declared is not None
            else torch.ones_like(moved, dtype=torch.bool)
        )


def _places(points: Points) -> list[int]:
    count = len(points.states)
    chosen = {round(part * (count - 1) / (PLACES - 1)) for part in range(PLACES)}
    for row in range(len(points.states[0])):
        course = torch.stack([states[row].expand(points.units) for states in points.states])
        chosen |= {int(course.amax(dim=1).argmax()), int(course.amin(dim=1).argmin())}
    return sorted(chosen)[-MOST_PLACES:]


def _judge(subject: NeuronSubject, wide: Wide, function: str) -> None:
    leaves = {name: value.clone().requires_grad_() for name, value in wide.numbers.items()}
    values = wide.values(function, leaves) or {}
    found = {name: _quotients(wide, function, name) for name in leaves}
    for key, value in values.items():
        gradients = _gradients(value, leaves)
        # What the value is made of is at least as large as what a change of each number by itself makes.
        parts = sum(
            (each[key].quotient.abs() * wide.numbers[name].abs()).nan_to_num() for name, each in found.items()
        )
        size = _size(subject, wide, function, key, value)
        for name, each in found.items():
            _compare(subject, wide, function, key, name, gradients[name], each[key], parts, size)


def _gradients(value: Tensor, leaves: dict[str, Tensor]) -> dict[str, Tensor]:
    found: Any = [None] * len(leaves)
    if value.requires_grad:
        found = torch.autograd.grad(value.sum(), list(leaves.values()), retain_graph=True, allow_unused=True)
    return {
        name: torch.zeros_like(leaf) if grad is None else grad
        for (name, leaf), grad in zip(leaves.items(), found, strict=True)
    }


class _Quotient(NamedTuple):
    """A difference quotient at each point.

    Attributes:
        quotient: Of the step that is settled best, by Richardson's extrapolation; NaN where none can be had.
        unsettled: By how much those of the step and of half of it differ.
        step: That step.
        size: Of the number that is moved.
        smooth: Whether there is no kink within it.
    """

    quotient: Tensor
    unsettled: Tensor
    step: Tensor
    size: Tensor
    smooth: Tensor


def _quotients(wide: Wide, function: str, name: str) -> dict[str, _Quotient]:
    at = wide.numbers[name]
    size = wide.size(name)
    best: dict[str, _Quotient] = {}
    for part in STEPS:
        step = part * size
        moved = at + torch.stack([shift * step for shift in SHIFTS])
        numbers = {
            key: value.expand(len(SHIFTS), *value.shape) for key, value in wide.numbers.items() if key != name
        }
        values = wide.values(function, {**numbers, name: moved}) or {}
        inside = wide.inside(name, moved).all(dim=0)
        for key, value in values.items():
            made = _quotient(value.detach().expand(moved.shape), step, size, inside)
            best[key] = made if key not in best else _better(best[key], made)
    return best


def _quotient(values: Tensor, step: Tensor, size: Tensor, inside: Tensor) -> _Quotient:
    at, up, down, up_half, down_half = values
    wide, narrow = (up - down) / (2.0 * step), (up_half - down_half) / step
    bend = ((up - at) - (at - down)).abs() / step
    bend_half = ((up_half - at) - (at - down_half)).abs() / (0.5 * step)
    quotient = torch.where(inside, (4.0 * narrow - wide) / 3.0, torch.nan)
    # Rounding of the values alone; that of what they are made of is added where they are compared.
    noise = 64.0 * torch.finfo(at.dtype).eps * at.abs() / step
    # At a kink the slopes to both sides differ however short the step.
    smooth = (bend_half <= 1e-4 * quotient.abs() + noise) | (bend_half <= 0.75 * bend)
    return _Quotient(quotient, (wide - narrow).abs() + noise, step, size, smooth)


def _better(one: _Quotient, other: _Quotient) -> _Quotient:
    takes = (other.unsettled < one.unsettled) | one.quotient.isnan()
    takes &= ~other.quotient.isnan()
    best = _Quotient(*(torch.where(takes, b, a) for a, b in zip(one, other, strict=True)))
    # Where large terms cancel, one step and its half may agree by luck, but another step then disagrees.
    apart = (one.quotient - other.quotient).abs().nan_to_num(nan=0.0)
    return best._replace(unsettled=torch.maximum(best.unsettled, apart))


def _size(subject: NeuronSubject, wide: Wide, function: str, key: str, value: Tensor) -> float:
    """A size that the values of a function are small beside, where their gradients are rounding."""
    if not key:
        return float(value.detach().abs().nan_to_num(posinf=0.0, neginf=0.0).max())
    state = wide.numbers[f"state {key}"].abs().max()
    whole = float(state) + subject.sizes.excursion.get(key, 0.0)
    return whole / wide.dt if function == "derivatives" else whole


def _compare(
    subject: NeuronSubject,
    wide: Wide,
    function: str,
    key: str,
    name: str,
    gradient: Tensor,
    found: _Quotient,
    parts: Any,
    size: float,
) -> None:
    eps = torch.finfo(torch.float64).eps
    noise = 64.0 * eps * parts / found.step
    unsettled = found.unsettled + noise
    trusted = found.smooth & (unsettled <= 1e-2 * found.quotient.abs() + 2.0 * noise)
    # 1 - sigmoid(40) is 0 to the bit, and its gradient 4e-18.
    room = 1e-4 * found.quotient.abs() + 4.0 * unsettled + 1e-12 * size / found.size
    wrong = trusted & found.quotient.isfinite() & ~((gradient - found.quotient).abs() <= room)
    if not bool(wrong.any()):
        return
    point = int(
        ((gradient - found.quotient).abs() / room).nan_to_num(nan=torch.inf).where(wrong, -1.0).argmax()
    )
    states = ", ".join(
        f"{state} = {float(wide.numbers[f'state {state}'][point]):.6g}" for state in subject.schema.states
    )
    what = f"{subject.model.__name__}.{function}" + (f"[{key!r}]" if key else "")
    violated(
        f"the gradient of {what} by the {name} is {float(gradient[point]):.9g} at {states}, and the "
        f"difference quotient {float(found.quotient[point]):.9g} (steps of {float(found.step[point]):.3g} "
        f"and half of it agree to {float(found.unsettled[point]):.2g}); what is taken out of the graph "
        "(detach, item, numpy, round) has no gradient; if none is promised, say differentiable = False"
    )

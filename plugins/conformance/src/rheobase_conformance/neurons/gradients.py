"""Gradients: finite, and those of finite differences."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from hypothesis import strategies as st
from rheobase.errors import IntegrationError
from torch import Tensor, nn

from ..profiles import Profile
from ..property import prop
from ..vacuous import vacuous
from ..violation import violated
from .case import NeuronCase
from .cases import runs
from .courses import STEPS
from .needs import DIFFERENTIABLE
from .subject import NeuronSubject

SHIFTS = (0.0, 1.0, -1.0, 0.5, -0.5)
"""How far a quantity is moved, in parts of its step."""

STEP = 1e-3
"""The step of a difference, relative to the quantity."""

_THERE_AND_BACK = ((10.0, -5.0, 30.0, 0.0), (30.0, 0.05, 3.0), (0.0, 60.0), (-3.0, 1.0, 8.0))
"""Levels of a strong run, on both sides of rest: functions that have an edge have it there."""


def _quiet(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    return runs(
        subject,
        profile,
        units=(4,),
        steps=(8, 12),
        courses=((0.6,), (0.0, 0.4), (0.2, 0.6)),
        dtypes=("float64",),
        events=("crossing",),
    )


def _strong(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    return runs(
        subject, profile, steps=STEPS, courses=_THERE_AND_BACK, dtypes=("float64",), events=("crossing",)
    )


@prop(
    "neuron",
    "gradients-equal-differences",
    "numerics",
    cases=_quiet,
    needs=(DIFFERENTIABLE,),
    share=0.5,
    why="training follows the gradient; a wrong one trains another model than the one that runs",
)
def gradients_are_those_of_finite_differences(subject: NeuronSubject, case: NeuronCase) -> None:
    """Below threshold, gradients of the states by input and parameters are those of central differences."""
    first, *others = subject.schema.states
    ends = _run_with_graph(subject, case, leaves := _leaves(subject, case))
    if not ends:
        vacuous("the run ends in a named error")
    moved = _differences(subject, case, tuple(leaves))
    if not moved:
        vacuous("neither an input nor a parameter can be moved within its domain")
    # One state by itself, and all others by one number, each in parts of its size.
    for states in ([first], others) if others else ([first],):
        weights = {state: 1.0 / (float(ends[state].detach().abs().max()) or 1.0) for state in states}
        gradients = _gradients(_sum(ends, weights), leaves, states)
        for name, gradient in gradients.items():
            if name in moved:
                step, finals = moved[name]
                if name.startswith("input "):
                    gradient = gradient / _scale(subject, name)
                _compare(case, states, name, gradient, step, _sum(finals, weights))


@prop(
    "neuron",
    "gradients-finite",
    "numerics",
    cases=_strong,
    needs=(DIFFERENTIABLE,),
    share=0.5,
    why="one gradient that is no number ends a training",
)
def gradients_through_spikes_are_finite(subject: NeuronSubject, case: NeuronCase) -> None:
    """Through a strong run with spikes, gradients by input and parameters are finite."""
    leaves = _leaves(subject, case)
    ends = _run_with_graph(subject, case, leaves, whole=False)
    if ends:
        _gradients(_sum(ends, dict.fromkeys(ends, 1.0)), leaves, list(ends))


def _sum(values: dict[str, Tensor], weights: dict[str, float]) -> Tensor:
    """A weighted sum of states."""
    return sum((weight * values[name] for name, weight in weights.items()), torch.zeros(()))


def _leaves(subject: NeuronSubject, case: NeuronCase) -> dict[str, Tensor]:
    """What is derived by, one number for each unit: inputs, which are named "input ...", and parameters."""
    neuron = case.neuron(subject.model)
    leaves: dict[str, Tensor] = {
        # What is added to the input in every step, in parts of its scale.
        f"input {name}": torch.zeros(case.units, dtype=neuron.dtype, requires_grad=True)
        for name in subject.inputs
    }
    for name in subject.schema.parameters:
        leaves[name] = nn.Parameter(getattr(neuron, name).detach().expand(case.units).clone())
    return leaves


def _run_with_graph(
    subject: NeuronSubject, case: NeuronCase, leaves: dict[str, Tensor], *, whole: bool = True
) -> dict[str, Tensor]:
    """The final states with their graph; none where a run that must be whole ended in an error."""
    neuron = case.neuron(subject.model, grad=True)
    for name in subject.schema.parameters:
        setattr(neuron, name, leaves[name])
    for each in case.data(neuron):
        moved = {
            name: value + _scale(subject, f"input {name}") * leaves[f"input {name}"]
            for name, value in _by_name(subject, each).items()
        }
        try:
            neuron(_as_given(each, moved))
        except IntegrationError:
            if whole:
                return {}
            break
    return {state: getattr(neuron, state) for state in subject.schema.states}


def _gradients(end: Tensor, leaves: dict[str, Tensor], states: list[str]) -> dict[str, Tensor]:
    """The gradient of a final value by each leaf; zero by one that it does not depend on."""
    found: Any = [None] * len(leaves)
    if end.requires_grad:
        found = torch.autograd.grad(end.sum(), list(leaves.values()), retain_graph=True, allow_unused=True)
    gradients = {}
    for (name, leaf), grad in zip(leaves.items(), found, strict=True):
        gradients[name] = torch.zeros_like(leaf) if grad is None else grad
        bad = (~gradients[name].isfinite()).nonzero()
        if len(bad):
            unit = int(bad[0, 0])
            violated(
                f"the gradient of {' + '.join(states)} by {_called(name)} is "
                f"{float(gradients[name][unit])} for unit "
                f"{unit}; it must be finite: a function like sqrt(0) on the side of a where that is "
                "not selected still sends NaN back, so give it another argument there"
            )
    return gradients


def _differences(
    subject: NeuronSubject, case: NeuronCase, names: tuple[str, ...]
) -> dict[str, tuple[Tensor, dict[str, Tensor]]]:
    """Of each quantity that can be moved: its step, and the final states, ``[shifts, units]``.

    NaN stands for units that spiked.

    All variants run side by side, as units of one ensemble.
    """
    single = case.neuron(subject.model)
    able: dict[str, Tensor] = {}
    for name in names:
        values = None if name.startswith("input ") else getattr(single, name).detach().expand(case.units)
        step = torch.full((case.units,), STEP * _scale(subject, name), dtype=single.dtype)
        if values is not None:
            step = torch.where(values == 0, torch.full_like(values, STEP), STEP * values.abs())
        row = torch.stack([shift * step for shift in SHIFTS])
        if values is None:
            domain = subject.schema.inputs.get(name.removeprefix("input "))
            course = [_by_name(subject, each)[name.removeprefix("input ")] for each in case.data(single)]
            inside = domain is None or all(bool(domain.domain.contains(each + row).all()) for each in course)
        else:
            inside = bool(subject.schema.parameters[name].domain.contains(values + row).all())
        if inside:
            able[name] = row
    if not able:
        return {}
    block = len(SHIFTS) * case.units
    total = block * len(able)
    wide = {name: _repeat(value, total // case.units) for name, value in case.params.items()}
    neuron = replace(case, params=wide, units=total).neuron(subject.model)
    shifts: dict[str, Tensor] = {}
    for place, (name, row) in enumerate(able.items()):
        shift = torch.zeros(total, dtype=neuron.dtype)
        shift[place * block : (place + 1) * block] = row.reshape(-1)
        shifts[name] = shift
        if not name.startswith("input "):
            setattr(neuron, name, getattr(neuron, name) + shift)
    quiet = torch.ones(total, dtype=torch.bool)
    for each in case.data(single):
        given = _by_name(subject, each)
        moved = {
            name: value.repeat(total // case.units) + shifts.get(f"input {name}", torch.zeros(()))
            for name, value in given.items()
        }
        try:
            outputs = neuron(_as_given(each, moved))
        except IntegrationError:
            return {}
        if "spiked" in outputs:
            quiet &= outputs["spiked"] == 0
    ends = {state: getattr(neuron, state).detach() for state in subject.schema.states}
    ends = {state: torch.where(quiet, end, torch.nan) for state, end in ends.items()}
    sides: dict[str, tuple[Tensor, dict[str, Tensor]]] = {}
    for place, (name, row) in enumerate(able.items()):
        part = slice(place * block, (place + 1) * block)
        sides[name] = (row[1], {state: end[part].reshape(len(SHIFTS), -1) for state, end in ends.items()})
    return sides


def _compare(
    case: NeuronCase, states: list[str], name: str, gradient: Tensor, step: Tensor, finals: Tensor
) -> None:
    """Refuse a gradient that is not the difference quotient, where that quotient can be trusted."""
    at, up, down, up_half, down_half = finals
    wide, narrow = (up - down) / (2.0 * step), (up_half - down_half) / step
    # What rounding of the final states, each of which is about one, makes of a quotient.
    noise = 256.0 * torch.finfo(at.dtype).eps * len(states) * case.steps / step
    quotient = (4.0 * narrow - wide) / 3.0
    unsettled = (wide - narrow).abs()
    # At a kink the slopes to both sides differ however short the step; a quotient that does not settle when
    # its step is halved, and one across a kink, say nothing of the gradient.
    bend = ((up - at) - (at - down)).abs() / step
    bend_half = ((up_half - at) - (at - down_half)).abs() / (0.5 * step)
    trusted = unsettled <= 1e-2 * quotient.abs() + noise
    trusted &= (bend_half <= 1e-4 * quotient.abs() + noise) | (bend_half <= 0.75 * bend)
    room = 1e-4 * quotient.abs() + 4.0 * unsettled + noise
    wrong = trusted & ((gradient - quotient).abs() > room)
    if bool(wrong.any()):
        unit = int(wrong.nonzero()[0, 0])
        violated(
            f"after {case.steps} steps the gradient of {' + '.join(states)} by {_called(name)} is "
            f"{float(gradient[unit]):.9g} for unit {unit}, and the difference quotient "
            f"{float(quotient[unit]):.9g} (steps of {float(step[unit]):.3g} and half of it agree to "
            f"{float(unsettled[unit]):.2g})"
        )


def _called(name: str) -> str:
    """How messages call what is derived by; the single current of a model has no name."""
    return "its input" if name == "input input" else name


def _scale(subject: NeuronSubject, name: str) -> float:
    """The size of an input; 1 for what has its own."""
    return subject.sizes.scale[name.removeprefix("input ")] if name.startswith("input ") else 1.0


def _repeat(value: Any, times: int) -> Any:
    return value * times if isinstance(value, tuple) else value


def _by_name(subject: NeuronSubject, given: Any) -> dict[str, Tensor]:
    return dict(given) if isinstance(given, dict) else {subject.inputs[0]: given}


def _as_given(given: Any, by_name: dict[str, Tensor]) -> Any:
    return by_name if isinstance(given, dict) else next(iter(by_name.values()))

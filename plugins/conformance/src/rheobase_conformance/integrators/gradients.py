"""Gradients through the steps of an integrator, as far as it claims them."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from rheobase import create
from torch import Tensor

from ..property import Need, prop
from ..subject import IntegratorSubject
from ..violation import require, violated
from .case import IntegratorCase
from .models import Filter, Leak
from .stepping import advanced, problems

DISCRETE = Need(
    lambda subject: subject.claims.differentiable != "no", "it claims no gradients (differentiable='no')"
)
EVENTS = Need(
    lambda subject: subject.claims.differentiable == "events",
    "it claims no gradients through spikes (differentiable is not 'events')",
)


def _fine(subject: IntegratorSubject) -> tuple[Any, float]:
    """One whose own error does not matter beside that of differences, and how far parameters are moved."""
    if not subject.claims.adaptive:
        return subject.make(), 1e-5
    # A change of the number of its steps moves the result by about the tolerance.
    return subject.with_tolerance(1e-9 if subject.claims.order >= 4 else 1e-6), 1e-3


def _compare(what: str, by_graph: Tensor | None, by_differences: float, far: float) -> None:
    if by_graph is None:
        violated(f"{what}: there is no gradient, and by differences it is {by_differences:.6g}")
    found = float(by_graph.sum())
    require(
        abs(found - by_differences) <= max(1e-4, far) * (1e-2 + abs(by_differences)),
        f"{what}: the gradient gives {found:.9g}, and differences give {by_differences:.9g}",
    )


@prop(
    "integrator",
    "gradients-as-claimed",
    "components",
    cases=lambda subject, profile: problems(
        subject, profile, names=("turning", "mutual", "rotation", "driven"), units=(2,), dts=(0.25, 0.125)
    ),
    needs=(DISCRETE,),
    why="a gradient that is cut off or wrong trains nothing, and nobody sees it",
)
def gradients_are_those_of_differences(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """The gradients of two steps by state and parameters are finite and equal finite differences."""
    method, far = _fine(subject)
    weights = torch.tensor([0.3, -0.7, 0.45], dtype=torch.float64)[: len(case.start()), None]

    def value(y: Tensor, rates: Tensor) -> Tensor:
        field, kept = case.what.field_of(rates), None
        for step in range(2):
            t0 = case.t0 + step * case.dt
            y, kept, *_ = advanced(method, field, y, t0, t0 + case.dt, carry=kept)
        return (weights * y).sum()

    y, rates = case.start(), case.rates()
    leaves = y.clone().requires_grad_(), rates.clone().requires_grad_()
    end = value(*leaves)
    require(
        end.requires_grad,
        "the state after a step has no graph; do not detach it, nor compute it without grad",
    )
    gradients = torch.autograd.grad(end, leaves, allow_unused=True)
    for name, place in (("by the state", 0), ("by the parameters", 1)):
        moved = [[y, rates], [y, rates]]
        for side, sign in enumerate((1.0, -1.0)):
            moved[side][place] = moved[side][place] + sign * far
        with torch.no_grad():
            slope = float((value(*moved[0]) - value(*moved[1])) / (2.0 * far))
        _compare(
            f"{name}, through two steps of {case.dt} ms of {case.problem!r}", gradients[place], slope, far
        )


@prop(
    "integrator",
    "spike-times-have-gradients",
    "components",
    cases=lambda subject, profile: st.builds(
        IntegratorCase,
        problem=st.sampled_from(["decay", "rotation"]),  # Leak, Filter
        dt=st.just(0.5),
        units=st.just(2),
        seed=st.integers(0, 99),
    ),
    needs=(EVENTS,),
    share=0.5,
    why="a spike that hides its dependence on the parameters cannot be learnt",
)
def spike_times_have_gradients(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """The gradient of located spike times by the current is finite and equals finite differences."""
    model = Leak if case.problem == "decay" else Filter
    size = 2.5 if model is Leak else 4.0  # spikes before 4 ms

    def time(current: Tensor, grad: bool) -> Tensor:
        method, _ = _fine(subject)
        neuron: Any = create(
            model, case.units, integrator=method, event="located", dt=case.dt, dtype=torch.float64, grad=grad
        )
        first = torch.full((case.units,), torch.nan, dtype=torch.float64)
        for _ in range(10):
            first = torch.where(first.isnan(), neuron(current)["spike_times"][:, 0], first)
        require(bool(first.isfinite().all()), f"no spike within 5 ms with the current {current.tolist()}")
        return first.sum()

    far = _fine(subject)[1]
    current = size * case.rates().clamp(min=0.8)
    leaf = current.clone().requires_grad_()
    end = time(leaf, True)
    require(end.requires_grad, "the times of located spikes have no graph")
    (gradient,) = torch.autograd.grad(end, leaf, allow_unused=True)
    slope = float(time(current + far, False) - time(current - far, False)) / (2.0 * far)
    _compare(f"the spike times of {model.__name__} by its current", gradient, slope, far)

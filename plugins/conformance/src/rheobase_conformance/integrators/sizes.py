"""Many variables and many units: no size is special, and none is left over."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from ..profiles import Profile
from ..property import prop
from ..subject import IntegratorSubject
from ..violation import require
from .case import IntegratorCase
from .claims import the_order_is_the_one_claimed
from .stepping import ORDER, advanced, problems, slack

FEW = 3
"""The units that all the others are like."""


@prop(
    "integrator",
    "order-with-many-variables",
    "components",
    cases=lambda subject, profile: problems(subject, profile, names=("ring9", "ring5"), units=(2,)),
    needs=(ORDER,),
    share=0.25,
    why="models of ten variables are common, and all of them are coupled",
)
def the_order_holds_for_many_variables(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """With five and nine coupled variables the error falls with the order that is claimed."""
    the_order_is_the_one_claimed(subject, case)


def crowds(subject: IntegratorSubject, profile: Profile) -> st.SearchStrategy[IntegratorCase]:
    """One unit more than powers of two, and others, in batches of up to three dimensions."""
    return problems(
        subject,
        profile,
        names=("turning", "mutual", "rotation", "chain"),
        dts=(0.25, 0.125),
        units=(1025, 17, 10, 100, 257, 4099),
        batches=((), (5,), (2, 1, 3)),
    )


@prop(
    "integrator",
    "any-number-of-units",
    "components",
    cases=crowds,
    share=0.5,
    why="what works through units in blocks has a last one, which is not full",
)
def any_number_of_units(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """Thousands of units, in batches too, that are like three of them get what these get."""
    few = replace(case, units=FEW, batch=())
    expected = _stepped(subject, case, few.field(), few.start())
    shape = (*case.batch, case.units)
    # Each row begins with another of them.
    like = torch.arange(math.prod(shape)).reshape(shape) % FEW

    def spread(value: Tensor) -> Tensor:
        return value[..., like]

    found = _stepped(subject, case, case.what.field_of(spread(few.rates())), spread(few.start()))
    apart = (found - spread(expected)).abs().flatten(1).amax(dim=0)
    worst = int(apart.argmax())
    require(
        apart.max().item() <= slack(subject),
        f"among {list(shape)} units number {worst} gets {found.flatten(1)[:, worst].tolist()}, and beside "
        f"two others {spread(expected).flatten(1)[:, worst].tolist()}",
    )


def _stepped(subject: IntegratorSubject, case: IntegratorCase, field: Any, y: Tensor) -> Tensor:
    method, kept = subject.quick(), None
    for step in range(2):
        y, kept, *_ = advanced(method, field, y, step * case.dt, (step + 1) * case.dt, carry=kept)
    return y


@prop(
    "integrator",
    "any-number-of-variables",
    "components",
    cases=lambda subject, profile: problems(
        subject, profile, names=("logistic", "decay"), dts=(0.25, 0.125), units=(17, 4, 5, 9, 33, 12)
    ),
    share=0.5,
    why="a model of many compartments has more variables than the three of a textbook",
)
def any_number_of_variables(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """Variables that do not see each other get what units get in their place."""
    y = case.start()
    expected = _stepped(subject, case, case.field(), y)[0]
    each: list[Any] = [case.what.field_of(rate) for rate in case.rates().split(1)]

    def field(t: Any, y: Tensor) -> Tensor:
        # A row for each, of one unit; what solves linear fields looks at rows.
        return torch.stack([own(t, (row,))[0] for own, row in zip(each, y.unbind(0), strict=True)])

    found = _stepped(subject, case, field, y[0][:, None])[:, 0]
    apart = (found - expected).abs()
    worst = int(apart.argmax())
    require(
        apart.max().item() <= slack(subject),
        f"as variable {worst} of {case.units} it gets {found[worst].item()}, and as a unit of as many "
        f"{expected[worst].item()}",
    )

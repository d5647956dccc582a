"""The clock after a long run: a quarter of an hour of model time is a million ms."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..property import prop
from ..subject import IntegratorSubject
from ..violation import require
from .case import IntegratorCase
from .stepping import FieldLike, advanced, problems, slack

LATE = 2.0**20
"""ms, a power of two: float64 has 1e-10 ms there, and float32 an eighth."""
STEPS = 3
DIFFERENCES = 0.01
"""Of the way of a state, what comes of a slope in time that a method takes over a hundred last places."""


@prop(
    "integrator",
    "late-times-are-precise",
    "components",
    cases=lambda subject, profile: problems(
        subject,
        profile,
        names=("rotation", "driven", "forced", "kaps", "mutual", "chain"),
        dts=(0.1875, 0.3125),
    ),
    share=0.5,
    why="times in float32 move by whole steps after a quarter of an hour, and by the tenth digit at once",
)
def late_times_are_precise(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """A step at a million ms gives what it gives at the start, its field's clock set back by as much."""
    field = case.field()
    for what, shape in (("numbers", None), ("tensors of a time for each unit", (case.units,))):
        early, late = (_course(subject, case, field, shape, shift) for shift in (0.0, LATE))
        slope = max(field(case.t0, y).abs().max().item() for y in early)
        for step, (one, other) in enumerate(zip(early, late, strict=True)):
            # Some units of the last place of a time, for which the state moves on. A method may take the
            # slope in time by differences, of which a few digits are left there.
            moved = (one - case.start()).abs().max().item()
            room = slack(subject) + 16.0 * torch.finfo(torch.float64).eps * LATE * (1.0 + slope)
            room += DIFFERENCES * moved if case.what.timed else 0.0
            apart = (one - other).abs().max().item()
            require(
                apart <= room,
                f"times given as {what}: after step {step + 1} of {case.dt} ms from {case.t0} ms the state "
                f"is {one.tolist()}, and {LATE:.0f} ms later {other.tolist()}, {apart:.2g} apart; keep times "
                "in float64, and the length of a step as t1 - t0",
            )


def _course(
    subject: IntegratorSubject, case: IntegratorCase, field: FieldLike, shape: Any, shift: float
) -> list[Tensor]:
    """The states after some steps of a case that begins so much later."""

    def later(t: Any, y: Tensor) -> Tensor:
        return field(t - shift, y)

    method, y, kept, states = subject.quick(), case.start(), None, []
    for step in range(STEPS):
        times: list[Any] = [shift + case.t0 + each * case.dt for each in (step, step + 1)]
        if shape is not None:
            times = [torch.full(shape, time, dtype=torch.float64) for time in times]
        y, kept, *_ = advanced(method, later if case.what.timed else field, y, *times, carry=kept)
        states.append(y)
    return states

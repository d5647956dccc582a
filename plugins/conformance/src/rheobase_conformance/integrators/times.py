"""The times of an integrator: it begins at t0, ends at t1, and asks the field at the times in between."""

from __future__ import annotations

import torch

from ..property import Need, prop
from ..subject import IntegratorSubject
from ..violation import require
from .case import IntegratorCase
from .problems import power
from .stepping import ORDER, advanced, problems, slack

LATER = 64.0
"""ms: a power of two, so that times are exact there too."""
TIMED = Need(
    lambda subject: subject.claims.field != "linear",
    "it claims field='linear', where nothing looks at the time",
)


@prop(
    "integrator",
    "times-may-be-tensors",
    "components",
    cases=problems,
    why="where spikes are located each unit has its own times; a number for all is only the usual case",
)
def times_may_be_tensors(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """Times given as numbers, as tensors without dimension and as tensors of units give the same."""
    method, field, y = subject.quick(), case.field(), case.start()
    t0, t1 = case.t0, case.t0 + case.dt
    expected = advanced(method, field, y, t0, t1).y
    for shape in ((), (case.units,)):
        times = [torch.full(shape, t, dtype=y.dtype) for t in (t0, t1)]
        found = advanced(method, field, y, *times).y
        apart = (found - expected).abs().max().item()
        require(
            apart <= slack(subject),
            f"times as numbers give {expected.tolist()}, and as tensors of shape {list(shape)} "
            f"{found.tolist()}",
        )


@prop(
    "integrator",
    "units-have-own-times",
    "components",
    cases=lambda subject, profile: problems(subject, profile, units=(3, 5)),
    why="where spikes are located each unit goes from its own spike to the end of the step",
)
def units_have_times_of_their_own(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """A unit goes from its own t0 to its own t1, and stays exactly as it is where the two are one."""
    method, field, y = subject.quick(), case.field(), case.start()
    t0 = torch.full((case.units,), case.t0, dtype=y.dtype)
    parts = torch.arange(case.units, dtype=y.dtype) / (case.units - 1)  # from no time to the whole step
    found = advanced(method, field, y, t0, t0 + parts * case.dt).y
    require(
        torch.equal(found[:, 0], y[:, 0]),
        f"unit 0 had no time to go, and went from {y[:, 0].tolist()} to {found[:, 0].tolist()}",
    )
    for unit in range(1, case.units):
        alone = advanced(method, field, y, case.t0, case.t0 + float(parts[unit]) * case.dt).y[:, unit]
        apart = (found[:, unit] - alone).abs().max().item()
        require(
            apart <= slack(subject),
            f"unit {unit} had {float(parts[unit]) * case.dt} ms to go, and reached "
            f"{found[:, unit].tolist()}; "
            f"where all units have that time it reaches {alone.tolist()}",
        )


@prop(
    "integrator",
    "no-time-no-change",
    "components",
    cases=problems,
    why="a step that ends where it begins occurs at spikes and at breakpoints of the input",
)
def no_time_is_no_change(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """A step of no length gives the state back, to the bit."""
    y = case.start()
    found = advanced(subject.quick(), case.field(), y, case.t0, case.t0).y
    require(torch.equal(found, y), f"from t0 to t0 the state went from {y.tolist()} to {found.tolist()}")


@prop(
    "integrator",
    "time-translation",
    "components",
    cases=lambda subject, profile: problems(
        subject, profile, names=("kaps", "mutual", "rotation", "chain", "decay")
    ),
    why="the length of the step is t1 - t0, whatever the clock says",
)
def it_does_not_matter_when(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """Where the field does not look at the time, a step gives the same at any time."""
    method, field, y = subject.quick(), case.field(), case.start()
    now = advanced(method, field, y, 0.0, case.dt).y
    later = advanced(method, field, y, LATER, LATER + case.dt).y
    apart = (now - later).abs().max().item()
    require(
        apart <= slack(subject),
        f"from 0 to {case.dt} ms it gives {now.tolist()}, from {LATER} to {LATER + case.dt} ms "
        f"{later.tolist()}",
    )


@prop(
    "integrator",
    "two-steps-are-one-way",
    "components",
    cases=lambda subject, profile: problems(
        subject, profile, names=("kaps", "mutual", "chain"), dts=(0.125,)
    ),
    needs=(ORDER,),
    why="a step that is not the one asked for, or ends elsewhere, is an error that no shorter step mends",
)
def two_halves_are_about_the_whole(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """Half a step takes the state about half the way: steps have the length that is asked for."""
    method, field, y = subject.quick(), case.field(), case.start()
    whole = advanced(method, field, y, 0.0, case.dt).y - y
    part = advanced(method, field, y, 0.0, case.dt / 8).y - y
    ratio = (part.norm() / whole.norm()).item()
    require(
        0.08 <= ratio <= 0.2,
        f"{case.dt} ms move the state by {whole.norm().item():.3g}, and an eighth of that by "
        f"{part.norm().item():.3g}: {ratio:.3f} of the way and not about 0.125",
    )


@prop(
    "integrator",
    "time-is-used",
    "components",
    cases=lambda subject, profile: problems(
        subject, profile, names=("driven",), dts=(0.5, 0.25, 1.0), units=(2, 1)
    ),
    needs=(ORDER, TIMED),
    why="input that changes within a step must be seen when it changes, or the order is lost",
)
def the_time_is_used(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """A field of time alone, a power of t below the order, is integrated exactly."""
    highest = min(subject.claims.order, 8) - 1
    method = subject.quick()
    y = torch.ones(1, case.units, dtype=torch.float64)
    for degree in range(highest + 1):
        field, integral = power(degree)
        t0, t1 = case.t0, case.t0 + case.dt
        expected = 1.0 + integral(t1) - integral(t0)
        found = advanced(method, field, y, t0, t1).y
        error = (found - expected).abs().max().item()
        # Methods that take the slope in time by differences are right to some 1e-8 of what it does.
        require(
            error <= (1e-4 if subject.claims.adaptive else 1e-6) * abs(expected - 1.0),
            f"y' = (t / 2)^{degree} from y({t0}) = 1 gives y({t1}) = {found[0, 0].item():.9g}, and must give "
            f"{expected:.9g}: a method of order {subject.claims.order} is exact for powers below it; ask the "
            "field at t0 + c h, and not at other times",
        )

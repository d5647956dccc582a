"""The digits of a model's values in double precision: small changes of what they are made of show in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from rheobase.errors import RheobaseError
from torch import Tensor

from ..property import prop
from ..vacuous import vacuous
from ..violation import violated
from .case import NeuronCase
from .events import OWN_FORWARD
from .going import options_of
from .jacobians import HAS_FUNCTIONS, Wide, far_runs
from .needs import CONTINUOUS, DETERMINISTIC
from .probing import spikes_in
from .subject import NeuronSubject

WINDOWS = (8e-7, 3e-6, 1.1e-5, 4e-5, 1.3e-4)
"""Where a number is looked at closely, as parts of itself beside it: a kink is in one of them, not in all."""

COARSE, FINE = 3e-8, 3e-13
"""How far the nine places of a window lie apart. Single precision has two to four steps in a coarse window,
and none in a fine one; what double precision itself rounds is as large in both."""

PLACES = 9

ROOM = 1e-11
"""The fourth differences that are left alone, as a part of what a value is made of: 16 roundings are 4e-15 of
it, and one of single precision 6e-8."""

SINGLE = 1e4
"""How many times as large as those differences the error of single precision may be: 5e8 times what double
precision rounds, and no more than what is rounded in single precision already."""

BROAD = 24
"""The places across a twenty-fifth of a number, in which a staircase shows by its steps."""

STAIRS = 6
"""The places at which a staircase stands still there, and has moved on by the next, at least."""


@prop(
    "neuron",
    "functions-are-precise",
    "numerics",
    cases=far_runs,
    share=0.25,
    needs=(HAS_FUNCTIONS, CONTINUOUS),
    why="digits that are lost inside of a function are lost in every step, whatever type its result is of",
)
def the_functions_keep_the_digits_of_double_precision(subject: NeuronSubject, case: NeuronCase) -> None:
    """In double precision, what the functions give is not rounded as single precision or a table rounds."""
    _judge(subject, Wide(subject, case))


@prop(
    "neuron",
    "own-steps-are-precise",
    "numerics",
    cases=far_runs,
    share=0.25,
    needs=(OWN_FORWARD, CONTINUOUS, DETERMINISTIC),
    why="digits that are lost inside of a forward are lost in every step, whatever type its states are of",
)
def a_forward_of_its_own_keeps_the_digits_of_double_precision(
    subject: NeuronSubject, case: NeuronCase
) -> None:
    """In double precision, what a forward of its own makes of the states is not rounded otherwise."""
    _judge(subject, _Steps(subject, case))


class _Steps(Wide):
    """The steps of a model with a forward of its own, where it spikes in none of them: NaN where it does."""

    def __init__(self, subject: NeuronSubject, case: NeuronCase) -> None:
        super().__init__(subject, case)
        self._case = case
        self.names = ["forward"]

    def values(self, function: str, numbers: dict[str, Tensor]) -> dict[str, Tensor] | None:
        """What one step makes of the states."""
        shape = torch.broadcast_shapes(*(value.shape for value in numbers.values()))
        flat = {name: value.expand(shape).reshape(-1) for name, value in numbers.items()}
        given = {
            name.partition(" ")[2]: value for name, value in flat.items() if not name.startswith("input ")
        }
        data = {name.partition(" ")[2]: value for name, value in flat.items() if name.startswith("input ")}
        try:
            neuron = self._case.neuron(
                self._subject.model,
                dtype=next(iter(flat.values())).dtype,
                num_units=int(shape.numel()),
                **given,
                **options_of(self._subject, self._case),
            )
            out = neuron(data if self._subject.schema.inputs else data["data"])
        except RheobaseError:
            return None
        fired = spikes_in(out, neuron)
        return {
            name: torch.where(fired, torch.nan, getattr(neuron, name).detach()).reshape(shape)
            for name in self._subject.schema.states
        }


@dataclass(frozen=True)
class _Look:
    """What a number's neighbourhood shows of a value, for each point.

    Attributes:
        coarse: The smallest, over the windows, of the largest fourth difference in a coarse one.
        fine: The largest, over the windows, of that in a fine one.
        stairs: At how many places across the number the value stands still, and differs at both neighbours.
        slope: How far it goes across the number, in proportion to a whole number's change.
        level: The value itself.
    """

    coarse: Tensor
    fine: Tensor
    stairs: Tensor
    slope: Tensor
    level: Tensor


def _judge(subject: NeuronSubject, wide: Wide) -> None:
    decided = False
    for function in wide.names:
        looks = {name: _looked(wide, function, name) for name in wide.numbers}
        keys = {key for each in looks.values() for key in each}
        decided |= bool(keys)
        for key in sorted(keys):
            mine = {name: each[key] for name, each in looks.items() if key in each}
            # What a value is made of: itself, and what each number has a part in.
            whole = sum(each.slope for each in mine.values()) + next(iter(mine.values())).level
            for name, look in mine.items():
                _compare(subject, wide, function, key, name, look, whole)
    if not decided:
        vacuous("nothing was given at any number")


def _looked(wide: Wide, function: str, name: str) -> dict[str, _Look]:
    at = wide.numbers[name]
    steps = torch.arange(PLACES, dtype=torch.float64)
    across = torch.linspace(-0.02, 0.02, BROAD, dtype=torch.float64)
    parts = [start + spacing * steps for spacing in (COARSE, FINE) for start in WINDOWS]
    parts += [across, across + PLACES * COARSE]
    shifts = torch.cat(parts)
    moved = at + shifts.unsqueeze(1) * wide.size(name)
    inside = wide.inside(name, moved).all(dim=0)
    numbers = {key: value.expand(moved.shape) for key, value in wide.numbers.items()}
    found = wide.values(function, {**numbers, name: moved})
    looks = {}
    for key, value in (found or {}).items():
        values = torch.where(inside, value.detach().to(torch.float64).expand(moved.shape), torch.nan)
        close = values[: 2 * len(WINDOWS) * PLACES].reshape(2, len(WINDOWS), PLACES, -1)
        one, other = values[2 * len(WINDOWS) * PLACES :].reshape(2, BROAD, -1)
        rough = close.diff(n=4, dim=2).abs().amax(dim=2)
        moves = one.diff(dim=0) != 0
        looks[key] = _Look(
            coarse=rough[0].amin(dim=0),
            fine=rough[1].amax(dim=0),
            stairs=((one == other)[1:-1] & moves[1:] & moves[:-1]).sum(dim=0),
            slope=(one.amax(dim=0) - one.amin(dim=0)) / 0.04,
            level=values[0].abs(),
        )
    return looks


def _error_in_single(wide: Wide, function: str, key: str) -> Tensor:
    """How far what single precision gives is from what double precision gives, at each point."""
    starts = torch.tensor(WINDOWS, dtype=torch.float64).unsqueeze(1)
    single = {name: (value * (1.0 + starts)).to(torch.float32) for name, value in wide.numbers.items()}
    found = wide.values(function, single)
    exact = wide.values(function, {name: value.double() for name, value in single.items()})
    if found is None or exact is None:
        return torch.full_like(next(iter(wide.numbers.values())), torch.nan)
    return (found[key].detach() - exact[key].detach()).abs().expand(len(WINDOWS), -1).amax(dim=0)


def _compare(
    subject: NeuronSubject, wide: Wide, function: str, key: str, name: str, look: _Look, whole: Any
) -> None:
    eps = torch.finfo(torch.float64).eps
    known = whole.isfinite() & look.coarse.isfinite() & look.fine.isfinite()
    rough = known & (look.coarse > ROOM * whole) & (look.fine <= 0.01 * look.coarse)
    if bool(rough.any()):
        rough &= _error_in_single(wide, function, key) <= SINGLE * look.coarse
    # A step of a coarse pair is to be seen in double precision; else the value hardly hangs on the number.
    seen = look.slope * PLACES * COARSE > 1e3 * eps * whole
    stairs = known & seen & (look.stairs >= STAIRS)
    if getattr(subject.model, "differentiable", True) is False:
        stairs = torch.zeros_like(stairs)
    if not bool((rough | stairs).any()):
        return
    point = int((rough | stairs).nonzero()[0])
    where = ", ".join(f"{key} = {float(value[point]):.6g}" for key, value in wide.numbers.items())
    if bool(rough[point]):
        seen_there = (
            f"goes in steps of {float(look.coarse[point]) / 6:.2g} where the {name} is moved by {COARSE:g} "
            f"of itself, and is smooth where it is moved by {FINE:g}"
        )
    else:
        seen_there = (
            f"stands still at {int(look.stairs[point])} of {BROAD} places where the {name} goes through 4% "
            "of itself, and leaps between"
        )
    what = f"{subject.model.__name__}.{function}" + (f"[{key!r}]" if key else "")
    violated(
        f"{what} {seen_there} ({where}): numbers are rounded inside, such as by float32, half, round or a "
        "table; compute in the type of the states (a staircase that is meant says differentiable = False)"
    )

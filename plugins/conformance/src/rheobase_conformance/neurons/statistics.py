"""Statistics: the noise of units, rows and steps is independent, and has one law for any number of units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, product

import torch
from torch import Tensor

from ..property import prop
from ..vacuous import vacuous
from ..violation import require
from .case import NeuronCase
from .chance import usual
from .coincidence import Coincidence, coincidence
from .needs import STOCHASTIC
from .noise import LAYOUTS, STEPS, Sample, origins, sample
from .subject import NeuronSubject

Pair = tuple[str, Tensor, Tensor]
"""How the two are called, and marks ``[groups, pairs]`` of the one and the other."""

NOTHING = "units that begin a step in one state are in one state after it, or their parameters differ"


@prop(
    "neuron",
    "noise-of-steps-independent",
    "independence",
    cases=usual,
    needs=(STOCHASTIC,),
    level="standard",
    share=0.1,
    why="a random number that serves several steps is a bias, and the variance grows with how long it lasts",
)
def steps_have_noise_of_their_own(subject: NeuronSubject, case: NeuronCase) -> None:
    """What is drawn in a step is independent of what was drawn in any step before it."""
    random = False
    for origin in origins(subject, case):
        seen = sample(subject, case, origin, LAYOUTS[0], case.seed)
        if seen is None:
            continue
        for name, values in seen.values.items():
            for kind, marks in _marks(values):
                random = True
                for lag, which in product(range(1, STEPS), (0, 1)):
                    # Each step is in one pair, so that the pairs are independent of each other.
                    first = [n for n in range(STEPS - lag) if (n // lag) % 2 == which]
                    if not first:
                        continue
                    one, other = (marks[[n + more for n in first], 0] for more in (0, lag))
                    found = coincidence(one, other)
                    require(
                        not found.told,
                        f"made {STEPS} times from one state, a step moves {name} {kind} what most of "
                        f"{LAYOUTS[0][0]} units go to, and does so again to the same unit {lag} steps later, "
                        f"{found}; draw anew in each step, and keep what lasts in a declared state",
                    )
    if not random:
        vacuous(NOTHING)


@prop(
    "neuron",
    "noise-of-lanes-independent",
    "independence",
    cases=usual,
    needs=(STOCHASTIC,),
    level="standard",
    share=0.1,
    why="units whose noise is shared in part are fewer than they seem, and a mean over them hides it",
)
def units_and_rows_have_noise_of_their_own(subject: NeuronSubject, case: NeuronCase) -> None:
    """The noise of units and rows is independent, and its law the same for any number of them."""
    random = False
    for origin in origins(subject, case):
        found: list[Sample] = []
        for layout in LAYOUTS:
            one, other = (sample(subject, case, origin, layout, case.seed + place) for place in range(2))
            if one is None or other is None:
                continue
            found.append(one)
            for name in one.values:
                for kind, marks in _marks(one.values[name]):
                    for called, first, second in _lanes(marks):
                        _require(coincidence(first, second), name, kind, called, layout)
                for kind, marks in _marks(_side_by_side(one, other, name)):
                    random = True
                    for step in range(STEPS):
                        _require_alike(marks[step : step + 1, 0], name, kind, layout)
        for one, other in pairwise(found):
            for name in one.values:
                for kind, marks in _marks(_side_by_side(one, other, name)):
                    _require_one_law(marks[:, 0], name, kind, one.layout, other.layout)
    if not random:
        vacuous(NOTHING)


def _marks(values: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Two marks of each value, bool: whether it is beyond the median of its step, and whether it is far off.

    They take values as they come, in any distribution; of those that are all the same nothing is told.
    """
    lanes = values.flatten(1)
    far = (lanes - lanes.mean(dim=1, keepdim=True)).abs()
    for kind, each in (("above", lanes), ("far from", far)):
        middle = each.median(dim=1, keepdim=True).values
        above, reached = each > middle, each >= middle
        even = (above.double().mean() - 0.5).abs() <= (reached.double().mean() - 0.5).abs()
        marks = above if bool(even) else reached
        if bool(marks.any()) and not bool(marks.all()):
            yield kind, marks.view(values.shape)


def _lanes(marks: Tensor) -> Iterator[Pair]:
    """Pairs of units and of rows, each lane in one pair at most."""
    rows, units = marks.shape[1:]
    half = units // 2
    yield "the unit beside it", marks[..., 0 : 2 * half : 2].flatten(1), marks[..., 1::2].flatten(1)
    if half > 1:
        last = 2 * (units // 2) - 1
        yield (
            "the unit beside it",
            marks[..., 1:last:2].flatten(1),
            marks[..., 2::2][..., : half - 1].flatten(1),
        )
        yield (
            "the unit half an ensemble away",
            marks[..., :half].flatten(1),
            marks[..., half : 2 * half].flatten(1),
        )
        yield (
            "the unit as far from the last as it is from the first",
            marks[..., :half].flatten(1),
            marks.flip(-1)[..., :half].flatten(1),
        )
    if rows > 1:
        apart = rows // 2
        yield "that unit of the next row", marks[:, 0::2].flatten(1), marks[:, 1::2].flatten(1)
        yield "that unit half a batch away", marks[:, :apart].flatten(1), marks[:, apart:].flatten(1)


def _side_by_side(one: Sample, other: Sample, name: str) -> Tensor:
    """The lanes of the two, ``[steps, 1, lanes]``: one's, then as many of the other's."""
    return torch.cat([one.values[name].flatten(1), other.values[name].flatten(1)], dim=1).unsqueeze(1)


def _first_half(marks: Tensor) -> Tensor:
    return (torch.arange(marks.shape[-1]) < marks.shape[-1] // 2).expand(marks.shape)


def _require(found: Coincidence, name: str, kind: str, called: str, layout: Sequence[int]) -> None:
    require(
        not found.told,
        f"made {STEPS} times from one state, in the shape {list(layout)}, a step moves {name} {kind} what "
        f"most lanes go to in a unit and in {called}, {found}; draw for each unit and row, in the shape "
        "[*batch, units]",
    )


def _require_alike(marks: Tensor, name: str, kind: str, layout: Sequence[int]) -> None:
    """Refuse a step that moves all lanes together, by what another seed does to them in it."""
    found = coincidence(marks, _first_half(marks))
    require(
        not found.told,
        f"a step from one state, in the shape {list(layout)}, moves {name} {kind} the median of runs with "
        f"two seeds, in lanes of the first {found}; draw for each unit and row, and add nothing random that "
        "they share",
    )


def _require_one_law(marks: Tensor, name: str, kind: str, one: Sequence[int], other: Sequence[int]) -> None:
    found = coincidence(marks, _first_half(marks))
    require(
        not found.told,
        f"made {STEPS} times from one state, a step moves {name} {kind} the median of all lanes in the shape "
        f"{list(one)}, and not in the shape {list(other)}, {found}; noise has the size that it has for one "
        "unit, however many there are",
    )

"""Strategies for the cases of aggregators, and how these are called."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from hypothesis import strategies as st
from rheobase.errors import InputError
from torch import Tensor

from ..drawing import drawn_by
from ..profiles import Profile
from ..subject import AggregatorSubject
from ..violation import require, violated
from .case import AggregatorCase
from .ranges import EITHER, all_values

Shapes = tuple[tuple[int, ...], ...]

SHAPES: tuple[Shapes, ...] = (
    ((2, 3), (3,), ()),
    ((3,), (3,)),
    ((), (4,)),
    ((1,), (2, 1)),
    ((3,),),
    ((), ()),
)
"""Shapes of inputs that broadcast."""
ALIKE: tuple[Shapes, ...] = (((3,), (3,), (3,)), ((3,), (3,)), ((2, 3), (2, 3), (2, 3)), ((4,),) * 4)
"""Inputs of one shape."""
PLAIN = ("c", "a", "d", "b", "k", "e", "j", "f", "l", "g", "h", "m")
"""Names that mean nothing, in no order."""
USUAL = ("shunt", "exc", "inh")
"""Names that often mean something."""


def refused(subject: AggregatorSubject, inputs: list[Tensor], names: list[str] | None) -> InputError | None:
    """The InputError that it answers with; None: it answers with a result."""
    try:
        subject.obj(inputs, names)
    except InputError as error:
        return error
    return None


def naming(subject: AggregatorSubject, count: int) -> list[tuple[str, ...] | None]:
    """Identifiers for so many inputs that it takes, the plainest first; None where it needs none.

    What means something to it is unknown: so the words of its code are tried, and the usual ones.
    """
    known: dict[int, list[tuple[str, ...] | None]] = subject.__dict__.setdefault("_namings", {})
    if count not in known:
        words = (*subject.words[:12], *USUAL)
        tried: list[tuple[str, ...] | None] = [None, PLAIN[:count], (PLAIN[0],) * count]
        tried += [(word,) * count for word in words]
        tried += [(PLAIN[0], *(word,) * (count - 1)) for word in words if count > 1]
        tried += [((word, *PLAIN) * count)[:count] for word in words if count > 1]
        tried += [
            ((one, other) * count)[:count] for one in words for other in words if one != other and count > 1
        ]
        given = AggregatorCase(((3,),) * count).inputs()
        fine = [names for names in tried if _takes(subject, given, names)]
        require(
            bool(fine),
            f"it refused {count} inputs with no identifiers, and with all that were tried, such as "
            f"{PLAIN[:count]}: {refused(subject, given, list(PLAIN[:count]))}",
        )
        known[count] = list(dict.fromkeys(fine))
    return known[count]


def _takes(subject: AggregatorSubject, given: list[Tensor], names: tuple[str, ...] | None) -> bool:
    return refused(subject, given, None if names is None else list(names)) is None


def inputs(
    subject: AggregatorSubject,
    profile: Profile,
    *,
    shapes: Sequence[Shapes] = SHAPES,
    dtypes: Sequence[str] = ("float64", "float32"),
    scales: Sequence[float] = (1.0,),
    alike: bool = False,
    named: bool = False,
) -> st.SearchStrategy[AggregatorCase]:
    """Inputs as a neuron may get them, with identifiers that it takes.

    Args:
        subject: The aggregator.
        profile: How much is tried.
        shapes: The shapes of the inputs.
        dtypes: Their floating-point types.
        scales: Their sizes.
        alike: Whether all inputs have the same identifier, or none.
        named: Whether they have identifiers, where it takes any.
    """

    def draw_inputs(draw: st.DrawFn) -> AggregatorCase:
        chosen = draw(st.sampled_from(list(shapes)))
        namings = naming(subject, len(chosen))
        if alike:
            namings = [names for names in namings if names is None or len(set(names)) == 1] or namings
        if named:
            namings = [names for names in namings if names is not None] or namings
        return AggregatorCase(
            chosen,
            # The plainest first; the others are one choice, or they would be nearly all.
            draw(st.sampled_from(namings[:1]) | st.sampled_from(namings)),
            draw(st.sampled_from(list(dtypes))),
            draw(st.sampled_from(list(scales))),
            draw(st.integers(0, 99)),
        )

    return drawn_by(draw_inputs)


def with_all_values(case: AggregatorCase, *, either: bool = False) -> Iterator[AggregatorCase]:
    """The case with every kind of values.

    Args:
        case: The case.
        either: Whether there are negative ones where it has identifiers too, which may mean conductances.
    """
    for values, scale in all_values(case.dtype):
        if values in EITHER and case.identifiers is not None and not either:
            continue
        # In float32 products of so many numbers of other sizes than one are none, or infinite on the way.
        if case.dtype == "float32" and (values == "mixed" or (scale != 1.0 and len(case.shapes) > 4)):
            continue
        yield replace(case, values=values, scale=scale)


def result_of(subject: AggregatorSubject, given: list[Tensor], names: Any) -> Tensor:
    """What it gives; it must be a tensor."""
    found = subject.obj(given, None if names is None else list(names))
    if not isinstance(found, Tensor):
        violated(f"it gave {type(found).__name__}; it must give one tensor")
    return found


def size_of(subject: AggregatorSubject, given: list[Tensor], names: Any) -> float:
    """The size of the numbers whose rounding is seen in a result.

    That of a partial sum of the inputs, and at least one, since a rule has numbers of its own; and, of one
    that blows up what is rounded, as near a pole or at a jump, how far the result moves where the inputs are
    moved by some units of the last place, for each of these.
    """
    total = max(1.0, sum(each.abs().max().item() for each in given))
    eps, generator = torch.finfo(given[0].dtype).eps, torch.Generator().manual_seed(0)
    before = result_of(subject, given, names)
    # One that goes through logarithms rounds the logarithm of its result.
    largest = before.abs().nan_to_num(nan=0.0).max().item()
    total = max(total, largest * min(math.log(max(largest, 1.0)), 1e3))
    for _ in range(4):
        moved = [
            each
            + 8.0 * eps * each * (2.0 * torch.rand(each.shape, generator=generator, dtype=each.dtype) - 1.0)
            for each in given
        ]
        apart = (result_of(subject, moved, names) - before).abs().nan_to_num(nan=0.0)
        total = max(total, apart.max().item() / (8.0 * eps))
    return total


def require_close(one: Tensor, other: Tensor, what: str, size: float = 1.0) -> None:
    """Two results must agree to rounding, of numbers of a size."""
    eps = torch.finfo(other.dtype).eps if other.is_floating_point() else 0.0
    scale = max(size, other.detach().abs().nan_to_num().max().item() if other.numel() else 0.0)
    require(
        one.shape == other.shape and bool(torch.isclose(one, other, rtol=0.0, atol=64 * eps * scale).all()),
        f"{what}: {one.tolist()} and {other.tolist()}; they must be the same",
    )

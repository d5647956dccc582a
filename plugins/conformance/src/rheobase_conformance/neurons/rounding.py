"""Equal up to rounding: what two computations of one step may differ by.

Vectorised functions round the last place otherwise than scalar ones, and compilers contract products and
sums. So two runs that must be the same are compared to the bit; where they differ, step by step, each from
the same state: what they give may differ by 4 units in the last place, and by what a change of the state,
the parameters or the input by as little makes of the step. A spike may differ where such a change makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from rheobase import spi
from rheobase.errors import RheobaseError
from torch import Tensor

from ..vacuous import vacuous
from ..violation import violated
from .courses import course, each_output, each_tensor, first_parting, put, tensors
from .running import parting, same

ULPS = 4.0
"""The units in the last place by which a step's results may differ."""

_TRIES = 8
_ROOM = 8.0
_BESIDE = ("step_count",)

Change = Callable[[Tensor], Tensor]


def require_same_up_to_rounding(
    whole: Callable[[], Any],
    part: Callable[[], Any],
    data: Sequence[Any],
    change: Change,
    what: str,
    *,
    free: bool = True,
    changed: Callable[[Any], set[str]] | None = None,
    call: Callable[[Any], Callable[[Any], Any]] | None = None,
) -> None:
    """Refuse a neuron that does not do what a part of another does, or the other in another order.

    Args:
        whole: Makes the other neuron.
        part: Makes the neuron.
        data: The other's input, step by step.
        change: Of the other's tensors, ``[*batch, units]``, those of the neuron.
        what: How the two differ in their making, for the message.
        free: Whether they are first run freely, and left alone where that gives the same to the bit.
        changed: Of the other neuron, the buffers that the change is made to; None: to all.
        call: Of the neuron, what steps it; by default itself.

    Raises:
        Violation: If they differ by more than rounding.
    """
    given = [each_tensor(each, change) for each in data]
    if free:
        expected = each_output(course(whole(), data), change)
        if not first_parting(expected, course(part(), given)):
            return
    one, other = whole(), part()
    step = other if call is None else call(other)
    trial = whole()
    names = set(tensors(one)) if changed is None else changed(one)
    for place, (each, mine) in enumerate(zip(data, given, strict=True)):
        before = tensors(one)
        put(other, _changed(before, other, names, change))
        try:
            wanted = {name: change(value.detach()) for name, value in one(each).items()}
        except RheobaseError:
            if place == 0:
                vacuous("the first step ends in a named error")
            return
        found = {name: value.detach() for name, value in step(mine).items()}
        if found.keys() != wanted.keys():
            violated(f"{what}: step {place} gives {sorted(wanted)} and {sorted(found)}")
        apart = [name for name in wanted if not same(wanted[name], found[name])]
        if apart:
            nearby = _nearby(trial, before, each, change)
            for name in sorted(apart, key=lambda name: name != "spiked"):
                _compare(name, wanted, found, nearby, f"{what}, each from the same state", place)


def _changed(before: Mapping[str, Tensor], other: Any, names: set[str], change: Change) -> dict[str, Tensor]:
    """The state to step the other from. Buffers of which nothing is known it keeps as its own."""
    made = {name: before[name] for name in other.schema.parameters if name in before}
    held = spi.tensors(other)
    known = {*held.buffers, *held.learnt}
    made |= {name: change(before[name]) for name in names if name in before}
    return {name: value for name, value in made.items() if name in known and name not in _BESIDE}


def _nearby(trial: Any, before: Mapping[str, Tensor], data: Any, change: Change) -> list[dict[str, Tensor]]:
    """What the step gives from states, parameters and inputs a few units in the last place away."""
    generator = torch.Generator().manual_seed(0)
    found = []
    for number in range(_TRIES):
        ulps = ULPS * (4.0 if number % 2 else 1.0)
        put(trial, {name: moved(trial, name, value, ulps, generator) for name, value in before.items()})
        try:
            outputs = trial(moved_input(trial, data, ulps, generator))
        except RheobaseError:
            continue
        found.append({name: change(value.detach()) for name, value in outputs.items()})
    return found


def moved_input(neuron: Any, given: Any, ulps: float, generator: torch.Generator) -> Any:
    """An input moved by up to so many units in the last place, where it stays in its domain."""
    if not isinstance(given, Mapping):
        return shifted(given, ulps, generator)
    found = {}
    for name, value in given.items():
        other = shifted(value, ulps, generator)
        found[name] = torch.where(neuron.schema.inputs[name].domain.contains(other), other, value)
    return found


def moved(neuron: Any, name: str, value: Tensor, ulps: float, generator: torch.Generator) -> Tensor:
    """A buffer moved by up to so many units in the last place; a parameter where it stays in its domain.

    What a neuron keeps of its input and spikes stays as it is.
    """
    if name in neuron.schema.inputs or name in ("input", "spiked"):
        return value
    other = shifted(value, ulps, generator)
    declared = neuron.schema.parameters.get(name)
    if declared is None:
        return other
    return torch.where(declared.domain.contains(other), other, value)


def shifted(value: Tensor, ulps: float, generator: torch.Generator) -> Tensor:
    """Numbers moved by up to so many units in the last place; those of zero stay zero."""
    if not value.is_floating_point():
        return value
    amount = 2.0 * torch.rand(value.shape, generator=generator, dtype=torch.float64) - 1.0
    return value + value * (ulps * torch.finfo(value.dtype).eps * amount).to(value.dtype)


def _compare(
    name: str,
    wanted: Mapping[str, Tensor],
    found: Mapping[str, Tensor],
    nearby: Sequence[Mapping[str, Tensor]],
    what: str,
    place: int,
) -> None:
    one, other = wanted[name], found[name]
    if one.shape != other.shape or one.dtype != other.dtype:
        violated(f"{what}: {parting(name, one, other)} in step {place}")
    wrong = (one != other) & ~((one != one) & (other != other))
    if "spiked" in wanted and name != "spike_times":
        # Where a little more or less makes a spike, the rest of the step depends on it too.
        flips = torch.zeros_like(wanted["spiked"], dtype=torch.bool)
        for each in nearby:
            flips |= each["spiked"] != wanted["spiked"]
        wrong &= ~flips
    if one.is_floating_point():
        wrong &= ~((one - other).abs() <= allowed(one, [each[name] for each in nearby]))
    if bool(wrong.any()):
        first = tuple(wrong.nonzero()[0].tolist())
        room = ""
        if one.is_floating_point():
            most = float(allowed(one, [each[name] for each in nearby])[first])
            room = f", and rounding accounts for {most:.3g}"
        unit = f" of unit {first[-1]}" if first else ""
        violated(
            f"{what}: {name}{unit} is {one[first].item()!r} and {other[first].item()!r} in step {place}{room}"
        )


def allowed(value: Tensor, nearby: Sequence[Tensor]) -> Tensor:
    """By how much another computation of a value may differ from it."""
    room = ULPS * torch.finfo(value.dtype).eps * value.abs()
    for each in nearby:
        away = (each - value).abs()
        room = torch.maximum(room, _ROOM * torch.where(away.isfinite(), away, torch.inf))
    return room

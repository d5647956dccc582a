"""How much current moves a model: its rheobase, measured, and a size for models that do not spike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from rheobase import Neuron, SpikingNeuron, create, integrator
from torch import Tensor

WINDOW = 20.0
"""How long a current flows while it is looked for, ms; but see ``STEPS``."""

STEPS = (200, 400)
"""The fewest and the most steps of that time."""

_PER_OCTAVE = 4
# From 6e-14 to 2e9: amperes and picoamperes alike.
_LADDER = 2.0 ** (torch.arange(-44 * _PER_OCTAVE, 31 * _PER_OCTAVE, dtype=torch.float64) / _PER_OCTAVE)
_SILENT = 4
"""Units without input, whose spread is the noise of a stochastic model."""


@dataclass(frozen=True)
class Sizes:
    """Currents that move a model, by input, in the unit of each; measured with its defaults.

    Attributes:
        rheobase: The smallest constant input, to a fifth, that makes the silent model spike within the
            window, the other inputs at their defaults; negative where only such inputs do; None where none
            does, and for a model that spikes without any.
        scale: The rheobase where there is one; else an input, above zero, that changes the states visibly.
        window: The time in which it was looked for, ms.
        latency: How long the model takes to its first spike at twice its rheobase, ms; None where there is no
            rheobase, or no spike.
        quiet: Inputs of the rheobase's sign, less than half of it, at which the model does not spike.
        excursion: State -> how far the main input moves it at its scale, at any time within the window.
        alone: Whether it spikes without any input within the window.
    """

    rheobase: Mapping[str, float | None]
    scale: Mapping[str, float]
    window: float
    latency: Mapping[str, float | None] = field(default_factory=dict)
    quiet: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    excursion: Mapping[str, float] = field(default_factory=dict)
    alone: bool = False

    @property
    def main(self) -> str:
        """The first input that makes the model spike; else the first."""
        return next((name for name, found in self.rheobase.items() if found), next(iter(self.rheobase)))


def sizes(model: type[Neuron], strongest: float = math.inf) -> Sizes:
    """Measure a model, with its default parameters.

    Args:
        model: Its class.
        strongest: The strongest input that it is given.
    """
    declared = model.schema.inputs if model.schema.declared else {}
    names = tuple(declared) or ("input",)
    blocks: list[Tensor] = []
    values: list[Tensor] = []
    for name in names:
        ladder = torch.cat([torch.zeros(_SILENT, dtype=torch.float64), _LADDER, -_LADDER])
        ladder = ladder[ladder.abs() <= strongest]
        if name in declared:
            ladder = ladder[declared[name].domain.contains(ladder)]
        blocks.append(torch.full((len(ladder),), len(blocks)))
        values.append(ladder)
    block, value = torch.cat(blocks), torch.cat(values)
    dt = create(model, dtype=torch.float64).dt
    steps = min(max(round(WINDOW / dt), STEPS[0]), STEPS[1])
    seen = _run(model, names, block, value, steps)
    found = {name: _one(seen, place, dt) for place, name in enumerate(names)}
    result = Sizes(
        rheobase={name: one[0] for name, one in found.items()},
        scale={name: one[1] for name, one in found.items()},
        window=steps * dt,
        latency={name: one[2] for name, one in found.items()},
        quiet={name: one[3] for name, one in found.items()},
        alone=bool((seen.first[value == 0] >= 0).any()),
    )
    place = names.index(result.main)
    size = result.rheobase[result.main] or result.scale[result.main]
    return Sizes(**{**vars(result), "excursion": seen.excursion(place, size)})


@dataclass
class _Seen:
    """What a run showed: one entry for each unit, which received ``value`` by the input ``block``."""

    block: Tensor
    value: Tensor
    first: Tensor
    moved: Tensor
    ways: dict[str, Tensor]

    def of(self, place: int) -> tuple[Tensor, Tensor, Tensor]:
        mine = self.block == place
        return self.value[mine], self.first[mine], self.moved[mine]

    def excursion(self, place: int, size: float) -> dict[str, float]:
        mine = self.block == place
        near = int(torch.where(mine, (self.value - size).abs(), math.inf).argmin())
        gone = {name: float(way[near]) for name, way in self.ways.items()}
        return {name: value if math.isfinite(value) else 0.0 for name, value in gone.items()}


def _one(seen: _Seen, place: int, dt: float) -> tuple[float | None, float, float | None, tuple[float, ...]]:
    """Of one input: rheobase, scale, latency, quiet values."""
    value, first, moved = seen.of(place)
    fired = first >= 0
    positive = value > 0
    scale = _smallest(value[positive], moved[positive])
    if bool(fired[value == 0].any()):
        return None, scale or 1.0, None, ()
    for sign in (1.0, -1.0):
        side = value * sign > 0
        rungs, spikes, when = value[side].abs(), fired[side], first[side]
        found = _smallest(rungs, spikes)
        if found is None:
            continue
        double = int((rungs - 2.0 * found).abs().argmin())
        latency = float(when[double] + 1) * dt if bool(spikes[double]) else None
        quiet = rungs[(rungs < 0.5 * found) & ~spikes][-8:] * sign
        return sign * float(found), float(found), latency, tuple(quiet.tolist())
    return None, scale or 1.0, None, ()


def _smallest(values: Tensor, good: Tensor) -> float | None:
    """The smallest value that is good, as are the next ones: alone, it may be so by chance."""
    among = good.clone()
    for next_one in range(1, _PER_OCTAVE):
        among[:-next_one] &= good[next_one:]
    among = among if bool(among.any()) else good
    return float(values[among].min()) if bool(among.any()) else None


def _run(model: type[Neuron], names: tuple[str, ...], block: Tensor, value: Tensor, steps: int) -> _Seen:
    """One unit for each value. Where some stop the others, each sign goes alone, and then its weaker half."""
    units = len(value)
    seen = _Seen(block, value, torch.full((units,), -1), torch.zeros(units, dtype=torch.bool), {})
    waiting = [torch.arange(units)]
    while waiting:
        alive = waiting.pop()
        try:
            first, moved, ways = _run_together(model, names, block[alive], value[alive], steps)
        except Exception:
            # Whatever is wrong with it: the properties say it, of a run that can be shown.
            left = value[alive]
            if bool((left > 0).any()) and bool((left < 0).any()):
                # The one without an error may be the one that makes it spike.
                waiting += [alive[left <= 0], alive[left >= 0]]
                continue
            sizes_left = left.abs()
            if bool((sizes_left > 0).any()):
                weak = sizes_left <= sizes_left[sizes_left > 0].median()
                weak[sizes_left.argmax()] = False
                waiting.append(alive[weak])
            continue
        seen.first[alive], seen.moved[alive] = first, moved
        for name, way in ways.items():
            held = seen.ways.setdefault(name, torch.full((units,), torch.nan, dtype=torch.float64))
            held[alive] = way
    return seen


def _run_together(
    model: type[Neuron], names: tuple[str, ...], block: Tensor, value: Tensor, steps: int
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    units = len(value)
    method = integrator("rk4", on_failure="mark")
    neuron = create(model, units, dtype=torch.float64, integrator=method)
    data: Any = value
    if neuron.schema.declared and neuron.schema.inputs:
        data = {
            name: torch.where(block == place, value, neuron.schema.inputs[name].default)
            for place, name in enumerate(names)
        }
    silent = value == 0
    first = torch.full((units,), -1)
    high = {name: _flat(neuron, name)[silent].abs() for name in neuron.schema.states}
    undriven = int(silent.nonzero()[0]) if bool(silent.any()) else None
    # A spike throws a state back: how far it came is seen on the way only.
    ways = {name: torch.zeros(units, dtype=torch.float64) for name in neuron.schema.states}
    starts = {name: _flat(neuron, name) for name in neuron.schema.states}
    spiking = issubclass(model, SpikingNeuron)
    step, last = 0, steps
    while step < last:
        out = neuron(data)
        if spiking:
            new = (out["spiked"].reshape(-1, units).any(dim=0)) & (first < 0)
            first = torch.where(new, step, first)
        for name, way in ways.items():
            now = _flat(neuron, name)
            far = (now - (starts[name] if undriven is None else now[undriven])).abs()
            ways[name] = torch.maximum(way, far.where(far.isfinite(), 0.0))
            if step % 10 == 0:
                high[name] = torch.maximum(high[name], now[silent].abs())
        step += 1
        if step == steps and spiking and not bool((first >= 0).any()):
            last = 2 * steps  # it may be slow
    ends = {name: _flat(neuron, name) for name in neuron.schema.states}
    return first, _moved(ends, high, silent), ways


def _flat(neuron: Neuron, state: str) -> Tensor:
    held: Tensor = getattr(neuron, state).detach().to(torch.float64)
    return held.reshape(-1, neuron.num_units)[-1].clone()


def _moved(ends: Mapping[str, Tensor], high: Mapping[str, Tensor], silent: Tensor) -> Tensor:
    """Whose state was moved by a tenth of its size without input, or of one unit where that is zero."""
    moved = torch.zeros_like(silent)
    if not bool(silent.any()):
        return moved
    for name, end in ends.items():
        rest, top = end[silent], float(high[name].max())
        noise = float(rest.max() - rest.min())
        # What is zero without input, but for rounding, has no size to go by.
        size = top if top > 1e-12 else 1.0
        far = (end - rest.mean()).abs() > 0.1 * size + 2.0 * noise
        moved |= far & end.isfinite()
    return moved

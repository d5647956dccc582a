"""Spiking at all: a model with a threshold comes to it, if it is driven in some way."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from rheobase import create, integrator
from rheobase.errors import RheobaseError
from torch import Tensor

from ..property import prop
from ..vacuous import vacuous
from ..violation import violated
from .case import inside
from .needs import DETERMINISTIC, THRESHOLD
from .probing import gap, pulled, spikes_in
from .subject import NeuronSubject

STEPS, MANY_STEPS = 1_500, 10_000
"""How long a spike is waited for: under many inputs of several courses, and under a few constant ones."""

OCTAVES, FEW_OCTAVES = range(-44, 32, 2), range(-44, 32, 12)
"""Inputs are powers of two: amperes and picoamperes alike."""

PERIODS = (100, 1000)
"""Of pulses, in steps, on for half of it: for models that answer a change, or the end of inhibition."""

TOGETHER = 256
"""The units whose inputs are drawn by themselves, for models that need several at once."""


STATES = 4096
"""The states that are drawn to see whether the threshold can be reached at all."""


@prop(
    "neuron",
    "spikes-at-some-input",
    "numerics",
    needs=(THRESHOLD, DETERMINISTIC),
    vital="never spikes",
    why="of a model that never spikes nothing can be said that has to do with spikes",
)
def a_model_with_a_threshold_spikes_when_it_is_driven(subject: NeuronSubject) -> None:
    """A model with a threshold spikes: by itself, or under some input or kick, or with one of its presets."""
    sizes = subject.sizes
    if sizes.alone or any(sizes.rheobase.values()):
        return
    for settings in _settings(subject):
        many, few = (_driven(subject, settings, _drive(subject, few=each)) for each in (False, True))
        if many or few or _as_its_source(subject, settings):
            return
    tried = (
        "not without input, nor under constant, pulsed or rising inputs of either sign up to 2e9, one or all "
        f"at once, nor after a kick, in {STEPS} steps, and {MANY_STEPS} under some constant ones"
    )
    highest = _highest(subject)
    if highest < 0:
        violated(
            f"it never spikes, {tried}; and no state within the declared domains has g above {highest:g}, "
            "which must come to 0 from below; a model that emits no spikes needs no threshold"
        )
    vacuous(f"it never spikes by its defaults, any option or preset: {tried}; a Preset may show how it does")


def _highest(subject: NeuronSubject) -> float:
    """The highest g of many states, far and near, with the defaults and each preset; 0: g does not tell."""
    highest = -math.inf
    generator = torch.Generator().manual_seed(0)
    for settings in _settings(subject):
        neuron = create(subject.model, STATES, dtype=torch.float64, **settings)
        rows = []
        for declared, start in zip(subject.schema.states.values(), pulled(neuron), strict=True):
            power, sign, moved = torch.rand(3, STATES, generator=generator, dtype=torch.float64)
            away = 2.0 ** (60 * power - 20) * torch.sign(sign - 0.5) * (moved < 0.7)
            rows.append(inside(start + away, declared.domain))
        g = gap(subject, neuron, torch.stack(rows))
        g = g[g.isfinite()]
        if not len(g) or bool((g == g[0]).all()):
            return 0.0  # It says itself that it is silent.
        highest = max(highest, float(g.max()))
    return highest


def _settings(subject: NeuronSubject) -> Iterator[dict[str, Any]]:
    """The defaults, each preset, and each choice of an option."""
    yield {}
    for name in subject.schema.presets:
        yield {"preset": name}
    for name, option in subject.schema.options.items():
        for choice in option.choices[1:]:
            yield {name: choice}


@dataclass
class _Drive:
    """Inputs of many units: name -> the amplitude of each; and how each goes on in time."""

    amplitudes: dict[str, Tensor]
    shape: Tensor
    kick: Tensor
    steps: int

    def __getitem__(self, keep: Tensor) -> _Drive:
        amplitudes = {name: value[keep] for name, value in self.amplitudes.items()}
        return _Drive(amplitudes, self.shape[keep], self.kick[keep], self.steps)

    @property
    def strength(self) -> Tensor:
        return torch.stack([*(value.abs() for value in self.amplitudes.values()), self.kick.abs()]).amax(0)

    def at(self, step: int) -> dict[str, Tensor]:
        """The input of a step, by name."""
        courses = [1.0, step / self.steps, *(float(step % period < period / 2) for period in PERIODS)]
        factor = torch.tensor(courses, dtype=torch.float64)[self.shape]
        return {name: value * factor for name, value in self.amplitudes.items()}


def _drive(subject: NeuronSubject, *, few: bool) -> _Drive:
    powers = FEW_OCTAVES if few else OCTAVES
    ladder = torch.tensor([0.0, *(sign * 2.0**power for power in powers for sign in (1, -1))]).double()
    shapes, names = 1 if few else 2 + len(PERIODS), subject.inputs
    count = len(ladder) * shapes
    generator = torch.Generator().manual_seed(0)
    amplitudes = {}
    for place, name in enumerate(names):
        blocks = [torch.zeros(count, dtype=torch.float64) for _ in names]
        blocks[place] = ladder.repeat(shapes)
        draws = torch.rand(2, TOGETHER, generator=generator, dtype=torch.float64)
        drawn = subject.sizes.scale[name] * 2.0 ** (20 * draws[0] - 10) * torch.sign(draws[1] - 0.25)
        amplitudes[name] = torch.cat([*blocks, drawn, torch.zeros(len(ladder))])
    shape = torch.arange(shapes).repeat_interleave(len(ladder)).repeat(len(names))
    shape = torch.cat([shape, torch.arange(TOGETHER) % shapes, torch.zeros(len(ladder), dtype=torch.int64)])
    kick = torch.cat([torch.zeros(len(shape) - len(ladder)), ladder])
    return _Drive(amplitudes, shape, kick, MANY_STEPS if few else STEPS)


def _driven(subject: NeuronSubject, settings: dict[str, Any], drive: _Drive) -> bool:
    """Whether a unit spikes. What fails is left out, and tried weaker."""
    while len(drive.shape):
        try:
            return _run(subject, settings, drive)
        except RheobaseError:  # noqa: PERF203
            # Strong drive ends in a named error, and stops the others.
            weak = drive.strength <= drive.strength.median()
            weak[drive.strength.argmax()] = False
            drive = drive[weak]
    return False


def _run(subject: NeuronSubject, settings: dict[str, Any], drive: _Drive) -> bool:
    method = integrator("rk4", on_failure="mark")
    settings = {"dtype": torch.float64, "integrator": method, **settings}
    neuron = create(subject.model, len(drive.shape), **settings)
    if "voltage" in subject.schema.states:
        neuron.inject(drive.kick)
    declared = subject.schema.inputs if subject.schema.declared else {}
    for step in range(drive.steps):
        given: Any = drive.at(step)
        if declared:
            given = {name: inside(value, declared[name].domain) for name, value in given.items()}
        else:
            given = given["input"]
        if bool(spikes_in(neuron(given), neuron).any()):
            return True
    return False


def _as_its_source(subject: NeuronSubject, settings: dict[str, Any]) -> bool:
    """Whether it spikes under the stimulus of a preset."""
    from rheobase import simulate

    preset = subject.schema.presets.get(settings.get("preset", ""))
    if preset is None or preset.stimulus is None:
        return False
    neuron = create(subject.model, 1, dtype=torch.float64, **settings)
    duration = min(preset.duration or math.inf, MANY_STEPS * neuron.dt)
    try:
        seen = simulate(
            neuron, preset.stimulus, duration=duration, record=["spikes"], backend="eager", progress=False
        )
    except RheobaseError:
        return False
    return len(seen.spikes) > 0

"""Published results: what presets declare that they do, by their sources, is what they do."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import torch
from rheobase import Preset, create, integrator, list_components, simulate, stimulus
from rheobase.errors import RheobaseError

from .. import coverage
from ..property import prop
from ..vacuous import vacuous
from ..violation import violated
from .claimed import Outcome
from .figures import UNITS, Seen
from .needs import EXPECTS
from .subject import NeuronSubject

ADAPTIVE, ROUGH, FINE = "rk45", 1e-5, 1e-10
"""The integrator that judges where the preset names none, and its tolerances; see :func:`outcomes`."""


def outcomes(subject: NeuronSubject) -> list[Outcome]:
    """All claims of a model and what came of them, in the order of its presets.

    Presets are run with :data:`ADAPTIVE` at the rough tolerance first. What lies within half of what is
    allowed holds; all else is run again at the fine one, which decides. Presets that differ in numbers alone
    run together, as the units of one neuron.

    Args:
        subject: The model.
    """
    presets = {name: preset for name, preset in subject.schema.presets.items() if preset.expect is not None}
    found: dict[str, list[Outcome]] = {}
    for tolerance in (ROUGH, FINE):
        left = {
            name: preset
            for name, preset in presets.items()
            if name not in found or not all(each.meets(0.5) or not each.decided for each in found[name])
        }
        if tolerance == FINE:
            left = {name: preset for name, preset in left.items() if _adaptive(preset)}
        for names in _together(left):
            found |= _judged(subject, names, tolerance)
    return [each for name in presets for each in found[name]]


def _adaptive(preset: Preset) -> bool:
    """Whether the tolerance bears on it."""
    expect = preset.expect
    return expect is not None and expect.integrator is None and expect.event in (None, "located")


def _together(presets: dict[str, Preset]) -> list[list[str]]:
    """Presets that can run as units of one neuron: under constants, and alike in what is no number."""
    groups: dict[Any, list[str]] = defaultdict(list)
    for name, preset in presets.items():
        expect, current = preset.expect, preset.stimulus
        alike = isinstance(current, stimulus.Constant) and isinstance(current.amplitude, (int, float))
        named = ((key, value) for key, value in preset.params.items() if isinstance(value, str))
        how = expect and (expect.event, expect.integrator, expect.dt or preset.dt)
        groups[(tuple(sorted(named)), how, preset.duration) if alike else name].append(name)
    return list(groups.values())


def _judged(subject: NeuronSubject, names: list[str], tolerance: float) -> dict[str, list[Outcome]]:
    """The claims of presets that run together; alone, where that fails."""
    if not _installed(_integrator(subject.schema.presets[names[0]])):
        reason = f"the integrator {_integrator(subject.schema.presets[names[0]])!r} is not installed"
        return {name: _told(subject, name, None, reason, decided=False) for name in names}
    try:
        runs = _run(subject, names, tolerance)
    except RheobaseError as error:
        if len(names) > 1:
            return {
                each: told for name in names for each, told in _judged(subject, [name], tolerance).items()
            }
        return {names[0]: _told(subject, names[0], None, f"{type(error).__name__}: {error}")}
    return {name: _told(subject, name, run) for name, run in zip(names, runs, strict=True)}


def _told(
    subject: NeuronSubject, name: str, run: Seen | None, problem: str = "", decided: bool = True
) -> list[Outcome]:
    expect: Any = subject.schema.presets[name].expect
    state = next(iter(subject.schema.states.values()), None)
    units = {**UNITS, "peak": "" if state is None or state.unit == "1" else state.unit}
    return [
        Outcome(
            subject.name,
            name,
            claim,
            expect.source,
            figures,
            () if run is None else run.figures(claim, len(figures)),
            max(expect.allowed(claim, figure) for figure in figures),
            units[claim],
            problem,
            decided,
        )
        for claim, figures in expect.claims.items()
    ]


def _integrator(preset: Preset) -> str:
    """The name of the integrator that a preset is judged with; empty: the model's own."""
    named = preset.expect and preset.expect.integrator
    return named or (ADAPTIVE if _adaptive(preset) else "")


def _installed(name: str) -> bool:
    return not name or name in {each.spec.name for each in list_components("integrator")}


def _free_of_dt(subject: NeuronSubject, preset: Preset) -> bool:
    """Whether dt is but the length of a call: spikes are located, and the current does not change."""
    constant = isinstance(preset.stimulus, stimulus.Constant)
    expect: Any = preset.expect
    return (
        subject.spikes
        and constant
        and preset.dt is None
        and _adaptive(preset)
        and "peak" not in expect.claims
    )


def _run(subject: NeuronSubject, names: list[str], tolerance: float) -> list[Seen]:
    """What presets do, each a unit of one neuron."""
    presets = [subject.schema.presets[name] for name in names]
    expect: Any = presets[0].expect
    duration: Any = presets[0].duration
    settings: dict[str, Any] = {"dtype": torch.float64, "preset": names[0]}
    if subject.spikes:
        settings["event"] = expect.event or "located"
    if expect.dt is not None or _free_of_dt(subject, presets[0]):
        # Else what is held from step to step, or told at the end of each, asks for the model's own.
        settings["dt"] = expect.dt or duration / math.ceil(duration)
    method = _integrator(presets[0])
    if method:
        exact = {"rtol": tolerance, "atol": tolerance} if _adaptive(presets[0]) else {}
        settings["integrator"] = integrator(method, **exact)
    current = presets[0].stimulus
    if len(names) > 1:
        each = [create(subject.model, preset=name, dtype=torch.float64) for name in names]
        for key in (*subject.schema.parameters, *subject.schema.states):
            settings[key] = torch.cat([getattr(one, key).detach().reshape(1) for one in each])
        amplitudes = torch.tensor([preset.stimulus.amplitude for preset in presets], dtype=torch.float64)
        current = stimulus.Constant(amplitudes)
    neuron = create(subject.model, len(names), **settings)
    first = next(iter(subject.schema.states))
    record = (first, "spikes") if subject.spikes else (first,)
    run = simulate(neuron, current, duration, record=record, backend="eager", grad=False, progress=False)
    _count(subject, names, run)
    trace = run.traces[first].to(torch.float64)
    return [
        Seen(run.spikes.of(unit=unit).tolist() if subject.spikes else None, trace[:, unit], neuron.dt)
        for unit in range(len(names))
    ]


def _count(subject: NeuronSubject, names: list[str], run: Any) -> None:
    """Count what presets tried: their spikes, and what is at another value than its default."""
    coverage.moved("presets", names)
    driven = subject.inputs if len(subject.inputs) == 1 else ()
    for preset in (subject.schema.presets[name] for name in names):
        for kind, declared in (
            ("parameters", subject.schema.parameters),
            ("options", subject.schema.options),
        ):
            coverage.moved(kind, [name for name in preset.params if name in declared])
        coverage.moved("inputs", preset.stimulus if isinstance(preset.stimulus, Mapping) else driven)
    if subject.spikes:
        coverage.spiked({"spiked": torch.ones_like(run.spikes.times)})


@prop(
    "neuron",
    "published-results",
    "numerics",
    needs=(EXPECTS,),
    level="standard",
    why="that equations are the paper's is seen by its figures, and by nothing else",
)
def presets_do_what_is_published(subject: NeuronSubject) -> None:
    """Every preset that declares a published result shows it, within the tolerance that is declared."""
    found = outcomes(subject)
    wrong = [each.told for each in found if each.decided and not each.meets()]
    if wrong:
        violated("; and ".join(wrong))
    if not any(each.decided for each in found):
        vacuous(found[0].problem)

"""Contract and metadata: presets and options, each of which must serve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from hypothesis import strategies as st
from rheobase.errors import IntegrationError

from ..profiles import Profile
from ..property import prop
from ..violation import require, violated
from .case import NeuronCase
from .going import go
from .needs import OPTIONS, PRESETS
from .running import require_finite
from .subject import NeuronSubject

PRESET_STEPS = (6, 60, 300)
"""The steps of a preset's run, by profile."""


def preset_runs(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """One case, for all presets: how many steps they run for."""
    return st.just(NeuronCase(steps=PRESET_STEPS[profile.rank], dtype="float32"))


@prop(
    "neuron",
    "presets-run",
    "contract",
    needs=(PRESETS,),
    cases=preset_runs,
    why="a preset is what a newcomer tries first, and its numbers are those of a paper",
)
def every_preset_runs(subject: NeuronSubject, case: NeuronCase) -> None:
    """Every preset makes a neuron that has its values and runs with its stimulus, finite."""
    from rheobase import simulate

    for name, preset in subject.schema.presets.items():
        what = f"the preset {name!r}"
        try:
            neuron = NeuronCase(preset=name, dtype=case.dtype).neuron(subject.model)
        except Exception as error:
            violated(f"{what} makes no neuron: {type(error).__name__}: {error}")
        _has_its_values(neuron, name, preset)
        try:
            if preset.stimulus is None:
                for _ in range(case.steps):
                    require_finite(neuron(_nothing(subject, neuron)), f"with {what}")
            else:
                stimulus, steps = _beginning(preset.stimulus, case.steps)
                simulate(
                    neuron,
                    stimulus,
                    duration=steps * neuron.dt,
                    record=(),
                    backend="eager",
                    progress=False,
                )
        except Exception as error:
            violated(f"{what} does not run for {case.steps} steps of {neuron.dt:g} ms: {error}")
        for state in subject.schema.states:
            require_finite({state: getattr(neuron, state)}, f"after {case.steps} steps with {what}")


def _has_its_values(neuron: Any, name: str, preset: Any) -> None:
    if preset.dt is not None:
        require(
            neuron.dt == preset.dt, f"the preset {name!r} has dt {preset.dt} ms and its neuron {neuron.dt}"
        )
    for key, value in {**preset.params, **preset.state}.items():
        held = getattr(neuron, key)
        if isinstance(held, str):
            require(held == value, f"the preset {name!r} has {key}={value!r} and its neuron {held!r}")
            continue
        wanted = torch.as_tensor(value, dtype=torch.float64).to(held.dtype)
        require(
            bool((held == wanted).all()),
            f"the preset {name!r} has {key}={value!r} and its neuron {held.tolist()}",
        )


def _beginning(stimulus: Any, steps: int) -> tuple[Any, int]:
    """The beginning of a stimulus, which may have a row for each step; and how many steps that is."""
    if isinstance(stimulus, Mapping):
        parts = {name: _beginning(value, steps) for name, value in stimulus.items()}
        return {name: part[0] for name, part in parts.items()}, min(part[1] for part in parts.values())
    if isinstance(stimulus, torch.Tensor) and stimulus.ndim > 1:
        return stimulus[:steps], min(steps, len(stimulus))
    return stimulus, steps


def _nothing(subject: NeuronSubject, neuron: Any) -> Any:
    """No input."""
    several = subject.schema.declared and subject.schema.inputs
    return {} if several else torch.zeros(1, dtype=neuron.dtype)


@prop(
    "neuron",
    "options-run",
    "contract",
    needs=(OPTIONS,),
    why="a choice that is offered and fails when it is chosen was never tried",
)
def every_choice_runs(subject: NeuronSubject) -> None:
    """Every choice of every option makes a neuron that runs, finite without input."""
    for name, option in subject.schema.options.items():
        for choice in option.choices:
            case = NeuronCase(
                params={name: choice},
                drive={each: (subject.sizes.scale[each],) for each in subject.inputs},
                units=2,
                steps=10,
            )
            what = f"with {name}={choice!r}"
            try:
                neuron = case.neuron(subject.model)
                require(getattr(neuron, name) == choice, f"{what} the neuron has {getattr(neuron, name)!r}")
                for _ in range(5):
                    require_finite(neuron(_nothing(subject, neuron)), what)
                # Driven, it may explode; the choice may be one of units.
                go(neuron, case.data(neuron))
            except IntegrationError as error:
                violated(f"{what} and no input: {error}")
            except Exception as error:
                violated(f"{what}: {type(error).__name__}: {error}")

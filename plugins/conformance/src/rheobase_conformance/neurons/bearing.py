"""Moderate drive, of either sign, for a while: no error; and after a rest a model spikes as it did before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from hypothesis import strategies as st
from rheobase.errors import RheobaseError
from torch import Tensor

from ..profiles import Profile
from ..property import Need, prop
from ..vacuous import vacuous
from ..violation import violated
from .case import NeuronCase
from .driven import double_neurons
from .needs import CONTINUOUS, DETERMINISTIC, SPIKES
from .probing import driven, feed, plain, pulled, silence, spikes_in
from .subject import NeuronSubject

DRIVES = (1.5, -2.0)
"""The main input, in multiples of the rheobase; the others are given at once and twice their scale."""

LATENCIES = 20.0
"""How many latencies a run lasts; but see ``MOST``."""

MOST = {"smoke": 200, "standard": 400, "full": 3000}
"""The steps of a run at most, by profile."""

FINER = 8
"""How many times shorter the steps are that show whether an error is the model's, and not a long step's."""


def _long(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """The model with its defaults, for as many latencies as the profile allows."""
    latency = subject.latency or 0.0
    steps = min(MOST[profile.name], max(20, round(LATENCIES * latency / subject.dt)))
    return st.builds(
        lambda dtype, seed: NeuronCase(dt=subject.dt, steps=steps, dtype=dtype, seed=seed),
        st.sampled_from(["float64", "float32"]),
        st.integers(0, 99),
    )


@prop(
    "neuron",
    "bears-moderate-drive",
    "numerics",
    cases=_long,
    share=0.125,
    needs=(SPIKES,),
    why="an error under strong drive may be the drive's; one at what a neuron meets in every network is not",
)
def moderate_drive_gives_no_error(subject: NeuronSubject, case: NeuronCase) -> None:
    """1.5 and -2 times the rheobase, and all other inputs at their scale, end in no error in 20 latencies."""
    subject.rheobase()
    main = subject.sizes.main
    _bears(subject, case, [(main, factor) for factor in DRIVES])
    others = [(name, factor) for name in subject.inputs if name != main for factor in (1.0, 2.0)]
    if others:
        _bears(subject, replace(case, steps=case.steps // 4), others)


def _bears(subject: NeuronSubject, case: NeuronCase, drives: Sequence[tuple[str, float]]) -> None:
    if _fails(subject, case, drives) is None:
        return
    for drive in drives:
        failed = _fails(subject, case, [drive])
        # Only what shorter steps confirm counts against the model.
        if failed is not None and _fails(subject, _finer(subject, case, failed.step), [drive]) is not None:
            name, factor = drive
            unit = "rheobase" if subject.sizes.rheobase[name] else "scale"
            violated(
                f"{name} at {factor:g} times its {unit}, constant, ends in step {failed.step} in "
                f"{failed.error}, and so it does in steps {FINER} times as short; a moderate input must be "
                "borne"
            )


class _Failed(NamedTuple):
    """How a run ended."""

    step: int
    error: str


def _finer(subject: NeuronSubject, case: NeuronCase, step: int) -> NeuronCase:
    """The run in short steps, up to a while after this one."""
    steps = FINER * (step + 10)
    return replace(case, dt=(case.dt or subject.dt) / FINER, steps=steps)


def _fails(subject: NeuronSubject, case: NeuronCase, drives: Sequence[tuple[str, float]]) -> _Failed | None:
    """How a run ends in which each unit has one of the drives; None: in no error."""
    neuron = plain(case, subject, len(drives))
    data = _given(subject, neuron, drives)
    for step in range(case.steps):
        try:
            neuron(data)
        except RheobaseError as error:  # noqa: PERF203
            return _Failed(step, f"{type(error).__name__} ({error})")
    return None


def _given(subject: NeuronSubject, neuron: Any, drives: Sequence[tuple[str, float]]) -> Any:
    inputs = subject.schema.inputs if subject.schema.declared else {}
    factors = [factor for _, factor in drives]
    made: dict[str, Tensor] = {}
    for name in subject.inputs:
        quiet = float(inputs[name].default) if name in inputs else 0.0
        here = torch.tensor([asked == name for asked, _ in drives])
        made[name] = torch.where(here, driven(subject, name, factors), quiet).to(neuron.dtype)
    return made if inputs else next(iter(made.values()))


STRENGTHS = (2.0, 3.0)
"""The pulses, in multiples of the rheobase."""

LOUD = 10.0
"""A pulse that a unit answers that answers any."""

NEAR = 0.1
"""How near to where it was a state must have come back, as a part of how far it went."""

LONGEST = 2000
"""The steps of a rest at most."""

_STEP = ("forward", "advance", "step", "_step", "commit", "prepare")

OWN_WAY = Need(
    lambda s: any(s.overrides(name) for name in _STEP),
    "the model's steps are the engine's, which keeps nothing beside its states",
)


@prop(
    "neuron",
    "spikes-again-after-a-rest",
    "numerics",
    cases=double_neurons,
    needs=(SPIKES, OWN_WAY, DETERMINISTIC, CONTINUOUS),
    why="what keeps a unit from a second spike, with all its states as before the first, is hidden",
)
def two_pulses_a_rest_apart_both_give_a_spike(subject: NeuronSubject, case: NeuronCase) -> None:
    """A unit that answers a pulse with a spike answers another when its states are back where they were."""
    subject.rheobase()
    latency = subject.latency
    if latency is None:
        vacuous("twice its rheobase gives no spike within the window")
    neuron = plain(case, subject, len(STRENGTHS))
    quiet, pulse = silence(subject, neuron), feed(subject, neuron, STRENGTHS)
    once = max(10, round(2.0 * latency / neuron.dt))
    try:
        if _spiked(neuron, quiet, 10)[0].any():
            vacuous("it spikes without input")
        start = pulled(neuron)
        first, when = _spiked(neuron, pulse, once, until_all=True)
        if not bool(first.all()) or not _comes_back(neuron, quiet, start):
            vacuous("a pulse gives no spike, or the states do not come back after it")
        second, _ = _spiked(neuron, pulse, 2 * when + 10, until_all=True)
        if bool(second.any()):
            return
        # What it keeps beside its states may take longer to come back, and may have become less.
        _spiked(neuron, quiet, LONGEST // 2)
        loud = feed(subject, neuron, [LOUD] * len(STRENGTHS))
        third, _ = _spiked(neuron, loud, 2 * when + 10, until_all=True)
    except RheobaseError:
        vacuous("a moderate pulse ends in a named error")
    if not bool(third.any()):
        violated(
            f"pulses of {STRENGTHS[0]:g} and {STRENGTHS[1]:g} times the rheobase give a spike within {when} "
            f"steps; after a rest, with all states back to {NEAR:g} of their way, neither they nor "
            f"{LOUD:g} times the rheobase give another in {2 * when + 10} steps"
        )


def _spiked(neuron: Any, data: Any, steps: int, *, until_all: bool = False) -> tuple[Tensor, int]:
    """Which units spike in so many steps, or up to the step in which the last one does; and that number."""
    fired = torch.zeros(neuron.num_units, dtype=torch.bool)
    for step in range(steps):
        fired |= spikes_in(neuron(data), neuron)
        if until_all and bool(fired.all()):
            return fired, step + 1
    return fired, steps


def _comes_back(neuron: Any, quiet: Any, start: Tensor) -> bool:
    """Whether without an input the states come back in the time, and stay for a part of it."""
    way = (pulled(neuron) - start).abs()

    def is_back() -> bool:
        return bool(((pulled(neuron) - start).abs() <= NEAR * way + 1e-9 * start.abs()).all())

    for step in range(1, LONGEST + 1):
        neuron(quiet)
        way = torch.maximum(way, (pulled(neuron) - start).abs())
        if step % 10 == 0 and is_back():
            _spiked(neuron, quiet, step // 4)
            return is_back()
    return False

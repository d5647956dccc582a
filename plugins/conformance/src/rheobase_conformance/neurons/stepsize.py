"""The largest step that a model declares, as a function: it is a time, and steps below it serve."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from rheobase import RungeKutta
from rheobase.errors import RheobaseError

from ..property import Need, prop
from ..violation import require, violated
from .case import NeuronCase
from .convergence import weak_runs
from .functions import short_runs
from .needs import DERIVATIVES, DETERMINISTIC, OWN_STEPS
from .points import Points
from .probing import driven, silence, told, trajectory
from .subject import NeuronSubject

ASKED = Need(lambda s: callable(getattr(s.model, "dt_max", None)), "the model declares no function dt_max")

STRENGTHS = (0.3, -1.0, 10.0, -10.0, 100.0)
"""Each input, as parts of what moves the model. Those that make it spike or fail are left out."""

LONGEST, FINER = 6, 16
"""How many of the longest steps a run has, and how many times shorter the steps are that show the truth."""

MOST = 2000
"""The steps of a run in the model's own dt, at most."""


@prop(
    "neuron",
    "dt-max-is-a-time",
    "contract",
    cases=short_runs,
    share=0.5,
    needs=(ASKED,),
    why="a largest step that is no number above zero can warn of nothing",
)
def the_largest_step_is_a_time(subject: NeuronSubject, case: NeuronCase) -> None:
    """``dt_max(state, params, data)`` is finite and above zero for each unit, in all states of a run."""
    points = Points(subject, case)
    seen = [points.call("dt_max", *points.at(place))[""] for place in range(len(points.states))]
    quiet = case.neuron(subject.model)
    seen.append(_asked(subject, quiet, silence(subject, quiet)))
    for place, given in enumerate(seen):
        limit = torch.as_tensor(given).detach()
        require(
            bool((limit.isfinite() & (limit > 0)).all()),
            f"{subject.model.__name__}.dt_max gives {limit.reshape(-1).tolist()[:3]} ms "
            f"{f'in step {place}' if place < len(points.states) else 'at the start, without input'}; it must "
            "give a finite time above 0 for each unit",
        )


@prop(
    "neuron",
    "steps-below-dt-max-serve",
    "numerics",
    cases=weak_runs,
    share=0.25,
    needs=(ASKED, DERIVATIVES, OWN_STEPS, DETERMINISTIC),
    why="nobody is warned below it, and a step that is too long spikes where the model does not",
)
def steps_below_the_largest_serve(subject: NeuronSubject, case: NeuronCase) -> None:
    """Steps just below ``dt_max`` neither spike nor overflow where the model does not, and converge."""
    for name in subject.inputs:
        for strength in STRENGTHS:
            _serves(_Trial(subject, case, name, strength))


def _serves(trial: _Trial) -> None:
    limit = trial.limit()
    if limit is None:
        return
    dt = 0.99 * limit
    true = trial.run(dt / FINER, FINER * LONGEST)
    if true is None or bool(true.spiked.any()):
        require(
            not trial.is_quiet(dt * LONGEST),
            f"{trial.told(limit, dt / FINER)}, it spikes or fails, where steps of "
            f"{trial.subject.dt:g} ms do not",
        )
        return
    size = (true.states - true.states[0]).abs().amax(dim=0) + 1e-9 * true.states.abs().amax(dim=0)
    far = []
    for part in (1, 4):
        seen, given = trial.run(dt / part, part * LONGEST), trial.told(limit, dt / part)
        if seen is None:
            violated(f"{given}, the run fails, where steps of {dt / FINER:.3g} ms serve")
        require(not bool(seen.spiked.any()), f"{given}, it spikes, where steps of {dt / FINER:.3g} ms do not")
        far.append(float(((seen.states[-1] - true.states[-1]).abs() / size).nan_to_num().max()))
        require(
            far[-1] <= 1.0,
            f"{given}, it ends {far[-1]:.3g} times as far from the true state as that goes in all",
        )
    require(
        far[1] <= max(far[0], 0.05),
        f"{trial.told(limit, dt)}, the error is {far[0]:.3g} of the way, and in quarter steps {far[1]:.3g}",
    )


def _asked(subject: NeuronSubject, neuron: Any, data: Any) -> Any:
    """What dt_max gives for a neuron as it stands."""
    state = subject.schema.pack_state(*(getattr(neuron, name).detach() for name in subject.schema.states))
    given: Any = subject.model.dt_max
    return given(state, neuron.params, neuron.prepare(data))


@dataclass(frozen=True)
class _Trial:
    """Runs of one unit under one constant input."""

    subject: NeuronSubject
    case: NeuronCase
    name: str
    strength: float

    def neuron(self, dt: float | None) -> Any:
        return self.case.of_one_unit().neuron(self.subject.model, dt=dt, integrator=RungeKutta())

    @property
    def data(self) -> Any:
        """The input: one of them, moved into its domain, the others at their defaults."""
        schema, given = self.subject.schema, driven(self.subject, self.name, [self.strength])
        return {self.name: given} if schema.declared and schema.inputs else given

    def limit(self) -> float | None:
        """The smallest dt_max on the way of the longest steps that it allows at the start; None: it fails."""
        first = self._limit(self.neuron(None))
        neuron = self.neuron(first / FINER)
        least = first
        try:
            for _ in range(FINER * LONGEST):
                neuron(self.data)
                least = min(least, self._limit(neuron))
        except RheobaseError:
            return first if self.is_quiet(first * LONGEST) else None
        return least

    def _limit(self, neuron: Any) -> float:
        return float(torch.as_tensor(_asked(self.subject, neuron, self.data)).detach().min())

    def run(self, dt: float, steps: int) -> Any:
        """A run; None: it fails."""
        try:
            run = trajectory(self.neuron(dt), self.data, steps)
        except RheobaseError:
            return None
        return run if bool(run.states.isfinite().all()) else None

    def is_quiet(self, duration: float) -> bool:
        """Whether the model neither spikes nor fails in steps of its own dt."""
        run = self.run(self.subject.dt, min(MOST, math.ceil(duration / self.subject.dt)))
        return run is not None and not bool(run.spiked.any())

    def told(self, limit: float, dt: float) -> str:
        return (
            f"{told(self.subject, self.data, 0)}, constant: dt_max is {limit:.4g} ms, and in steps of "
            f"{dt:.4g} ms"
        )

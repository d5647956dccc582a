"""Dynamics: what the equations say is what the steps do."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from rheobase.errors import RheobaseError

from ..profiles import Profile
from ..property import Need, prop
from ..vacuous import vacuous
from ..violation import Violation, violated
from .case import NeuronCase
from .cases import runs
from .needs import DECLARED, DETERMINISTIC, OWN_STEPS
from .oracle import Oracle
from .probing import feed, plain, told
from .subject import NeuronSubject

STEPPED = Need(
    lambda s: s.has_derivatives or s.has_update, "the model defines neither derivatives nor an update"
)

STRENGTHS = (0.0, 1.0, -1.0, 3.0, -3.0, 10.0, -10.0, 30.0, -30.0, 100.0, -100.0)


def strong_runs(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """Runs of which only the neuron counts: the input is a strength for each unit."""
    return runs(
        subject, profile, units=(1,), courses=((1.0,),), steps=(20, 40), dtypes=("float32", "float64")
    )


@prop(
    "neuron",
    "finite-or-named-error",
    "numerics",
    cases=strong_runs,
    why="a NaN that goes on in silence spoils all that comes after it",
)
def strong_input_gives_finite_values_or_a_named_error(subject: NeuronSubject, case: NeuronCase) -> None:
    """Constant input up to 100 times what moves the model, of both signs, gives finite values or an error."""
    strengths = torch.tensor(STRENGTHS, dtype=torch.float64)
    while len(strengths):
        neuron = plain(case.of_one_unit(), subject, len(strengths))
        data = feed(subject, neuron, strengths)
        try:
            for step in range(case.steps):
                _require_finite(subject, neuron, neuron(data), data, step)
            return
        except Violation:
            raise
        except RheobaseError:
            # That is a named error. The weaker ones are still to be seen.
            top = strengths.abs().max()
            if float(top) <= 0:
                return
            strengths = strengths[strengths.abs() < top]


def _require_finite(subject: NeuronSubject, neuron: Any, out: Any, data: Any, step: int) -> None:
    held = [(name, getattr(neuron, name)) for name in neuron.schema.states]
    for name, value in [*out.items(), *held]:
        if name == "spike_times" or not value.is_floating_point() or bool(value.isfinite().all()):
            continue
        bad = (~value.detach().isfinite()).reshape(-1, value.shape[-1]).any(dim=0).nonzero()
        unit = int(bad[0, 0])
        single = neuron.dtype == torch.float32
        violated(
            f"{told(subject, data, unit)}, constant, in {'float32' if single else 'float64'}: {name} is "
            f"{float(value.reshape(-1, value.shape[-1])[-1, unit])} after step {step}, and no error says so; "
            "finite input must give finite values or a RheobaseError"
        )


def step_runs(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """Runs in double precision with the classical rule of events."""
    return runs(subject, profile, steps=(24, 12, 48), dtypes=("float64",), events=("step",))


@prop(
    "neuron",
    "steps-follow-the-equations",
    "numerics",
    cases=step_runs,
    needs=(DECLARED, OWN_STEPS, STEPPED, DETERMINISTIC),
    why="what a model computes must be what its author wrote down",
)
def each_step_is_that_of_the_declared_functions(subject: NeuronSubject, case: NeuronCase) -> None:
    """Each step is that of the declared functions: Runge-Kutta, threshold, reset, refractory period."""
    # The initial state may be given; "crossing" is what a model without a threshold has.
    neuron = case.neuron(subject.model)
    data = case.data(neuron)
    oracle = Oracle(subject, neuron)
    names = list(subject.schema.states)
    for step, each in enumerate(data):
        start = [getattr(neuron, name).detach().clone() for name in names]
        before, g, spikes, expected = oracle.step(start, neuron.prepare(each))
        try:
            out = neuron(each)
        except RheobaseError:
            # Too strong for this rule of events; whether an error is right is judged elsewhere.
            if step == 0:
                vacuous("the first step ends in a named error")
            return
        spiked = out["spiked"] != 0 if "spiked" in out else torch.zeros_like(spikes)
        size = torch.stack([*start, *before]).abs().amax(dim=0)
        clear = ~oracle.explosive & (g.abs() > 1e-9 * (size + g.abs()))
        if bool((clear & (spiked != spikes)).any()):
            unit = int((clear & (spiked != spikes)).nonzero()[0, -1])
            violated(
                f"step {step} of unit {unit} (dt = {neuron.dt:g} ms): spiked is {int(spiked[unit])}, and "
                "must be "
                f"{int(spikes[unit])}: g is {float(g[unit]):g} at the end, the unit was "
                f"{'' if bool(oracle.armed[unit]) else 'not '}armed, and {int(oracle.hold[unit])} steps of "
                "its "
                "refractory period were left"
            )
        for place, name in enumerate(names):
            seen = getattr(neuron, name).detach()
            near = 1e-9 * torch.stack([start[place], before[place], expected[place]]).abs().amax(dim=0)
            near = near + 1e-9 * subject.sizes.excursion.get(name, 0.0)
            wrong = ~oracle.explosive & (spiked == spikes) & ~((seen - expected[place]).abs() <= near)
            if bool(wrong.any()):
                unit = int(wrong.nonzero()[0, -1])
                violated(
                    f"step {step} of unit {unit} (dt = {neuron.dt:g} ms): {name} goes from "
                    f"{float(start[place][unit]):.12g} to {float(seen[unit]):.12g}, and by the declared "
                    f"functions to {float(expected[place][unit]):.12g}"
                    f"{' (it spiked)' if bool(spikes[unit]) else ''}"
                )
        oracle.go_on(spiked, [getattr(neuron, name).detach() for name in names])

"""Rest: a model that says where it rests stays there."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from rheobase.errors import RheobaseError
from torch import Tensor

from ..profiles import Profile
from ..property import prop
from ..vacuous import vacuous
from ..violation import violated
from .case import NeuronCase
from .cases import rounded, runs
from .needs import AT_REST, DERIVATIVES, DETERMINISTIC
from .probing import gap, pulled, silence, spikes_in
from .subject import NeuronSubject


def silent_runs(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """Runs without input, in double precision; the first with each parameter moved by itself."""
    drawn = runs(subject, profile, courses=((0.0,),), steps=(20, 60), dtypes=("float64",), units=(5, 2))
    moved = _each_moved(subject)
    return drawn if moved is None else st.one_of(st.just(moved), drawn)


def _each_moved(subject: NeuronSubject) -> NeuronCase | None:
    """A unit for each parameter that is a number other than zero: there, it is a tenth larger."""
    declared = subject.schema.parameters
    free = [
        name for name, value in declared.items() if isinstance(value.default, float) and value.default != 0
    ]
    values = {}
    for place, name in enumerate(free):
        each = [subject.defaults[name]] * len(free)
        each[place] = rounded(1.1 * each[place])
        if bool(declared[name].domain.contains(torch.tensor(each, dtype=torch.float64)).all()):
            values[name] = tuple(each)
    if not values:
        return None
    return NeuronCase(params=values, units=len(free), steps=20, dt=subject.dt)


@prop(
    "neuron",
    "rest-is-a-fixed-point",
    "numerics",
    cases=silent_runs,
    needs=(AT_REST, DETERMINISTIC),
    why="a model that drifts from its rest, or fires there, starts every run with an accident",
)
def without_input_a_model_at_rest_stays_where_it_starts(subject: NeuronSubject, case: NeuronCase) -> None:
    """Without input the states stay where they start, whatever the parameters, and there is no spike."""
    neuron = case.neuron(subject.model)
    start = pulled(neuron)
    data = silence(subject, neuron)
    moves = [subject.sizes.excursion.get(name, 0.0) for name in subject.schema.states]
    near = 1e-10 * torch.maximum(start.abs(), torch.tensor(moves, dtype=torch.float64).unsqueeze(1)) + 1e-300
    for step in range(case.steps):
        try:
            spiked = spikes_in(neuron(data), neuron)
        except RheobaseError as error:
            violated(f"without input, step {step} raises {type(error).__name__}: {error}")
        if bool(spiked.any()):
            violated(
                f"unit {int(spiked.nonzero()[0])} spikes in step {step}, without input and declared at rest"
            )
        gone = (pulled(neuron) - start).abs()
        if bool((~(gone <= near * (step + 1))).any()):
            place, unit = (int(value) for value in (~(gone <= near * (step + 1))).nonzero()[0])
            name = list(subject.schema.states)[place]
            violated(
                f"{name} of unit {unit} starts at {float(start[place, unit]):.12g}, declared at rest, and "
                "without input "
                f"has moved by {float(gone[place, unit]):.3g} after step {step} (dt = {neuron.dt:g} ms)"
            )


def one_neuron(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """A neuron in double precision, of which only the functions are asked."""
    return runs(
        subject, profile, courses=((0.0,),), steps=(1,), dtypes=("float64",), units=(1,), events=("step",)
    )


GROWTH = 30.0
"""How many times e a displacement is given to grow by."""


@prop(
    "neuron",
    "rest-holds",
    "numerics",
    cases=one_neuron,
    needs=(AT_REST, DERIVATIVES),
    why="a leak of the wrong sign drives the model from its rest for ever",
)
def a_small_displacement_from_rest_does_not_grow_without_end(
    subject: NeuronSubject, case: NeuronCase
) -> None:
    """In silence, a small displacement from rest does not grow without end short of a spike."""
    neuron = case.of_one_unit().neuron(subject.model)
    quiet = neuron.prepare(silence(subject, neuron))
    start = pulled(neuron)[:, 0]
    unit = torch.stack(
        [_size(subject, name, float(at)) for name, at in zip(subject.schema.states, start, strict=True)]
    )
    small = 1e-4 * unit
    count = len(start)
    # Central differences: one column for each state, to either side.
    around = torch.cat(
        [start.unsqueeze(1) + torch.diag(small), start.unsqueeze(1) - torch.diag(small)], dim=1
    )
    slopes = _field(subject, neuron, quiet, around)
    jacobian = (slopes[:, :count] - slopes[:, count:]) / (2 * small)
    scaled = jacobian * unit.unsqueeze(0) / unit.unsqueeze(1)
    if not bool(scaled.isfinite().all()):
        vacuous("its derivatives have no finite slopes at rest")
    rates = torch.linalg.eigvals(scaled)
    fastest = float(rates.real.max())
    if fastest <= 1e-3 * float(rates.abs().max()) or fastest <= 0:
        return
    # It grows at first. An unstable rest may be meant; one that is left for ever is not.
    h = 0.1 / float(rates.abs().max())
    y, alive = around, torch.ones(around.shape[1], dtype=torch.bool)
    for _ in range(min(round(GROWTH / fastest / h), 3000)):
        y = _plain_step(subject, neuron, quiet, y, h)
        if subject.has_threshold:
            alive &= ~(gap(subject, neuron, torch.nan_to_num(y)) >= 0)
        gone = ((y - start.unsqueeze(1)) / unit.unsqueeze(1)).abs().amax(dim=0)
        if bool((alive & ~(gone <= 1e6)).any()):
            column = int((alive & ~(gone <= 1e6)).nonzero()[0])
            name = list(subject.schema.states)[column % count]
            violated(
                f"{name} displaced by {float(around[column % count, column] - start[column % count]):.3g} "
                "from "
                f"{float(start[column % count]):g}, declared at rest, runs away without input or spike: it "
                "grows by a "
                f"factor e every {1 / fastest:.3g} ms, without end; look for a wrong sign"
            )


def _size(subject: NeuronSubject, name: str, at: float) -> Tensor:
    size = max(subject.sizes.excursion.get(name, 0.0), 1e-2 * abs(at))
    return torch.tensor(size or 1.0, dtype=torch.float64)


def _field(subject: NeuronSubject, neuron: Any, data: Any, states: Tensor) -> Tensor:
    named = subject.model.derivatives(subject.schema.pack_state(*states.unbind(0)), neuron.params, data)
    made = [
        torch.as_tensor(named[name], dtype=torch.float64).expand(states.shape[1:])
        for name in subject.schema.states
    ]
    return torch.stack(made).detach()


def _plain_step(subject: NeuronSubject, neuron: Any, data: Any, y: Tensor, h: float) -> Tensor:
    k1 = _field(subject, neuron, data, y)
    k2 = _field(subject, neuron, data, y + h / 2 * k1)
    k3 = _field(subject, neuron, data, y + h / 2 * k2)
    k4 = _field(subject, neuron, data, y + h * k3)
    return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

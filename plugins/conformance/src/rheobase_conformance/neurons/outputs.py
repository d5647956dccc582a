"""What a step gives: the outputs that are announced, in their shapes and types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from hypothesis import strategies as st
from rheobase.spi import TIMES
from torch import Tensor

from ..profiles import Profile
from ..property import Need, prop
from ..violation import require, violated
from .case import NeuronCase
from .cases import runs
from .going import brief, go, strong
from .needs import SPIKES
from .received import REFUSALS, sources, takes_input
from .running import same
from .subject import NeuronSubject

BOUNDED = Need(
    lambda s: any(state.bounded for state in s.schema.states.values()),
    "no state of the model has a declared domain",
)


def gentle(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """Runs without inhibition."""
    courses = ((10.0, 10.0, 1.0), (1.5,), (3.0, 0.0), (0.0,))
    return runs(subject, profile, batches=((), (2,)), steps=(30, 12, 60), courses=courses)


@prop(
    "neuron",
    "a-step-gives-what-it-announces",
    "contract",
    cases=brief,
    share=0.5,
    why="recordings, plots and other models read the outputs by these names",
)
def a_step_gives_what_it_announces(subject: NeuronSubject, case: NeuronCase) -> None:
    """A step gives a tensor for each name in ``loggable_props``, no other, and states as they now are."""
    neuron: Any = case.neuron(subject.model)
    for step, given in enumerate(case.data(neuron)[:3]):
        out = neuron(given)
        require(isinstance(out, Mapping), f"a step gives a {type(out).__name__}; it must give a mapping")
        require(
            set(out) == set(neuron.reported),
            f"step {step} gives {sorted(out)}; announced, by loggable_props, are {sorted(neuron.reported)}",
        )
        for name, value in out.items():
            require(isinstance(value, Tensor), f"step {step} gives a {type(value).__name__} for {name!r}")
            if name in subject.schema.states:
                held = getattr(neuron, name)
                require(
                    held.shape == value.shape and same(held.detach(), value.detach()),
                    f"step {step} gives {name} = {value.reshape(-1)[:3].tolist()}, and neuron.{name} is "
                    f"{held.reshape(-1)[:3].tolist()} after it",
                )


@prop(
    "neuron",
    "states-stay-in-their-domains",
    "contract",
    needs=(BOUNDED,),
    cases=gentle,
    why="a domain that a run leaves says nothing, and the state cannot be set to what it was",
)
def the_states_stay_in_their_domains(subject: NeuronSubject, case: NeuronCase) -> None:
    """States stay in their declared domains in a run; to 1%, for the integrator's error."""
    left = _left_domain(subject, case)
    if left and case.dt is not None:
        # An explicit method may overshoot where it is driven hard; only what shorter steps confirm counts.
        left = _left_domain(subject, replace(case, dt=case.dt / 8, steps=8 * case.steps))
    if left:
        violated(left)


def _left_domain(subject: NeuronSubject, case: NeuronCase) -> str:
    """Which state leaves its domain in a run, and when; empty: none does."""
    neuron = case.neuron(subject.model)
    seen = go(neuron, case.data(neuron))
    for name, state in subject.schema.states.items():
        low, high = state.domain.lowest, state.domain.highest
        course = [out[name] for out in seen if name in out]
        if not course:
            continue
        largest = max(float(value.abs().max()) for value in course)
        width = high - low if low is not None and high is not None else largest
        for step, value in enumerate(course):
            least, most = float(value.min()), float(value.max())
            bad = least if low is not None and least < low - 0.01 * width else None
            bad = most if high is not None and most > high + 0.01 * width else bad
            if bad is not None:
                return (
                    f"the state {name!r} is {bad:.6g} {state.unit} after step {step} of {neuron.dt:g} ms; it "
                    f"is declared {state.range_text}"
                )
    return ""


@prop(
    "neuron",
    "spiked-is-zero-or-one",
    "state",
    needs=(SPIKES,),
    cases=strong,
    share=0.5,
    why="spikes are counted, and index: a float or a bool counts otherwise",
)
def spiked_is_a_binary_integer(subject: NeuronSubject, case: NeuronCase) -> None:
    """``spiked`` is 0 or 1, as int8, in every step."""
    neuron: Any = case.neuron(subject.model)
    for when, spiked in (
        ("before the first step", neuron.spiked),
        *(
            (f"in step {step}", out["spiked"])
            for step, out in enumerate(go(neuron, case.data(neuron)))
            if "spiked" in out
        ),
        ("on the neuron after the run", neuron.spiked),
    ):
        require(spiked.dtype == torch.int8, f"spiked is {spiked.dtype} {when}; it must be torch.int8")
        require(
            bool(((spiked == 0) | (spiked == 1)).all()),
            f"spiked is {spiked.tolist()} {when}; it must be 0 or 1",
        )


@prop(
    "neuron",
    "outputs-have-the-type-of-the-neuron",
    "state",
    cases=brief,
    share=0.5,
    why="one output in another type turns all that follows into that type",
)
def outputs_have_the_type_of_the_neuron(subject: NeuronSubject, case: NeuronCase) -> None:
    """Outputs are of ``neuron.dtype``, whatever the type of the input and torch's default type."""
    before = torch.get_default_dtype()
    for own, other in ((torch.float32, torch.float64), (torch.float64, torch.float32)):
        try:
            torch.set_default_dtype(other)
            neuron = case.neuron(subject.model, dtype=own)
            data = case.data(neuron)[:3]
            require_type(go(neuron, data), own, f"where torch's default type is {other}")
            seen = go(neuron, [given_as(given, other) for given in data])
            require_type(seen, own, f"for input of {other}")
        finally:
            torch.set_default_dtype(before)


def given_as(given: Any, dtype: torch.dtype) -> Any:
    """One step's input in another type."""
    if isinstance(given, Mapping):
        return {name: value.to(dtype) for name, value in given.items()}
    return given.to(dtype)


def require_type(seen: Any, dtype: torch.dtype, where: str) -> None:
    """Refuse outputs that are floating-point numbers of another type."""
    for step, out in enumerate(seen):
        for name, value in out.items():
            if value.is_floating_point() and name not in TIMES and value.dtype != dtype:
                violated(f"{name} is {value.dtype} in step {step} of a neuron of {dtype}, {where}")


@prop(
    "neuron",
    "batches-are-kept",
    "state",
    cases=brief,
    why="trials that are added up, or dropped, give one wrong result in place of many right ones",
)
def batch_dimensions_are_kept(subject: NeuronSubject, case: NeuronCase) -> None:
    """Outputs are ``[*batch, units]``, also where the input is a list of several sources."""
    neuron: Any = case.neuron(subject.model)
    shape = [*case.batch, case.units]
    data = case.data(neuron)
    for step, out in enumerate(go(neuron, data[:3])):
        _shapes(subject, out, shape, f"step {step}")
    if subject.own_forward:
        return  # it says itself what it takes
    listed, identifiers = sources(data[0])
    try:
        out = case.neuron(subject.model)(listed, identifiers)
    except REFUSALS:
        return
    except Exception as error:
        violated(f"for a list of two inputs {shape} and one [1]: {type(error).__name__}: {error}")
    _shapes(subject, out, shape, "a step on a list of two inputs and one [1]")


def _shapes(subject: NeuronSubject, out: Any, shape: list[int], where: str) -> None:
    wide = False
    for name, value in out.items():
        own = list(value.shape[:-1] if name == "spike_times" else value.shape)
        wide |= own == shape
        # With a forward of its own, what does not depend on the input may do without its batch.
        fits = own == shape or (subject.own_forward and own == shape[-1:])
        require(fits, f"{name} has the shape {own} after {where} with the batch and units {shape}")
    require(
        wide or not out or not takes_input(subject),
        f"no output has the input's batch {shape[:-1]} in {where}",
    )

"""What is asked of a backend: the results of eager, and an error for a value that is not finite."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import torch
from rheobase.errors import BackendError, InputError
from torch import Tensor

from ..violation import violated
from .case import NeuronCase
from .courses import Course, course, spikes_by_step, tensors
from .rounding import ULPS, allowed
from .running import parting, same
from .shaking import shaken
from .subject import NeuronSubject

CLOSE = 1e-12
"""How far float64 may be from that of eager, relative to the largest value of a step, before a spike; further
only by what rounding accounts for."""

LOST = 1e-3
"""The part of its excursion by which rounding moves a state, from which on nothing is said of the unit."""

STRIDES = (1, 4)
"""The strides of the traces that are tried; the second leaves steps over at the end of most runs."""

_TRIES = 8


def require_agreement(subject: NeuronSubject, case: NeuronCase, target: str, name: str) -> None:
    """Refuse a backend whose recording is not that of the steps in eager; it may refuse the run.

    Args:
        subject: The model.
        case: The run.
        target: The name by which the backend is asked for.
        name: Its own name, for messages.

    Raises:
        Violation: If it gives other spikes or states, keeps other rows than asked for, or refuses a run
            after it changed the neuron.
    """
    from rheobase import simulate

    made = case.neuron(subject.model)
    done = course(made, case.data(made))
    if done.ended:
        return
    rounding = _Rounding(subject, case, done)
    for every in STRIDES:
        neuron = case.neuron(subject.model)
        states = [state for state in subject.schema.states if state in neuron.loggable_props]
        spiking = "spiked" in neuron.loggable_props
        record = [*states, *(["spikes"] if spiking else [])]
        before = _whole(neuron)
        try:
            recording = simulate(
                neuron, case.stimulus(neuron), record=record, backend=target, progress=False, every=every
            )
        except BackendError:
            _require_untouched(before, neuron, f"the backend {name!r} refused a run, and")
            return
        if spiking:
            _require_same_spikes(rounding, recording.spikes, name)
        traces = {state: recording.traces[state] for state in states}
        _require_close(rounding, traces, every, name)


class _Rounding:
    """What rounding may make of a run; it is looked at where a backend and eager differ by more than usual.

    Args:
        subject: The model.
        case: The run.
        done: What it is in eager.
    """

    def __init__(self, subject: NeuronSubject, case: NeuronCase, done: Course) -> None:
        self.subject, self.case, self.done = subject, case, done

    @cached_property
    def near(self) -> list[list[dict[str, Tensor]]]:
        """The run in eager, its numbers moved by a few units in the last place in every step."""
        found = []
        for number in range(_TRIES):
            neuron = self.case.neuron(self.subject.model)
            ulps = ULPS * (4.0 if number % 2 else 1.0)
            found.append(shaken(neuron, self.case.data(neuron), ulps, number))
        return found

    @cached_property
    def rooms(self) -> list[dict[str, Tensor]]:
        """By how much the states may differ in each step."""
        return [
            {
                state: allowed(outputs[state], [each[step][state] for each in self.near if step < len(each)])
                for state in self.subject.schema.states
                if state in outputs
            }
            for step, outputs in enumerate(self.done.outputs)
        ]

    @cached_property
    def lost(self) -> list[Tensor]:
        """The units of which nothing can be said from each step on: rounding decides a spike or a state.

        So it is beyond the stability of a method, where a step blows up whatever it is given.
        """
        found, gone = [], torch.zeros((*self.case.batch, self.case.units), dtype=torch.bool)
        for step, (outputs, rooms) in enumerate(zip(self.done.outputs, self.rooms, strict=True)):
            gone = gone.clone()
            for each in self.near:
                if step >= len(each):
                    gone |= True
                elif "spiked" in outputs:
                    gone |= each[step]["spiked"] != outputs["spiked"]
            for state, room in rooms.items():
                size = outputs[state].abs().clamp(min=self.subject.sizes.excursion.get(state, 0.0))
                gone |= ~(room <= LOST * size)
            found.append(gone)
        return found


def _require_same_spikes(rounding: _Rounding, spikes: Any, name: str) -> None:
    done, case = rounding.done, rounding.case
    eager = torch.stack([outputs["spiked"] for outputs in done.outputs]) != 0
    dt = case.neuron(rounding.subject.model).dt
    apart = spikes_by_step(spikes, dt, eager.shape, f"the backend {name!r}") != eager.to(torch.int64)
    if bool(apart.any()):
        apart &= ~torch.stack(rounding.lost)
    if bool(apart.any()):
        step, *where = (int(value) for value in apart.nonzero()[0])
        violated(
            f"the backend {name!r} gives {len(spikes)} spikes, and eager {int(eager.sum())}; the first that "
            f"differs is in step {step}, of unit {where[-1]}"
        )


def _require_close(rounding: _Rounding, traces: Mapping[str, Tensor], every: int, name: str) -> None:
    done = rounding.done
    rows = len(done.outputs) // every
    for state, trace in traces.items():
        if len(trace) != rows:
            violated(
                f"the backend {name!r}: with every={every} the trace of {state} has {len(trace)} rows for "
                f"{len(done.outputs)} steps; it must have {rows}"
            )
    for step, outputs in enumerate(done.outputs):
        for state, trace in traces.items() if (step + 1) % every == 0 else ():
            one, other = outputs[state], trace[step // every]
            size = max(float(one.abs().max()), float(other.abs().max()))
            # A state of zero has no last place: 1 - cos(0) is zero up to the last place of one.
            place = torch.finfo(one.dtype).eps * rounding.subject.sizes.excursion.get(state, 0.0)
            near, apart = CLOSE * size + place, (one - other).abs()
            if bool((apart <= near).all()):
                continue
            room = rounding.rooms[step][state]
            wrong = ~(apart <= room.clamp(min=near)) & ~rounding.lost[step]
            if bool(wrong.any()):
                where = tuple(wrong.nonzero()[0].tolist())
                stride = f" (with every={every})" if every > 1 else ""
                violated(
                    f"the backend {name!r}: {state} in step {step} is {float(apart[where]):.3g} from that of "
                    f"eager{stride}; rounding accounts for {float(room[where]):.3g}"
                )
        if "spiked" in outputs and bool(outputs["spiked"].any()):
            return


def require_values_checked(subject: NeuronSubject, case: NeuronCase, target: str, name: str) -> None:
    """Refuse a backend that takes a value that is not finite, or steps up to it; it may refuse the run.

    Args:
        subject: The model.
        case: The run, in which one value is replaced: the last by NaN, one by infinity, the first by minus
            infinity.
        target: The name by which the backend is asked for.
        name: Its own name, for messages.

    Raises:
        Violation: If there is no ``InputError``, or the neuron is not as it was.
    """
    from rheobase import simulate

    neuron = case.neuron(subject.model)
    before = _whole(neuron)
    for value, share in ((math.nan, 1.0), (math.inf, (case.seed + 5) % 10 / 10), (-math.inf, 0.0)):
        stimulus, where = _spoiled(case.stimulus(neuron), value, share, case.seed)
        try:
            simulate(neuron, stimulus, record=(), backend=target, progress=False)
        except BackendError:
            return
        except InputError:
            _require_untouched(before, neuron, f"the backend {name!r} met {where}, and")
        else:
            violated(f"the backend {name!r} took an input with {where}; it must raise an InputError")


def _spoiled(stimulus: Any, value: float, share: float, seed: int) -> tuple[Any, str]:
    """The same input with one value replaced, so far along it; and where, in words."""
    if isinstance(stimulus, Mapping):
        chosen = sorted(stimulus)[seed % len(stimulus)]
        spoiled, where = _spoiled(stimulus[chosen], value, share, seed)
        return {**stimulus, chosen: spoiled}, f"{where} of {chosen}"
    spoiled = stimulus.clone(memory_format=torch.contiguous_format)
    place = round(share * (spoiled.numel() - 1))
    spoiled.view(-1)[place] = value
    return spoiled, f"{value} in step {place // spoiled[0].numel()}"


def _whole(neuron: Any) -> dict[str, Tensor]:
    """All that a run could change."""
    drawn = {"generator": neuron.generator.get_state()} if getattr(neuron, "stochastic", False) else {}
    return {**tensors(neuron), **drawn}


def _require_untouched(before: Mapping[str, Tensor], neuron: Any, what: str) -> None:
    after = _whole(neuron)
    if before.keys() != after.keys():
        violated(f"{what} left the neuron with {sorted(before.keys() ^ after.keys())}, or without")
    for name, value in before.items():
        if not same(value, after[name]):
            violated(f"{what} changed the neuron: {parting(name, value, after[name])}")

"""What is asked of a backend: the results of eager, and an error for a value that is not finite."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ...errors import BackendError, InputError
from ..violation import violated
from .case import NeuronCase
from .courses import Course, course, tensors
from .running import parting, same
from .subject import NeuronSubject

CLOSE = 1e-12
"""How far float64 may be from that of eager, relative to the largest value of a step, before a spike."""

STRIDES = (1, 4)
"""The strides of the traces that are tried; the second leaves steps over at the end of most runs."""


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
    from ...pipeline.simulate import simulate

    made = case.neuron(subject.model)
    done = course(made, case.data(made))
    if done.ended:
        return
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
            eager = int(sum(int(outputs["spiked"].sum()) for outputs in done.outputs))
            if len(recording.spikes) != eager:
                violated(f"the backend {name!r} gives {len(recording.spikes)} spikes, and eager {eager}")
        traces = {state: recording.traces[state] for state in states}
        _require_close(done, traces, every, name)


def _require_close(done: Course, traces: Mapping[str, Tensor], every: int, name: str) -> None:
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
            apart = float((one - other).abs().max())
            if not apart <= CLOSE * size:
                stride = f" (with every={every})" if every > 1 else ""
                violated(
                    f"the backend {name!r}: {state} in step {step} is {apart:.3g} from that of eager{stride}"
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
    from ...pipeline.simulate import simulate

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

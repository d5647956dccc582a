"""Noise: what one step makes of many lanes that are in one and the same state before it.

Each step of these runs begins in that state, though the clock and the generator go on. So what the lanes are
after it differs by what was drawn in that step alone, and not by what was drawn before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
from rheobase.errors import RheobaseError
from rheobase.spi import tensors
from torch import Tensor

from ..surroundings import one_thread
from .case import NeuronCase
from .chance import fed
from .courses import put
from .probing import spikes_in
from .running import seeded
from .subject import NeuronSubject

LAYOUTS: tuple[tuple[int, ...], ...] = ((512,), (4, 128), (64, 4))
"""Units without a batch; many units of a few rows; and a few units of many rows."""

STEPS = 24
"""How often the step is made, in each layout and by each of two seeds."""

EARLY, LATE = 3, 200
"""Where the states are taken from: after so many steps, and before the first spike of so many."""

Origin = Mapping[str, Tensor]
"""Name of a buffer -> its value in one unit, 0-dimensional."""


class Sample(NamedTuple):
    """What a step made of the lanes, as often as it was made.

    Attributes:
        values: Name of a state, or ``"spiked"`` -> float64 ``[steps, rows, units]``.
        layout: How the lanes were laid out: ``[*batch, units]``.
    """

    values: dict[str, Tensor]
    layout: tuple[int, ...]


def origins(subject: NeuronSubject, case: NeuronCase) -> Iterator[Origin]:
    """States of one unit under a strong input: early in its run, and before its first spike."""
    neuron = case.neuron(subject.model, num_units=1)
    seeded(neuron, case.seed)
    data = fed(subject, neuron, 1, ())
    for step in range(LATE):
        before = _of_first(neuron)
        try:
            fired = bool(spikes_in(neuron(data), neuron).any())
        except RheobaseError:
            return
        if step == EARLY:
            yield before
        if fired and step:
            yield before
            return


def sample(
    subject: NeuronSubject, case: NeuronCase, origin: Origin, layout: tuple[int, ...], seed: int
) -> Sample | None:
    """Make the step from one state, again and again; None where it fails."""
    neuron = case.neuron(subject.model, num_units=layout[-1])
    seeded(neuron, seed)
    data = fed(subject, neuron, layout[-1], layout[:-1])
    if any(
        len(getattr(neuron, name).detach().reshape(-1).unique()) > 1 for name in subject.schema.parameters
    ):
        return None  # vacuous: its units differ, as they are made
    names = [*subject.schema.states]
    seen: list[list[Tensor]] = []
    try:
        neuron(data)  # the buffers are of the size of the batch from now on
        each = {
            name
            for name, held in tensors(neuron).buffers.items()
            if held is not None and held.shape[-1:] == layout[-1:]
        }
        for _ in range(STEPS):
            put(neuron, {name: value.expand(layout) for name, value in origin.items() if name in each})
            with one_thread():
                out = neuron(data)
            after = [getattr(neuron, name).detach() for name in names]
            after += [out["spiked"].detach()] if "spiked" in out else []
            seen.append([value.double().expand(layout).reshape(-1, layout[-1]) for value in after])
    except RheobaseError:
        return None
    stacked = [torch.stack(parts) for parts in zip(*seen, strict=True)]
    called = [*names, "spiked"][: len(stacked)]
    return Sample(dict(zip(called, stacked, strict=True)), layout)


def _of_first(neuron: Any) -> dict[str, Tensor]:
    """The buffers of a neuron of one unit that have a value for it; not its clock, input and parameters."""
    others = {*neuron.schema.parameters, *neuron.schema.inputs, "input", "step_count"}
    return {
        name: value.detach().reshape(()).clone()
        for name, value in tensors(neuron).buffers.items()
        if name not in others and value is not None and value.shape == (1,)
    }

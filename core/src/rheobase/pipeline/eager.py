"""The backend ``eager``: step after step in PyTorch. It is the truth for every other backend."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import repeat
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..errors import StimulusError
from .alike import own_forward
from .drive import Drive
from .interrupted import SimulationInterrupted
from .recorder import Recorder
from .recording import Recording
from .watched import watched

if TYPE_CHECKING:
    from ..engine.neuron.base import Neuron

_ELEMENTS = 65_536
"""Rows are made in blocks of about so many numbers: few calls for one unit, little memory for many."""


def run(
    neuron: Neuron,
    drive: Drive,
    steps: int,
    *,
    record: Sequence[str],
    grad: bool = False,
    progress: bool | None = None,
    every: int = 1,
) -> Recording:
    """See :class:`~rheobase.pipeline.protocols.Backend`; this one refuses nothing."""
    drive.check()
    recorder = Recorder(neuron, record, steps, grad=grad, every=every)
    block = block_of(drive.width, steps)
    with watched(steps, progress, recorder.between) as watch:
        try:
            with keeping_graph(neuron, grad):
                take, given = _stepper(neuron, drive)
                for start in range(0, steps, block):
                    for row in given(start, min(block, steps - start)):
                        # Before the step, not after it: an interrupt then finds state and recorder at one and
                        # the same step.
                        watch.heed()
                        recorder.take(take(row))
                    watch(recorder.done)
        except KeyboardInterrupt as interrupt:
            raise SimulationInterrupted(recorder.finish(), steps) from interrupt
        return watch.ended(recorder.finish())


def block_of(width: int, steps: int) -> int:
    """The steps of a block, for rows of so many numbers."""
    # A block ends where others look in, the progress bar and a journal: 1024 steps of one unit take about a
    # tenth of a second.
    return max(1, min(1024, _ELEMENTS // width, steps))


def _advance_of(neuron: Neuron) -> Callable[[object], Mapping[str, Tensor]] | None:
    """The neuron's inner step; None where steps must go through ``forward``."""
    return None if own_forward(neuron) else neuron.advance


def _stepper(
    neuron: Neuron, drive: Drive
) -> tuple[Callable[[Any], Mapping[str, Tensor]], Callable[[int, int], Iterable[Any]]]:
    """What takes a step, and what gives each of so many steps what it takes."""
    advance = _advance_of(neuron)
    if drive.trains:
        if advance is None:
            raise StimulusError(
                f"{neuron.identifier} has a forward of its own, to which arrivals cannot be given at "
                "their own times, as event='located' has them; use event='crossing'"
            )
        step = neuron.advance
        return lambda row: step(neuron.prepare(row[0]), trains=row[1]), lambda first, count: (
            (row, drive.moments(first + place)) for place, row in enumerate(drive.rows(first, count))
        )
    if advance is None:
        # Its forward may do with several sources what it likes.
        identifiers = drive.identifiers
        if identifiers is None:
            return neuron, drive.separate
        return lambda row: neuron(row, identifiers), drive.separate
    prepare = neuron.prepare
    if drive.constant:
        # Once: checks, conversion and aggregation would give the same in every step.
        data = prepare(drive.rows(0, 1)[0])
        return advance, lambda first, count: repeat(data, count)
    return lambda row: advance(prepare(row)), drive.rows


@contextmanager
def keeping_graph(neuron: Neuron, grad: bool) -> Iterator[None]:
    """Keep graphs from step to step, or make none."""
    kept = neuron.keeps_graph
    try:
        neuron.keeps_graph = grad
        # Also within a no_grad() of the caller: whether graphs are kept is an argument of the run.
        with torch.set_grad_enabled(grad):
            yield
    finally:
        neuron.keeps_graph = kept
        # The graph is the recording's. A neuron that keeps none would otherwise hold it in its state.
        if grad and not kept:
            neuron.detach_state()

"""The backend ``eager``: step after step in PyTorch. It is the truth for every other backend."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import repeat
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

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
    """Step a neuron so many times, from its present state and clock.

    This is the contract of every backend. It is called like this, always with all of these arguments, which
    are checked already but for one thing: the values of tensors with rows. A backend checks values itself,
    or calls ``drive.check()`` first; in either case a value that is not finite is the ``InputError`` of
    ``drive.check()``, and leaves the neuron as it was. One that cannot run this neuron raises
    ``NotImplementedError`` with the reason before it changes anything; where there is something that the
    user should mend, such as a compiler, the exception has ``amiss = True``, and the user is warned. Spikes
    are recorded in every step, whatever ``every`` is. It runs under :func:`rheobase.watched`, so that Ctrl-C
    comes between its steps.

    Args:
        neuron: The neuron; afterwards it stands where the run ended.
        drive: The stimulus, in rows for this neuron.
        steps: The number of steps, at least 1.
        record: ``"spikes"`` and names that the neuron can log. ``record.units`` has the units, name -> int64
            ``[n]``, of those that are not wanted of all: a backend that keeps no others says so by
            ``trace_indices=record.units`` in ``Recording.of`` and in each :class:`rheobase.Piece`; of one
            that does not, the others are left out.
        grad: Whether states and traces keep their autograd graph.
        progress: Whether to show a progress bar; None: on a terminal, for runs of more than a second.
        every: Traces hold the states after steps every, 2 every, ... of this run:
            ``[steps // every, *batch, units]``.

    Returns:
        The recording.

    Raises:
        InputError: If a value of the drive is not finite; nothing was changed.
        SimulationInterrupted: If the run was interrupted (Ctrl-C); it carries the recording so far.
    """
    drive.check()
    recorder = Recorder(neuron, record, steps, grad=grad, every=every)
    block = max(1, min(1024, _ELEMENTS // drive.width, steps))
    with watched(steps, progress, recorder.between) as watch:
        try:
            with _graph(neuron, grad):
                take, given = _stepper(neuron, drive)
                for start in range(0, steps, block):
                    for row in given(start, min(block, steps - start)):
                        watch.heed()
                        recorder.take(take(row))
                    watch(recorder.done)
        except KeyboardInterrupt as interrupt:
            raise SimulationInterrupted(recorder.finish(), steps) from interrupt
        return watch.ended(recorder.finish())


def _advance_of(neuron: Neuron) -> Callable[[object], Mapping[str, Tensor]] | None:
    """The neuron's inner step; None where steps must go through ``forward``."""
    return None if own_forward(neuron) else neuron.advance


def _stepper(
    neuron: Neuron, drive: Drive
) -> tuple[Callable[[Any], Mapping[str, Tensor]], Callable[[int, int], Iterable[Any]]]:
    """What takes a step, and what gives each of so many steps what it takes."""
    advance = _advance_of(neuron)
    if advance is None:
        # Its forward may do with several sources what it likes.
        identifiers = drive.identifiers
        if identifiers is None:
            return neuron, drive.separate
        return lambda row: neuron(row, identifiers), drive.separate
    prepare = neuron.prepare
    if drive.constant:
        data = prepare(drive.rows(0, 1)[0])
        return advance, lambda first, count: repeat(data, count)
    return lambda row: advance(prepare(row)), drive.rows


@contextmanager
def _graph(neuron: Neuron, grad: bool) -> Iterator[None]:
    """Keep graphs from step to step, or make none."""
    kept = neuron.keeps_graph
    try:
        neuron.keeps_graph = grad
        with torch.set_grad_enabled(grad):
            yield
    finally:
        neuron.keeps_graph = kept
        if grad and not kept:
            neuron.detach_state()

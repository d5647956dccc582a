"""A run while it goes on: its progress bar, Ctrl-C between its blocks, and what it has recorded so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from torch import Tensor

from ..deferral import Deferral, deferred, deferring
from .interrupted import SimulationInterrupted
from .progress import progress_bar
from .recording import Recording


class Piece(NamedTuple):
    """What was recorded in some steps of a run; pieces one after the other make a recording.

    Attributes:
        first: The first of the steps, counted from the start of the run.
        last: The step after the last.
        spikes: Times in ms, float64, units and batch indices, int64, in the order of a recording; None where
            spikes are not recorded.
        traces: Name -> the rows that fall into these steps,
            ``[last // every - first // every, *batch, units]``.
        trace_indices: Name -> the units that were recorded, of what was not recorded of all. Default: of all.
    """

    first: int
    last: int
    spikes: tuple[Tensor, Tensor, Tensor] | None
    traces: Mapping[str, Tensor]
    trace_indices: Mapping[str, Tensor] = {}


Recorded = Callable[[int, int], Piece]
"""Gives what was recorded from a step on and before another; both are ends of blocks."""

Listener = Callable[[int, Callable[[], Piece]], None]
"""Is called after each block with the number of steps done, and a function that gives what was recorded since
that function was called last. That costs something, so it is called when there is use for it; in another
thread, too, while the run goes on: what is recorded does not change any more."""

_LISTENER: ContextVar[Listener | None] = ContextVar("rheobase-listener", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Tell a listener of the runs of this thread while they go on; what it raises ends the run."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


class Watch:
    """What a backend tells of its run, and is told.

    Args:
        steps: The number of steps of the run.
        tick: Shows how many are done.
        deferral: Whether the run is to end.
        recorded: What was recorded.
    """

    def __init__(
        self, steps: int, tick: Callable[[int], None], deferral: Deferral, recorded: Recorded | None
    ) -> None:
        self._steps, self._tick, self._recorded = steps, tick, recorded
        # Asked once, at the start: a context variable belongs to the thread that runs.
        self._listener = None if recorded is None else _LISTENER.get()
        self._done = self._told = 0
        # Without a method around it: eager calls it before every step.
        self.heed = deferral.heed

    def __call__(self, done: int) -> None:
        """Tell that so many steps are done, at the end of a block: all states are at that step.

        Args:
            done: How many.

        Raises:
            KeyboardInterrupt: If the run is to end.
        """
        self._done = done
        self._tick(done)
        if self._listener is not None:
            self._listener(done, self._new)
        self.heed()

    def ended(self, recording: Recording) -> Recording:
        """Give back the recording of the run.

        Args:
            recording: The recording.

        Raises:
            SimulationInterrupted: With the recording, if the run was to end just now.
        """
        try:
            self.heed()
        except KeyboardInterrupt as interrupt:
            raise SimulationInterrupted(recording, self._steps) from interrupt
        return recording

    def _new(self) -> Piece:
        if self._recorded is None:
            raise RuntimeError("nobody recorded what is asked for")
        # The run may go on while another thread asks.
        first, last = self._told, self._done
        self._told = last
        return self._recorded(first, last)


@contextmanager
def watched(
    steps: int, progress: bool | None, recorded: Recorded | None = None, *, whole: bool = False
) -> Iterator[Watch]:
    """Run steps in view of the user: every backend that works in blocks does so under this.

    It shows the progress bar, lets Ctrl-C come between two blocks and nowhere else, and tells those who
    follow the run, as a journal does, what was recorded. Between two calls of the :class:`Watch` there should
    be 0.2 s at most.

    Args:
        steps: The number of steps of the run.
        progress: Whether to show a progress bar; None: on a terminal, for runs of more than a second.
        recorded: ``recorded(first, last)`` gives the :class:`Piece` of these steps. Default: nobody is told.
        whole: Whether the steps are few and all become the neuron's in one operation of the interpreter, as
            by :meth:`Neuron.take_over`: then Ctrl-C is held back only where somebody is told, as that takes
            microseconds. Else it may come anywhere, and finds the neuron before the steps or after them.

    Example:
        >>> done = 0
        >>> with watched(100, False) as watch:
        ...     while done < 100:
        ...         done += 25  # a block of steps
        ...         watch(done)
    """
    if whole and progress is False and _LISTENER.get() is None and not deferring():
        yield Watch(steps, lambda done: None, Deferral(), None)
        return
    with deferred() as deferral, progress_bar(steps, progress) as tick:
        yield Watch(steps, tick, deferral, recorded)

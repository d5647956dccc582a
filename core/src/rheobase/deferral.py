"""Ctrl-C, heard between the steps of a run and not within one."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_PATIENCE = 1.0
"""Seconds after which a second Ctrl-C is heard at once, wherever the run is."""
_SAY: ContextVar[Callable[[], None] | None] = ContextVar("_SAY", default=None)
"""What says that a run has stopped."""


@contextmanager
def announcing(say: Callable[[], None]) -> Iterator[None]:
    """Have ``say()`` called once a run has stopped: to gather and write what it recorded may take seconds."""
    before = _SAY.set(say)
    try:
        yield
    finally:
        _SAY.reset(before)


_ACTIVE: list[Deferral] = []
"""What holds signals back just now; runs within it are its own."""


def deferring() -> bool:
    """Whether something holds Ctrl-C back just now."""
    return bool(_ACTIVE)


def interrupt() -> None:
    """Do what Ctrl-C does, also where SIGINT is ignored, as in jobs that a shell put into the background."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.raise_signal(signal.SIGINT)  # to whoever takes Ctrl-C just now
    elif _ACTIVE:
        _ACTIVE[0](signal.SIGINT, None)
    else:
        raise KeyboardInterrupt


class Deferral:
    """The handler of signals while a run goes on: it notes, in ``asked``, that the run is to end."""

    def __init__(self) -> None:
        self.asked = False
        self._since = 0.0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Take a signal; a second one, after some patience, is a KeyboardInterrupt at once."""
        now = time.monotonic()
        if not self.asked:
            self.asked, self._since = True, now
        elif now - self._since > _PATIENCE:
            raise KeyboardInterrupt

    def heed(self) -> None:
        """End here, by a KeyboardInterrupt, if the run is to end."""
        if self.asked:
            self.asked = False
            say = _SAY.get()
            if say is not None:
                say()
            raise KeyboardInterrupt


@contextmanager
def deferred() -> Iterator[Deferral]:
    """Hold Ctrl-C back, so that it comes where :meth:`Deferral.heed` is called: the state is whole there."""
    deferral, taken = Deferral(), list[signal.Signals]()
    main = threading.current_thread() is threading.main_thread()
    # Within a run that holds signals back already they stay that run's. Other threads hear none, and hold
    # none back.
    if main and _ACTIVE:
        yield _ACTIVE[0]
        return
    try:
        if main:
            # From here on Ctrl-C may come, and what was begun is to be undone.
            _ACTIVE.append(deferral)
            # A handler of somebody's own stays in its place; Python's own for Ctrl-C may be that of SIGTERM
            # too.
            taken = [each for each in _SIGNALS if signal.getsignal(each) is signal.default_int_handler]
        for number in taken:
            signal.signal(number, deferral)
        yield deferral
    except BaseException:
        # It goes with what ends the run anyway.
        deferral.asked = False
        raise
    finally:
        if deferral in _ACTIVE:
            _ACTIVE.remove(deferral)
        for number in taken:
            if signal.getsignal(number) is deferral:
                signal.signal(number, signal.default_int_handler)
    deferral.heed()

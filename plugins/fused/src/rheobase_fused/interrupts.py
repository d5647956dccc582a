"""Ctrl-C between the calls of a kernel, and not within one: what was done is whole then."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def noted_interrupts() -> Iterator[list[int]]:
    """Within it Ctrl-C is noted in the list that is given, and raises nothing.

    Where somebody else handles that signal, or outside of the main thread, all stays as it is.
    """
    noted: list[int] = []

    def note(number: int, frame: Any) -> None:
        noted.append(number)

    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield noted
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)

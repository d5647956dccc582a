"""Ctrl-C while a command starts up, and other signals that ask it to end."""

from __future__ import annotations

import contextlib
import importlib
import signal
import threading
from collections.abc import Iterator
from typing import Any

from ..deferral import interrupt

_ENDS = ("SIGTERM", "SIGHUP")
"""What queues, services and terminals send to what is to end."""


def import_undisturbed(*modules: str) -> None:
    """Import modules, and hold Ctrl-C back until that is done.

    Modules written in C cannot be interrupted while they are imported: they are left half made, and the
    interrupt is lost or comes back as another error.

    Args:
        *modules: Their names.

    Raises:
        KeyboardInterrupt: At the end, if Ctrl-C came meanwhile.
    """
    in_main = threading.current_thread() is threading.main_thread()
    caught: list[int] = []

    def note(number: int, frame: Any) -> None:
        caught.append(number)

    # Python hears signals in the main thread alone: elsewhere there is nothing to hold back.
    before = signal.signal(signal.SIGINT, note) if in_main else None
    try:
        for module in modules:
            importlib.import_module(module)
    finally:
        if in_main:
            signal.signal(signal.SIGINT, before)
    if caught:
        raise KeyboardInterrupt


class Ending:
    """How a command was asked to end.

    Attributes:
        number: The signal.
    """

    number: int = signal.SIGINT

    @property
    def code(self) -> int:
        """The exit code: 128 and the number of the signal, as shells have it."""
        return 128 + self.number

    @property
    def word(self) -> str:
        """What the message says of it."""
        return (
            "interrupted" if self.number == signal.SIGINT else f"ended by {signal.Signals(self.number).name}"
        )


@contextlib.contextmanager
def terminable() -> Iterator[Ending]:
    """Let signals that would end the process at once do what Ctrl-C does, so that nothing is lost.

    Those that somebody else ignores or handles stay as they are.

    Yields:
        Which signal it was, to be asked after a KeyboardInterrupt.

    Example:
        >>> with terminable() as ending:
        ...     try:
        ...         signal.raise_signal(signal.SIGTERM)
        ...     except KeyboardInterrupt:
        ...         print(ending.word, ending.code)
        ended by SIGTERM 143
    """
    ending = Ending()

    def end(number: int, frame: Any) -> None:
        # By way of Ctrl-C, so that a run which holds that back holds this back as well.
        ending.number = number
        interrupt()

    numbers = [getattr(signal, name) for name in _ENDS if hasattr(signal, name)]
    in_main = threading.current_thread() is threading.main_thread()
    # What is ignored, as SIGHUP is under nohup, stays ignored.
    taken = [each for each in numbers if in_main and signal.getsignal(each) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, end)
    try:
        yield ending
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)

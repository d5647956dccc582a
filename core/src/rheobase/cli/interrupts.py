"""Ctrl-C while a command starts up."""

from __future__ import annotations

import importlib
import signal
import threading
from typing import Any


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

    before = signal.signal(signal.SIGINT, note) if in_main else None
    try:
        for module in modules:
            importlib.import_module(module)
    finally:
        if in_main:
            signal.signal(signal.SIGINT, before)
    if caught:
        raise KeyboardInterrupt

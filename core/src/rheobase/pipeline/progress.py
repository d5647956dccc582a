"""The progress bar of a run."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_PATIENCE = 1.0
"""Seconds that a run may take before it gets a bar."""


@contextmanager
def progress_bar(steps: int, shown: bool | None) -> Iterator[Callable[[int], None]]:
    """A bar on stderr; gives a function of the steps done. ``shown=None``: on a terminal, after a second."""
    if shown is False or (shown is None and not sys.stderr.isatty()):
        yield lambda done: None
        return
    bar = _Bar(steps, 0.0 if shown else _PATIENCE)
    try:
        yield bar.tick
    finally:
        bar.close()


class _Bar:
    """A rich progress bar that comes up after some patience."""

    def __init__(self, steps: int, patience: float) -> None:
        self._steps = steps
        self._start = time.perf_counter()
        self._due = self._start + patience
        self._show: Callable[[int], None] | None = None
        self._stop: Callable[[], None] = lambda: None
        self._done = 0

    def tick(self, done: int) -> None:
        """Tell how many steps are done."""
        self._done = done
        if time.perf_counter() >= self._due:
            if self._show is None:
                self._open()
            if self._show is not None:
                self._show(done)

    def close(self) -> None:
        """Take the bar down; it stays on the terminal as it was last."""
        if self._show is not None:
            self._show(self._done)
        self._stop()

    def _open(self) -> None:
        # Only when a bar is due: importing rich takes longer than many a run.
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        bar = Progress(
            TextColumn("simulating"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=Console(file=sys.stderr),
        )
        task = bar.add_task("simulating", total=self._steps)
        bar.start()
        self._show = lambda done: bar.update(task, completed=done)
        self._stop = bar.stop

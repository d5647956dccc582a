"""An author's own tests: a command that is run on mutants, each in a process of its own."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rheobase.errors import ArgumentError, shortened
from rheobase.spi import ending

from . import placing
from .source import Home

LEAST = 60.0
"""Seconds that a command may take on a mutant at least: a machine has slow minutes."""

TIMES = 10.0
"""How many times as long it may take as on the model itself."""

_LINES = 12
"""Lines of what a command said that are told."""


@dataclass(frozen=True)
class Ran:
    """What came of running the command once.

    Args:
        passed: Whether it ended with the exit code 0.
        cause: How it ended, where it did not pass.
        said: What it printed.
        placed: Whether it loaded the module.
        seconds: How long it took.
        hung: Whether it was ended because it took too long.
    """

    passed: bool
    cause: str
    said: str
    placed: bool
    seconds: float
    hung: bool

    def told(self) -> str:
        """How it ended, and the last line of what it said, which with pytest has the counts."""
        last = self.said.rpartition("\n")[2].strip()
        return f"they {self.cause}" + (f": {shortened(last)}" if last else "")


class OwnTests:
    """A command that judges a model, with another text in the place of the model's module.

    Leaving the context removes what it wrote, in a folder of its own.

    Args:
        command: The command, such as ``"pytest -q tests"``; programs beside this interpreter come first.
        home: Where the model is written.

    Raises:
        ArgumentError: If it is no command.
    """

    def __init__(self, command: str, home: Home) -> None:
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise ArgumentError(f"tests: {command!r} is no command: {error}") from error
        if not self._words:
            raise ArgumentError("tests: the command is empty; give one such as 'pytest -q tests'")
        self._command, self._home = command, home
        self._folder = Path(tempfile.mkdtemp(prefix="rheobase-mutants-"))
        shutil.copy(placing.__file__, self._folder / f"{placing.NAME}.py")
        (self._folder / placing.PATH).write_text(home.path, encoding="utf-8")
        self._limit: float | None = None

    def __enter__(self) -> OwnTests:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def begin(self, timeout: float | None = None) -> None:
        """Run the command on the model as it is, which must pass.

        Args:
            timeout: How long it may take, s, a minute at least; None: no limit.

        Raises:
            ArgumentError: If it does not, or never loads the model.
        """
        self._limit = None if timeout is None else max(LEAST, timeout)
        ran = self.run(self._home.text)
        if ran.hung:
            raise ArgumentError(
                f"the tests, {self._command!r}, {ran.cause} on the model as it is, and were ended; "
                "name fewer, or give them longer: --timeout SECONDS, or timeout="
            )
        if not ran.passed:
            said = "\n".join(ran.said.splitlines()[-_LINES:]) or "nothing"
            raise ArgumentError(
                f"the tests, {self._command!r}, must pass on the model as it is, and they {ran.cause}; they "
                f"said:\n{said}"
            )
        if not ran.placed:
            raise ArgumentError(
                f"the tests, {self._command!r}, pass without loading {self._home.path}, so that they can "
                "see no mutant of it; let them import the model from that file (pip install -e), in a Python "
                "that heeds PYTHONPATH"
            )
        self._limit = max(LEAST, TIMES * ran.seconds)

    def run(self, text: str) -> Ran:
        """Run the command once.

        Args:
            text: The text in the place of the model's module.

        Raises:
            ArgumentError: If there is no such program.
        """
        (self._folder / placing.TEXT).write_text(text, encoding="utf-8")
        (self._folder / placing.PLACED).unlink(missing_ok=True)
        began = time.perf_counter()
        with tempfile.TemporaryFile() as output:
            cause, hung = self._ended(output.fileno())
            output.seek(0)
            said = output.read().decode(errors="replace").strip()
        placed = (self._folder / placing.PLACED).exists()
        return Ran(not cause, cause, said, placed, time.perf_counter() - began, hung)

    def _ended(self, output: int) -> tuple[str, bool]:
        """Run the command to its end, and say how it ended, empty: well; and whether it took too long."""
        before = os.environ.get("PYTHONPATH")
        path = os.pathsep.join([os.fspath(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        environment = {
            **os.environ,
            "PATH": path,
            "PYTHONPATH": os.pathsep.join([os.fspath(self._folder), *([before] if before else [])]),
        }
        program = shutil.which(self._words[0], path=path)
        try:
            process = subprocess.Popen(
                [program or self._words[0], *self._words[1:]],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            raise ArgumentError(
                f"the tests, {self._command!r}, cannot be run: {error.strerror}; give a program and what it "
                "takes, such as 'pytest -q tests'"
            ) from error
        try:
            code = process.wait(self._limit)
        except subprocess.TimeoutExpired:
            return f"did not end within {self._limit:g} s", True
        finally:
            _end(process)
        if code == 0:
            return "", False
        return f"ended with the exit code {code}" if code > 0 else f"were ended: {ending(code)}", False


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process that is still there, with what it started."""
    if process.poll() is not None:
        return
    if hasattr(os, "killpg"):
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()

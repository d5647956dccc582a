"""Taking turns: contestants are processes that stay alive and work only when told to.

One line of text asks for an action by name; one line of JSON answers. While one works the others wait
for their line, so that each has the machine to itself, and a change in the machine's load falls on
neighbouring turns of all alike.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

BENCHMARKS = Path(__file__).resolve().parent.parent


class Contestant:
    """A worker process, as the benchmark sees it.

    Args:
        python: The interpreter of its environment.
        module: The module to run, below the folder of benchmarks.
        argument: Its one argument.

    Example:
        >>> with Contestant(sys.executable, "contestants.rheobase_lif", Task().to_json()) as worker:
        ...     worker.ask("hello")  # doctest: +SKIP
    """

    def __init__(self, python: str, module: str, argument: str) -> None:
        self.module = module
        self._process = subprocess.Popen(
            [python, "-m", module, argument],
            cwd=BENCHMARKS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def ask(self, action: str) -> dict[str, Any]:
        """Have the worker do something, and wait for its answer.

        Raises:
            RuntimeError: If the worker ended or could not do it; its own words are on standard error.
        """
        requests, answers = self._process.stdin, self._process.stdout
        if requests is None or answers is None:
            raise RuntimeError(f"{self.module} was started without pipes")
        try:
            requests.write(action + "\n")
            requests.flush()
            line = answers.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise RuntimeError(
                f"{self.module} ended with status {self._process.wait()} when asked to {action}"
            )
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"{self.module} could not {action}: {answer['error']}")
        return answer

    def __enter__(self) -> Contestant:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Stopwatch:
    """Counts from its making: the time that passes, and the CPU time of this process's threads.

    The first is what a user waits for. The second is less disturbed by other work on the machine.
    """

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> dict[str, float]:
        """Seconds since the making, and seconds of CPU time."""
        return {"seconds": time.perf_counter() - self._wall, "cpu": time.process_time() - self._cpu}


def serve(actions: Mapping[str, Callable[[], dict[str, Any]]]) -> None:
    """Do what standard input asks for, until it ends; the worker's side."""
    # Whatever a library prints goes to standard error: the answers have the pipe to themselves.
    with os.fdopen(os.dup(1), "w", buffering=1) as answers:
        os.dup2(2, 1)
        for line in sys.stdin:
            try:
                answer = actions[line.strip()]()
            except Exception as error:
                traceback.print_exc()
                answer = {"error": f"{type(error).__name__}: {error}"}
            answers.write(json.dumps(answer) + "\n")

"""For all tests: workers that share the machine do not also share each core; torch is imported once for many,
and our modules are compiled once for all.

Most of a short process is the import of torch. A process of ``warm`` begins where that has been done: it is
forked from one that did nothing else, and has a folder, an environment, a path and streams of its own.
"""

from __future__ import annotations

import compileall
import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

DONT_WRITE_BYTECODE = sys.dont_write_bytecode
# Until all tests are collected: of what pytest has rewritten for its messages, hundreds of modules, there are
# copies then, for its other processes and the many that tests start. What these write and import leaves none.
sys.dont_write_bytecode = False

from hypothesis import HealthCheck, settings  # noqa: E402

ROOT = Path(__file__).resolve().parent

# Of what is installed editable hypothesis parses every module for its constants: seconds, which it counts to
# the drawing of the first case.
settings.register_profile("editable", settings(), suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("editable")

if "PYTEST_XDIST_WORKER" in os.environ:
    # Before torch is imported, and for the processes that tests start.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
elif DONT_WRITE_BYTECODE:
    # Where nobody else may, once for the hundreds of processes that import these modules.
    for source in (ROOT / "core/src", *ROOT.glob("plugins/*/src")):
        compileall.compile_dir(source, quiet=2)

# What was asked of this run is not asked of those that tests start.
os.environ.pop("PYTEST_ADDOPTS", None)


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path) -> Generator[None, list[Any], list[Any]]:
    """Look for examples in what we offer; tests and their helpers have none, and some cannot be imported."""
    found = yield
    if "tests" in file_path.relative_to(ROOT).parts:
        return [each for each in found if type(each).__name__ != "DoctestModule"]
    return found


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect tests, and no garbage meanwhile: nearly all that is imported and made here stays."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        sys.dont_write_bytecode = DONT_WRITE_BYTECODE


def pytest_collection_finish() -> None:
    """What stays to the end is not gone through with each garbage collection of a test."""
    gc.collect()
    gc.freeze()


# What site put on the path is looked for anew in each process: something may have been installed meanwhile.
PARENT = """
import atexit, gc, importlib, json, os, runpy, signal, site, sys, sysconfig, threading, types, warnings
import torch

gc.freeze()  # what is never looked at is never copied

library = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
plain = [each for each in sys.path if each in library or each.endswith((".zip", "lib-dynload"))]
for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if not child:
        break
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
else:
    sys.exit()

signal.alarm(asked["seconds"])
os.environ.clear()
os.environ.update(asked["env"])
os.chdir(asked["cwd"])
for number, path in enumerate(asked["streams"]):
    opened = os.open(path, os.O_RDWR)
    os.dup2(opened, number)
    os.close(opened)
sys.stdin = sys.__stdin__ = open(0, closefd=False)
sys.stdout = sys.__stdout__ = open(1, "w", closefd=False)
sys.stderr = sys.__stderr__ = open(2, "w", 1, errors="backslashreplace", closefd=False)
sys.path[:] = [*filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)), *plain]
site.main()
importlib.invalidate_caches()
arguments = asked["arguments"]
while arguments[0] == "-W":
    warnings.simplefilter(arguments[1])
    sys.warnoptions.append(arguments[1])
    arguments = arguments[2:]
flag, what, *rest = arguments
sys.argv[:] = [flag, *rest]
code = 0
try:
    if flag == "-m":
        sys.path.insert(0, os.getcwd())
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    elif flag == "-c":
        sys.path.insert(0, "")
        sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(what, "<string>", "exec"), sys.modules["__main__"].__dict__)
    else:
        raise ValueError(f"{flag}: -m or -c is what this can run")
except SystemExit as error:
    code = error.code
    if not isinstance(code, (int, type(None))):
        print(code, file=sys.stderr)
        code = 1
except BaseException as error:
    sys.excepthook(type(error), error, error.__traceback__)
    code = 1
# As an interpreter ends, but for taking torch apart, which takes half a second.
threading._shutdown()
atexit._run_exitfuncs()
sys.stdout.flush()
sys.stderr.flush()
os._exit((code or 0) & 255)
"""


class Warm:
    """Processes of one interpreter in which torch has been imported.

    Args:
        python: The interpreter.
    """

    def __init__(self, python: str | Path) -> None:
        self.python = str(python)
        self._parent: subprocess.Popen[str] | None = None

    def run(
        self,
        *arguments: object,
        cwd: str | Path | None = None,
        env: Mapping[str, str] | None = None,
        reads: str = "",
        timeout: int = 600,
    ) -> subprocess.CompletedProcess[str]:
        """Run it as ``subprocess.run`` would, with its output captured.

        Args:
            *arguments: ``-W action``, then ``-m module`` or ``-c code``, and what that is given.
            cwd: Its folder; default: ours.
            env: Its environment; default: ours.
            reads: What it reads.
            timeout: When it is ended, s; long, since it is for what hangs: a busy machine is slow.
        """
        command = [str(each) for each in arguments]
        env = dict(os.environ if env is None else env)
        cwd = str(cwd or Path.cwd())
        if sys.platform != "linux":
            return subprocess.run(
                [self.python, *command],
                cwd=cwd, env=env, input=reads, timeout=timeout, capture_output=True, encoding="utf-8",
            )  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            streams = [Path(folder) / name for name in ("stdin", "stdout", "stderr")]
            for path in streams:
                path.write_text(reads if path.name == "stdin" else "", encoding="utf-8")
            code = self._ask(
                {
                    "arguments": command,
                    "cwd": cwd,
                    "env": env,
                    "seconds": timeout,
                    "streams": [*map(str, streams)],
                }
            )
            said = [path.read_text(encoding="utf-8", errors="replace") for path in streams[1:]]
        if code == -signal.SIGALRM:
            raise subprocess.TimeoutExpired(command, timeout, *said)
        return subprocess.CompletedProcess([self.python, *command], code, *said)

    def _ask(self, what: Mapping[str, object]) -> int:
        if self._parent is None:
            environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
            self._parent = subprocess.Popen(
                [self.python, "-c", PARENT],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True,
            )  # fmt: skip
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write(json.dumps(what) + "\n")
        self._parent.stdin.flush()
        return int(self._parent.stdout.readline())

    def end(self) -> None:
        """No more of them."""
        if self._parent is not None:
            self._parent.communicate()


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What the tests keep lies apart from the user's, and in one place for all processes of a run: each
    kernel compiles once."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RHEOBASE_CACHE_DIR", str(folder / "cache"))
        yield folder / "cache"


@pytest.fixture(scope="session")
def warm_of() -> Iterator[Callable[[str | Path], Warm]]:
    """The processes of an interpreter: ``warm_of(python).run("-m", "rheobase", "list")``."""
    made: list[Warm] = []

    def make(python: str | Path) -> Warm:
        made.append(Warm(python))
        return made[-1]

    yield make
    for each in made:
        each.end()


@pytest.fixture(scope="session")
def warm(warm_of: Callable[[str | Path], Warm]) -> Warm:
    """The processes of the interpreter that runs the tests."""
    return warm_of(sys.executable)


@pytest.fixture(scope="session")
def differences() -> Callable[..., list[str]]:
    """Says what differs between two recordings: spikes and traces to the last bit, and what they say."""
    import torch  # not before the environment is set

    said = ("dt", "steps", "first_step", "num_units", "batch_shape", "model", "every", "trace_units")
    said += ("complete", "provenance", "warnings")

    def alike(one: torch.Tensor, other: torch.Tensor) -> bool:
        return one.dtype == other.dtype and torch.equal(one, other)

    def between(one: Any, other: Any, *, but: Sequence[str] = ()) -> list[str]:
        found = [name for name in said if name not in but and getattr(one, name) != getattr(other, name)]
        if one.spikes.recorded != other.spikes.recorded:
            found.append("spikes")
        elif one.spikes.recorded:
            columns = ("times", "units", "batch")
            found += [
                each for each in columns if not alike(getattr(one.spikes, each), getattr(other.spikes, each))
            ]
        if one.traces.keys() != other.traces.keys():
            return [*found, "traces"]
        return [*found, *(name for name in one.traces if not alike(one.traces[name], other.traces[name]))]

    return between


@pytest.fixture(scope="session")
def command() -> Callable[..., Any]:
    """The command, called in this process with arguments; gives exit code, stdout and stderr."""
    from click.testing import CliRunner  # not before the environment is set
    from rheobase.cli import main

    def call(*args: object) -> Any:
        return CliRunner().invoke(main, [str(arg) for arg in args], prog_name="rheobase")

    return call

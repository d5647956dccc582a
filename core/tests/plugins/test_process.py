"""The process in which plugins are loaded: forked or started anew, it says the same; and it is ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from rheobase.plugins.entry import Entry
from rheobase.plugins.examiner import Examiner
from rheobase.plugins.worker import pool, process

PLUGINS = {
    "works": "import rheobase as rb\n"
    "@rb.hookimpl\n"
    "def rheobase_aggregators(): return [rb.AggregatorSpec('largest', 'builtins:max')]\n",
    "raises": "1 / 0\n",
    "leaves": "import sys\nsys.exit(3)\n",
    "ends": "import os\nos._exit(3)\n",
    "dies": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n",
    "prints": "print('x' * 200_000)\nimport sys\nsys.stderr.write('y' * 200_000)\n",
    "asks": "input()\n",
    "hangs": "import time\ntime.sleep(600)\n",
}

FAILURES = {
    "works": "",
    "raises": "ZeroDivisionError: division by zero",
    "leaves": "SystemExit: 3",
    "ends": "loading it ended the interpreter: exit status 3",
    "dies": "loading it ended the interpreter: signal SIGKILL",
    "prints": "no hook was found in the module; mark functions named rheobase_neurons, rheobase_integrators, "
    "rheobase_aggregators, rheobase_backends, rheobase_synapses, rheobase_rules, rheobase_surrogates "
    "with @rheobase.hookimpl",
    "asks": "EOFError: EOF when reading a line",
    "hangs": "loading it did not end within 2 s (RHEOBASE_TIMEOUT sets the limit)",
}

posix = pytest.mark.skipif(os.name != "posix", reason="processes are forked and signalled so on POSIX only")


@pytest.fixture
def entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Entry]:
    """Plugins that do what their names say."""
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, text in PLUGINS.items():
        (tmp_path / f"process_{name}.py").write_text(text)
    return [Entry("toys", "1", name, f"process_{name}") for name in PLUGINS]


@posix
@pytest.mark.parametrize("forked", [True, False], ids=["forked", "anew"])
@pytest.mark.parametrize("together", [True, False], ids=["together", "alone"])
def test_each_plugin_is_judged_by_itself_however_the_process_is_started(
    entries: list[Entry], forked: bool, together: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_single_threaded", lambda: forked)
    with Examiner(limit=2.0) as examiner:
        one_by_one = (examiner.examine(entry) for entry in entries)
        found = examiner.examine_all(entries) if together else list(one_by_one)
    assert {entry.name: each.failure for entry, each in zip(entries, found, strict=True)} == FAILURES
    assert [spec.name for spec in found[0].specs] == ["largest"]


@posix
def test_where_jobs_are_not_forked_each_plugin_has_an_interpreter(
    entries: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As where the system has no fork; the interpreter is forked here all the same, so that it knows.
    monkeypatch.setattr(process, "_single_threaded", lambda: True)
    monkeypatch.setattr(pool, "APART", False)
    with Examiner(limit=2.0) as examiner:
        found = examiner.examine_all(entries, apart=True)
    assert {entry.name: each.failure for entry, each in zip(entries, found, strict=True)} == FAILURES


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no process is forked")
def test_a_process_with_threads_is_not_forked() -> None:
    code = (
        "import threading\n"
        "from rheobase.plugins.worker import process\n"
        "before = process._single_threaded()\n"
        "stop = threading.Event()\n"
        "thread = threading.Thread(target=stop.wait)\n"
        "thread.start()\n"
        "print(before, process._single_threaded())\n"
        "stop.set()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


def test_where_no_process_can_be_started_plugins_are_loaded_in_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "process_frozen.py").write_text(PLUGINS["works"])
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(process, "_single_threaded", lambda: False)
    monkeypatch.setattr(sys, "executable", "")
    with Examiner(limit=2.0) as examiner:
        [found] = examiner.examine_all([Entry("toys", "1", "frozen", "process_frozen")])
    assert [spec.name for spec in found.specs] == ["largest"]
    assert sys.modules.pop("process_frozen").__name__ == "process_frozen"


@posix
@pytest.mark.parametrize("forked", [True, False], ids=["forked", "anew"])
def test_an_interrupt_ends_the_process_and_what_was_started_in_it(
    tmp_path: Path, forked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids = tmp_path / "pids"
    (tmp_path / "process_starts.py").write_text(
        "import os, subprocess, time\n"
        "other = subprocess.Popen(['sleep', '600'])\n"
        f"open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{other.pid}} .')\n"
        "time.sleep(600)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(process, "_single_threaded", lambda: forked)

    def interrupt() -> None:
        while not (pids.exists() and pids.read_text().endswith(".")):
            time.sleep(0.02)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    examiner = Examiner(limit=60.0)
    # The process first: a thread that runs would have it started anew.
    examiner.core()
    thread.start()
    with pytest.raises(KeyboardInterrupt), examiner:
        examiner.examine(Entry("toys", "1", "starts", "process_starts"))
    thread.join()
    for pid in map(int, pids.read_text().split()[:2]):
        assert _ends(pid), f"process {pid} goes on"


def _ends(pid: int) -> bool:
    """Whether a process has ended, waited for or not, or does so within a few seconds."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
            with open(f"/proc/{pid}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False

"""Plugins that lie, hang, flood, fork, exit and patch, all at once: each is named, and the others work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="elsewhere they are loaded one after the other"
)

linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system has no way to find them")

GOOD = ("a-good", "m-good", "z-good")
LIMIT = 2.0

HOOK = """
from rheobase.hookspecs import hookimpl
from rheobase.specs import NeuronSpec

@hookimpl
def rheobase_neurons():
    return [NeuronSpec({name!r}, "{module}_model:Model")]
"""

# What finds, in the frames above, what only the host's own code should use.
HELD = """
import sys
def held(name):
    frame = sys._getframe()
    while frame is not None:
        if name in frame.f_locals: return frame.f_locals[name]
        frame = frame.f_back
"""

PLAIN = """
plain = {"specs": [], "complaints": [], "unusable": [], "failure": "", "detail": "", "heavy": ""}
plain |= {"seconds": 0.0, "files": [], "sought": [], "folders": [], "limit": 0.0}
"""

ANSWER = (
    HELD
    + PLAIN
    + """
import json, os
def answer(text): os.write(held("replies"), ("\\n" + text + "\\n").encode())
def say(**said): answer(json.dumps({"to": held("request")["token"], **said}))
"""
)


class Hostile(NamedTuple):
    """A plugin that means no good.

    Args:
        text: What its hook module does before it has its hook.
        said: What the warning about it says; empty: it harms nothing, and there is none.
        hook: Instead of the usual hook.
    """

    text: str
    said: str = ""
    hook: str = HOOK


def returning(value: str) -> str:
    """A hook that returns something."""
    return f"from rheobase.hookspecs import hookimpl\n@hookimpl\ndef rheobase_neurons(): return {value}\n"


HANGS = "did not end within 2 s"
LEFT = "it ended the interpreter"
NONE = "it wrote what is no answer"

ZOO: dict[str, Hostile] = {
    # Lies.
    "fake-spec": Hostile(
        "from rheobase.specs import NeuronSpec\n"
        "class Fake:\n"
        "    __class__ = NeuronSpec\n"
        "    kind, name, target, summary = 'neuron', 'a-good', 'evil:Evil', ['text']\n",
        "which is not a plain value",
        returning("[Fake()]"),
    ),
    "forges-itself": Hostile(ANSWER + "say(says=plain)\nimport os\nos._exit(0)\n"),
    "answers-deeply": Hostile(ANSWER + "answer('{\"to\":' * 50_000)\n", NONE),
    "answers-hugely": Hostile(ANSWER + "say(says={**plain, 'seconds': 10**400})\n", NONE),
    "answers-nan": Hostile(ANSWER + "say(says={**plain, 'limit': float('nan')})\n", NONE),
    "answers-escapes": Hostile(ANSWER + "say(says={**plain, 'failure': '\\x1b[2J' * 10_000})\n", "[2J"),
    "answers-surrogates": Hostile(ANSWER + "say(says={**plain, 'failure': 'odd \\ud800'})\n", "odd"),
    "says-where-it-is-for-ever": Hostile(
        ANSWER + "import time\nwhile True: say(at='somewhere')\ntime.sleep(0.1)\n", NONE
    ),
    "core-version": Hostile("from rheobase.plugins import discovery\ndiscovery.VERSION = '99'\n"),
    # Hangs.
    "hangs": Hostile("import time\ntime.sleep(600)\n", HANGS),
    "hangs-in-a-thread": Hostile(
        "import threading, time\nthread = threading.Thread(target=time.sleep, args=(600,))\n"
        "thread.start()\nthread.join()\n",
        HANGS,
    ),
    "hangs-at-a-pipe": Hostile("import os\nread, write = os.pipe()\nos.read(read, 1)\n", HANGS),
    "endless-answer": Hostile(
        "import time\nfrom collections.abc import Sequence\n"
        "class Endless(Sequence):\n"
        "    def __len__(self): return 1\n"
        "    def __getitem__(self, place): time.sleep(0.01); return place\n",
        HANGS,
        returning("Endless()"),
    ),
    "leaves-threads": Hostile(
        "import threading, time\n"
        "for _ in range(20): threading.Thread(target=time.sleep, args=(600,)).start()\n"
    ),
    # Floods.
    "floods-stdout": Hostile("import os\nfor _ in range(500): os.write(1, b'x' * 65536)\n"),
    "floods-answers-with-lines": Hostile(
        ANSWER + "import time\nuntil = time.monotonic() + 60\n"
        "while time.monotonic() < until: os.write(held('replies'), b'x\\n' * 30_000)\n",
        "more than 1 MiB",
    ),
    "too-many-specs": Hostile(
        "from rheobase.specs import NeuronSpec\n",
        "more than 1 MiB",
        returning("[NeuronSpec(f'n{number}', 'json:dumps', 'text' * 50) for number in range(6_000)]"),
    ),
    "raises-a-book": Hostile("raise ValueError('first ' * 1_000_000)\n", "ValueError: first first"),
    # Ends.
    "exit-is-nothing": Hostile("import os\nos._exit = lambda status: None\n"),
    "exit-is-nothing-and-raises": Hostile(
        "import os\nos._exit = lambda status: None\n1 / 0\n", "ZeroDivision"
    ),
    "aborts": Hostile("import os\nos.abort()\n", f"{LEFT}: signal SIGABRT"),
    "alarm": Hostile("import signal, time\nsignal.setitimer(signal.ITIMER_REAL, 0.1)\ntime.sleep(9)\n", LEFT),
    "no-processor-time": Hostile(
        "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (1, 1))\nwhile True: pass\n", "."
    ),
    # Patches.
    "no-builtins": Hostile("import builtins\nbuiltins.len = builtins.open = builtins.dict = None\n", "."),
    "no-import": Hostile("import builtins\nbuiltins.__import__ = None\n", "."),
    "no-modules": Hostile("import sys\nsys.modules.clear()\n", "."),
    "no-pluggy": Hostile(
        "import pluggy\npluggy.PluginManager.register = lambda *given, **how: None\n", "no hook was found"
    ),
    "no-json": Hostile("import json\njson.dumps = lambda *given, **how: '{}'\n", LEFT),
    "json-raises": Hostile(
        "import json\ndef dumps(*_, **how): raise KeyError('no')\njson.dumps = dumps\n", LEFT
    ),
    "writes-nothing": Hostile("import os\nos.write = lambda handle, text: len(text)\n", LEFT),
    "writes-in-vain": Hostile("import os\nos.write = lambda handle, text: 0\n", HANGS),
    "no-time": Hostile("import time\ntime.time_ns = time.perf_counter = time.monotonic = None\n", "."),
    "no-paths": Hostile("import os\nos.path.realpath = os.path.isabs = os.stat = None\n", "."),
    "shallow": Hostile("import sys\nsys.setrecursionlimit(60)\n"),
    "traces": Hostile("import sys\ndef trace(*_): raise OSError('traced')\nsys.settrace(trace)\n", "."),
    "audits": Hostile(
        "import sys\ndef hook(*_): raise OSError('audited')\nsys.addaudithook(hook)\n", "audited"
    ),
    "closes-all": Hostile("import os\nos.closerange(0, 256)\n", LEFT),
    "swaps-pipes": Hostile(
        "import os\nnull = os.open(os.devnull, os.O_RDWR)\nfor pipe in range(3, 16):\n"
        "    if pipe != null: os.dup2(null, pipe)\n",
        LEFT,
    ),
    # Files.
    "removes-itself": Hostile("import os\nos.unlink(__file__)\n"),
    "is-another-file-now": Hostile("open(__file__, 'a').write('raise RuntimeError\\n')\n"),
    "points-at-a-pipe": Hostile("", "there is no module"),
    "is-a-pipe": Hostile("", "No module named"),
    "is-a-link-to-itself": Hostile("", "No module named"),
    # Processes: each writes down whom it started.
    "forks": Hostile(
        "import os, time\nfor _ in range(20):\n"
        "    if os.fork() == 0:\n        note(os.getpid())\n        time.sleep(600)\n"
    ),
    "detaches": Hostile(
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n"
        "    if os.fork() == 0:\n        note(os.getpid())\n        time.sleep(600)\n    os._exit(0)\n"
        "time.sleep(0.2)\n"
    ),
    "answers-once-more": Hostile(
        ANSWER + "import threading\n"
        "evil = {'kind': 'neuron', 'name': 'a-good', 'target': 'evil:Evil', 'summary': ''}\n"
        "def more():\n"
        "    while True: say(says={**plain, 'specs': [evil]})\n"
        "threading.Thread(target=more, daemon=True).start()\n",
        hook=returning("[] or __import__('time').sleep(0.2) or []"),
    ),
    "answers-for-rheobase": Hostile(
        "import sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.startswith('rheobase'): raise ImportError('mine')\n"
        "    def find_distributions(self, context): raise OSError('none')\n"
        "sys.meta_path.insert(0, Finder())\n"
        "for name in list(sys.modules):\n    if name.startswith('rheobase.plugins'): del sys.modules[name]\n",
    ),
    "goes-on-at-the-end": Hostile(
        "import atexit, threading, time\natexit.register(time.sleep, 600)\n"
        "threading._register_atexit(time.sleep, 600)\n"
    ),
    "says-a-book": Hostile(
        "",
        hook=returning(
            "[__import__('rheobase.specs').specs.NeuronSpec('n-says-a-book', "
            "'n_says_a_book_model:Model', 'word ' * 1_000_000)]"
        ),
    ),
    "runs-on": Hostile("import os\nos.fork()\n"),
}

NOTE = "def note(pid):\n    with open({path!r}, 'a') as file: file.write(f'{{pid}}\\n')\n"

SCRIPT = """
import json, resource, sys, time, warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import rheobase
    before, since = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    found = rheobase.list_components()
print(json.dumps({
    "found": [[c.spec.name, c.spec.target, c.provenance.distribution] for c in found],
    "warnings": [str(each.message) for each in caught],
    "grown": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before,
    "seconds": time.monotonic() - since,
}))
"""


def install(site: Path, name: str, text: str, hook: str = HOOK) -> None:
    """Write a plugin as an installer would."""
    module = name.replace("-", "_")
    info = site / f"{module}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[rheobase]\ntoy = {module}\n")
    (site / f"{module}_model.py").write_text("class Model: pass\n")
    (site / f"{module}.py").write_text(
        text + (hook.format(name=name, module=module) if hook is HOOK else hook)
    )


class Zoo(NamedTuple):
    """All of them, installed and listed twice.

    Args:
        first: What was listed without an index.
        second: What was listed with one.
        noted: The processes that they started.
        site: Where they are.
    """

    first: dict[str, Any]
    second: dict[str, Any]
    noted: list[int]
    site: Path


def environment(site: Path, cache: Path) -> dict[str, str]:
    """The variables of a process that finds them."""
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH", "")]))
    return {
        **os.environ,
        "PYTHONPATH": path,
        "PYTHONDONTWRITEBYTECODE": "1",
        "RHEOBASE_CACHE_DIR": str(cache),
        "RHEOBASE_TIMEOUT": f"{LIMIT:g}",
    }


def run(site: Path, cache: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python with them on its path."""
    return subprocess.run(
        [sys.executable, *command],
        env={**environment(site, cache), **variables},
        cwd=site.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def listed(site: Path, cache: Path) -> dict[str, Any]:
    """What a fresh process lists and warns of."""
    done = run(site, cache, "-c", SCRIPT)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    folder = tmp_path_factory.mktemp("zoo")
    site, notes = folder / "site", folder / "pids"
    for name in GOOD:
        install(site, name, "import time\ntime.sleep(0.1)\n")
    for name, each in ZOO.items():
        # Their names lie among those of the good ones.
        install(site, f"n-{name}", NOTE.format(path=str(notes)) + each.text, each.hook)
    (site / "n_points_at_a_pipe_model.py").unlink()
    os.mkfifo(site / "n_points_at_a_pipe_model.py")
    (site / "n_is_a_pipe.py").unlink()
    os.mkfifo(site / "n_is_a_pipe.py")
    (site / "n_is_a_link_to_itself.py").unlink()
    (site / "n_is_a_link_to_itself.py").symlink_to("n_is_a_link_to_itself.py")
    first, second = (listed(site, folder / "cache") for _ in range(2))
    return Zoo(first, second, [int(pid) for pid in notes.read_text().split()], site)


def warnings_of(said: dict[str, Any], kind: str) -> list[str]:
    """The warnings about one of them."""
    return [text for text in said["warnings"] if f"of n-{kind} 1.0" in text]


@pytest.mark.parametrize("kind", ZOO)
def test_whoever_means_no_good_is_named_or_harms_nothing(kind: str, zoo: Zoo) -> None:
    warnings = warnings_of(zoo.first, kind)
    assert len(warnings) == bool(ZOO[kind].said), warnings
    for warning in warnings:
        assert "is left out, the others work" in warning
        assert ZOO[kind].said in warning
        assert f"pip uninstall n-{kind}" in warning
        assert warning.isprintable()
        assert len(warning) < 3000
    offered = [row for row in zoo.first["found"] if row[2] == f"n-{kind}"]
    assert all(row[:2] == [f"n-{kind}", f"n_{kind.replace('-', '_')}_model:Model"] for row in offered)
    assert not (offered and warnings)


def test_the_others_are_listed_as_they_are_without_and_with_an_index(zoo: Zoo) -> None:
    for said in (zoo.first, zoo.second):
        good = [row for row in said["found"] if row[2] in GOOD]
        assert good == [[name, f"{name.replace('-', '_')}_model:Model", name] for name in GOOD]
        assert not [row for row in said["found"] if "evil" in row[1]]
        assert {f"rk{order}" for order in (1, 2, 3, 4)} <= {row[0] for row in said["found"]}


def test_the_host_neither_waits_nor_grows_without_end(zoo: Zoo) -> None:
    hanging = sum(each.said == HANGS for each in ZOO.values())
    assert zoo.first["seconds"] < 10 * LIMIT * hanging / 8 + 30  # a generous limit, for a busy machine
    assert zoo.first["grown"] < 200 << 10  # KiB


def test_what_hung_or_was_ended_is_not_tried_again_at_each_listing(tmp_path: Path) -> None:
    site, runs = tmp_path / "site", tmp_path / "runs"
    for name, then in ("k-hangs", "import time\ntime.sleep(600)\n"), ("k-aborts", "import os\nos.abort()\n"):
        install(site, name, NOTE.format(path=str(runs)) + "note(__name__)\n" + then)
    install(site, "m-good", "")
    time.sleep(0.1)  # what was written a moment ago is looked at twice
    first = listed(site, tmp_path / "cache")
    before = sorted(runs.read_text().split())
    second = listed(site, tmp_path / "cache")
    # Whoever was ended by a signal was tried once more, with nothing beside it.
    assert before == ["k_aborts", "k_aborts", "k_hangs"] == sorted(runs.read_text().split())
    assert first["warnings"] == second["warnings"]
    assert len(first["warnings"]) == 2


@linux
def test_no_process_that_one_of_them_started_goes_on(zoo: Zoo) -> None:
    assert len(zoo.noted) >= 21
    until = time.monotonic() + 5
    while any(map(lives, zoo.noted)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not [pid for pid in zoo.noted if lives(pid)]


def lives(pid: int) -> bool:
    """Whether a process is there, and not merely waits for somebody to take note of its end."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_whoever_changes_itself_at_each_listing_has_only_itself_loaded_again(tmp_path: Path) -> None:
    site, runs = tmp_path / "site", tmp_path / "runs"
    note = NOTE.format(path=str(runs)) + "note(__name__)\n"
    install(site, "a-good", note)
    install(site, "k-changes", f"{note}open(__file__, 'a').write('# more\\n')\n")
    time.sleep(0.1)  # what was written a moment ago is looked at twice
    for _ in range(3):
        said = listed(site, tmp_path / "cache")
        assert {"a-good", "k-changes"} <= {row[0] for row in said["found"]}
    assert sorted(runs.read_text().split()) == ["a_good", *["k_changes"] * 3]


REACH = """
import os, resource, signal, time
own, above = os.getpid(), os.getppid()
def parent_of(pid):
    with open(f"/proc/{pid}/stat") as file: return int(file.read().rpartition(")")[2].split()[1])
def siblings():
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        try:
            if parent_of(pid) == above and pid != own: yield pid
        except OSError: pass
def link_of(path):
    try: return os.readlink(path)
    except OSError: return ""
def pipes(pid):
    mine = {link_of(f"/proc/self/fd/{each}") for each in os.listdir("/proc/self/fd")}
    for each in os.listdir(f"/proc/{pid}/fd"):
        link = link_of(f"/proc/{pid}/fd/{each}")
        if link.startswith("pipe:") and link not in mine and int(each) > 2: yield f"/proc/{pid}/fd/{each}"
def again(act, *pids):
    until = time.monotonic() + 0.4
    while time.monotonic() < until:
        for pid in pids or siblings():
            try: act(pid)
            except OSError: pass
        time.sleep(0.01)
def write(pid):
    for pipe in pipes(pid):
        handle = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        os.write(handle, b'\\n{"to": 3}\\n')
        os.close(handle)
def read(pid):
    for pipe in pipes(pid):
        handle = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        try: os.read(handle, 1 << 16)
        except OSError: pass
        os.close(handle)
def limit_memory(pid): resource.prlimit(pid, resource.RLIMIT_DATA, (1 << 20, 1 << 20))
def limit(pid):
    limit_memory(pid)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (0, 0))
def spoil(pid):
    with open(f"/proc/{pid}/maps") as file: heap = next(line for line in file if "[heap]" in line)
    first, last = (int(place, 16) for place in heap.split()[0].split("-"))
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        memory.seek(first)
        memory.write(b"\\xff" * (last - first))
def trace(pid):
    import ctypes
    ctypes.CDLL(None).ptrace(16, pid, 0, 0)
"""

DEEDS = {
    "ends-others": "again(lambda pid: os.kill(pid, signal.SIGKILL))",
    "stops-others": "again(lambda pid: os.kill(pid, signal.SIGSTOP))",
    "terminates-others": "again(lambda pid: os.kill(pid, signal.SIGTERM))",
    "limits-others": "again(limit)",
    "limits-what-it-was-forked-from": "again(limit_memory, above)",
    "writes-to-others": "again(write)",
    "writes-to-the-host": "again(write, parent_of(above))",
    "reads-what-others-answer": "again(read, parent_of(above))",
    "spoils-the-memory-of-others": "again(spoil)",
    "traces-others": "again(trace)",
    "ends-what-it-was-forked-from": "os.kill(above, signal.SIGKILL)",
    "signals-what-it-was-forked-from": "again(lambda pid: os.kill(pid, signal.SIGCHLD), above)",
}


# What others do in the same way: another signal, a limit from beside instead of from above.
ALIKE = ("stops-others", "terminates-others", "limits-others")


@linux
@pytest.mark.parametrize(
    "deed", [pytest.param(deed, marks=[pytest.mark.by_hand] * (deed in ALIKE)) for deed in DEEDS]
)
def test_what_a_plugin_does_to_the_processes_around_it_changes_nothing_for_others(
    deed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    for name in GOOD:
        # Long enough to be there with it; and it opens a file, and takes memory.
        install(site, name, "import time\ntime.sleep(0.2)\nopen(__file__).close()\nx = bytes(8 << 20)\n")
    install(site, f"k-{deed}", f"{REACH}{DEEDS[deed]}\n")
    more = [
        f"l-good-{number}" for number in range(8)
    ]  # than are loaded at a time, so that z-good comes later
    for name in more:
        install(site, name, "")
    monkeypatch.setenv("RHEOBASE_ONLY", ",".join([*GOOD, *more, f"k-{deed}"]))
    for _ in range(2):
        said = listed(site, tmp_path / "cache")
        assert {*GOOD, *more} <= {row[0] for row in said["found"]}
        assert [text for text in said["warnings"] if f"k-{deed}" not in text] == []


ENDS = "os.kill(parent_of(above), signal.{signal})\ntime.sleep(0.5)\n"


@linux
@pytest.mark.parametrize("signal", ["SIGKILL", "SIGTERM"])
def test_whoever_ends_the_users_process_is_named_by_the_one_after_the_next(
    signal: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, runs = tmp_path / "site", tmp_path / "runs"
    note = NOTE.format(path=str(runs)) + "note(__name__)\n"
    for name in GOOD:
        install(site, name, note)
    install(site, "k-ends", note + REACH + ENDS.format(signal=signal))
    monkeypatch.setenv("RHEOBASE_ONLY", ",".join([*GOOD, "k-ends"]))
    for _ in range(2):
        assert run(site, tmp_path / "cache", "-c", SCRIPT).returncode < 0
    for _ in range(2):
        said = listed(site, tmp_path / "cache")
        assert set(GOOD) <= {row[0] for row in said["found"]}
        [warning] = said["warnings"]
        assert (
            "of k-ends 1.0 is left out, the others work: the process that asked for it was ended" in warning
        )
    assert runs.read_text().split().count("k_ends") == 2
    assert not list((tmp_path / "cache").rglob("*.loading"))
    # What is another now is tried anew.
    (site / "k_ends.py").write_text(HOOK.format(name="k-ends", module="k_ends"))
    assert "k-ends" in {row[0] for row in listed(site, tmp_path / "cache")["found"]}


@linux
def test_whoever_interrupts_the_users_process_costs_the_others_nothing(tmp_path: Path) -> None:
    site, runs = tmp_path / "site", tmp_path / "runs"
    for name in ("a-good", "z-good"):
        install(site, name, NOTE.format(path=str(runs)) + "note(__name__)\n")
    install(site, "k-ends", f"import time\ntime.sleep(0.3)\n{REACH}{ENDS.format(signal='SIGINT')}")
    time.sleep(0.1)  # what was written a moment ago is looked at twice
    for _ in range(2):
        done = run(site, tmp_path / "cache", "-m", "rheobase", "list", RHEOBASE_ONLY="a-good,k-ends,z-good")
        # It cannot be told from the user, who means no plugin.
        assert (done.returncode, done.stderr) == (130, "interrupted\n")
        assert not list((tmp_path / "cache").rglob("*.loading"))
    assert sorted(runs.read_text().split()) == ["a_good", "z_good"]


@linux
def test_what_another_process_is_loading_now_is_not_suspected(tmp_path: Path) -> None:
    site = tmp_path / "site"
    install(site, "k-slow", "import time\ntime.sleep(1.5)\n")
    command = [sys.executable, "-c", SCRIPT]
    variables = {**environment(site, tmp_path / "cache"), "RHEOBASE_ONLY": "k-slow"}
    with subprocess.Popen(command, env=variables, cwd=tmp_path, stdout=subprocess.DEVNULL) as first:
        while not (notes := list((tmp_path / "cache").rglob("*.loading"))):
            time.sleep(0.01)
        [before] = [note.read_bytes() for note in notes]
        second = run(site, tmp_path / "cache", "-c", SCRIPT, RHEOBASE_ONLY="k-slow")
        assert json.loads(second.stdout)["warnings"] == []
        assert [note.read_bytes() for note in notes if note.exists()] in ([], [before])
    assert first.returncode == 0


ODD_METADATA = {
    "nul": "Name: n-odd\0y\nVersion: 1.0",
    "two-lines": "Name: n-odd\n evil\nVersion: 1.0",
    "long": f"Name: n-odd\nVersion: {'1' * 100_000}",
}


@pytest.mark.parametrize("kind", ODD_METADATA)
def test_a_name_or_version_that_is_no_short_line_is_not_used(kind: str, tmp_path: Path) -> None:
    install(tmp_path / "site", "n-odd", "")
    metadata = tmp_path / "site" / "n_odd-1.0.dist-info" / "METADATA"
    metadata.write_text(f"Metadata-Version: 2.1\n{ODD_METADATA[kind]}\n")
    done = run(tmp_path / "site", tmp_path / "cache", "-c", SCRIPT, RHEOBASE_ONLY="n-odd")
    [warning] = json.loads(done.stdout)["warnings"]
    assert "is not one short line" in warning
    assert "of n-odd 1.0 is left out, the others work" in warning


def test_too_many_plugins_of_one_distribution_leave_the_others_alone(tmp_path: Path) -> None:
    site = tmp_path / "site"
    for name in GOOD:
        install(site, name, "")
    install(site, "k-many", "")
    lines = "".join(f"toy{number} = k_many\n" for number in range(60_000))
    (site / "k_many-1.0.dist-info" / "entry_points.txt").write_text(f"[rheobase]\n{lines}")
    names = ",".join([*GOOD, "k-many"])
    done = run(site, tmp_path / "cache", "-c", SCRIPT, RHEOBASE_ONLY=names, RHEOBASE_TIMEOUT="30")
    said = json.loads(done.stdout)
    assert set(GOOD) <= {row[0] for row in said["found"]}
    [warning] = said["warnings"]
    assert "plugin 'toy0', 'toy1', 'toy2' and 59997 more of k-many 1.0 is left out" in warning
    assert "more than 1 MiB" in warning


def test_a_distribution_that_takes_the_name_of_another_is_named_and_not_loaded(tmp_path: Path) -> None:
    site = tmp_path / "site"
    install(site, "m-good", "")
    for order in ("a", "z"):
        install(site, f"{order}-thief", f"open({str(tmp_path / 'run')!r}, 'w')\n")
        metadata = site / f"{order}_thief-1.0.dist-info" / "METADATA"
        metadata.write_text(metadata.read_text().replace(f"{order}-thief", "M_Good"))
    said = listed(site, tmp_path / "cache")
    assert [row for row in said["found"] if "good" in str(row[2]).lower()] == [
        ["m-good", "m_good_model:Model", "m-good"]
    ]
    assert not (tmp_path / "run").exists()
    for order in ("a", "z"):
        folder = str(site / f"{order}_thief-1.0.dist-info")
        assert [text for text in said["warnings"] if folder in text and "is another distribution" in text]


NAMES = {"ansi": "\x1b[2Jtoy", "line": "toy\u2028too", "nul": "toy\0", "long": "toy" * 50_000}


@pytest.mark.parametrize("command", ["list", "plugins", "doctor"])
def test_no_command_prints_what_a_terminal_obeys(command: str, tmp_path: Path) -> None:
    site = tmp_path / "site"
    for kind, name in NAMES.items():
        install(site, f"n-{kind}", "raise OSError('\\x1b[2J' * 1000)\n")
        points = site / f"n_{kind}-1.0.dist-info" / "entry_points.txt"
        points.write_text(f"[rheobase]\n{name} = n_{kind}\n", encoding="utf-8")
    install(site, "odd-need", "")
    metadata = site / "odd_need-1.0.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text() + "Requires-Dist: rheobase>=\x1b[2J\n")
    names = ",".join(["odd-need", *(f"n-{kind}" for kind in NAMES)])
    done = run(site, tmp_path / "cache", "-m", "rheobase", command, RHEOBASE_ONLY=names)
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "\0" not in done.stdout + done.stderr
    assert "odd-need" in done.stdout + done.stderr

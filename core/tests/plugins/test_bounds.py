"""How long a plugin may take and how much it may use."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Publish = Callable[..., Path]
Listed = Callable[..., dict[str, Any]]

posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="elsewhere they are loaded one after the other")

HOOK = """
import rheobase as rb

@rb.hookimpl
def rheobase_neurons():
    return [rb.NeuronSpec({name!r}, "{module}_model:Model", {summary!r})]
"""

HANGS = {
    "plainly": "import time\ntime.sleep(600)\n",
    "stopped": "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)\n",
    "unwatched": "import faulthandler, time\nfaulthandler.cancel_dump_traceback_later()\ntime.sleep(600)\n",
    "answering": "import json, time\njson.dumps = lambda *given, **how: time.sleep(600)\n",
    "deaf": (
        "import signal, time\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\n"
        "for number in (1, 2, 3, 12, 15): signal.signal(number, signal.SIG_IGN)\ntime.sleep(600)\n"
    ),
}


def hook(name: str, before: str = "", summary: str = "") -> str:
    """The text of a hook module."""
    return before + HOOK.format(name=name, module=name.replace("-", "_"), summary=summary)


@posix
@pytest.mark.parametrize("crowd", [0, 16], ids=["few", "many"])
def test_several_that_hang_take_no_longer_than_the_limit_twice(
    crowd: int, publish: Publish, listed: Listed
) -> None:
    for way, text in HANGS.items():
        publish(f"hangs-{way}", hook(f"hangs-{way}", text))
    for number in range(crowd):
        publish(f"a{number}", hook(f"a{number}"))
    site = publish("z-good", hook("z-good"))
    since = time.monotonic()
    said = listed(site, env={"RHEOBASE_TIMEOUT": "1"})
    assert time.monotonic() - since < 30
    assert {"z-good", *(f"a{number}" for number in range(crowd))} <= {row[1] for row in said["found"]}
    for way in HANGS:
        assert [text for text in said["warnings"] if f"hangs-{way} 1.0 is left out" in text], way


def command(site: Path, tmp_path: Path, **variables: str) -> subprocess.Popen[str]:
    """The listing, under way."""
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH", "")]))
    return subprocess.Popen(
        [sys.executable, "-m", "rheobase", "list"],
        env={**os.environ, "PYTHONPATH": path, "RHEOBASE_CACHE_DIR": str(tmp_path / "cache"), **variables},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@posix
def test_whoever_stops_the_process_that_watches_over_it_is_not_waited_for_either(
    publish: Publish, listed: Listed
) -> None:
    stops = "import os, signal, time\nos.kill(os.getppid(), signal.SIGSTOP)\ntime.sleep(600)\n"
    publish("stopper", hook("stopper", stops))
    site = publish("z-good", hook("z-good"))
    since = time.monotonic()
    said = listed(site, env={"RHEOBASE_TIMEOUT": "1"})
    assert time.monotonic() - since < 30
    assert "z-good" in {row[1] for row in said["found"]}
    [warning] = said["warnings"]
    assert "stopper 1.0 is left out" in warning
    assert "it ended the process that watches over it" in warning


@posix
def test_whoever_stops_a_listing_need_not_wait_for_the_others_again(publish: Publish, tmp_path: Path) -> None:
    publish("hangs", hook("hangs", HANGS["plainly"]))
    site = publish("z-good", hook("z-good", f"open({str(tmp_path / 'runs')!r}, 'a').write('x')\n"))
    listing = command(site, tmp_path)
    try:
        while not (tmp_path / "runs").exists() and listing.poll() is None:
            time.sleep(0.05)
        time.sleep(0.3)
        listing.send_signal(signal.SIGINT)
        listing.communicate(timeout=10)
    finally:
        listing.kill()
    again = command(site, tmp_path, RHEOBASE_DISABLE="hangs")
    assert "z-good" in again.communicate(timeout=20)[0]
    assert (tmp_path / "runs").read_text() == "x"


@posix
def test_a_plugin_that_closed_its_pipes_ends_with_the_listing_that_loads_it(
    publish: Publish, tmp_path: Path
) -> None:
    pid = tmp_path / "pid"
    text = (
        f"import os, time\nopen({str(pid)!r}, 'w').write(str(os.getpid()))\n"
        "os.closerange(0, 64)\ntime.sleep(60)\n"
    )
    listing = command(publish("deaf-mute", hook("deaf-mute", text)), tmp_path)
    try:
        until = time.monotonic() + 20
        while not (pid.exists() and pid.read_text()) and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(0.5)  # until its pipes are closed, and the others have seen it
        listing.send_signal(signal.SIGINT)
        listing.communicate(timeout=10)
    finally:
        listing.kill()
    until = time.monotonic() + 5
    while _lives(int(pid.read_text())) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _lives(int(pid.read_text()))


def _lives(process: int) -> bool:
    """Whether it is there, and not merely waits for somebody to take note of its end."""
    try:
        os.kill(process, 0)
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except FileNotFoundError:  # no /proc, or it ended just now
        return os.name == "posix" and sys.platform != "linux"


def test_a_listing_says_after_two_seconds_for_whom_it_waits(publish: Publish, tmp_path: Path) -> None:
    site = publish("slow-models", hook("slow-models", "import time\ntime.sleep(2.5)\n"))
    listing = command(site, tmp_path)
    try:
        assert "slow-models" in listing.communicate(timeout=20)[1]
    finally:
        listing.kill()


LARGE = {
    "its own": "mmap.mmap(-1, 3 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)",
    "shared": "mmap.mmap(-1, 1 << 40)",
}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system bounds no process so")
@pytest.mark.parametrize("whose", LARGE)
def test_a_plugin_cannot_take_all_memory(whose: str, publish: Publish, listed: Listed) -> None:
    # It is asked for and never touched, so no machine has to have it.
    site = publish("greedy", hook("greedy", f"import mmap\nmine = {LARGE[whose]}\n"))
    said = listed(site)
    assert "greedy" not in [row[1] for row in said["found"]]
    assert "Cannot allocate memory" in said["warnings"][0]


def test_a_summary_is_a_line(publish: Publish, listed: Listed) -> None:
    site = publish("long-winded", hook("long-winded", summary="very " * 100_000))
    script = (
        "import json, warnings\nwarnings.simplefilter('ignore')\nimport rheobase\n"
        "print(json.dumps({'most': max(len(c.spec.summary) for c in rheobase.list_components())}))"
    )
    assert listed(site, script=script)["most"] <= 1000

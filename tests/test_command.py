"""The command with the plugins of this repository, each run in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rheobase as rb

REPOSITORY = Path(__file__).resolve().parents[1]


Rheobase = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def rheobase(warm: Any) -> Rheobase:
    """Runs the command; a fault shows what it printed."""

    def call(*arguments: object, expect: int = 0) -> subprocess.CompletedProcess[str]:
        done: subprocess.CompletedProcess[str] = warm.run("-m", "rheobase", *arguments)
        assert done.returncode == expect, done.stderr
        return done

    return call


@pytest.fixture(scope="module")
def shared() -> Path:
    """The folder with the recorded current and the trains of other simulators."""
    for folder in (REPOSITORY.parent / "shared", REPOSITORY / "shared"):
        if (folder / "data" / "l5pc_noise_current.npz").exists():
            return folder
    pytest.skip("the folder shared/ with recorded currents and references is not beside the repository")


@pytest.fixture(scope="module")
def recorded_run(rheobase: Rheobase, shared: Path) -> dict[str, Any]:
    """The LIF on the current that was recorded in a layer-5 pyramidal cell."""
    done = rheobase(
        *("run", "lif", "--stimulus", shared / "data" / "l5pc_noise_current.npz", "--stimulus-scale", 1000),
        *("--dt", 0.05, "--set", "tau_mem=20", "--set", "leak_gl=10", "--set", "volt_rest=-70"),
        *("--set", "volt_thresh=-50", "--set", "volt_reset=-60", "--set", "tau_ref=2", "--json"),
    )
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.fixture(scope="module")
def trains(shared: Path) -> dict[str, list[float]]:
    """The spike times of the same neuron in another simulator, ms."""
    reference = json.loads((shared / "reference" / "lif_on_recorded_current.json").read_text())
    found: dict[str, list[float]] = reference["spikes_ms"]
    return found


def test_the_recorded_current_gives_each_spike_of_the_exact_solution(
    recorded_run: dict[str, Any], trains: dict[str, list[float]]
) -> None:
    spikes = recorded_run["spikes"]
    assert spikes["count"] == len(trains["exact_ps"]) == 83
    assert spikes["units"] == [0] * 83
    # 0.6 ms is what a grid of 0.05 ms and resets on it make of a train that fires at up to 200 Hz;
    # the neighbouring spikes are at least 4 ms away.
    assert all(
        abs(got - want) <= 0.6 for got, want in zip(spikes["times_ms"], trains["exact_ps"], strict=True)
    )


def test_the_recorded_current_gives_the_train_of_the_same_grid(
    recorded_run: dict[str, Any], trains: dict[str, list[float]]
) -> None:
    got, want = recorded_run["spikes"]["times_ms"], trains["grid_h0.05"]
    steps = [round((a - b) / 0.05) for a, b in zip(got, want, strict=True)]
    assert all(abs(step) <= 1 for step in steps)
    assert sum(step != 0 for step in steps) <= 1


def test_the_recorded_run_says_what_made_it(recorded_run: dict[str, Any]) -> None:
    assert (recorded_run["model"], recorded_run["dt_ms"], recorded_run["duration_ms"]) == ("lif", 0.05, 5000)
    assert recorded_run["warnings"] == []
    origins = recorded_run["provenance"]
    made_by = {kind: (part["name"], part["distribution"]) for kind, part in origins.items()}
    assert made_by["model"] == ("lif", "rheobase-lif")
    assert made_by["integrator"] == ("rk4", "rheobase")
    assert made_by["aggregator"] == ("sum", "rheobase")
    assert all(part["version"] for part in origins.values())


def test_the_list_has_every_plugin_of_the_repository_and_imports_no_torch() -> None:
    script = (
        "import sys, time\nfrom rheobase.cli import main\nmain(['list', '--json'], standalone_mode=False)\n"
        "heavy = {'torch', 'numpy', 'rheobase_lif.neuron', 'rheobase_izhikevich.neuron'}\n"
        "print(sorted(heavy & set(sys.modules)), time.process_time(), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    found = {(part["name"], part["distribution"]) for part in json.loads(done.stdout)["components"]}
    assert {
        ("lif", "rheobase-lif"),
        ("izhikevich", "rheobase-izhikevich"),
        ("rk45", "rheobase-rk45"),
        ("tsit5", "rheobase-rk45"),
        ("rk23", "rheobase-rk45"),
        ("exact", "rheobase-exact"),
        ("expeuler", "rheobase-exponential"),
        ("strang", "rheobase-exponential"),
        ("rk4", "rheobase"),
    } <= found
    heavy, seconds = done.stderr.rsplit(maxsplit=1)
    assert heavy == "[]"
    print(f"rheobase list: {1000 * float(seconds):.0f} ms of CPU time")  # a measurement, not a test


@pytest.mark.parametrize("name", ["lif", "izhikevich", "rk45", "exact"])
def test_each_plugin_can_be_shown_within_80_columns(rheobase: Rheobase, name: str) -> None:
    shown = rheobase("show", name).stdout
    tables = [line for line in shown.splitlines() if line.startswith(" ")]
    assert all(len(line) <= 80 for line in shown.splitlines() if line not in tables or "─" in line)
    about = json.loads(rheobase("show", name, "--json").stdout)
    assert about["provenance"]["distribution"] == f"rheobase-{name}"
    assert about["doc"]


def test_any_installed_integrator_drives_any_installed_model(rheobase: Rheobase) -> None:
    counts = {}
    for integrator in ("rk4", "rk45", "tsit5", "rk23"):
        done = rheobase(
            *("run", "izhikevich", "--preset", "FS", "--current", 10, "--duration", 50, "--dt", 0.1),
            *("--integrator", integrator, "--json"),
        )
        said = json.loads(done.stdout)
        assert said["provenance"]["integrator"]["name"] == integrator
        counts[integrator] = said["spikes"]["count"]
    # The methods agree on the train, but for a spike at its end.
    assert counts["rk4"] > 3
    assert max(counts.values()) - min(counts.values()) <= 1


@pytest.fixture(scope="module")
def demo(rheobase: Rheobase, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A short demo, and its picture."""
    pytest.importorskip("matplotlib", reason="the plot extra is not installed")
    out = tmp_path_factory.mktemp("demo") / "demo.png"
    said: dict[str, Any] = json.loads(rheobase("demo", "--duration", 300, "--out", out, "--json").stdout)
    return said


def test_the_demo_drives_the_first_four_models_that_need_a_current(demo: dict[str, Any]) -> None:
    assert [(part["model"], part["preset"]) for part in demo["models"]] == [
        ("adex", "tonic"),
        ("alif", "adapting"),
        ("eif", "firing"),
        ("fitzhugh-nagumo", "oscillating"),
    ]
    assert demo["warnings"] == ["the demo goes without chialvo: it fires without a current"]
    for part in demo["models"]:
        # As in a living cortex: not silent, not saturated, and irregular.
        assert 1.0 < part["rate_hz"] < 200.0
        assert part["rate_hz"] == pytest.approx(part["count"] / 0.3)
        assert 0.05 < part["cv_isi"] < 3.0


def test_the_demo_draws_a_picture(demo: dict[str, Any]) -> None:
    picture = Path(demo["picture"]).read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 20_000  # five panels with curves; an empty figure has about 5 kB


def test_a_parameter_outside_its_domain_is_one_clear_error(rheobase: Rheobase) -> None:
    done = rheobase("run", "lif", "--current", 300, "--duration", 1, "--set", "tau_mem=-1", expect=2)
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    for said in ("tau_mem", "-1", "> 0 ms"):
        assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_misspelt_model_is_told_the_nearest_and_where_it_comes_from(rheobase: Rheobase) -> None:
    done = rheobase("run", "izikevich", "--current", 10, "--duration", 1, expect=2)
    assert "did you mean 'izhikevich'?" in done.stderr
    assert "lif (rheobase-lif" in done.stderr


def read_until(terminal: int, word: bytes | None) -> bytes:
    """What a terminal shows, until a word or its end."""
    seen = b""
    with contextlib.suppress(OSError):  # raised where the other side is closed
        while word is None or word not in seen:
            seen += os.read(terminal, 1024)
    return seen


def test_ctrl_c_leaves_what_was_recorded_in_the_output_file(tmp_path: Path) -> None:
    out = tmp_path / "run.npz"
    # A terminal for stderr: there the progress bar says when the run has begun.
    ours, theirs = pty.openpty()
    arguments = ["run", "lif", "--current", "300", "--duration", "1e5", "--record", "voltage"]
    arguments += ["--backend", "eager"]  # others are done before the signal comes
    with subprocess.Popen(
        [sys.executable, "-m", "rheobase", *arguments, "--out", str(out)],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        try:
            seen = read_until(ours, b"simulating")
            process.send_signal(signal.SIGINT)
            seen += read_until(ours, None)  # a full terminal would hold the process up
            assert process.wait(timeout=60) == 130
        finally:
            process.kill()
            os.close(ours)
    assert b"incomplete" in seen
    assert b"Traceback" not in seen
    recording = rb.Recording.load(out)
    assert not recording.complete
    assert 0 < recording.duration < 1e5
    assert len(recording.traces["voltage"]) == round(recording.duration / recording.dt)
    # 300 pA through 5 nS: a spike every 1 + 5 ln(60 / 40) ms, and up to 0.1 ms for the step's end.
    assert len(recording.spikes) == pytest.approx(recording.duration / 3.03, rel=0.05, abs=1)

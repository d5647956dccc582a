"""``rheobase run``."""

from __future__ import annotations

import json
import math
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rheobase as rb
from click.testing import Result

Command = Callable[..., Result]
Printed = Callable[..., Any]

pytestmark = pytest.mark.usefixtures("toys")


def period(current: float, tau: float = 10.0, limit: float = 10.0) -> float:
    """The toy's inter-spike interval under a constant current, ms, in closed form."""
    return tau * math.log(current / (current - limit))


def test_json_is_one_object_with_the_promised_keys(printed: Printed) -> None:
    said = printed("run", "toy", "--current", 20, "--duration", 50)
    assert list(said) == ["model", "dt_ms", "duration_ms", "units", "spikes", "provenance", "warnings"]
    assert list(said["spikes"]) == ["count", "times_ms", "units"]
    assert (said["model"], said["dt_ms"], said["duration_ms"], said["units"]) == ("toy", 0.1, 50.0, 1)
    assert said["warnings"] == []
    assert set(said["provenance"]) == {"model", "integrator", "aggregator", "backend"}
    assert said["provenance"]["model"] == {"name": "toy", "distribution": None, "version": None}
    assert said["provenance"]["integrator"]["distribution"] == "rheobase"


def test_spikes_come_at_the_closed_form_period(printed: Printed) -> None:
    spikes = printed("run", "toy", "--current", 20, "--duration", 50, "--dt", 0.01)["spikes"]
    assert spikes["count"] == int(50 / period(20))
    # A spike is reported at the end of its step, and each reset waits for that: one dt for each.
    expected = [(n + 1) * period(20) for n in range(spikes["count"])]
    assert all(
        -1e-6 <= got - want <= (n + 1) * 0.01 + 1e-6
        for n, (got, want) in enumerate(zip(spikes["times_ms"], expected, strict=True))
    )


def test_settings_reach_the_model_one_value_or_one_for_each_unit(printed: Printed) -> None:
    arguments = ["run", "toy", "--current", 20, "--duration", 50, "--units", 2]
    spikes = printed(*arguments, "--set", "tau=5,10", "--set", "scheme=fancy")["spikes"]
    assert [spikes["units"].count(unit) for unit in (0, 1)] == [int(50 / period(20, tau)) for tau in (5, 10)]
    assert printed(*arguments, "--set", "limit=30")["spikes"]["count"] == 0


def test_a_file_is_held_between_samples_and_scaled(printed: Printed, tmp_path: Path) -> None:
    path = tmp_path / "current.csv"
    path.write_text("0.0,0.02\n" * 100)  # two units, in nA; no time step of its own
    arguments = ["--stimulus", path, "--stimulus-dt", 0.5, "--stimulus-scale", 1000, "--units", 2]
    said = printed("run", "toy", *arguments)
    assert said["duration_ms"] == 50.0
    assert said["spikes"]["units"] == [1] * int(50 / period(20))


def test_a_preset_brings_its_stimulus_time_step_and_duration(printed: Printed) -> None:
    said = printed("run", "toy", "--preset", "driven")
    assert (said["dt_ms"], said["duration_ms"]) == (0.5, 20.0)
    assert said["spikes"]["count"] == pytest.approx(20 / period(30, 5.0), abs=2)
    assert printed("run", "toy", "--preset", "driven", "--duration", 10, "--dt", 0.1)["duration_ms"] == 10.0


def test_a_current_goes_before_the_presets(printed: Printed) -> None:
    said = printed("run", "toy", "--preset", "driven", "--current", 0, "--duration", 20)
    assert said["spikes"]["count"] == 0


def test_integrator_aggregator_event_and_dtype_reach_the_model(printed: Printed, tmp_path: Path) -> None:
    out = tmp_path / "run.npz"
    said = printed(
        *("run", "toy", "--current", 20, "--duration", 5, "--integrator", "rk1", "--aggregator", "largest"),
        *("--event", "step", "--dtype", "float64", "--record", "voltage", "--out", out),
    )
    assert said["provenance"]["integrator"]["name"] == "rk1"
    assert said["provenance"]["aggregator"]["name"] == "largest"
    voltage = rb.Recording.load(out).traces["voltage"][:, 0]
    assert str(voltage.dtype) == "torch.float64"
    # Euler's method, in closed form: V_n = I (1 - (1 - dt/tau)^n).
    assert voltage[9].item() == pytest.approx(20 * (1 - 0.99**10), rel=1e-12)


def test_the_output_file_has_spikes_traces_and_provenance(printed: Printed, tmp_path: Path) -> None:
    out = tmp_path / "run.npz"
    said = printed(
        *("run", "toy", "--current", 20, "--duration", 20, "--record", "voltage", "--record", "input"),
        *("--out", out),
    )
    recording = rb.Recording.load(out)
    assert recording.complete
    assert recording.spikes.times.tolist() == said["spikes"]["times_ms"]
    assert set(recording.traces) == {"voltage", "input"}
    assert {kind: origin.as_dict() for kind, origin in recording.provenance.items()} == said["provenance"]


def test_people_get_a_table_that_fits_80_columns(command: Command) -> None:
    result = command("run", "toy", "--current", 20, "--duration", 50)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    said = {line.split()[0]: line.split()[1:] for line in lines if len(line.split()) > 1}
    count = int(50 / period(20))
    assert said["spikes"] == [str(count)]
    assert said["rate"][0] == f"{count / 0.05:g}"


def test_a_plot_is_drawn_and_needs_no_display(command: Command, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the plot extra is not installed")
    plot = tmp_path / "run.png"
    result = command("run", "toy", "--current", 20, "--duration", 20, "--plot", plot)
    assert result.exit_code == 0, result.output
    assert plot.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("end", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_what_ends_a_run_saves_what_was_recorded_and_exits_as_shells_expect(
    command: Command, toys: Any, tmp_path: Path, end: str, request: pytest.FixtureRequest
) -> None:
    number = toys.signal = getattr(signal, end)
    if signal.getsignal(number) is signal.SIG_IGN:  # as under nohup, where it is to stay so
        request.addfinalizer(partial(signal.signal, number, signal.signal(number, signal.SIG_DFL)))
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    toys.steps_until_interrupt = 4 * 300  # RK4 calls the derivatives four times in a step
    out = tmp_path / "run.npz"
    arguments = ["run", "toy", "--current", 20, "--duration", 100, "--record", "voltage", "--out", out]
    result = command(*arguments, "--json")
    assert result.exit_code == 128 + number
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz"]
    recording = rb.Recording.load(out)
    assert not recording.complete
    assert 25.0 <= recording.duration <= 30.0
    assert len(recording.traces["voltage"]) == round(recording.duration / 0.1)
    said = json.loads(result.stdout)
    assert said["spikes"]["times_ms"] == recording.spikes.times.tolist()
    assert said["spikes"]["count"] >= 3
    assert any("incomplete" in message for message in said["warnings"])
    assert "incomplete" in result.stderr


def test_a_run_in_the_background_whose_ctrl_c_is_ignored_hears_sigterm(
    command: Command, toys: Any, tmp_path: Path
) -> None:
    toys.signal, toys.steps_until_interrupt = signal.SIGTERM, 4 * 300
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        result = command("run", "toy", "--current", 20, "--duration", 100, "--out", tmp_path / "run.npz")
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    assert result.exit_code == 128 + signal.SIGTERM
    assert 25.0 <= rb.Recording.load(tmp_path / "run.npz").duration <= 30.0


def test_that_a_run_has_stopped_is_said_before_what_it_recorded_is_written(
    command: Command, toys: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toys.signal, toys.steps_until_interrupt = signal.SIGINT, 4 * 300
    monkeypatch.setattr(
        "rheobase.pipeline.journal.save_journaled", lambda *_: print("writing", file=sys.stderr)
    )
    result = command("run", "toy", "--current", 20, "--duration", 100, "--out", tmp_path / "run.npz")
    assert result.stderr.index("stopped") < result.stderr.index("writing")


@pytest.fixture
def shy(toys: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The backend ``shy``, which refuses everything until somebody mends something."""

    class Amiss(NotImplementedError):
        amiss = True

    class Refuses:
        @rb.hookimpl
        def rheobase_backends(self) -> list[rb.BackendSpec]:
            return [rb.BackendSpec("shy", "toy_models:shy")]

    def refuse(*_: Any, **__: Any) -> None:
        raise Amiss("not today")

    monkeypatch.setattr(sys.modules["toy_models"], "shy", refuse, raising=False)
    with rb.register(Refuses()):
        yield


@pytest.mark.usefixtures("shy")
def test_warnings_of_the_run_go_to_stderr_and_into_the_json_each_time(command: Command) -> None:
    for _ in range(2):  # Python warns once of a refusal, and every run has it
        result = command("run", "toy", "--current", 20, "--duration", 5, "--json")
        assert result.exit_code == 0
        [message] = json.loads(result.stdout)["warnings"]
        assert "'shy' refused this run of toy (not today); it went on in 'eager'" in message
        assert result.stderr.count("not today") == 1


@pytest.mark.usefixtures("shy")
def test_a_backend_that_was_asked_for_and_refuses_is_one_clear_error(
    command: Command, tmp_path: Path
) -> None:
    out = tmp_path / "run.npz"
    arguments = ["--current", 20, "--duration", 5, "--backend", "shy", "--out", out, "--json"]
    result = command("run", "toy", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: the backend 'shy' refuses this run of toy (not today)")
    assert not out.exists()


def test_every_keeps_one_row_of_so_many_steps(command: Command, printed: Printed, tmp_path: Path) -> None:
    out = tmp_path / "run.npz"
    arguments = ["run", "toy", "--current", 5, "--duration", 10, "--dtype", "float64"]
    arguments += ["--integrator", "rk1", "--record", "voltage", "--out", out]
    printed(*arguments, "--every", 30)
    recording = rb.Recording.load(out)
    assert recording.times.tolist() == [30 * 0.1, 60 * 0.1, 90 * 0.1]
    # Euler's method, in closed form: V_n = I (1 - (1 - dt/tau)^n).
    expected = [5 * (1 - 0.99**n) for n in (30, 60, 90)]
    assert recording.traces["voltage"][:, 0].tolist() == pytest.approx(expected, rel=1e-12)
    said = command(*arguments, "--every", 30).stdout
    assert f"at 9 ms {expected[2]:.6g} mV" in " ".join(said.split())
    said = command(*arguments, "--every", 50).stdout
    assert f"at the end {5 * (1 - 0.99**100):.6g} mV" in " ".join(said.split())
    none = command(*arguments, "--every", 101)
    assert none.exit_code == 0, none.output
    assert len(rb.Recording.load(out).times) == 0


BAD: dict[str, tuple[list[object], list[str]]] = {
    "unknown model": (["run", "tyo", "--current", 1], ["'tyo'", "did you mean 'toy'", "analog"]),
    "unknown integrator": (["--integrator", "rk44"], ["'rk44'", "did you mean 'rk4'"]),
    "unknown aggregator": (["--aggregator", "summ"], ["'summ'", "did you mean 'sum'"]),
    "unknown backend": (["--backend", "eagre"], ["'eagre'", "did you mean 'eager'"]),
    "unknown preset": (["--preset", "drivne"], ["'drivne'", "driven"]),
    "unknown event": (["--event", "sometimes"], ["'sometimes'", "crossing"]),
    "unknown parameter": (["--set", "tua=3"], ["'tua'", "did you mean 'tau'"]),
    "unknown option value": (["--set", "scheme=best"], ["'best'", "plain"]),
    "outside the domain": (["--set", "tau=-3"], ["tau", "-3", "> 0 ms"]),
    "not a number": (["--set", "tau=nan"], ["tau", "nan"]),
    "text for a number": (["--set", "tau=long"], ["tau", "long"]),
    "no equals sign": (["--set", "tau"], ["'tau'", "name=value"]),
    "no value": (["--set", "tau="], ["'tau='", "name=value"]),
    "twice": (["--set", "tau=1", "--set", "tau=2"], ["tau", "twice"]),
    "an option's name": (["--set", "dt=1"], ["--dt"]),
    "no name": (["--set", "a b=1"], ["'a b'"]),
    "wrong number of values": (["--set", "tau=1,2,3", "--units", 2], ["tau", "3", "2"]),
    "dt of zero": (["--dt", 0], ["dt", "0"]),
    "dt NaN": (["--dt", "nan"], ["dt", "nan"]),
    "no units": (["--units", 0], ["units", "0"]),
    "negative duration": (["--duration", -5], ["duration", "-5"]),
    "part of a step": (["--duration", 0.25], ["duration", "0.25", "0.1"]),
    "infinite current": (["--current", "inf"], ["inf"]),
    "every of zero": (["--every", 0], ["every=0", "from 1 up"]),
    "unknown record": (["--record", "volt"], ["'volt'", "voltage"]),
    "wrong ending": (["--out", "run.csv"], ["--out", "run.csv", ".npz"]),
    "wrong plot ending": (["--plot", "run.txt"], ["--plot", "run.txt", "png"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments_give_one_clear_error_and_no_traceback(command: Command, case: str) -> None:
    arguments, said = BAD[case]
    if arguments[0] != "run":
        arguments = ["run", "toy", "--current", 20, "--duration", 1, *arguments]
    result = command(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    for part in said:
        assert part in result.stderr


STIMULI: dict[str, tuple[str, bytes | None, list[str]]] = {
    "missing": ("current.csv", None, ["does not exist"]),
    "empty": ("current.csv", b"", ["empty"]),
    "ragged": ("current.csv", b"1,2\n3\n", ["ragged", "line 2"]),
    "text": ("current.csv", b"1\nlots\n", ["'lots'", "line 2"]),
    "no time step": ("current.csv", b"1\n2\n", ["time step"]),
    "no npz": ("current.npz", b"1\n2\n", ["NPZ"]),
    "strange ending": ("current.xyz", b"1\n2\n", [".xyz", ".csv"]),
    "NaN": ("current.csv", b"# dt_ms = 1\n1\nnan\n", ["nan", "1"]),
}


@pytest.mark.parametrize("case", STIMULI)
def test_a_stimulus_file_that_cannot_be_used_is_one_clear_error(
    command: Command, tmp_path: Path, case: str
) -> None:
    name, content, said = STIMULI[case]
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    result = command("run", "toy", "--stimulus", path)
    assert result.exit_code == 2, result.output
    assert str(path) in result.stderr or case == "NaN"
    for part in said:
        assert part in result.stderr


def test_no_stimulus_at_all_is_told_the_ways_to_give_one(command: Command) -> None:
    for arguments in ([], ["--preset", "quiet"]):
        result = command("run", "toy", *arguments)
        assert result.exit_code == 2
        for part in ("--stimulus FILE", "--current X", "--preset driven"):
            assert part in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--stimulus", "a.csv", "--current", "3"], "give one of them"),
        (["--current", "3", "--duration", "1", "--stimulus-dt", "1"], "--stimulus-dt is about a file"),
        (["--current", "3", "--duration", "1", "--stimulus-scale", "1"], "--stimulus-scale is about a file"),
        (["--current", "3"], "give --duration"),
    ],
)
def test_options_that_do_not_fit_together_are_an_error(
    command: Command, arguments: list[str], said: str
) -> None:
    result = command("run", "toy", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize("option", ["--out", "--plot"])
def test_an_output_that_cannot_be_written_is_found_before_the_run(
    command: Command, toys: Any, tmp_path: Path, option: str
) -> None:
    if option == "--plot":
        pytest.importorskip("matplotlib", reason="the plot extra is not installed")
    ending = ".npz" if option == "--out" else ".png"
    (tmp_path / f"folder{ending}").mkdir()
    for name in (f"missing/run{ending}", f"folder{ending}"):
        result = command("run", "toy", "--current", 20, "--duration", 5, option, tmp_path / name)
        assert result.exit_code == 2
        assert option in result.stderr
        assert str(tmp_path / name) in result.stderr
    assert toys.calls == 0


def test_the_stimulus_is_not_overwritten_by_the_output(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "current.npz"
    np.savez(path, dt_ms=1.0, current=np.ones(5))
    before = path.read_bytes()
    result = command("run", "toy", "--stimulus", path, "--out", path)
    assert result.exit_code == 2
    assert "would be lost" in result.stderr
    assert path.read_bytes() == before


def test_a_failed_run_leaves_no_empty_output_behind(command: Command, tmp_path: Path) -> None:
    out = tmp_path / "run.npz"
    assert command("run", "toy", "--current", "inf", "--duration", 5, "--out", out).exit_code == 2
    assert not out.exists()


def test_recovery_runs_nothing_and_a_run_needs_a_name(command: Command, tmp_path: Path) -> None:
    for arguments in (
        ["--recover", tmp_path / "a.npz", "--out", tmp_path / "b.npz"],
        ["toy", "--recover", "a"],
    ):
        result = command("run", *arguments)
        assert result.exit_code == 2
        assert "--recover runs nothing" in result.stderr
    result = command("run", "--current", 20)
    assert result.exit_code == 2
    assert "Missing argument 'NAME'" in result.stderr
    result = command("run", "--recover", tmp_path / "a.npz")
    assert result.exit_code == 2
    assert "a.npz.journal: cannot be read: No such file" in result.stderr


def test_an_ignored_hangup_stays_ignored(command: Command, toys: Any) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup has it
    try:
        toys.signal, toys.steps_until_interrupt = signal.SIGHUP, 40
        assert command("run", "toy", "--current", 20, "--duration", 5).exit_code == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_run_is_taken_again_from_its_file_bit_for_bit(
    printed: Printed, command: Command, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    made = printed(
        *("run", "toy", "--current", 20, "--duration", 50, "--units", 3, "--set", "tau=5,10,20"),
        *("--record", "voltage", "--every", 3, "--event", "located", "--dtype", "float64", "--out", first),
    )
    again = printed("run", "--again", first, "--out", second)
    assert again == made
    one, other = rb.Recording.load(first), rb.Recording.load(second)
    assert len(one.spikes) > 3
    assert one.spikes.times.equal(other.spikes.times)
    assert one.traces["voltage"].equal(other.traces["voltage"])
    assert (one.every, other.every) == (3, 3)
    refused = command("run", "--again", first, "--out", first)
    assert refused.exit_code != 0
    assert "is an input of this run" in refused.stderr


@pytest.mark.parametrize("more", [["toy"], ["--units", 2], ["--seed", 0], ["--set", "tau=3"]], ids=str)
def test_again_says_all_of_the_run(command: Command, tmp_path: Path, more: list[Any]) -> None:
    result = command("run", "--again", tmp_path / "run.npz", *more)
    assert result.exit_code == 2
    what = more[0] if len(more) > 1 else "NAME"
    assert f"--again says all of the run: leave out {what}" in result.stderr


def test_what_cannot_be_run_again_is_refused_with_the_reason(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    rb.simulate(rb.create("toy"), rb.Signal(lambda t: 20.0 + t), 1.0).save(path)
    result = command("run", "--again", path)
    assert result.exit_code == 2
    assert f"--again {path}" in result.stderr.replace("\n", "")
    assert "a Signal of a function" in result.stderr.replace("\n", " ")


class Beat(rb.SpikingNeuron):
    """An oscillator without a voltage: dx/dt = y, dy/dt = -x + I; a spike where x passes 1."""

    x = rb.State(0.0, unit="1")
    y = rb.State(0.0, unit="1/ms")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Any]:
        return {"x": state.y, "y": data - state.x}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.x - 1.0


def test_a_plot_of_a_model_without_a_voltage_has_its_first_state(
    command: Command, tmp_path: Path, rheobase_registry: Any
) -> None:
    pytest.importorskip("matplotlib", reason="the plot extra is not installed")

    class Models:
        @rb.hookimpl
        def rheobase_neurons(self) -> list[rb.NeuronSpec]:
            return [rb.NeuronSpec("beat", f"{__name__}:Beat", "without a voltage")]

    rb.register(Models())
    plot, out = tmp_path / "run.svg", tmp_path / "run.npz"
    result = command("run", "beat", "--current", 2, "--duration", 20, "--plot", plot, "--out", out)
    assert result.exit_code == 0, result.output
    assert list(rb.Recording.load(out).traces) == ["x"]
    # x = 2 (1 - cos t) passes 1 at pi / 3 + 2 pi n: 1.05, 7.33, 13.61 and 19.90 ms
    assert len(rb.Recording.load(out).spikes) == 4
    said = result.stderr.replace("\n", "")
    assert f"The recording is in {out}." in said
    assert f"The picture is in {plot}." in said


def test_where_files_went_is_said_beside_the_json(printed: Printed, command: Command, tmp_path: Path) -> None:
    arguments = ["run", "toy", "--current", 20, "--duration", 5]
    plain, out = printed(*arguments), tmp_path / "run.npz"
    assert printed(*arguments, "--out", out) == plain
    assert str(out) in command(*arguments, "--out", out, "--json").stderr

"""Networks from plain settings: the same as from Python, and errors that name the place."""

from __future__ import annotations

import copy
import json
import signal
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rheobase as rb
import torch
import yaml
from click.testing import CliRunner
from rheobase import errors
from rheobase.cli import main

from .models import Exponential, Leaky, Pulse


def chain(
    first: int, last: int, sources: int, targets: int, key: int, *, same: bool, positions: Any, step: int = 1
) -> Any:
    """Target i hears source i - step."""
    heard = torch.arange(first, last) - step
    indptr = torch.cat([torch.zeros(1, dtype=torch.int64), (heard >= 0).cumsum(0)])
    return indptr, heard[heard >= 0]


@pytest.fixture(autouse=True)
def offered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The model, the synapses and the rule of these tests, by name."""
    module = types.ModuleType("of_files")
    for name, each in {"Leaky": Leaky, "Slow": Exponential, "Pulse": Pulse, "chain": chain}.items():
        setattr(module, name, each)
    monkeypatch.setitem(sys.modules, "of_files", module)

    class Offers:
        @rb.hookimpl
        def rheobase_neurons(self) -> list[rb.NeuronSpec]:
            return [rb.NeuronSpec("leaky", "of_files:Leaky")]

        @rb.hookimpl
        def rheobase_synapses(self) -> list[rb.SynapseSpec]:
            return [rb.SynapseSpec("slow", "of_files:Slow"), rb.SynapseSpec("pulse", "of_files:Pulse")]

        @rb.hookimpl
        def rheobase_rules(self) -> list[rb.RuleSpec]:
            return [rb.RuleSpec("chain", "of_files:chain")]

    with rb.register(Offers()):
        yield


SETTINGS: dict[str, Any] = {
    "model": {
        "populations": {
            "E": {"model": "leaky", "units": 4, "params": {"voltage": {"uniform": [0.0, 15.0]}}},
            "I": {"model": "leaky", "units": 3, "params": {"tau": [8.0, 10.0, 12.0]}, "event": "step"},
        },
        "projections": {
            "E->E": {
                "rule": {"type": "chain", "step": 2},
                "synapse": {"type": "slow", "tau": {"normal": [5.0, 1.0], "at_least": 1.0}},
                "weight": {"normal": [300.0, 20.0]},
                "delay": 1.5,
            },
            "E->I": {"rule": {"source": [3, 0], "target": [1, 2]}, "synapse": "pulse", "weight": [3.0, -2.0]},
        },
    },
    "dtype": "float64",
    "dt": 0.1,
    "seed": 5,
    "stimulus": {"E": 500.0, "I": {"type": "step", "amplitude": 450.0, "start": 10.0}},
    "duration": 40.0,
    "record": {"E": ["spikes", "voltage"], "I": "spikes", "E->E": "current"},
}


def by_hand() -> rb.Network:
    """The same network, by Python."""
    net = rb.Network(seed=5)
    given: dict[str, Any] = {"dtype": torch.float64, "dt": 0.1}
    net.add("E", rb.create(Leaky, 4, voltage=rb.Uniform(0.0, 15.0), **given))
    tau = torch.tensor([8.0, 10.0, 12.0], dtype=torch.float64)
    net.add("I", rb.create(Leaky, 3, tau=tau, event="step", **given))
    slow = rb.synapse(Exponential, tau=rb.Normal(5.0, 1.0, at_least=1.0))
    net.connect("E", "E", rb.rule(chain, step=2), slow, weight=rb.Normal(300.0, 20.0), delay=1.5)
    weight = torch.tensor([3.0, -2.0], dtype=torch.float64)
    net.connect("E", "I", ([3, 0], [1, 2]), rb.synapse(Pulse), weight=weight)
    return net


def test_a_file_has_the_run_that_python_has(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(yaml.safe_dump(SETTINGS), encoding="utf-8")
    recording = rb.SimpleSimulator.from_file(tmp_path / "net.yaml").run()
    stimulus: dict[str, Any] = {"E": 500.0, "I": rb.stimulus.Step(450.0, start=10.0)}
    record = {"E": ("spikes", "voltage"), "I": "spikes", "E->E": "current"}
    same = rb.simulate(by_hand(), stimulus, duration=40.0, record=record)
    assert set(recording) == {"E", "I", "E->E"}
    assert len(same["E"].spikes) > 5
    assert len(same["I"].spikes) >= 3
    for name in ("E", "I"):
        assert torch.equal(recording[name].spikes.times, same[name].spikes.times)
    assert torch.equal(recording["E"].traces["voltage"], same["E"].traces["voltage"])
    assert torch.equal(recording["E->E"].traces["current"], same["E->E"].traces["current"])


def test_a_list_of_projections_says_from_where_to_where() -> None:
    settings = copy.deepcopy(SETTINGS)
    ends = ({"source": "E", "target": "E"}, {"source": "E", "target": "I", "identifier": "other"})
    projections = settings["model"]["projections"].values()
    settings["model"]["projections"] = [{**end, **each} for end, each in zip(ends, projections, strict=True)]
    net: Any = rb.SimpleSimulator(settings).create()
    assert list(net.projections) == ["E->E", "other"]
    assert net["other"].weight.tolist() == [-2.0, 3.0]


def test_the_command_prints_populations_and_writes_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    text = yaml.safe_dump({**SETTINGS, "out": "unused.npz"})
    Path("folder/net.yaml").write_text(text, encoding="utf-8")
    done = CliRunner().invoke(
        main, ["run", "folder/net.yaml", "--json", "--out", "run.npz", "--plot", "run.png"]
    )
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    saved = rb.Recording.load("run.npz")
    assert set(said["populations"]) == {"E", "I"}
    assert set(said["projections"]) == {"E->E"}
    assert said["populations"]["E"]["units"] == 4
    assert said["populations"]["E"]["spikes"]["count"] == len(saved["E"].spikes) > 0
    assert said["populations"]["I"]["spikes"]["units"] == saved["I"].spikes.units.tolist()
    assert said["projections"]["E->E"]["provenance"]["synapse"]["name"] == "slow"
    assert "spikes" not in said["projections"]["E->E"]
    assert (said["dt_ms"], said["duration_ms"], said["warnings"]) == (0.1, 40.0, [])
    assert Path("run.png").stat().st_size > 1000
    assert not Path("folder/unused.npz").exists()
    shown = CliRunner().invoke(main, ["run", "folder/net.yaml"])
    assert shown.exit_code == 0
    assert Path("folder/unused.npz").exists()
    assert "slow" in shown.stdout


class Stopping(Leaky):
    """It is interrupted, as by Ctrl-C, when its slope is asked for once more."""

    calls = 0

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Any]:
        Stopping.calls += 1
        if Stopping.calls == 100:
            signal.raise_signal(signal.SIGINT)
        return Leaky.derivatives(state, params, data)


def test_ctrl_c_keeps_what_was_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["of_files"], "Leaky", Stopping)
    monkeypatch.setattr(Stopping, "calls", 0)
    (tmp_path / "net.yaml").write_text(yaml.safe_dump({**SETTINGS, "out": "run.npz"}), encoding="utf-8")
    done = CliRunner().invoke(main, ["run", str(tmp_path / "net.yaml"), "--json"])
    assert done.exit_code == 130
    kept = rb.Recording.load(tmp_path / "run.npz")
    assert not kept.complete
    assert 0 < kept.steps < 400
    said = json.loads(done.stdout)
    assert said["duration_ms"] == pytest.approx(kept.duration)
    assert "the recording is incomplete" in said["warnings"][-1]


def test_other_options_than_those_of_files_are_refused_beside_a_file(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(yaml.safe_dump(SETTINGS), encoding="utf-8")
    done = CliRunner().invoke(main, ["run", str(tmp_path / "net.yaml"), "--duration", "5"])
    assert done.exit_code == 2
    assert "A file of settings says all of the run: leave out --duration" in done.stderr


def test_a_file_of_one_model_is_run_too(tmp_path: Path) -> None:
    text = "model: leaky\nunits: 2\nstimulus: 500.0\nduration: 20.0\n"
    (tmp_path / "run.yml").write_text(text, encoding="utf-8")
    done = CliRunner().invoke(main, ["run", str(tmp_path / "run.yml"), "--json"])
    assert done.exit_code == 0, done.output
    counted = rb.simulate(rb.create(Leaky, 2), 500.0, duration=20.0).spikes
    assert json.loads(done.stdout)["spikes"]["count"] == len(counted) > 0


def changed(*path: Any, to: Any) -> Callable[[dict[str, Any]], None]:
    """Sets the value at a path of the settings."""

    def change(settings: dict[str, Any]) -> None:
        inner = settings
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = to

    return change


E, TO_E = ("model", "populations", "E"), ("model", "projections", "E->E")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (changed("model", "populatoins", to={}), "model: unknown key 'populatoins'; did you mean 'populatio"),
        (changed("model", "populations", to={}), "populations: {} cannot be used; give a mapping by popul"),
        (changed(*E, to={"units": 3}), "populations: E: the key 'model' is missing"),
        (changed(*E, "modle", to=1), "populations: E: unknown key 'modle'; did you mean 'model'"),
        (changed(*E, "model", to="leeky"), "populations: E: .*'leeky'.*did you mean 'leaky'"),
        (changed(*E, "params", to={"tua": 1}), "populations: E: .*declares no 'tua'; did you mean 'tau'"),
        (changed(*E, "params", to={"tau": {"uniform": 3}}), "populations: E: params: tau: .*two numbers"),
        (changed(*E, "dt", to=0.2), "network: the population 'I' has dt=0.1 ms and 'E' has 0.2 ms"),
        (changed(*TO_E, to=3), "projections: E->E: 3 cannot be used"),
        (changed(*TO_E, to={"synapse": "slow"}), "projections: E->E: rule must be given"),
        (changed(*TO_E, "wieght", to=1), "projections: E->E: unknown key 'wieght'; did you mean 'weight'"),
        (changed(*TO_E, "rule", to="chian"), "projections: E->E: rule: .*'chian'.*did you mean 'chain'"),
        (changed(*TO_E, "rule", to={"step": 2}), "projections: E->E: rule: {'step': 2} cannot be used"),
        (changed(*TO_E, "rule", to={"type": "chain", "stpe": 2}), "takes no 'stpe'; did you mean 'step'"),
        (changed(*TO_E, "synapse", to={"type": "slow", "tua": 2}), "synapse: .*no 'tua'"),
        (changed(*TO_E, "weight", to={"normla": [1, 2]}), "weight: {'normla': \\[1, 2\\]} cannot be used"),
        (changed(*TO_E, "delay", to=0.25), "projections: E->E: the delay 0.25 ms is no multiple of dt"),
        (changed(*TO_E, "target", to="Q"), "there is no population 'Q'; there are E, I"),
        (changed("units", to=3), "units belongs to a population"),
        (changed("stimulus", to=3.0), "stimulus: 3.0 cannot be used; give a mapping by population"),
        (changed("stimulus", to={"Q": 3.0}), "no population 'Q'; there are E, I"),
        (changed("record", to={"Q": "spikes"}), "record: network has no part 'Q'"),
        (changed("duration", to=None), "give duration=..., in ms"),
    ],
)
def test_an_error_names_the_file_and_the_place(
    change: Callable[[dict[str, Any]], None], says: str, tmp_path: Path
) -> None:
    settings = copy.deepcopy(SETTINGS)
    change(settings)
    (tmp_path / "net.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    with pytest.raises(errors.RheobaseError, match=says) as caught:
        rb.SimpleSimulator.from_file(tmp_path / "net.yaml").run()
    assert str(caught.value).startswith(f"{tmp_path / 'net.yaml'}: ")


NOISY = """
model:
  populations:
    E: {model: leaky, units: 5, params: {voltage: {uniform: [0, 14]}}}
    I: {model: leaky, units: 3}
  projections:
    E->I: {rule: {type: chain, step: 2}, synapse: slow, weight: {normal: [300.0, 20.0]}, delay: 1.0}
dt: 0.1
seed: 5
duration: 30.0
stimulus: {E: {type: ornstein_uhlenbeck, mean: 400.0, std: 100.0, tau: 5.0}}
record: {E: [spikes, voltage], I: voltage}
"""


def test_the_run_of_a_file_is_run_again_from_its_recording(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(NOISY, encoding="utf-8")
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    for given, out in (([str(tmp_path / "net.yaml")], first), (["--again", str(first)], second)):
        answer = CliRunner().invoke(main, ["run", *given, "--out", str(out)])
        assert answer.exit_code == 0, answer.output
        # What it was run from is in the recording.
        (tmp_path / "net.yaml").unlink(missing_ok=True)
    one, other = rb.Recording.load(first), rb.Recording.load(second)
    assert len(one["E"].spikes.times) > 3
    assert torch.equal(one["E"].spikes.times, other["E"].spikes.times)
    for name in ("E", "I"):
        assert torch.equal(one[name].traces["voltage"], other[name].traces["voltage"])
    assert one.settings == other.settings


def test_a_network_that_was_made_in_python_is_not_run_again(tmp_path: Path) -> None:
    net = rb.Network()
    net.add("E", rb.create(Leaky))
    rb.simulate(net, duration=1.0).save(tmp_path / "run.npz")
    answer = CliRunner().invoke(main, ["run", "--again", str(tmp_path / "run.npz")])
    assert answer.exit_code != 0
    assert "does not say how it was made: its network was made in Python" in answer.output

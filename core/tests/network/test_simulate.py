"""Runs of networks: what is recorded of which part, and that a run is so many steps."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import errors

from .models import Exponential, Pulse, leaky, pair

SOURCE = str(Path(rb.__file__).parent)

DRIVE = {"source": 1200.0}


def net(**given: Any) -> rb.Network:
    return pair(rb.synapse(Exponential, tau=4.0), weight=900.0, delay=1.5, **given)


def test_a_run_records_what_single_steps_report() -> None:
    stepped, ran = net(), net()
    recording = rb.simulate(
        ran, DRIVE, duration=30.0, record={"target": ("spikes", "voltage"), "source->target": "current"}
    )
    voltages, currents, spikes = [], [], []
    for step in range(300):
        outputs = stepped(DRIVE)
        voltages.append(outputs["target"]["voltage"])
        currents.append(outputs["source->target"]["current"])
        if int(outputs["target"]["spiked"]):
            spikes.append((step + 1) * 0.1)
    assert len(spikes) >= 2
    assert recording["target"].spikes.times.tolist() == spikes
    assert torch.equal(recording["target"].traces["voltage"], torch.stack(voltages))
    assert torch.equal(recording["source->target"].traces["current"], torch.stack(currents))
    assert recording["source->target"].trace_units == {"current": "pA"}
    assert set(recording) == {"target", "source->target"}


@pytest.mark.parametrize("kind", [Exponential, Pulse])
def test_weights_that_stay_are_recorded_as_those_that_change_are(kind: Any) -> None:
    network = rb.Network()
    network.add("source", leaky(3))
    network.add("target", leaky(2))
    network.connect("source", "target", ([2, 0], [0, 1]), rb.synapse(kind), weight=[3.0, 1.0])
    recording = rb.simulate(network, DRIVE, duration=0.6, record={"source->target": "weight"}, every=2)
    assert recording["source->target"].traces["weight"].tolist() == [[1.0, 3.0]] * 3
    assert recording["source->target"].trace_units == {"weight": kind.weight_unit}
    # A step does not report them: nothing of it changed them.
    assert "weight" not in network(DRIVE)["source->target"]
    with pytest.raises(errors.ArgumentError, match=r"cannot record 'wieght'; did you mean 'weight'"):
        rb.simulate(network, DRIVE, duration=0.6, record={"source->target": "wieght"})


def test_the_default_records_the_spikes_of_all_populations() -> None:
    network = net()
    network.add("analog", rb.create("analog", 1, dtype=torch.float64))
    recording = rb.simulate(network, DRIVE, duration=20.0)
    assert set(recording) == {"source", "target"}
    assert len(recording["source"].spikes) >= 3


@pytest.mark.parametrize("split", [7, 100])
def test_a_run_that_is_split_is_the_same_run(split: int) -> None:
    record = {"source": ("spikes", "voltage"), "target": ("spikes", "voltage")}
    whole, parted = net(), net()
    full = rb.simulate(whole, DRIVE, duration=30.0, record=record)
    pieces = []
    done = 0
    while done < 300:
        steps = min(split, 300 - done)
        pieces.append(rb.simulate(parted, DRIVE, duration=steps * 0.1, record=record))
        done += steps
    for name in record:
        assert torch.equal(
            full[name].traces["voltage"], torch.cat([each[name].traces["voltage"] for each in pieces])
        )
        assert torch.equal(full[name].spikes.times, torch.cat([each[name].spikes.times for each in pieces]))


def test_stimuli_change_in_time_by_population() -> None:
    network = net()
    step = rb.stimulus.Step(1200.0, start=10.0)
    recording = rb.simulate(network, {"source": step}, duration=20.0, record={"source": "voltage"})
    voltage = recording["source"].traces["voltage"][:, 0]
    assert not voltage[:100].any()
    assert voltage[101] > 0
    rows = torch.linspace(0.0, 5.0, 10, dtype=torch.float64).unsqueeze(1)
    other = rb.simulate(net(), {"source": rows}, duration=1.0, record={"source": "input"})
    assert torch.equal(other["source"].traces["input"], rows)


def test_a_signal_is_followed_within_steps() -> None:
    ramp = rb.Signal(lambda t: 100.0 * t)
    network = rb.Network()
    network.add("cells", leaky(threshold_at=1e9))
    alone = leaky(threshold_at=1e9)
    recording = rb.simulate(network, {"cells": ramp}, duration=5.0, record={"cells": "voltage"})
    assert torch.equal(
        recording["cells"].traces["voltage"],
        rb.simulate(alone, ramp, duration=5.0, record="voltage").traces["voltage"],
    )


def test_a_recording_is_saved_and_read_whole(tmp_path: Path) -> None:
    recording = rb.simulate(
        net(), DRIVE, duration=20.0, record={"source": ("spikes", "voltage"), "source->target": "current"}
    )
    recording.save(tmp_path / "run.npz")
    again = rb.Recording.load(tmp_path / "run.npz")
    assert isinstance(again, rb.NetworkRecording)
    assert list(again) == ["source", "source->target"]
    assert torch.equal(again["source"].spikes.times, recording["source"].spikes.times)
    assert torch.equal(
        again["source->target"].traces["current"], recording["source->target"].traces["current"]
    )
    assert again.provenance == recording.provenance
    single = rb.simulate(leaky(), 1200.0, duration=5.0)
    single.save(tmp_path / "one.npz")
    assert isinstance(rb.Recording.load(tmp_path / "one.npz"), rb.Recording)


def test_the_graph_of_a_run_is_the_recordings_and_the_network_keeps_none() -> None:
    network = net()
    network["target"].tau = torch.nn.Parameter(torch.tensor(10.0, dtype=torch.float64))
    network["source->target"].tau = torch.tensor(4.0, dtype=torch.float64).requires_grad_()
    recording = rb.simulate(network, DRIVE, duration=20.0, record={"target": "voltage"}, grad=True)
    recording["target"].traces["voltage"].sum().backward()
    assert network["target"].tau.grad is not None
    assert not network["target"].voltage.requires_grad
    assert not network["source->target"].current.requires_grad


def test_provenance_names_every_part() -> None:
    recording = rb.simulate(
        net(), DRIVE, duration=1.0, record={"source": "spikes", "source->target": "current"}
    )
    assert recording.provenance["source->target"]["synapse"].name == "Exponential"
    assert recording.provenance["source"]["backend"].name == "eager"
    assert recording.provenance["source"]["integrator"].name == "rk4"


def test_ctrl_c_leaves_what_was_recorded_and_the_run_goes_on() -> None:
    whole = rb.simulate(net(), DRIVE, duration=40.0, record={"source": "voltage"})
    network = net()
    calls = 0

    def current(t: Any) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls == 500:
            signal.raise_signal(signal.SIGINT)
        return torch.full((1,), 1200.0, dtype=torch.float64)

    with pytest.raises(rb.SimulationInterrupted) as interrupted:
        rb.simulate(network, {"source": rb.Signal(current)}, duration=40.0, record={"source": "voltage"})
    part = interrupted.value.recording
    assert not part.complete
    assert 0 < part.steps < 400
    assert part.steps == network.simulation_step
    rest = rb.simulate(network, DRIVE, duration=40.0 - part.steps * 0.1, record={"source": "voltage"})
    joined = torch.cat([part["source"].traces["voltage"], rest["source"].traces["voltage"]])
    torch.testing.assert_close(joined, whole["source"].traces["voltage"], rtol=1e-12, atol=1e-12)


def test_pictures_show_each_population(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    recording = rb.simulate(net(), DRIVE, duration=20.0)
    figure = recording.plot(tmp_path / "raster.png")
    assert (tmp_path / "raster.png").stat().st_size > 1000
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["source", "target"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"stimulus": {"sauce": 1.0}}, "no population 'sauce'; did you mean 'source'"),
        ({"stimulus": 3.0}, "the stimulus of a network is 3.0; give a mapping by population"),
        ({"record": {"sauce": "spikes"}}, "record: network has no part 'sauce'; did you mean 'source'"),
        ({"record": {"source": "current"}}, "source cannot record 'current'"),
        ({"record": {"source->target": "spikes"}}, "source->target emits no spikes"),
        ({"record": "voltage"}, "record='voltage' cannot be used"),
        ({"duration": 0.25}, "no multiple of the time step"),
        ({"every": 0}, "every=0 cannot be used"),
        ({"stimulus": {"source": torch.zeros(3, 1, dtype=torch.float64)}}, "it has 3 rows for 100 steps"),
    ],
)
def test_a_run_that_cannot_be_is_refused(given: dict[str, Any], says: str) -> None:
    network = net()
    arguments = {"stimulus": DRIVE, "duration": 10.0, **given}
    with pytest.raises(errors.RheobaseError, match=says):
        rb.simulate(network, **arguments)
    assert network.simulation_step == 0


def of_neurons_only(neuron: Any, drive: Any, steps: int, **options: Any) -> Any:
    raise AssertionError("it is not asked")


class Offer:
    """A backend that knows nothing of networks."""

    @rb.hookimpl
    def rheobase_backends(self) -> list[Any]:
        return [rb.BackendSpec("of-neurons-only", f"{__name__}:of_neurons_only", "neurons alone")]


def test_a_backend_that_takes_no_populations_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    with (
        rb.register(Offer()),
        pytest.raises(errors.BackendError, match="the backend 'of-neurons-only' takes no networks"),
    ):
        rb.simulate(net(), DRIVE, duration=10.0, backend="of-neurons-only")


def test_a_network_without_a_population_cannot_run() -> None:
    with pytest.raises(errors.ArgumentError, match="network has no population to run"):
        rb.simulate(rb.Network(), duration=1.0)


def test_what_is_not_driven_receives_nothing() -> None:
    network = rb.Network()
    network.add("source", leaky())
    network.add("target", leaky())
    network.connect("source", "target", ([0], [0]), rb.synapse(Pulse), weight=1.0)
    recording = rb.simulate(network, duration=5.0, record={"target": "voltage"})
    assert not recording["target"].traces["voltage"].any()


def weighted(**given: Any) -> rb.Network:
    network = rb.Network()
    network.add("source", leaky(4))
    network.add("target", leaky(2))
    pairs = ([0, 1, 2, 3], [0, 1, 0, 1])
    network.connect("source", "target", pairs, rb.synapse(Pulse), identifier="some", **given)
    network.connect("source", "target", ([1, 2], [0, 0]), rb.synapse(Pulse), weight=4.0, delay=3.0)
    network.connect("target", "source", ([], []), rb.synapse(Pulse), identifier="none")
    return network


def test_histograms_count_each_synapse_by_weight_and_by_delay(tmp_path: Path) -> None:
    matplotlib = pytest.importorskip("matplotlib.figure")
    network = weighted(weight=[0.0, 1.0, 1.5, 4.0], delay=torch.tensor([1.0, 1.0, 2.0, 2.9]))
    axes = matplotlib.Figure().subplots(1, 3)
    figure = rb.plots.plot_weights(network, tmp_path / "weights.png", bins=4, ax=axes[0], title="now")
    assert figure is axes[0].get_figure()
    assert (tmp_path / "weights.png").stat().st_size > 1000
    counts = {each.get_label(): each.get_data().values.tolist() for each in axes[0].patches}
    assert counts == {"some": [1, 2, 0, 1], "source->target": [0, 0, 0, 2], "none": [0, 0, 0, 0]}
    assert axes[0].patches[0].get_data().edges.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert (axes[0].get_xlabel(), axes[0].get_title("left")) == ("weight (mV)", "now")
    rb.plots.plot_delays([network["some"], network["source->target"]], bins=2, ax=axes[1])
    counts = {each.get_label(): each.get_data().values.tolist() for each in axes[1].patches}
    assert counts == {"some": [3, 1], "source->target": [0, 2]}
    # 1.0 to 2.9 ms are 20 steps of 0.1 ms: 5 bars of 4 steps each, with edges between steps.
    figure = rb.plots.plot_delays(network["some"], bins=5)
    values, edges, _ = figure.axes[0].patches[0].get_data()
    assert edges.tolist() == pytest.approx([0.95, 1.35, 1.75, 2.15, 2.55, 2.95])
    assert values.tolist() == [2, 0, 1, 0, 1]
    network["some"].weight = 7.0
    rb.plots.plot_weights(network["some"], ax=axes[2])
    assert int(axes[2].patches[0].get_data().values.sum()) == 4
    for given, says in (
        ((network["none"],), "there is no synapse to draw"),
        (([],), "there is no synapse to draw"),
        ((["some"],), "'some' is no projection; give net"),
        ((next(iter(network.populations.values())),), r"^Leaky\(.*\) is no projection; give net"),
        ((5,), "^5 is no projection; give net"),
    ):
        with pytest.raises(errors.ArgumentError, match=says):
            rb.plots.plot_weights(*given)
    with pytest.raises(errors.ArgumentError, match="bins=0 cannot be used"):
        rb.plots.plot_delays(network, bins=0)


def test_the_raster_of_a_network_goes_into_axes_of_yours() -> None:
    matplotlib = pytest.importorskip("matplotlib.figure")
    recording = rb.simulate(net(), DRIVE, duration=20.0)
    axes = matplotlib.Figure().subplots(2, 1)
    assert recording.plot(ax=axes) is axes[0].get_figure()
    assert [len(line.get_xdata()) for line in axes[0].lines] == [
        len(recording[name].spikes) for name in ("source", "target")
    ]
    # Bars of rates hold as many spikes as there are: rate times width, of one unit each.
    for stairs, name in zip(axes[1].patches, ("source", "target"), strict=True):
        values, edges, _ = stairs.get_data()
        assert float((values * (edges[1:] - edges[:-1])).sum() * 1e-3) == pytest.approx(
            len(recording[name].spikes)
        )
    with pytest.raises(errors.ArgumentError, match="1 axes were given for 2 panels: spikes, rates"):
        recording.plot(ax=axes[:1])


def test_a_step_of_a_network_makes_few_calls() -> None:
    net = rb.Network(seed=3)
    for name in ("source", "target"):
        net.add(name, leaky(2))
    for sender in net.populations:
        for receiver in net.populations:
            net.connect(sender, receiver, ([0, 1], [1, 0]), rb.synapse(Exponential), weight=1.0)
    calls: list[str] = []

    def note(frame: Any, event: str, _: Any) -> None:
        if event == "call" and SOURCE in frame.f_code.co_filename:
            calls.append(frame.f_code.co_filename)

    steps = 20
    rb.simulate(net, duration=1.0, backend="eager")
    sys.setprofile(note)
    try:
        rb.simulate(net, duration=0.1 * steps, backend="eager")
    finally:
        sys.setprofile(None)
    # 330 in a step, and some hundreds by which a run begins and ends.
    assert 200 < len(calls) / steps <= 380

"""Pictures hold the data that they were given; f-I curves meet the closed form."""

from __future__ import annotations

import math
import sys

import pytest
import rheobase as rb
import torch
from rheobase import errors
from rheobase.files import check_writable
from rheobase.pipeline.recording import Spikes

matplotlib = pytest.importorskip("matplotlib")

from rheobase.pipeline.plots import fi_curve, plot_fi_curve, plot_recording  # noqa: E402


class Lif(rb.SpikingNeuron):
    """tau dV/dt = -V + R I, a spike at 15 mV, then 0 mV for tau_ref."""

    tau_ref = rb.Parameter(2.0, unit="ms", at_least=0)
    voltage = rb.State(0.0, unit="mV", at_rest=True)
    current = rb.Input(unit="pA")

    @staticmethod
    def derivatives(state, params, data):
        return {"voltage": (0.04 * data.current - state.voltage) / 10.0}

    @staticmethod
    def threshold(state, params):
        return state.voltage - 15.0

    @staticmethod
    def reset(state, params):
        return {"voltage": 0.0}


@pytest.fixture
def recording():
    current = torch.tensor([300.0, 600.0, 900.0])
    return rb.simulate(rb.create(Lif, 3), current, 50.0, record=("spikes", "voltage", "current"))


def test_a_recording_is_drawn_as_its_traces_over_its_spikes(recording, tmp_path):
    figure = plot_recording(recording, tmp_path / "run.png")
    voltage, current, raster = figure.axes
    assert [axis.get_ylabel() for axis in figure.axes] == ["voltage (mV)", "current (pA)", "unit"]
    assert len(voltage.lines) == len(current.lines) == 3
    for unit, line in enumerate(voltage.lines):
        assert torch.equal(torch.tensor(line.get_ydata()), recording.traces["voltage"][:, unit])
        assert line.get_xdata().tolist() == recording.times.tolist()
    (marks,) = raster.lines
    assert marks.get_xdata().tolist() == recording.spikes.times.tolist()
    assert marks.get_ydata().tolist() == recording.spikes.units.tolist()
    assert len(recording.spikes) > 3
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")


def test_a_stride_keeps_the_rows_at_their_times_and_the_axis_as_long_as_the_run():
    recording = rb.simulate(rb.create(Lif), 600.0, 50.0, record=("spikes", "voltage"), every=30)
    voltage, raster = plot_recording(recording).axes
    assert voltage.lines[0].get_xdata().tolist() == [30 * (n + 1) * 0.1 for n in range(16)]
    assert voltage.lines[0].get_ydata().tolist() == recording.traces["voltage"][:, 0].tolist()
    assert raster.get_xlim() == (0.0, 50.0)


def test_no_window_and_no_global_figure_is_made(recording):
    before = set(sys.modules)
    plot_recording(recording)
    assert "matplotlib.pyplot" not in set(sys.modules) - before


def test_the_spikes_of_a_batch_have_rows_of_their_own():
    spikes = Spikes(torch.tensor([1.0, 2.0]).double(), torch.tensor([1, 0]), torch.tensor([0, 2]))
    figure = plot_recording(rb.Recording(spikes, {}, 0.1, 30, num_units=2, batch_shape=(3,)))
    (raster,) = figure.axes
    assert raster.lines[0].get_ydata().tolist() == [1, 4]


def test_an_empty_and_an_interrupted_recording_can_be_drawn():
    none = Spikes(torch.empty(0).double(), torch.empty(0).long())
    empty = rb.Recording(
        none, {"voltage": torch.empty(0, 2)}, 0.1, 0, num_units=2, model="lif", complete=False
    )
    assert plot_recording(empty).axes[0].get_title("left") == "lif (interrupted)"


def test_an_fi_curve_is_the_closed_form():
    currents = [300.0, 374.0, 376.0, 500.0, 1000.0]
    curve = fi_curve(Lif, currents, duration=500.0, settle=50.0, dtype=torch.float64)
    assert curve.currents.tolist() == currents
    assert curve.unit == "pA"
    for current, rate in zip(currents, curve.rates.tolist(), strict=True):
        if current <= 375.0:  # the rheobase: R I = 15 mV
            assert rate == 0.0
            continue
        interval = 2.0 + 10.0 * math.log(0.04 * current / (0.04 * current - 15.0))
        # On the grid each interval is up to a step longer; counting errs by at most one spike.
        assert 1000 / (interval + 0.1) - 2.0 <= rate <= 1000 / interval + 2.0


def test_fi_curves_are_drawn_one_line_each(tmp_path):
    curves = [fi_curve(Lif, [300.0, 600.0], duration=100.0, tau_ref=ref) for ref in (0.0, 5.0)]
    figure = plot_fi_curve(curves, tmp_path / "fi.svg", title="LIF")
    (axis,) = figure.axes
    assert [line.get_ydata().tolist() for line in axis.lines] == [curve.rates.tolist() for curve in curves]
    assert curves[0].rates[1] > curves[1].rates[1] > 0
    assert axis.get_xlabel() == "current (pA)"
    assert "<svg" in (tmp_path / "fi.svg").read_text()


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(errors.ArgumentError, match="currents='abc'"):
        fi_curve(Lif, "abc")
    with pytest.raises(errors.ArgumentError, match="currents is empty"):
        fi_curve(Lif, [])
    with pytest.raises(errors.ArgumentError, match="emits no spikes"):
        fi_curve("analog", [1.0])
    with pytest.raises(errors.ArgumentError, match="no curve to draw"):
        plot_fi_curve([])


def test_a_picture_that_cannot_be_written_is_refused(recording, tmp_path):
    with pytest.raises(
        errors.OutputError, match=r"ending 'docx' is of no kind of picture; give one of .*png"
    ):
        plot_recording(recording, tmp_path / "run.docx")
    with pytest.raises(errors.OutputError, match="does not exist"):
        plot_recording(recording, tmp_path / "nowhere" / "run.png")
    assert check_writable(tmp_path / "run.png")
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib_the_error_names_the_extra(recording, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(errors.RheobaseError, match=r"pip install 'rheobase\[plot\]'"):
        plot_recording(recording)


def test_the_public_names_are_those_of_the_pipeline_and_say_nothing_when_used(recwarn):
    from rheobase.pipeline import plots

    assert rb.plots.plot_recording is plots.plot_recording
    assert rb.plots.fi_curve is plots.fi_curve
    assert "plots" in dir(rb)
    assert not recwarn.list


def test_a_recording_draws_itself_and_a_notebook_sees_it(recording, tmp_path):
    figure = recording.plot(tmp_path / "run.svg")
    assert [axis.get_ylabel() for axis in figure.axes] == ["voltage (mV)", "current (pA)", "unit"]
    assert "<svg" in (tmp_path / "run.svg").read_text()
    shown = figure._repr_png_()
    assert shown.startswith(b"\x89PNG")
    assert len(shown) > 5000
    assert shown == figure._repr_png_()  # it is still there
    curve = rb.plots.plot_fi_curve(fi_curve(Lif, [300.0, 600.0], duration=20.0))
    assert curve._repr_png_().startswith(b"\x89PNG")


def test_axes_of_ones_own_are_drawn_in(recording):
    from matplotlib.figure import Figure

    mine = Figure()
    axes = mine.subplots(3, 1)
    assert recording.plot(ax=axes) is mine
    assert torch.equal(torch.tensor(axes[0].lines[1].get_ydata()), recording.traces["voltage"][:, 1])
    assert axes[2].get_ylabel() == "unit"
    alone = Figure().subplots()
    spikes = rb.simulate(rb.create(Lif, 2), 600.0, 50.0)
    assert spikes.plot(ax=alone) is alone.get_figure()
    assert len(alone.lines[0].get_xdata()) == len(spikes.spikes) > 0
    with pytest.raises(
        errors.ArgumentError, match="1 axes were given for 3 panels: voltage, current, spikes"
    ):
        recording.plot(ax=alone)


def test_units_that_were_chosen_are_drawn():
    chosen = rb.simulate(rb.create(Lif, 5), 600.0, 50.0, record={"spikes": [4], "voltage": [1, 4]})
    voltage, raster = chosen.plot().axes
    assert torch.equal(torch.tensor(voltage.lines[1].get_ydata()), chosen.traces["voltage"][:, 1])
    assert set(raster.lines[0].get_ydata().tolist()) == {4}


def test_a_recording_with_a_graph_is_drawn_as_the_one_without():
    shift = torch.nn.Parameter(torch.tensor(0.5, dtype=torch.float64))

    def run(grad):
        cell = rb.create(Lif, 2, event="located", tau_ref=shift, dtype=torch.float64)
        return rb.simulate(cell, 600.0, 50.0, record=("spikes", "voltage"), grad=grad)

    graph, plain = run(True), run(False)
    assert graph.spikes.times.requires_grad
    assert graph.traces["voltage"].requires_grad
    for mine, other in zip(graph.plot().axes, plain.plot().axes, strict=True):
        assert [line.get_ydata().tolist() for line in mine.lines] == [
            line.get_ydata().tolist() for line in other.lines
        ]
    graph.spikes.times.sum().backward()  # the graph is still there
    assert shift.grad != 0


def test_the_curve_of_currents_that_are_learnt_is_drawn():
    currents = torch.tensor([300.0, 600.0], dtype=torch.float64, requires_grad=True)
    (axis,) = plot_fi_curve(fi_curve(Lif, currents, duration=20.0)).axes
    assert axis.lines[0].get_xdata().tolist() == [300.0, 600.0]

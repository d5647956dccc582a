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

from rheobase.plots import (  # noqa: E402
    characterise,
    fi_curve,
    plot_characterisation,
    plot_fi_curve,
    plot_phase_plane,
    plot_raster,
    plot_recording,
)


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


@pytest.fixture(scope="module")
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


class FitzHugh(rb.SpikingNeuron):
    """v' = v - v^3 / 3 - w + I, w' = 0.08 (v + 0.7 - 0.8 w)."""

    voltage = rb.State(-1.0, unit="1")
    w = rb.State(0.0, unit="1")

    @staticmethod
    def derivatives(state, params, data):
        v, w = state.voltage, state.w
        return {"voltage": v - v**3 / 3 - w + data, "w": 0.08 * (v + 0.7 - 0.8 * w)}

    @staticmethod
    def threshold(state, params):
        return state.voltage - 1.0


def test_nullclines_are_where_a_slope_is_zero_and_the_run_goes_between_them(tmp_path):
    figure = plot_phase_plane(FitzHugh, 0.5, tmp_path / "plane.png", duration=60.0, dtype=torch.float64)
    (axis,) = figure.axes
    slopes = [
        lambda v, w: v - v**3 / 3 - w + 0.5,
        lambda v, w: v + 0.7 - 0.8 * w,
    ]
    contours = [each for each in axis.collections if hasattr(each, "levels")]
    assert len(contours) == 2
    for contour, slope in zip(contours, slopes, strict=True):
        points = torch.tensor(contour.get_paths()[0].vertices)
        assert len(points) > 50
        # Interpolated between points of a grid with a step of some hundredths.
        assert float(slope(points[:, 0], points[:, 1]).abs().max()) < 5e-3
    run = rb.simulate(rb.create(FitzHugh, dtype=torch.float64), 0.5, 60.0, record=("voltage", "w"))
    course = next(line for line in axis.lines if len(line.get_xdata()) > 100)
    assert course.get_xdata()[1:].tolist() == run.traces["voltage"][:, 0].tolist()
    assert course.get_ydata()[1:].tolist() == run.traces["w"][:, 0].tolist()
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("voltage", "w")


class Tilted(FitzHugh):
    """Three states and two inputs, one of them with a default that counts."""

    z = rb.State(0.25, unit="mV")
    drive = rb.Input(unit="pA")
    offset = rb.Input(unit="pA", default=0.5)

    @staticmethod
    def derivatives(state, params, data):
        v, w = state.voltage, state.w
        return {
            "voltage": v - v**3 / 3 - w + data.drive + data.offset + state.z,
            "w": 0.08 * (v + 0.7 - 0.8 * w),
            "z": 0.0 * v,
        }


def test_of_more_states_two_are_named_and_the_others_stay_where_they_begin():
    with pytest.raises(errors.ArgumentError, match=r"3 states: voltage, w, z; name two"):
        plot_phase_plane(Tilted)
    with pytest.raises(errors.ArgumentError, match="no state 'u'"):
        plot_phase_plane(Tilted, states=("voltage", "u"))
    figure = plot_phase_plane(
        Tilted, 0.1, states=("w", "voltage"), x=(-1.0, 2.0), y=(-2.5, 2.5), duration=5.0
    )
    (axis,) = figure.axes
    assert (axis.get_xlim(), axis.get_ylim()) == ((-1.0, 2.0), (-2.5, 2.5))
    contour = [each for each in axis.collections if hasattr(each, "levels")][1]
    w, v = torch.tensor(contour.get_paths()[0].vertices).T
    assert float((v - v**3 / 3 - w + 0.1 + 0.5 + 0.25).abs().max()) < 2e-2


class Escaping(FitzHugh):
    """Spikes by chance, from a state that no author declared."""

    @staticmethod
    def hazard(state, params):
        return torch.exp(10.0 * state.voltage - 20.0)


class Alone(Lif):
    """One state, and a spike by chance."""

    @staticmethod
    def hazard(state, params):
        return torch.exp(state.voltage)


def test_a_spike_by_chance_adds_no_axis():
    (axis,) = plot_phase_plane(Escaping, 0.5, duration=2.0).axes
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("voltage", "w")
    with pytest.raises(errors.ArgumentError, match="has 1 state: voltage; a phase plane has two"):
        plot_phase_plane(Alone)
    (axis,) = plot_phase_plane(Alone, states=("voltage", "hazard_left"), duration=2.0, seed=0).axes
    assert axis.get_ylabel() == "hazard_left"


def test_a_plane_without_a_nullcline_is_drawn_without_a_warning(recwarn):
    figure = plot_phase_plane(FitzHugh, 0.5, x=(-0.2, 0.2), y=(5.0, 6.0), duration=1.0)
    assert [each for each in figure.axes[0].collections if hasattr(each, "levels")] == []
    assert len(recwarn) == 0


class Adapting(Lif):
    """An adaptation current that spikes raise, and that a pulse down lets fall below zero."""

    w = rb.State(0.0, unit="pA", at_rest=True)

    @staticmethod
    def derivatives(state, params, data):
        slope = (0.04 * (data.current - state.w) - state.voltage) / 10.0
        return {"voltage": slope, "w": (20.0 * state.voltage - state.w) / 60.0}

    @staticmethod
    def reset(state, params):
        return {"voltage": 0.0, "w": state.w + 30.0}


def test_a_characterisation_shows_pulses_a_rebound_and_adaptation(tmp_path):
    seen = characterise(Adapting, 800.0, dtype=torch.float64)
    assert (seen.current, seen.start, seen.stop, seen.unit) == (800.0, 100.0, 300.0, "pA")
    strong = seen.intervals(2)
    assert len(strong) > 5
    assert bool((strong.diff() > -1e-9).all())
    assert float(strong[-1]) > 1.2 * float(strong[0])
    trace = seen.recording.traces["voltage"]
    # The pulse down lets w fall; it is what is left afterwards that lifts the voltage above rest.
    assert float(trace[1000:3000, 3].min()) < -10.0
    assert float(trace[3000:, 3].max()) > 1.0
    figure = plot_characterisation(seen, tmp_path / "model.png")
    pulses, rebound, adaptation = figure.axes
    assert [len(axis.lines) for axis in (pulses, rebound)] == [3, 1]
    assert rebound.lines[0].get_ydata().tolist() == trace[:, 3].float().tolist()
    assert adaptation.lines[-1].get_ydata().tolist() == strong.tolist()


def test_without_a_current_it_follows_from_the_rheobase():
    seen = characterise(Lif, duration=40.0)
    assert seen.current == pytest.approx(1.5 * 375.0, rel=1e-3)

    class Restless(Lif):
        @staticmethod
        def derivatives(state, params, data):
            return {"voltage": 2.0 + 0.0 * data.current + 0.0 * state.voltage}

    with pytest.raises(errors.ArgumentError, match=r"rheobase of Restless is 0.*give current="):
        characterise(Restless)


def test_each_picture_goes_into_axes_of_yours(recording):
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots(2, 3).reshape(-1)
    curve = fi_curve(Lif, [300.0, 600.0], duration=50.0)
    seen = characterise(Adapting, 800.0, duration=40.0)
    for draw in (
        lambda: plot_raster(recording, ax=axes[0]),
        lambda: plot_fi_curve(curve, ax=axes[1]),
        lambda: plot_phase_plane(FitzHugh, 0.5, duration=2.0, ax=axes[2]),
        lambda: plot_characterisation(seen, ax=axes[3:]),
    ):
        assert draw() is figure
    assert all(len(axis.lines) > 0 for axis in axes)
    assert len(figure.axes) == 6
    with pytest.raises(
        errors.ArgumentError, match="2 axes were given for 3 panels: pulses, rebound, adaptation"
    ):
        plot_characterisation(seen, ax=axes[:2])
    with pytest.raises(errors.ArgumentError, match="2 axes were given for 1 panel"):
        plot_raster(recording, ax=axes[:2])


def test_a_raster_has_the_spikes_alone_and_needs_some_recorded(recording, tmp_path):
    (axis,) = plot_raster(recording, tmp_path / "raster.png", title="three").axes
    (marks,) = axis.lines
    assert marks.get_xdata().tolist() == recording.spikes.times.tolist()
    assert axis.get_title("left") == "three"
    silent = rb.simulate(rb.create(Lif), 0.0, 5.0, record="voltage")
    with pytest.raises(errors.ArgumentError, match="no spikes to draw"):
        plot_raster(silent)

"""Prepared runs: which backend takes them, what is said of one that refuses, and what they leave."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import pytest
import rheobase as rb
import torch
from rheobase import errors
from rheobase.pipeline import backends, eager, journal
from rheobase.pipeline.again import again

ROWS = torch.full((100, 2), 150.0)  # pA; the lif of these tests fires above 100


@pytest.fixture(autouse=True)
def alone(rheobase_registry, monkeypatch):
    """No backends but core's and those of the test, and nothing was warned of."""
    monkeypatch.setattr(backends, "WARNED", set())


class Amiss(NotImplementedError):
    """A refusal for which somebody is to mend something."""

    amiss = True


class Quick:
    """Prepares what eager does; refuses when it is made ready, or in a call.

    Args:
        early: What its ``prepare`` raises.
        late: What each call raises that finds something there.
    """

    def __init__(self, early=None, late=()):
        self.early, self.late = early, late

    def __call__(self, *args, **kwargs):
        return eager.run(*args, **kwargs)

    def prepare(self, neuron, *, record, grad, every):
        if self.early is not None:
            raise self.early

        def take(drive, steps):
            if self.late:
                raise self.late[-1]
            made = eager.run(
                neuron, drive, steps, record=tuple(record), grad=grad, progress=False, every=every
            )
            spikes = made.spikes
            return rb.Taken(lambda: (spikes.times, spikes.units, spikes.batch), made.traces, made.batch_shape)

        return take


def by_simulate(lif, calls=1, **arguments):
    neuron = rb.create(lif, 2)
    return [rb.simulate(neuron, ROWS, backend="eager", **arguments) for _ in range(calls)]


def test_calls_are_one_run_of_simulate(offer, lif):
    offer(quick=Quick())
    run = rb.prepare(rb.create(lif, 2), record=("spikes", "voltage"), every=7)
    assert run.backend == "quick"
    assert repr(run) == "<prepared run of LIFNeuron in quick>"
    for expected in by_simulate(lif, 3, record=("spikes", "voltage"), every=7):
        made = run(ROWS)
        assert torch.equal(made.traces["voltage"], expected.traces["voltage"])
        assert torch.equal(made.spikes.times, expected.spikes.times)
        assert len(made.spikes) > 0
        assert (made.first_step, made.trace_units) == (expected.first_step, {"voltage": "mV"})
        assert made.warnings == []
        assert made.provenance["backend"].note is None


def test_a_backend_that_knows_of_no_units_is_narrowed(offer, lif):
    offer(quick=Quick())
    record = {"spikes": [1], "voltage": [1, 0]}
    run = rb.prepare(rb.create(lif, 2), record=record)
    [expected] = by_simulate(lif, record=record)
    made = run(ROWS)
    assert run.backend == "quick"
    assert torch.equal(made.traces["voltage"], expected.traces["voltage"])
    assert made.spikes.units.tolist() == expected.spikes.units.tolist() != []
    assert made.trace_indices["voltage"].tolist() == [1, 0]


@pytest.mark.parametrize("early", [True, False])
def test_a_refusal_is_one_warning_of_the_users_line_and_the_run_goes_on_in_eager(offer, lif, early):
    refusal = Amiss("no compiler")
    offer(shy=Quick(refusal) if early else Quick(late=[refusal]))
    neuron = rb.create(lif, 2)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run = rb.prepare(neuron, record="voltage")
        made = run(ROWS)
    [told] = caught
    assert str(told.message) == (
        "the backend 'shy' refused this run of LIFNeuron (no compiler); it went on in 'eager'"
    )
    assert told.filename == __file__
    assert run.backend == ("eager" if early else "shy")
    # Warnings are errors here: another one would end the test.
    neuron.integrator = rb.integrator("rk2")  # it is made ready anew
    for recording in (made, run(ROWS)):
        assert recording.warnings == [str(told.message)]
        assert recording.provenance["backend"].name == "eager"
        assert recording.provenance["backend"].note == str(told.message)
    expected = by_simulate(lif, record="voltage")
    assert torch.equal(made.traces["voltage"], expected[0].traces["voltage"])


def test_a_neuron_that_is_made_ready_anew_is_warned_of_at_the_users_line(offer, lif):
    quick = Quick()
    offer(quick=quick)
    neuron = rb.create(lif, 2)
    run = rb.prepare(neuron)
    run(ROWS)
    quick.early = Amiss("not today")
    neuron.integrator = rb.integrator("rk2")
    with pytest.warns(errors.RheobaseWarning, match="not today") as caught:
        run(ROWS)
    assert [told.filename for told in caught] == [__file__]


def test_a_run_that_is_none_for_a_backend_is_noted_in_its_provenance_alone(offer, lif):
    offer(shy=Quick(NotImplementedError("one unit only")))
    made = rb.prepare(rb.create(lif, 2))(ROWS)  # warnings are errors here
    assert made.warnings == []
    assert "one unit only" in made.provenance["backend"].note


def test_the_refusals_of_a_call_are_not_those_of_the_next(offer, lif):
    late = [NotImplementedError("not on Mondays")]
    offer(shy=Quick(late=late))
    run = rb.prepare(rb.create(lif, 2))
    assert "not on Mondays" in run(ROWS).provenance["backend"].note
    late[0] = NotImplementedError("nor on Tuesdays")
    assert "Mondays" not in run(ROWS).provenance["backend"].note
    late.clear()
    made = run(ROWS)
    assert (made.provenance["backend"].name, made.provenance["backend"].note) == ("shy", None)


@pytest.mark.parametrize("early", [True, False])
def test_where_warnings_are_errors_a_refusal_is_one_before_anything_is_run(offer, lif, early):
    refusal = Amiss("no compiler")
    offer(shy=Quick(refusal) if early else Quick(late=[refusal]))
    neuron = rb.create(lif, 2)
    for _ in range(2):
        with pytest.raises(errors.RheobaseWarning, match="no compiler"):  # pytest makes them errors
            rb.prepare(neuron)(ROWS)
        assert neuron.simulation_step == 0


@pytest.mark.parametrize("early", [True, False])
def test_a_backend_that_was_asked_for_and_refuses_is_an_error(offer, lif, early):
    refusal = NotImplementedError("one unit only")
    offer(shy=Quick(refusal) if early else Quick(late=[refusal]))
    neuron = rb.create(lif, 2)
    told = r"'shy' refuses this run of LIFNeuron \(one unit only\)"
    with pytest.raises(errors.BackendError, match=told) as caught:
        rb.prepare(neuron, backend="shy")(ROWS)
    assert caught.value.__cause__ is refusal
    assert neuron.simulation_step == 0


def test_a_backend_that_cannot_be_loaded_is_noted_and_one_that_prepares_nothing_is_passed_over(offer, lif):
    offer(plain=eager.run)

    class Broken:
        @rb.hookimpl
        def rheobase_backends(self):
            return [rb.BackendSpec("gone", "no_such_module_of_a_backend:run")]

    rb.register(Broken())
    made = rb.prepare(rb.create(lif, 2))(ROWS)
    assert made.provenance["backend"].name == "eager"
    [note] = made.warnings
    assert "no_such_module_of_a_backend" in note
    with pytest.raises(errors.PluginError, match="no_such_module_of_a_backend"):
        rb.prepare(rb.create(lif, 2), backend="gone")
    assert rb.prepare(rb.create(lif, 2), backend="plain")(ROWS).provenance["backend"].name == "plain"
    with pytest.raises(errors.ComponentError, match=r"'plane'.*did you mean 'plain'"):
        rb.prepare(rb.create(lif, 2), backend="plane")


def test_what_eager_was_left_says_where_it_came_from_when_it_is_interrupted(offer, lif, monkeypatch):
    offer(shy=Quick(late=[NotImplementedError("one unit only")]))
    neuron = rb.create(lif, 2)
    run = rb.prepare(neuron, record={"voltage": [1]})
    advance, calls = neuron.advance, []

    def struck(data):
        calls.append(data)
        if len(calls) == 9:
            raise KeyboardInterrupt
        return advance(data)

    monkeypatch.setitem(neuron.__dict__, "advance", struck)
    with pytest.raises(rb.SimulationInterrupted) as caught:
        run(ROWS)
    recording = caught.value.recording
    assert (recording.steps, recording.traces["voltage"].shape) == (8, (8, 1))
    assert "one unit only" in recording.provenance["backend"].note


def test_what_is_no_neuron_is_told_as_simulate_tells_it(lif):
    wrapped = SimpleNamespace(_orig_mod=rb.create("analog"))  # as torch.compile has a module
    told = {}
    for given in (wrapped, rb.AnalogNeuron, 3):
        for call in (lambda given: rb.simulate(given, 1.0, 1.0), rb.prepare):
            with pytest.raises(errors.ArgumentError) as caught:
                call(given)
            told.setdefault(str(type(given)), []).append(str(caught.value))
    (compiled, prepared), *others = told.values()
    assert compiled.replace("simulate", "a prepared run") == prepared
    assert "compiled form of analog, whose steps a prepared run cannot take" in prepared
    assert all(one == other for one, other in others)


def test_the_recording_of_a_prepared_run_says_why_it_cannot_be_run_again(lif):
    with pytest.raises(errors.ArgumentError, match="or by a prepared run"):
        again(rb.prepare(rb.create(lif, 2))(ROWS))


def test_a_journal_narrows_what_a_prepared_backend_recorded_of_all_units(offer, lif, tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "SECONDS", 0.0)
    offer(quick=Quick())
    neuron, out, record = rb.create(lif, 2), tmp_path / "run.npz", {"spikes": [1], "voltage": [1]}
    run = rb.prepare(neuron, record=record)

    def killed():
        with journal.journaling(out, neuron, record):
            runs.append(run(torch.full((500, 2), 150.0)))
            raise ZeroDivisionError

    runs = []
    with pytest.warns(errors.RheobaseWarning, match="recover"), pytest.raises(ZeroDivisionError):
        killed()
    back, _ = journal.recover(out)
    rows = len(back.traces["voltage"])
    assert rows > 0
    assert torch.equal(back.traces["voltage"], runs[0].traces["voltage"][:rows])
    assert set(back.spikes.units.tolist()) == {1}

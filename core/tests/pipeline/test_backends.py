"""Backends: which one runs, what is said of one that refuses, and who looks at the values of a stimulus."""

from __future__ import annotations

import pytest
import rheobase as rb
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rheobase import errors
from rheobase.pipeline import backends, eager
from rheobase.pipeline.drive import Drive

CURRENT = 150.0  # pA; the lif of these tests fires above 100


@pytest.fixture(autouse=True)
def alone(rheobase_registry, monkeypatch):
    """No backends but core's and those of the test, and nothing was warned of."""
    monkeypatch.setattr(backends, "WARNED", set())


def willing(*args, **kwargs):
    """Takes everything: it is eager."""
    return eager.run(*args, **kwargs)


class Amiss(NotImplementedError):
    """A refusal for which somebody is to mend something."""

    amiss = True


def refusing(reason, calls=None, *, amiss=False):
    def run(neuron, drive, steps, **kwargs):
        if calls is not None:
            calls.append(neuron)
        raise (Amiss if amiss else NotImplementedError)(reason)

    return run


def choosy(answer, asked, run=willing):
    """A backend that says whether it pays."""

    def taken(*args, **kwargs):
        return run(*args, **kwargs)

    def pays(neuron, drive, steps, *, record, grad):
        asked.append((neuron, drive.constant, steps, record, grad))
        return answer

    taken.pays = pays
    return taken


def ran_in(recording):
    return recording.provenance["backend"].name


def untouched(neuron, model):
    fresh = rb.create(model, neuron.num_units).state_dict()
    saved = neuron.state_dict()
    return saved.keys() == fresh.keys() and all(torch.equal(saved[name], fresh[name]) for name in fresh)


def test_auto_takes_an_installed_backend_and_says_so(offer, lif):
    offer(quick=willing)
    recording = rb.simulate(rb.create(lif), CURRENT, 50.0)
    alone = rb.simulate(rb.create(lif), CURRENT, 50.0, backend="eager")
    assert (ran_in(recording), ran_in(alone)) == ("quick", "eager")
    assert recording.warnings == []
    assert torch.equal(recording.spikes.times, alone.spikes.times)
    assert len(alone.spikes) > 3


@pytest.mark.parametrize("backend", ["auto", "quick"])
def test_a_backend_is_called_with_all_of_the_contract(offer, lif, backend):
    calls = []

    def quick(*args, **kwargs):
        calls.append((args, kwargs))
        return eager.run(*args, **kwargs)

    offer(quick=quick)
    neuron = rb.create(lif)
    rb.simulate(neuron, CURRENT, 50.0, backend=backend)
    rb.simulate(neuron, CURRENT, 5.0, backend=backend, record="voltage", grad=True, progress=False, every=7)
    (first, usual), (second, other) = calls
    assert first[0] is neuron
    assert isinstance(first[1], Drive)
    assert (first[2], second[2]) == (500, 50)
    assert usual == {"record": ("spikes",), "grad": False, "progress": None, "every": 1}
    assert other == {"record": ("voltage",), "grad": True, "progress": False, "every": 7}


def test_an_unknown_backend_is_refused_with_what_is_installed(offer, lif):
    offer(quick=willing)
    with pytest.raises(errors.ComponentError, match=r"'quikc'.*did you mean 'quick'"):
        rb.simulate(rb.create(lif), CURRENT, 1.0, backend="quikc")


def test_a_backend_that_was_asked_for_and_refuses_is_an_error_that_says_what_to_do(offer, lif):
    offer(shy=refusing("one unit only"))
    neuron = rb.create(lif, 2)
    with pytest.raises(errors.BackendError) as caught:
        rb.simulate(neuron, CURRENT, 5.0, backend="shy")
    for part in ("'shy'", "LIFNeuron", "one unit only", 'backend="auto"', 'backend="eager"'):
        assert part in str(caught.value)
    assert isinstance(caught.value, errors.RheobaseError)
    assert isinstance(caught.value, NotImplementedError)
    assert type(caught.value.__cause__) is NotImplementedError
    assert str(caught.value.__cause__) == "one unit only"
    assert untouched(neuron, lif)


def test_a_refusal_without_a_reason_says_so(offer, lif):
    offer(shy=refusing(""))
    with pytest.raises(errors.BackendError, match="it gives no reason"):
        rb.simulate(rb.create(lif), CURRENT, 5.0, backend="shy")


def test_what_eager_cannot_run_is_no_matter_of_backends():
    class Nothing(rb.Neuron):
        """Neither dynamics nor a forward of its own."""

    for backend in ("auto", "eager"):
        with pytest.raises(NotImplementedError) as caught:
            rb.simulate(rb.create(Nothing), 1.0, 1.0, record="voltage", backend=backend)
        assert not isinstance(caught.value, errors.BackendError)


def test_in_auto_a_run_that_is_none_for_a_backend_is_noted_in_its_provenance_alone(offer, lif, tmp_path):
    offer(shy=refusing("one unit only"))
    # Warnings are errors here.
    recording = rb.simulate(rb.create(lif, 2), CURRENT, 50.0)
    assert recording.warnings == []
    told = "the backend 'shy' refused this run of LIFNeuron (one unit only); it went on in 'eager'"
    assert recording.provenance["backend"].note == told
    assert recording.provenance["backend"].as_dict()["note"] == told
    recording.save(tmp_path / "run.npz")
    assert rb.Recording.load(tmp_path / "run.npz").provenance == recording.provenance
    alone = rb.simulate(rb.create(lif, 2), CURRENT, 50.0, backend="eager")
    assert alone.provenance["backend"].note is None
    assert "note" not in alone.provenance["backend"].as_dict()


def test_in_auto_a_refusal_is_one_warning_and_the_run_goes_on_in_eager(offer, lif):
    offer(shy=refusing("one unit only", amiss=True))
    with pytest.warns(errors.RheobaseWarning) as caught:
        recording = rb.simulate(rb.create(lif, 2), CURRENT, 50.0)
    [told] = caught
    assert str(told.message) == (
        "the backend 'shy' refused this run of LIFNeuron (one unit only); it went on in 'eager'"
    )
    assert told.filename == __file__
    assert recording.warnings == [str(told.message)]
    assert ran_in(recording) == "eager"
    alone = rb.simulate(rb.create(lif, 2), CURRENT, 50.0, backend="eager")
    assert torch.equal(recording.spikes.times, alone.spikes.times)
    assert alone.warnings == []


def test_the_same_refusal_warns_once_in_a_process_and_stays_in_every_recording(offer, lif, ramp):
    reasons = ["one unit only"]

    def shy(*args, **kwargs):
        raise Amiss(reasons[-1])

    offer(shy=shy)
    with pytest.warns(errors.RheobaseWarning, match="one unit only"):
        rb.simulate(rb.create(lif, 2), CURRENT, 5.0)
    # Warnings are errors here: another one would end the test.
    again = rb.simulate(rb.create(lif, 3, tau_mem=7.0), CURRENT, 5.0)
    assert len(again.warnings) == 1
    with pytest.warns(errors.RheobaseWarning, match="RampNeuron"):  # another model
        rb.simulate(rb.create(ramp, 2), 1.0, 5.0)
    reasons.append("not on Mondays")
    with pytest.warns(errors.RheobaseWarning, match="not on Mondays"):
        rb.simulate(rb.create(lif, 2), CURRENT, 5.0)
    backends.WARNED.clear()
    with pytest.warns(errors.RheobaseWarning, match="not on Mondays"):
        rb.simulate(rb.create(lif, 2), CURRENT, 5.0)


def test_another_backend_with_the_same_reason_is_news(offer, lif):
    offer(shy=refusing("not today", amiss=True))
    with pytest.warns(errors.RheobaseWarning, match="'shy'"):
        rb.simulate(rb.create(lif), CURRENT, 5.0)
    offer(shier=refusing("not today", amiss=True))
    with pytest.warns(errors.RheobaseWarning, match="'shier'"):
        rb.simulate(rb.create(lif), CURRENT, 5.0)


def test_several_refusals_of_a_run_are_one_warning(offer, lif):
    offer(shy=refusing("one unit only", amiss=True), timid=refusing("not today", amiss=True))
    with pytest.warns(errors.RheobaseWarning) as caught:
        recording = rb.simulate(rb.create(lif), CURRENT, 5.0)
    [told] = caught
    for part in ("'shy'", "one unit only", "'timid'", "not today", "'eager'"):
        assert part in str(told.message)
    assert recording.warnings == [str(told.message)]


def test_a_refusal_that_another_backend_makes_good_is_noted_without_a_warning(offer, lif):
    offer(a_shy=refusing("one unit only", amiss=True), b_quick=willing)
    recording = rb.simulate(rb.create(lif), CURRENT, 5.0)
    assert ran_in(recording) == "b_quick"
    [note] = recording.warnings
    assert "'a_shy' refused this run of LIFNeuron (one unit only); it went on in 'b_quick'" in note


def test_where_warnings_are_errors_every_refusal_is_one_before_anything_is_run(offer, lif):
    offer(shy=refusing("not today", amiss=True))
    neuron = rb.create(lif)
    for _ in range(2):
        with pytest.raises(errors.RheobaseWarning, match="not today"):  # pytest makes them errors
            rb.simulate(neuron, CURRENT, 5.0)
        assert untouched(neuron, lif)


def test_auto_asks_a_backend_whether_it_pays_and_goes_on_in_silence(offer, lif):
    asked, calls = [], []
    offer(dear=choosy(False, asked, refusing("it was not to be run", calls)))
    neuron = rb.create(lif, 2)
    rows = torch.full((50, 2), CURRENT)
    recording = rb.simulate(neuron, rows, record=("spikes", "voltage"), grad=True)
    assert asked == [(neuron, False, 50, ("spikes", "voltage"), True)]
    assert calls == []
    assert ran_in(recording) == "eager"
    assert recording.warnings == []


def test_a_backend_that_does_not_pay_leaves_the_run_to_the_next(offer, lif):
    asked = []
    offer(a_dear=choosy(False, asked), b_cheap=choosy(True, asked), c_other=choosy(True, asked))
    recording = rb.simulate(rb.create(lif), CURRENT, 5.0)
    assert ran_in(recording) == "b_cheap"
    assert recording.warnings == []
    assert len(asked) == 2


def test_a_backend_that_was_asked_for_is_not_asked_whether_it_pays(offer, lif):
    asked = []
    offer(dear=choosy(False, asked))
    assert ran_in(rb.simulate(rb.create(lif), CURRENT, 5.0, backend="dear")) == "dear"
    assert asked == []


def test_pays_that_cannot_be_called_is_somebody_elses_attribute(offer, lif):
    def quick(*args, **kwargs):
        return eager.run(*args, **kwargs)

    quick.pays = False
    offer(quick=quick)
    assert ran_in(rb.simulate(rb.create(lif), CURRENT, 5.0)) == "quick"


def test_in_auto_a_backend_that_cannot_be_loaded_is_noted(lif):
    class Broken:
        @rb.hookimpl
        def rheobase_backends(self):
            return [rb.BackendSpec("gone", "no_such_module_of_a_backend:run")]

    with rb.register(Broken()):
        recording = rb.simulate(rb.create(lif), CURRENT, 5.0)
        assert ran_in(recording) == "eager"
        [note] = recording.warnings
        assert "no_such_module_of_a_backend" in note
        with pytest.raises(errors.PluginError, match="no_such_module_of_a_backend"):
            rb.simulate(rb.create(lif), CURRENT, 5.0, backend="gone")


BAD_VALUES = st.sampled_from([float("nan"), float("inf"), float("-inf")])


@settings(max_examples=30, deadline=None)
@given(value=BAD_VALUES, step=st.integers(0, 39), batch=st.integers(0, 1), unit=st.integers(0, 2))
def test_in_eager_a_value_that_is_not_finite_is_named_and_the_neuron_is_as_it_was(
    lif, value, step, batch, unit
):
    rows = torch.full((40, 2, 3), CURRENT)
    rows[step, batch, unit] = value
    neuron = rb.create(lif, 3)
    with pytest.raises(
        errors.InputError,
        match=rf"the stimulus has {value} for unit {unit} in step {step} \(counted from 0\)",
    ):
        rb.simulate(neuron, rows, backend="eager")
    assert untouched(neuron, lif)


def test_the_input_that_has_the_value_is_named(two_inputs):
    good = torch.ones(3, 1)
    drive = Drive(
        {"excitation": good, "inhibition": torch.tensor([[1.0], [torch.nan], [1.0]])}, rb.create(two_inputs)
    )
    with pytest.raises(errors.InputError, match="inhibition: the stimulus has nan for every unit in step 1"):
        drive.check()
    Drive({"excitation": good, "inhibition": good}, rb.create(two_inputs)).check()


def test_constants_are_looked_at_when_the_drive_is_made_and_rows_are_not(lif):
    neuron = rb.create(lif, 2)
    for constant in (torch.tensor(torch.nan), torch.tensor([1.0, torch.inf])):
        with pytest.raises(errors.InputError, match="the stimulus has"):
            Drive(constant, neuron)
    Drive(torch.full((3, 2), torch.nan), neuron)


def test_a_backend_that_looks_at_values_itself_costs_no_pass_over_them(offer, lif, monkeypatch):
    passes = []
    whole = torch.aminmax
    monkeypatch.setattr(torch, "aminmax", lambda *args: passes.append(args) or whole(*args))

    def quick(neuron, drive, steps, **kwargs):
        before = len(passes)
        recording = rb.Recording(rb.simulate(neuron, CURRENT, 1.0, backend="eager").spikes, {}, 0.1, steps)
        del passes[before:]  # those of that other run
        return recording

    offer(quick=quick)
    rows = torch.full((20, 1), CURRENT)
    assert ran_in(rb.simulate(rb.create(lif), rows)) == "quick"
    assert passes == []
    rb.simulate(rb.create(lif), rows, backend="eager")
    assert len(passes) == 1

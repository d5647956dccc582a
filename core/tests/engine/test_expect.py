"""The published result that a preset declares."""

from __future__ import annotations

import copy
import pickle

import pytest
import rheobase as rb
from rheobase.errors import DeclarationError


def test_an_expected_result_has_its_figures_source_and_tolerances():
    expected = rb.Expect(spikes=3, first=(1.0, 2.5), rate=40, within=0.01, source="a paper, figure 1")
    assert expected.claims == {"spikes": (3.0,), "first": (1.0, 2.5), "rate": (40.0,)}
    assert [expected.allowed(name, 40.0) for name in ("spikes", "first", "rate")] == [0.0, 0.01, 0.4]
    assert rb.Expect(isi=5.0, peak=-20.0, source="b").allowed("isi", 5.0) == 0.1
    assert rb.Expect(isi=5.0, peak=-20.0, source="b").allowed("peak", -20.0) == pytest.approx(0.02)
    assert repr(expected) == "Expect(spikes=3.0, first=(1.0, 2.5), rate=40.0: a paper, figure 1)"


@pytest.mark.parametrize("source", ["", "  ", None])
def test_a_result_without_a_source_is_refused(source):
    with pytest.raises(DeclarationError, match="no source"):
        rb.Expect(spikes=3, source=source)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "nothing is expected"),
        ({"spikes": 1.5}, "number of spikes"),
        ({"spikes": -1}, "number of spikes"),
        ({"spikes": True}, "a number"),
        ({"first": ()}, "a time in ms, or several"),
        ({"first": (2.0, 1.0)}, "in order"),
        ({"first": "soon"}, "a time in ms"),
        ({"isi": (5.0, 0.0)}, "above 0"),
        ({"rate": float("nan")}, "a number"),
        ({"period": (1.0, 2.0)}, "a number"),
        ({"peak": 1.0, "within": 0.0}, "within is 0"),
        ({"peak": 1.0, "dt": -1.0}, "dt is -1"),
    ],
)
def test_figures_that_mean_nothing_are_refused(given, told):
    with pytest.raises(DeclarationError, match=told):
        rb.Expect(**given, source="a paper")


def test_a_preset_keeps_what_is_expected_of_it_and_needs_a_run_for_it():
    expected = rb.Expect(spikes=1, source="a paper")
    preset = rb.Preset(stimulus=rb.stimulus.Constant(1.0), duration=10.0, expect=expected)
    assert preset.expect is expected
    for other in (copy.deepcopy(preset), pickle.loads(pickle.dumps(preset))):
        assert other.expect.claims == expected.claims
    assert rb.Preset().expect is None
    with pytest.raises(DeclarationError, match="no stimulus"):
        rb.Preset(duration=10.0, expect=expected)
    with pytest.raises(DeclarationError, match="no duration"):
        rb.Preset(stimulus=rb.stimulus.Constant(1.0), expect=expected)
    with pytest.raises(DeclarationError, match="expect=62"):
        rb.Preset(stimulus=rb.stimulus.Constant(1.0), duration=10.0, expect=62)

"""A constant with a batch, told from rows."""

from __future__ import annotations

import pytest
import rheobase as rb
import torch
from rheobase import stimulus
from rheobase.errors import StimulusError
from rheobase.pipeline.again import again

COLUMN = torch.linspace(120.0, 300.0, 4)[:, None]
TABLE = torch.linspace(120.0, 300.0, 12).reshape(4, 3)


@pytest.mark.parametrize(
    ("amplitude", "event"),
    [(COLUMN, "crossing"), (TABLE, "located"), (TABLE.reshape(2, 2, 3), "crossing")],
    ids=lambda each: each if isinstance(each, str) else str(list(each.shape)),
)
def test_it_is_the_rows_that_it_stands_for(lif, amplitude, event):
    rows = amplitude.expand(200, *amplitude.shape[:-1], 3)
    whole = rb.simulate(rb.create(lif, 3, event=event), rows, record=("spikes", "voltage"), backend="eager")
    short = rb.simulate(
        rb.create(lif, 3, event=event),
        stimulus.Constant(amplitude),
        20.0,
        record=("spikes", "voltage"),
        backend="eager",
    )
    assert short.batch_shape == amplitude.shape[:-1]
    assert torch.equal(short.traces["voltage"], whole.traces["voltage"])
    for part in ("times", "units", "batch"):
        assert torch.equal(getattr(short.spikes, part), getattr(whole.spikes, part))
    assert len(short.spikes) > 10
    signal = rb.simulate(
        rb.create(lif, 3, event=event), stimulus.Constant(amplitude).signal(), 20.0, backend="eager"
    )
    assert torch.equal(signal.counts(), short.counts())


def test_sums_and_sources_with_it_keep_units_and_batch_apart(lif):
    units = torch.tensor([0.0, 20.0, 40.0])
    both = (COLUMN + units).expand(100, 4, 3)
    expected = rb.simulate(rb.create(lif, 3), both, record="voltage").traces["voltage"]
    for given in (
        stimulus.Constant(COLUMN) + stimulus.Constant(units),
        [stimulus.Constant(COLUMN), units],
        stimulus.Constant(units) + stimulus.Constant(COLUMN),
    ):
        rec = rb.simulate(rb.create(lif, 3), given, 10.0, record="voltage")
        assert torch.equal(rec.traces["voltage"], expected)


def test_the_tensor_that_reads_as_rows_is_refused_with_the_way_to_say_it(lif):
    with pytest.raises(StimulusError, match=r"4 rows.*300 steps.*rheobase\.stimulus\.Constant\(tensor\)"):
        rb.simulate(rb.create(lif, 3), COLUMN, 30.0)


def test_a_value_that_is_not_finite_is_named_by_row_and_unit_and_another_width_refused(lif):
    bad = TABLE.clone()
    bad[2, 1] = float("inf")
    with pytest.raises(StimulusError, match=r"unit 1 in the row \[2\] of the batch has inf"):
        stimulus.Constant(bad)
    with pytest.raises(StimulusError, match="made for 3 units, the neuron has 5"):
        rb.simulate(rb.create(lif, 5), stimulus.Constant(TABLE), 1.0)
    with pytest.raises(StimulusError, match=r"shape \[4, 3\]"):
        stimulus.Step(TABLE, start=1.0)


def test_its_run_can_be_taken_again(tmp_path):
    first = rb.simulate(rb.create("analog", 3), stimulus.Constant(TABLE), 1.0, record="voltage")
    first.save(tmp_path / "run.npz")
    second = again(rb.Recording.load(tmp_path / "run.npz")).take()
    assert torch.equal(first.traces["voltage"], second.traces["voltage"])

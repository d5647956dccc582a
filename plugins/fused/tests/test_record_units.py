"""Of some units a kernel leaves what it would leave of all."""

from __future__ import annotations

from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase_fused import runs


@pytest.mark.parametrize("shape", [(9,), (2, 9)], ids=str)
@pytest.mark.parametrize("every", [1, 7])
@pytest.mark.parametrize("kept", [4_000_000, 40], ids=["large-blocks", "small-blocks"])
def test_traces_and_spikes_of_some_units_are_those_of_all(
    shape: tuple[int, ...], every: int, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "_ROWS", kept)
    current = torch.linspace(90.0, 300.0, 9).expand(200, *shape)
    steady: Any = current if len(shape) > 1 else current[0]

    def run(record: Any) -> rb.Recording:
        neuron = rb.create("lif", 9)
        return rb.simulate(neuron, steady, 20.0, record=record, backend="fused", every=every)

    names = ("spikes", "voltage", "spiked", "input")
    whole, some = run(names), run({"spikes": [7, 2], "voltage": [0, 7], "spiked": [7], "input": [3, 1]})
    for name, units in {"voltage": [0, 7], "spiked": [7], "input": [3, 1]}.items():
        assert torch.equal(some.traces[name], whole.traces[name][..., units])
        assert some.traces[name].dtype == whole.traces[name].dtype
        assert some.trace_indices[name].tolist() == units
    chosen = torch.isin(whole.spikes.units, torch.tensor([2, 7]))
    assert 0 < chosen.sum() < len(chosen)
    assert torch.equal(some.spikes.times, whole.spikes.times[chosen])
    assert torch.equal(some.spikes.units, whole.spikes.units[chosen])
    assert torch.equal(some.counts(), whole.counts()[..., [7, 2]])

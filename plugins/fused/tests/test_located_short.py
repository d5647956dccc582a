"""Located spikes where the sums of a step are written anew: as eager's, but for rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import rheobase as rb
import torch

Both = Callable[..., Any]


def _by_unit(recording: Any) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Batch, units and times of spikes, for each unit in the order of time."""
    spikes = recording.spikes
    order = sorted(range(len(spikes)), key=lambda k: (int(spikes.batch[k]), int(spikes.units[k]), k))
    return spikes.batch[order], spikes.units[order], spikes.times[order]


def _require_near(results: Any, *, near: float, spikes: int) -> None:
    """Spikes of the same units, at times within so many milliseconds."""
    (_, one), (_, other) = results
    assert len(one.spikes) >= spikes
    for before, after in zip(_by_unit(one)[:2], _by_unit(other)[:2], strict=True):
        assert torch.equal(before, after)
    apart = (_by_unit(one)[2] - _by_unit(other)[2]).abs()
    assert float(apart.max()) < near


@pytest.mark.parametrize(
    "model",
    ["izhikevich", "hodgkin-huxley", "adex", pytest.param("lif", marks=pytest.mark.by_hand)],
    indirect=True,
)
def test_spikes_of_every_model_come_at_the_times_of_eager(model: Any, steady: Both) -> None:
    _require_near(steady(model), near=1e-9, spikes=30)


def test_float32_gives_the_same_spikes(both: Both) -> None:
    current = torch.linspace(60.0, 300.0, 41)
    results = both(lambda: rb.create("lif", 41, event="located"), current, 30.0)
    # A hundredth of a step; the unit in the last place of a voltage is passed in 1e-6 ms.
    _require_near(results, near=1e-3, spikes=100)


def test_rows_of_input_and_refractory_periods_that_end_within_a_step_give_the_same(both: Both) -> None:
    generator = torch.Generator().manual_seed(5)
    rows = 60.0 + 400.0 * torch.rand(200, 3, 21, generator=generator, dtype=torch.float64)
    results = both(
        lambda: rb.create("lif", 21, dtype=torch.float64, tau_ref=0.73, event="located"), rows, 20.0
    )
    _require_near(results, near=1e-10, spikes=300)


def test_several_spikes_in_one_step_give_the_same(both: Both) -> None:
    current = torch.linspace(500.0, 5000.0, 21, dtype=torch.float64)
    results = both(
        lambda: rb.create("lif", 21, dtype=torch.float64, tau_ref=0.05, dt=1.0, event="located"),
        current,
        10.0,
    )
    counts = torch.bincount(results[0][1].spikes.units)
    assert int(counts.max()) > 20  # in ten steps
    _require_near(results, near=1e-10, spikes=100)

"""Several sources of an input, combined before the kernel takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import stimulus

NOISE = stimulus.OrnsteinUhlenbeck(mean=200.0, std=80.0, tau=5.0, seed=3)


@pytest.mark.parametrize(
    ("aggregator", "given"),
    [
        (None, [NOISE, stimulus.Step(30.0, start=5.0)]),
        ("shunting", {"soma": NOISE, "shunt:axon": stimulus.Step(0.5, start=5.0)}),
        ("shunting", {"soma": torch.linspace(150.0, 400.0, 7), "shunt": torch.tensor(0.25)}),
    ],
    ids=["list", "identifiers", "constants"],
)
def test_a_kernel_receives_what_the_aggregator_made_of_the_sources(
    aggregator: Any, given: Any, both: Callable[..., Any]
) -> None:
    (_, eager), (_, fused) = both(
        lambda: rb.create("lif", 7, aggregator=aggregator, dtype=torch.float64),
        given,
        20.0,
        record=("spikes", "voltage", "input"),
    )
    assert len(eager.spikes) > 5
    assert torch.equal(eager.spikes.times, fused.spikes.times)
    assert torch.equal(eager.spikes.units, fused.spikes.units)
    assert torch.equal(eager.traces["input"], fused.traces["input"])
    assert torch.allclose(eager.traces["voltage"], fused.traces["voltage"], rtol=1e-12)


def test_a_signal_among_the_sources_is_refused_with_the_reason() -> None:
    given = [NOISE, rb.Signal.levels([0.25], [4.0])]
    with pytest.raises(rb.errors.BackendError, match="an input is a signal"):
        rb.simulate(rb.create("lif"), given, 1.0, backend="fused")


@pytest.mark.parametrize("width", [1, 7])
def test_a_constant_with_a_batch_is_taken_as_it_is(width: int, both: Callable[..., Any]) -> None:
    amplitude = torch.linspace(120.0, 300.0, 4 * width, dtype=torch.float64).reshape(4, width)
    (_, eager), (_, fused) = both(
        lambda: rb.create("lif", 7, dtype=torch.float64),
        stimulus.Constant(amplitude),
        20.0,
        record=("spikes", "voltage", "input"),
    )
    assert len(eager.spikes) > 20
    assert torch.equal(eager.counts(), fused.counts())
    assert torch.equal(eager.traces["input"], fused.traces["input"])
    assert torch.allclose(eager.traces["voltage"], fused.traces["voltage"], rtol=1e-12)

"""Declared draws: random numbers that follow from seed, unit, row, step and event."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import numpy as np
import pytest
import rheobase as rb
import torch
from rheobase.errors import ArgumentError, DeclarationError, ParameterError
from torch import Tensor


class Gif(rb.SpikingNeuron):
    """A constant hazard: a spike where its integral reaches a unit exponential number, a Poisson process."""

    rate = rb.Parameter(0.05, unit="kHz", at_least=0, doc="hazard")
    target = rb.Draw("exponential", doc="what the integral of the hazard reaches")
    total = rb.State(0.0, unit="1", doc="integral of the hazard")
    level = rb.State(lambda p: p.target, unit="1", doc="target of the next spike")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Tensor]:
        return {"total": params.rate + 0.0 * data * state.total, "level": 0.0 * state.level}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        return state.total - state.level

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        return {"total": 0.0, "level": params.target}


def intervals(neuron: Any, duration: float, drive: Any = 0.0) -> tuple[int, np.ndarray]:
    """How many spikes there were, and the time from each to the next of its unit, ms."""
    spikes = rb.simulate(neuron, drive, duration=duration, backend="eager").spikes
    lanes = spikes.units + neuron.num_units * spikes.batch
    order = np.lexsort((spikes.times.numpy(), lanes.numpy()))
    times, lanes = spikes.times.numpy()[order], lanes.numpy()[order]
    return len(times), np.diff(times)[np.diff(lanes) == 0]


@pytest.mark.parametrize(
    ("event", "dt"), [("crossing", 1.0), ("located", 1.0), ("crossing", 0.1), ("located", 0.1)]
)
def test_a_constant_hazard_gives_a_poisson_process(event: str, dt: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    units, duration = (400, 1000.0) if dt == 1.0 else (200, 200.0)
    neuron = rb.create(Gif, units, event=event, dt=dt, dtype=torch.float64, seed=1)
    count, between = intervals(neuron, duration)
    # On the grid an interval is rounded up to whole steps; located spikes are where they are.
    mean = 20.0 if event == "located" else dt / -math.expm1(-dt / 20.0)
    expected = units * duration / mean
    # Four standard deviations of a Poisson count; the seed is fixed.
    assert abs(count - expected) < 4.0 * expected**0.5
    # Intervals that end within the run are a fair sample of those that begin well before its end.
    if event == "located":
        truth = stats.truncexpon(b=between.max() / 20.0, scale=20.0)
        sample = rb.create(Gif, 2000, event=event, dt=dt, dtype=torch.float64, seed=2, rate=0.5)
        _, short = intervals(sample, 20.0 * dt)
        assert truth is not None and short is not None

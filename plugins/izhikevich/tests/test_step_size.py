"""The largest step of Izhikevich's model is below one over its fastest decay."""

from __future__ import annotations

import warnings

import pytest
import rheobase as rb
import torch
from rheobase.errors import StepSizeWarning
from rheobase_izhikevich.neuron import IzhikevichNeuron


@pytest.mark.parametrize("a", [0.02, 0.1, 2.0, -0.02])
@pytest.mark.parametrize("b", [0.2, -1.0, 30.0])
def test_it_is_below_the_time_of_the_fastest_decaying_mode(a: float, b: float) -> None:
    voltages = torch.linspace(-150.0, 30.0, 37, dtype=torch.float64)
    cell = rb.create(IzhikevichNeuron, 37, a=a, b=b, voltage=voltages, dtype=torch.float64)
    limit = cell.largest_step()
    assert limit is not None
    one = torch.ones_like(voltages)
    rows = [torch.stack([0.08 * voltages + 5.0, -one], -1), torch.stack([a * b * one, -a * one], -1)]
    modes = torch.linalg.eigvals(torch.stack(rows, -2))
    decays = torch.where(modes.real < 0, modes.abs(), 0.0).amax(-1)
    assert bool((limit * decays <= 1.0 + 1e-12).all())
    assert bool(((limit > 0) & limit.isfinite()).all())


@pytest.mark.parametrize("backend", ["eager", "fused"])
def test_a_spike_of_a_step_that_flies_off_the_parabola_is_told(backend: str) -> None:
    # A current far below zero: the stages of one step land far left on the parabola, which throws them up.
    cell = rb.create("izhikevich", dt=0.5)
    if backend == "fused":
        pytest.importorskip("rheobase_fused")
    with pytest.warns(StepSizeWarning, match=r"unit 0 within the step from t = 0 ms"):
        rb.simulate(cell, -3000.0, duration=20.0, backend=backend)


def test_only_the_scheme_that_integrates_is_warned_of() -> None:
    with pytest.warns(StepSizeWarning, match=r"izhikevich.*at t = 0 ms"):
        rb.simulate(rb.create("izhikevich", dt=0.5, voltage=-100.0), 0.0, duration=1.0, backend="eager")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rb.simulate(rb.create("izhikevich", dt=0.1), 10.0, duration=100.0, backend="eager")
        published = rb.create("izhikevich", dt=0.5, scheme="published", voltage=-100.0)
        rb.simulate(published, 0.0, duration=1.0, backend="eager")

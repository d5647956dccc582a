"""Noise that a kernel makes by itself is that of eager."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import rheobase as rb
import torch
from rheobase.stimulus import OrnsteinUhlenbeck
from rheobase_fused.noise import normals

Both = Callable[..., Any]
UNITS = 203
FUNCTION = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, *(ctypes.c_int64,) * 4, ctypes.POINTER(ctypes.c_double), ctypes.c_int64
)


def _noise(**changes: Any) -> OrnsteinUhlenbeck:
    mean = torch.linspace(60.0, 120.0, UNITS, dtype=torch.float64)
    return OrnsteinUhlenbeck(**{"mean": mean, "std": 40.0, "tau": 5.0, "seed": 3, **changes})


def test_normal_numbers_are_those_of_eager() -> None:
    function, out = FUNCTION(normals()), np.empty((4, 1024))
    for seed, block, quarter in ((0, 0, 0), (7, 3, 2), (2**64 + 9, 2**40, 3)):
        key = np.array([seed % 2**64, seed >> 64], dtype=np.uint64)
        address = out.ctypes.data_as(ctypes.POINTER(ctypes.c_double))
        function(key.ctypes.data, block, quarter, 0, 1000, address, 1024)
        # A tau far below dt: what is left of the step before is nothing.
        process = OrnsteinUhlenbeck(0.0, 1.0, 1e-3, seed=seed)
        process.went_on(16 * block + 4 * quarter - 1, 1.0, np.zeros(1000))
        rows = process.rows(16 * block + 4 * quarter, 4, 1.0, 1000, dtype=torch.float64).numpy()
        assert np.abs(rows).max() > 3.0
        # An angle up to 2 pi is rounded by 4e-16, and multiplied by up to 5.
        assert np.abs(out[:, :1000] - rows).max() < 4e-15


OF_EACH = torch.linspace(10.0, 60.0, UNITS)


@pytest.mark.parametrize(
    ("event", "std"),
    [
        *(("step", OF_EACH), ("crossing", 40.0), ("located", OF_EACH)),
        pytest.param("step", 40.0, marks=pytest.mark.by_hand),
        pytest.param("crossing", OF_EACH, marks=pytest.mark.by_hand),
        pytest.param("located", 40.0, marks=pytest.mark.by_hand),
    ],
    ids=lambda each: each if isinstance(each, str) else "shared" if isinstance(each, float) else "per unit",
)
def test_a_run_under_noise_gives_the_same(event: str, std: Any, both: Both) -> None:
    results = both(lambda: rb.create("lif", UNITS, dtype=torch.float64, event=event), _noise(std=std), 43.1)
    (eager, one), (fused, other) = results
    assert len(one.spikes) > 100
    assert torch.equal(one.spikes.units, other.spikes.units)
    assert torch.allclose(one.spikes.times, other.spikes.times, rtol=0.0, atol=1e-10)
    assert torch.allclose(eager.voltage, fused.voltage, rtol=0.0, atol=1e-9)
    assert torch.allclose(eager.input, fused.input, rtol=1e-13)


def test_no_rows_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made = OrnsteinUhlenbeck.rows

    def refuse(noise: Any, first: int, count: int, *given: Any, **options: Any) -> Any:
        # The first row alone is looked at, for the model's largest step.
        if count > 1:
            raise AssertionError("rows were made")
        return made(noise, first, count, *given, **options)

    monkeypatch.setattr(OrnsteinUhlenbeck, "rows", refuse)
    rb.simulate(rb.create("lif", UNITS), _noise(), 20.0, backend="fused")


def test_runs_one_after_the_other_and_calls_within_a_run_go_on(a_few_steps: Any) -> None:
    whole, parts = (rb.create("lif", UNITS, dtype=torch.float64) for _ in range(2))
    expected = rb.simulate(whole, _noise(), 50.0, backend="fused")
    a_few_steps(7 * UNITS)
    noise = _noise()
    found = [rb.simulate(parts, noise, each, backend="fused").spikes for each in (13.7, 36.3)]
    assert torch.equal(torch.cat([each.times for each in found]), expected.spikes.times)
    assert torch.equal(torch.cat([each.units for each in found]), expected.spikes.units)
    assert torch.equal(whole.voltage, parts.voltage)


def test_a_run_goes_on_from_where_eager_was_and_eager_from_there(both: Both) -> None:
    def make() -> Any:
        neuron = rb.create("lif", UNITS, dtype=torch.float64)
        rb.simulate(neuron, _noise(), 12.3, backend="eager")
        return neuron

    noise = _noise()
    (eager, one), (fused, other) = both(make, noise, 20.0)
    assert torch.equal(one.spikes.units, other.spikes.units)
    for neuron in (eager, fused):
        rb.simulate(neuron, noise, 5.0, backend="eager")
    assert torch.allclose(eager.voltage, fused.voltage, rtol=0.0, atol=1e-9)


def test_each_row_of_a_batch_receives_the_same_path(both: Both) -> None:
    def make() -> Any:
        neuron = rb.create("lif", UNITS, dtype=torch.float64, tau_mem=torch.linspace(5.0, 20.0, UNITS))
        neuron.voltage = torch.linspace(-75.0, -56.0, 3 * UNITS, dtype=torch.float64).reshape(3, UNITS)
        return neuron

    (eager, one), (fused, other) = both(make, _noise(), 30.0)
    assert torch.equal(one.spikes.batch, other.spikes.batch)
    assert torch.equal(one.spikes.units, other.spikes.units)
    assert torch.allclose(eager.voltage, fused.voltage, rtol=0.0, atol=1e-9)
    assert torch.allclose(eager.input, fused.input, rtol=1e-13)


def test_noise_beside_rows_and_noise_within_a_domain_give_the_same(two_inputs: Any, both: Both) -> None:
    rows = torch.rand(200, 9, generator=torch.Generator().manual_seed(1)).double() * 4.0
    inhibition = OrnsteinUhlenbeck(mean=0.2, std=0.3, tau=2.0, seed=5)
    # Far above its bound of 0, where each value is looked at, in rows.
    excitation = OrnsteinUhlenbeck(mean=40.0, std=0.5, tau=2.0, seed=6)
    for given in (rows, excitation):
        stimulus = {"excitation": given, "inhibition": inhibition}
        (_, one), (_, other) = both(lambda: rb.create(two_inputs, 9, dtype=torch.float64), stimulus, 20.0)
        assert len(one.spikes) > 5
        assert torch.equal(one.spikes.units, other.spikes.units)
        assert torch.equal(one.spikes.times, other.spikes.times)


def test_a_step_that_goes_wrong_under_noise_is_reported_as_eager_does() -> None:
    messages = []
    for backend in ("eager", "fused"):
        neuron = rb.create("lif", 3)
        # More than float32 holds, some steps on.
        noise = OrnsteinUhlenbeck(mean=0.0, std=2e38, tau=5.0, seed=1)
        with pytest.raises(rb.errors.RheobaseError) as caught:
            rb.simulate(neuron, noise, 50.0, backend=backend)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]

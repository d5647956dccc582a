"""Readouts and encoders say what is written of them."""

from __future__ import annotations

import pytest
import rheobase as rb
import torch
from rheobase.errors import ArgumentError, InputError
from rheobase.training import first_spike, largest, latency, poisson, rate


def test_rate_of_a_unit_that_fires_every_fifth_step_of_half_a_millisecond_is_400_hertz() -> None:
    spikes = torch.zeros(100, 2, dtype=torch.float64)
    spikes[::5] = 1.0
    assert rate(spikes, 0.5).tolist() == pytest.approx([400.0, 400.0])
    assert rate(spikes).tolist() == pytest.approx([0.2, 0.2])
    assert rb.training.count(spikes).tolist() == [20.0, 20.0]


def test_first_spike_is_the_first_and_moves_forward_as_spikes_become_likelier() -> None:
    spikes = torch.zeros(6, 3, dtype=torch.float64)
    spikes[2, 0] = spikes[4, 0] = spikes[5, 1] = 1.0
    spikes.requires_grad_()
    times = first_spike(spikes, 0.5)
    assert times.tolist() == [1.5, 3.0, 3.0]
    times[0].backward()
    # One more at step 0 or 1 makes it 1 or 0.5 ms shorter; without that at step 2 the next is 1 ms later.
    assert spikes.grad is not None
    assert spikes.grad[:, 0].tolist() == [-1.0, -0.5, -1.0, 0.0, 0.0, 0.0]


def test_largest_voltage_has_its_gradient_where_it_was() -> None:
    voltages = torch.tensor([[0.1], [0.7], [0.3]], requires_grad=True)
    largest(voltages).sum().backward()
    assert voltages.grad is not None
    assert voltages.grad[:, 0].tolist() == [0.0, 1.0, 0.0]


def test_poisson_spikes_come_as_often_as_asked_and_follow_from_the_generator() -> None:
    chance = torch.tensor([0.1, 0.5, 0.9])
    drawn = [poisson(chance, 4000, generator=torch.Generator().manual_seed(3)) for _ in range(2)]
    assert torch.equal(*drawn)
    # Six standard deviations of the mean of 4,000 are at most 0.047.
    assert (drawn[0].mean(0) - chance).abs().max() < 0.047


def test_latency_is_shorter_for_the_larger_and_each_has_one_spike() -> None:
    x = torch.linspace(0.0, 1.0, 11, dtype=torch.float64)
    spikes = latency(x, 11)
    assert spikes.sum(0).tolist() == [0.0] + [1.0] * 10
    assert spikes.argmax(0)[1:].tolist() == list(range(9, -1, -1))


@pytest.mark.parametrize("encode", [poisson, latency])
def test_encoders_refuse_what_is_no_share(encode: object) -> None:
    for wrong in (torch.tensor([1.5]), torch.tensor([-0.1]), torch.tensor([torch.nan]), torch.tensor([1])):
        with pytest.raises(InputError, match="from 0 to 1"):
            encode(wrong, 3)  # type: ignore[operator]
    with pytest.raises(ArgumentError, match="whole number"):
        encode(torch.tensor([0.5]), 2.5)  # type: ignore[operator]


@pytest.mark.parametrize("read", [first_spike, largest])
def test_readouts_of_no_steps_are_refused(read: object) -> None:
    with pytest.raises(InputError, match="no steps"):
        read(torch.zeros(0, 3))  # type: ignore[operator]

"""Models that draw random numbers do so from a generator of their own, which goes where the neuron goes."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import rheobase as rb
import torch
from torch import Tensor


class Noise(rb.AnalogNeuron):
    """Adds white noise to its input; voltage is the sum of it all."""

    stochastic = True

    voltage = rb.State(0.0, unit="mV", doc="the sum so far")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        return {"voltage": data + 0.0 * state.voltage}

    def forward(self, data: Any, identifiers: Any = None) -> dict[str, Tensor]:
        noise = torch.randn(self.num_units, generator=self.generator, dtype=torch.float64)
        return super().forward(data + noise.to(self.dtype), identifiers)


def steps(neuron: Any, count: int = 5) -> list[list[float]]:
    return [neuron(0.0)["voltage"].tolist() for _ in range(count)]


def test_the_seed_decides_the_run() -> None:
    one, other, third = (rb.create(Noise, 3) for _ in range(3))
    one.generator.manual_seed(7)
    other.generator.manual_seed(7)
    third.generator.manual_seed(8)
    first = steps(one)
    assert first == steps(other)
    assert first != steps(third)


def test_the_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    steps(rb.create(Noise, 3))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "again",
    [
        copy.deepcopy,
        lambda neuron: pickle.loads(pickle.dumps(neuron)),
        lambda neuron: _loaded(neuron.state_dict()),
    ],
    ids=["deepcopy", "pickle", "state_dict"],
)
def test_a_copy_in_mid_run_draws_what_the_original_would(again: Any) -> None:
    neuron = rb.create(Noise, 3)
    neuron.generator.manual_seed(3)
    steps(neuron)
    twin = again(neuron)
    expected = steps(neuron)
    # Drawn after the original did: a generator that they share would be further on by now.
    assert steps(twin) == expected


def _loaded(saved: Any) -> Any:
    fresh = rb.create(Noise, 3)
    fresh.load_state_dict(saved)
    return fresh


def test_a_state_dict_without_the_generator_is_refused() -> None:
    saved = rb.create(Noise, 3).state_dict()
    del saved["generator_state"]
    with pytest.raises(RuntimeError, match="generator_state"):
        rb.create(Noise, 3).load_state_dict(saved)
    rb.create(Noise, 3).load_state_dict(saved, strict=False)


def test_a_model_that_draws_nothing_has_no_generator() -> None:
    neuron = rb.create("analog")
    assert "generator_state" not in neuron.state_dict()
    assert not hasattr(neuron, "generator")


def test_the_generator_follows_conversions() -> None:
    neuron = rb.create(Noise, 2).double()
    assert neuron.generator.device.type == "cpu"
    assert neuron(0.0)["voltage"].dtype == torch.float64

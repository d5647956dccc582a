"""Whether a step does what it did before is heard from its operations."""

from __future__ import annotations

from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import SpikingNeuron, State
from rheobase_fused.tracing import StepSetting
from torch import Tensor


class Tuned(SpikingNeuron):
    r"""dV/dt = k I, where k is a number that is kept elsewhere."""

    voltage = State(0.0, unit="mV", doc="membrane potential")
    factor = 1.0
    table = torch.tensor(1.0)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        return {"voltage": Tuned.factor * Tuned.table * data + 0.0 * state.voltage}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        gap: Tensor = state.voltage - 1e6
        return gap


def test_equal_steps_sound_alike_whatever_the_values_are() -> None:
    one, other = rb.create("lif", 3), rb.create("lif", 7, tau_mem=9.0)
    rb.simulate(other, 300.0, 5.0, backend="eager")
    assert StepSetting(one).traced().pattern() == StepSetting(other).traced().pattern()


@pytest.mark.parametrize(
    "options",
    [
        {"dt": 0.2},
        {"dtype": torch.float64},
        {"event": "step"},
        {"integrator": rb.RungeKutta(order=2)},
        {"tau_mem": torch.tensor([4.0, 5.0, 6.0])},
    ],
    ids=lambda options: next(iter(options)),
)
def test_other_steps_sound_otherwise(options: dict[str, Any]) -> None:
    one, other = rb.create("lif", 3), rb.create("lif", 3, **options)
    assert StepSetting(one).traced().pattern() != StepSetting(other).traced().pattern()


@pytest.mark.parametrize(("name", "value"), [("factor", 2.0), ("table", torch.tensor(2.0))])
def test_a_number_that_changes_elsewhere_is_not_missed(
    name: str, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def moved() -> float:
        recording = rb.simulate(rb.create(Tuned, 1, dt=1.0), 3.0, 1.0, record="voltage", backend="fused")
        return float(recording.traces["voltage"][0, 0])

    assert moved() == pytest.approx(3.0)
    monkeypatch.setattr(Tuned, name, value)
    assert moved() == pytest.approx(6.0)

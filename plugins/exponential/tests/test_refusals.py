"""What goes wrong is named for what it is."""

from __future__ import annotations

from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import SpikingNeuron, State
from rheobase.errors import NonFiniteStateError
from torch import Tensor


class Growing(SpikingNeuron):
    """dV/dt = I V: linear, and beyond all numbers soon."""

    voltage = State(1.0, unit="mV")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        return {"voltage": data * state.voltage}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = -1.0 - state.voltage
        return distance

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        return {"voltage": 0.0}


@pytest.mark.parametrize("event", ["crossing", "located"])
@pytest.mark.parametrize("name", ["expeuler", "strang"])
def test_a_state_beyond_all_numbers_is_that_and_no_refusal_of_the_model(name: str, event: str) -> None:
    neuron = rb.create(Growing, 2, integrator=name, event=event, dt=1.0)
    with pytest.raises(NonFiniteStateError, match="unit 1"):
        neuron(torch.tensor([0.0, 1000.0]))

"""What a class with a ``forward`` of its own may do with its input: ``prepare`` and arithmetic."""

from __future__ import annotations

import math
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase.errors import InputError, ParameterError
from torch import Tensor


class Integral(rb.AnalogNeuron):
    """dV/dt = I."""

    voltage = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        return {"voltage": data + 0.0 * state.voltage}


class Through(Integral):
    """The same, by a ``forward`` that changes its input and changes it back."""

    def forward(self, data: Any, identifiers: Any = None) -> dict[str, Tensor]:
        current = self.prepare(data, identifiers)
        bias = torch.tensor([3.0, -2.0], dtype=self.dtype)
        return super().forward(-((bias - current * 4.0) / 4.0 - bias / 4.0))


class Follows(rb.Neuron):
    """Declares nothing: its voltage is its input, prepared."""

    def forward(self, data: Any, identifiers: Any = None) -> dict[str, Tensor]:
        self.voltage = self.prepare(data, identifiers)
        return self.loggable_state()


class TwoKinds(rb.AnalogNeuron):
    """Two inputs, one of them with bounds; its voltage is their difference."""

    excitation = rb.Input(unit="mV", at_least=0)
    inhibition = rb.Input(unit="mV")
    voltage = rb.State(0.0, unit="mV")

    def forward(self, data: Any, identifiers: Any = None) -> dict[str, Tensor]:
        given = self.prepare(data, identifiers)
        self.voltage = given.excitation - given.inhibition
        return {"voltage": self.voltage.clone()}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("as_list", [False, True])
def test_prepare_lets_nothing_through_that_is_not_finite(value: float, as_list: bool) -> None:
    neuron = rb.create(Follows, 3)
    neuron(torch.ones(2, 3))
    given = torch.ones(2, 3)
    given[1, 2] = value
    with pytest.raises(
        InputError, match=rf"Follows: input {value} in unit 2, batch \[1\] at step 1 \(t = 0.1 ms\)"
    ):
        neuron([given, torch.zeros(3)] if as_list else given)
    assert neuron.simulation_step == 1
    assert neuron.voltage.tolist() == [[1.0] * 3] * 2


def test_prepare_checks_each_declared_input_and_its_domain() -> None:
    neuron = rb.create(TwoKinds, 2)
    with pytest.raises(InputError, match="inhibition nan in unit 1"):
        neuron({"inhibition": torch.tensor([0.0, math.nan])})
    with pytest.raises(ParameterError, match=r"excitation' of unit 1 is -1"):
        neuron({"excitation": torch.tensor([1.0, -1.0])})
    assert neuron({"excitation": torch.tensor([1.0, 2.0])})["voltage"].tolist() == [1.0, 2.0]


def test_simulate_meets_the_same_error() -> None:
    rows = torch.ones(10, 1)
    rows[6] = math.nan
    with pytest.raises(InputError, match="nan"):
        rb.simulate(rb.create(Follows), rows, record="voltage")


def test_a_sum_that_overflows_in_the_aggregator_is_told() -> None:
    huge = torch.full((1,), 3e38)
    with pytest.raises(InputError, match="inf in unit 0"):
        rb.create(Follows)([huge, huge])


@pytest.mark.parametrize("integrator", ["rk4", "rk1"])
def test_a_signal_goes_through_an_authors_arithmetic_as_a_tensor_does(integrator: str) -> None:
    course = rb.Signal(lambda t: torch.where(t < 1.25, torch.sin(t), 5.0), [1.25])
    plain, changed = (
        rb.create(cls, 2, dt=0.5, dtype=torch.float64, integrator=integrator) for cls in (Integral, Through)
    )
    for _ in range(6):
        expected, found = plain(course)["voltage"], changed(course)["voltage"]
        # Sums in another order.
        assert torch.allclose(found, expected, rtol=1e-13, atol=1e-13)
    assert float(plain.voltage.min()) > 1.0
    tensors = torch.tensor([0.25, -1.0], dtype=torch.float64)
    assert torch.allclose(changed(tensors)["voltage"], plain(tensors)["voltage"])


def test_a_prepared_signal_is_on_the_clock_of_its_step_however_often_it_is_prepared() -> None:
    class Twice(Integral):
        def forward(self, data: Any, identifiers: Any = None) -> dict[str, Tensor]:
            return super().forward(self.prepare(self.prepare(data, identifiers)))

    late = rb.Signal.levels([2.0], [1.0])
    neuron = rb.create(Twice, dt=1.0)
    assert [float(neuron(late)["voltage"]) for _ in range(5)] == [0.0, 0.0, 1.0, 2.0, 3.0]


def test_integrate_takes_a_prepared_signal_and_one_on_the_neurons_clock_alike() -> None:
    class Prepares(rb.Neuron):
        def forward(self, data: Any, identifiers: Any = None) -> dict[str, Tensor]:
            self.voltage = self.integrate(data=self.prepare(data, identifiers))
            return self.loggable_state()

    class Passes(rb.Neuron):
        def forward(self, data: Any, identifiers: Any = None) -> dict[str, Tensor]:
            self.voltage = self.integrate(data=data)
            return self.loggable_state()

    late = rb.Signal.levels([2.25], [4.0])
    made = [cls(equation=lambda x, data: data + 0.0 * x, dt=1.0) for cls in (Prepares, Passes)]
    courses = [[float(neuron(late)["voltage"]) for _ in range(4)] for neuron in made]
    assert courses[0] == courses[1] == [0.0, 0.0, 3.0, 7.0]


def test_signals_on_two_clocks_are_not_combined() -> None:
    neuron = rb.create(Integral, dt=1.0)
    ramp = rb.Signal(lambda t: t)
    neuron(ramp)
    with pytest.raises(InputError, match="clock of a step"):
        neuron.prepare(ramp) - ramp
    together = neuron.prepare(ramp) - ramp.in_step(neuron.time)
    assert float(together(0.5)) == 0.0


@pytest.mark.parametrize(
    ("made", "values"),
    [
        (lambda s, x: s + x, [3.0, 6.0]), (lambda s, x: x + s, [3.0, 6.0]),
        (lambda s, x: s - x, [1.0, -2.0]), (lambda s, x: x - s, [-1.0, 2.0]),
        (lambda s, x: s * x, [2.0, 8.0]), (lambda s, x: x * s, [2.0, 8.0]),
        (lambda s, x: s / x, [2.0, 0.5]), (lambda s, x: x / s, [0.5, 2.0]),
        (lambda s, x: -s, [-2.0, -2.0]), (lambda s, x: s - s * x, [0.0, -6.0]),
        (lambda s, x: 1 - s, [-1.0, -1.0]), (lambda s, x: 6.0 / s, [3.0, 3.0]),
        (lambda s, x: s - x.expand(3, 2), [[1.0, -2.0]] * 3),
    ],
)  # fmt: skip
def test_signals_have_the_arithmetic_of_tensors_at_every_time(made: Any, values: Any) -> None:
    x = torch.tensor([1.0, 4.0])
    signal = made(rb.Signal.levels([1.0, 3.0], [2.0, 9.0]), x)
    found = signal(1.5)
    assert found.expand_as(torch.tensor(values)).tolist() == values
    assert signal.breakpoints == (1.0, 3.0)
    assert signal.piecewise_constant


def test_what_a_signal_cannot_do_is_told() -> None:
    signal = rb.Signal(torch.sin)
    with pytest.raises(AttributeError, match=r"no 'clamp' of a tensor; signal\(t\)"):
        signal.clamp(min=0.0)
    with pytest.raises(AttributeError, match="no attribute 'wavelength'"):
        _ = signal.wavelength
    with pytest.raises(InputError, match="finite"):
        signal * torch.tensor(math.nan)
    with pytest.raises(TypeError):
        signal - "1"

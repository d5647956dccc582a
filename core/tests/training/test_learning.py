"""Values that learn stay within their domains, begin where they were given, and never stop learning."""

from __future__ import annotations

from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase.engine.model.domain import Domain
from rheobase.training import holding
from rheobase.training.learning import Course, Moved, value_of

DOMAINS = {
    "above": (Domain(above=0), 5.0),
    "at least": (Domain(at_least=-60.0), -55.0),
    "below": (Domain(below=3.0), -1.0),
    "between": (Domain(at_least=0, at_most=1), 0.25),
    "strictly between": (Domain(above=-2.0, below=6.0), 5.5),
    "anywhere": (Domain(), -50.0),
}


@pytest.mark.parametrize("name", DOMAINS)
def test_value_begins_where_given_rises_and_stays_within(name: str) -> None:
    domain, start = DOMAINS[name]
    raw = torch.linspace(-100.0, 100.0, 2001, dtype=torch.float64, requires_grad=True)
    begin = torch.tensor(start, dtype=torch.float64)
    value = value_of(raw, begin, begin.abs(), domain)
    assert value[1000].item() == pytest.approx(start, rel=1e-14)
    assert bool(domain.contains(value).all())
    (by_raw,) = torch.autograd.grad(value.sum(), raw)
    assert (by_raw > 0).all()
    assert (value.diff() > 0).all()
    # Smooth: no jump of the slope, at 0 neither.
    assert (by_raw.diff().abs() < 0.21 * by_raw.max()).all()
    assert torch.autograd.gradcheck(
        lambda r: value_of(r, begin, begin.abs(), domain),
        torch.tensor([-3.0, 0.7], dtype=torch.float64).requires_grad_(),
    )


def test_one_sided_step_and_its_opposite_are_a_factor_and_its_inverse() -> None:
    domain, start = Domain(above=0), torch.tensor(5.0, dtype=torch.float64)
    raw = torch.tensor([3.0, -3.0], dtype=torch.float64)
    assert value_of(raw, start, None, domain).tolist() == pytest.approx([20.0, 1.25])


def test_a_hundred_steps_of_adam_at_rate_one_leave_no_domain(leaky: type[rb.SpikingNeuron]) -> None:
    learn = ("tau", "leak", "share", "shift", "volt_thresh")
    torch.manual_seed(0)
    for sign in (1.0, -1.0):
        layer = rb.layer(leaky, 2, dt=1.0, learn=learn, input="native", dtype=torch.float64)
        optimizer = torch.optim.Adam(layer.parameters(), lr=1.0)
        for _ in range(100):
            optimizer.zero_grad()
            # Pulled with all strength, one way and the other; not by spikes, which end when there are none.
            (sign * sum(value.sum() for value in layer.values.values())).backward()
            for name, raw in layer.raw.named_parameters():
                assert raw.grad is not None
                assert raw.grad.abs().min() > 0, name
            optimizer.step()
        for name in learn:
            declared = leaky.schema.parameters[name]
            assert bool(declared.domain.contains(layer.values[name]).all()), name


def test_default_that_names_another_parameter_follows_it_while_it_learns(
    leaky: type[rb.SpikingNeuron],
) -> None:
    layer = rb.layer(leaky, 2, dt=1.0, learn="volt_rest")
    with torch.no_grad():
        layer.raw.volt_rest += 0.1
    assert layer.values["volt_reset"].item() == layer.values["volt_rest"].item() == pytest.approx(-58.5)
    assert layer.neuron.volt_reset.item() == pytest.approx(-58.5)
    # And the initial state.
    assert layer.neuron.voltage.tolist() == pytest.approx([-58.5, -58.5])
    given = rb.layer(leaky, 2, dt=1.0, learn="volt_rest", volt_reset=-65.0)
    with torch.no_grad():
        given.raw.volt_rest += 0.1
    assert given.values["volt_reset"].item() == -65.0


def shape_of(layer: rb.Layer, name: str) -> list[int]:
    return list(getattr(layer.raw, name).shape)


def test_number_learns_one_value_and_what_differs_learns_one_for_each_unit(
    leaky: type[rb.SpikingNeuron],
) -> None:
    many: dict[str, Any] = {"tau": rb.Uniform(5.0, 20.0), "leak": rb.Sweep.zipped([2.0, 3.0, 4.0])}
    layer = rb.layer(leaky, 3, dt=1.0, learn=("tau", "leak", "share", "volt_thresh"), **many)
    assert [shape_of(layer, name) for name in layer.learn] == [[3], [3], [], []]
    assert layer.values["leak"].tolist() == [2.0, 3.0, 4.0]
    channels = torch.tensor([5.0, 10.0]).view(2, 1, 1)
    layer = rb.layer(
        leaky, (2, 3, 4), dt=1.0, learn=("tau", "share"), tau=channels, share=torch.full((2, 3, 4), 0.5)
    )
    assert [shape_of(layer, name) for name in layer.learn] == [[2, 1, 1], [2, 3, 4]]
    assert torch.equal(layer.values["tau"], channels.expand(2, 3, 4).flatten())


def test_unbounded_value_that_begins_at_zero_moves_in_distances_to_threshold() -> None:
    class Shifted(rb.SpikingNeuron):
        shift = rb.Parameter(0.0, unit="mV")
        bias = rb.Parameter(0.0, unit="pA")
        gain = rb.Parameter(0.0, unit="1")
        voltage = rb.State(0.0, unit="mV")

        @staticmethod
        def derivatives(state: Any, params: Any, data: Any) -> Any:
            return {"voltage": (params.shift - state.voltage + (data + params.bias) / 2.0) / 10.0}

        @staticmethod
        def threshold(state: Any, params: Any) -> Any:
            return state.voltage - 15.0

        @staticmethod
        def reset(state: Any, params: Any) -> Any:
            return {"voltage": 0.0 * state.voltage}

    layer = rb.layer(Shifted, 2, dt=1.0, learn=("shift", "bias", "gain"), dtype=torch.float64)
    with torch.no_grad():
        for raw in layer.parameters():
            raw += 1.0
    # A rheobase of 15 mV x 2 nS, as 1,000 ms know it.
    assert layer.values["shift"].item() == pytest.approx(15.0)
    assert layer.values["bias"].item() == pytest.approx(30.0, rel=1e-3)
    assert layer.values["gain"].item() == 1.0


@pytest.mark.parametrize("name", DOMAINS)
@pytest.mark.parametrize("measured", [True, False])
def test_derivative_of_values_taken_at_once_is_that_of_each(name: str, measured: bool) -> None:
    domain, start = DOMAINS[name]
    begin = torch.tensor(start, dtype=torch.float64)
    course = Course(begin, begin.abs() if measured else None, domain)
    raw = torch.linspace(-3.0, 4.0, 29, dtype=torch.float64, requires_grad=True)
    one, other = Moved.apply((course, course), raw, 2.0 * raw)  # type: ignore[no-untyped-call]
    (found,) = torch.autograd.grad((one + other.square()).sum(), raw)
    each = value_of(raw, *course) + value_of(2.0 * raw, *course).square()
    torch.testing.assert_close(found, torch.autograd.grad(each.sum(), raw)[0], rtol=1e-13, atol=0.0)


@pytest.mark.parametrize(("begin", "searches", "size"), [(80.0, 0, 80.0), (0.0, 1, 30.0)])
def test_current_of_zero_has_the_size_of_what_fires_and_any_other_its_own_without_a_search(
    begin: float, searches: int, size: float, leaky: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Offset(leaky):  # type: ignore[misc]
        """15 mV below threshold, at 2 nS: 30 pA."""

        offset = rb.Parameter(begin, unit="pA")

    asked: list[str] = []

    def counted(neuron: Any, kind: str, name: Any) -> Any:
        asked.append(kind)
        return input_size(neuron, kind, name)

    input_size = holding.input_size
    monkeypatch.setattr(holding, "input_size", counted)
    layer: Any = rb.layer(Offset, 2, dt=0.5, input="native", learn="offset")
    assert asked.count("rheobase") == searches
    assert layer.size.offset.item() == pytest.approx(size, rel=1e-3)

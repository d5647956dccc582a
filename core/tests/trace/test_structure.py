"""Which fields are linear: found from their operations, with exact coefficients, or refused with why."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import pytest
import rheobase as rb
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rheobase import AnalogNeuron, Parameter, SpikingNeuron, State
from rheobase.engine.step.field import ModelField
from rheobase.engine.trace import affine, conditionally_linear, linear
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

UNITS = 3
EPS = torch.finfo(torch.float64).eps


def state(*shape: int) -> Tensor:
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(5)) + 0.5


def hodgkin_huxley(t, y):  # type: ignore[no-untyped-def]
    v, m, h, n = y
    small = v.abs() < 1e-7
    safe = torch.where(small, 1.0, v)
    rise = torch.where(small, 10.0 + v / 2, safe / -torch.expm1(-safe / 10))
    return torch.stack(
        [
            10.0 - 120 * m**3 * h * (v - 50) - 36 * n**4 * (v + 77) - 0.3 * (v + 54.4),
            0.1 * rise * (1 - m) - 4 * torch.exp(-(v + 65) / 18) * m,
            0.07 * torch.exp(-(v + 65) / 20) * (1 - h) - h / (1 + torch.exp(-(v + 35) / 10)),
            0.01 * rise * (1 - n) - 0.125 * torch.exp(-(v + 65) / 80) * n,
        ]
    )


# Right-hand sides at random: an expression is a tree of operations on variables and constants.
LEAVES = st.one_of(
    st.tuples(st.just("y"), st.integers(0, 1)),
    st.tuples(st.just("c"), st.sampled_from([-2.0, 0.5, 3.0])),
    st.tuples(st.just("p"), st.integers(0, 1)),
)
AFFINE = ("+", "-", "neg", "scale", "over", "where", "lerp", "addcmul", "r-")
OTHER = ("*", "/", "exp", "square", "choose", "tanh", "max")


def trees(names: tuple[str, ...]):  # type: ignore[no-untyped-def]
    return st.recursive(LEAVES, lambda part: st.tuples(st.sampled_from(names), part, part), max_leaves=8)


def value(tree, y, p):  # type: ignore[no-untyped-def]
    """The tree as an author would write it, for rows or tensors alike."""
    name = tree[0]
    if name in "ycp":
        return {"y": lambda: y[tree[1]], "c": lambda: tree[1], "p": lambda: p[tree[1]]}[name]()
    a, b = value(tree[1], y, p), value(tree[2], y, p)
    mask = p[0] > 1.0
    return {
        "+": lambda: a + b,
        "-": lambda: a - b,
        "r-": lambda: 1.5 - (a + 0.0 * p[0]),
        "neg": lambda: -(a + 0.0 * p[0]),
        "scale": lambda: p[1] * a + b * 2,
        "over": lambda: (a - b) / p[0],
        "where": lambda: torch.where(mask, a + 0.0 * p[0], b + 0.0 * p[0]),
        "lerp": lambda: torch.lerp(a + 0.0 * p[0], b + 0.0 * p[0], 0.25),
        "addcmul": lambda: torch.addcmul(a + 0.0 * p[0], b + 0.0 * p[0], p[1], value=2.0),
        "*": lambda: a * b,
        "/": lambda: a / (b + 20.0),
        "exp": lambda: torch.exp(0.1 * a * p[0]) + b,
        "square": lambda: (a + 0.0 * p[0]) ** 2 - b,
        "choose": lambda: torch.where((a + 0.0 * p[0]) > 1.0, 1.0 * p[0], b + 0.0 * p[0]),
        "tanh": lambda: torch.tanh(a + 0.0 * p[0]) * b,
        "max": lambda: torch.maximum(a + 0.0 * p[0], p[1] * b),
    }[name]()


def field_of(first, second, p):  # type: ignore[no-untyped-def]
    def field(t, y):  # type: ignore[no-untyped-def]
        return torch.stack([value(first, y, p) + 0.0 * y[0] * 1.0, value(second, y, p) + 0.0 * y[1]])

    return field


def scale_of(*tensors: Tensor) -> float:
    return 1.0 + max(tensor.abs().max().item() for tensor in tensors)


@settings(max_examples=60, deadline=None)
@given(trees(AFFINE), trees(AFFINE))
def test_what_is_made_of_affine_operations_is_linear_with_the_jacobian_as_matrix(first, second) -> None:  # type: ignore[no-untyped-def]
    y, p = state(2, UNITS), state(2, UNITS)
    field = field_of(first, second, p)
    found = linear(field, 0.0, y)
    for unit in range(UNITS):

        def alone(column: Tensor, unit: int = unit) -> Tensor:
            part = field_of(first, second, p[:, unit : unit + 1])
            return part(0.0, column[:, None])[:, 0]

        jacobian = torch.autograd.functional.jacobian(alone, y[:, unit])
        # Rounding of up to 20 operations.
        assert (found.matrix[..., unit] - jacobian).abs().max() < 100 * EPS * scale_of(jacobian)
    far = 1e3 * state(2, UNITS)
    predicted = torch.einsum("ijn,jn->in", found.matrix, far) + found.offset
    assert (predicted - field(0.0, far)).abs().max() < 1e-11 * scale_of(predicted)
    assert torch.equal(found.slopes, field(0.0, y))


@settings(max_examples=80, deadline=None)
@given(trees(AFFINE + OTHER), trees(AFFINE + OTHER))
def test_what_is_accepted_is_right_far_from_where_it_was_looked_at(first, second) -> None:  # type: ignore[no-untyped-def]
    y, p = state(2, UNITS), state(2, UNITS)
    field = field_of(first, second, p)
    far = 3.0 * state(2, UNITS) - 4.0
    try:
        found = linear(field, 0.0, y)
    except rb.errors.StructureError:
        pass
    else:
        predicted = torch.einsum("ijn,jn->in", found.matrix, far) + found.offset
        assert (predicted - field(0.0, far)).abs().max() < 1e-10 * scale_of(predicted)
    try:
        split = conditionally_linear(field, 0.0, y)
    except rb.errors.StructureError:
        return
    assert torch.equal(split.slopes, field(0.0, y))
    for index in range(2):
        moved = y.clone()
        moved[index] = far[index]
        predicted = split.slopes[index] + split.rates[index] * (far - y)[index]
        assert (predicted - field(0.0, moved)[index]).abs().max() < 1e-10 * scale_of(predicted, split.slopes)


def branching(t, y):  # type: ignore[no-untyped-def]
    return -y if y[0].sum() > 0 else y


def assigning(t, y):  # type: ignore[no-untyped-def]
    slope = torch.zeros_like(y)
    slope[0] = -y[1]
    return slope


def in_place(t, y):  # type: ignore[no-untyped-def]
    v, w = y
    v += w
    return torch.stack([v, w])


def looping(t, y):  # type: ignore[no-untyped-def]
    return torch.stack([torch.stack(list(y[0])), y[1]])


def taken_out(t, y):  # type: ignore[no-untyped-def]
    return torch.stack([y[0] * math.exp(y[1]), y[1]])


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        (lambda t, y: -y * y, r"a product of y\[0\] with itself"),
        (lambda t, y: torch.stack([y[0] * y[1], y[1]]), r"a product of y\[0\] with y\[1\]"),
        (lambda t, y: torch.stack([y[0], 1.0 / y[0]]), r"derivative of y\[1\] .* a division by y\[0\]"),
        (lambda t, y: y**2, r"a power of y\[0\]"),
        (lambda t, y: torch.exp(y), r"exp of y\[0\]"),
        (lambda t, y: y.abs(), r"abs of y\[0\]"),
        (lambda t, y: torch.clamp(y, min=0), r"clamp of y\[0\]"),
        (lambda t, y: torch.where(y > 0, -y, 0.0), r"a selection by y\[0\]"),
        (lambda t, y: (y > 0) * y, r"a comparison of y\[0\]"),
        (lambda t, y: y - y.mean(-1, keepdim=True), r"mean of y\[0\] and y\[1\]"),
        (lambda t, y: y.flip(0) * 1.0, r"flip of y\[0\] and y\[1\]"),
        (lambda t, y: y.long() * 1.0, r"long of"),
        (lambda t, y: torch.div(y, 2.0, rounding_mode="floor"), r"div of"),
        (lambda t, y: -t * y, r"a product of time with y\[0\]"),
        (lambda t, y: -y + 2.0 * t, "a term that depends on time"),
        (branching, "a branch on a value"),
        (assigning, "an assignment into elements"),
        (in_place, "an operation in place"),
        (looping, "a loop over units"),
        (taken_out, "a value taken out of its tensor"),
        (lambda t, y: torch.from_numpy(y[0].numpy()), "the use of .numpy"),
        (lambda t, y: -y[0].data, "the use of .data"),
        (lambda t, y: y[0], "not one row for each variable"),
    ],
)
def test_what_is_not_linear_is_refused_with_the_reason(field, reason: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(rb.errors.StructureError, match=reason):
        linear(field, 0.0, state(2, UNITS))


def test_the_offset_has_no_cancellation() -> None:
    # By differences, f(y) - A y, nothing of 1/3 would be left beside 1e20.
    found = linear(lambda t, y: (1.0 - y) / 3.0, 0.0, torch.full((1, 1), 1e20, dtype=torch.float64))
    assert found.offset.item() == 1.0 / 3.0
    assert found.matrix.item() == -1.0 / 3.0
    assert found.slopes.item() == (1.0 - 1e20) / 3.0


def test_ways_of_writing_on_the_whole_state_are_followed() -> None:
    y, matrix = state(2, UNITS), torch.tensor([[-1.0, 2.0], [0.5, -3.0]], dtype=torch.float64)
    rate = state(2, UNITS)
    ways = [
        (lambda t, y: matrix @ y, matrix),
        (lambda t, y: torch.cat([2.0 * y[1:] - y[:1], 0.5 * y[:1] - 3.0 * y[1:]]), matrix),
        (lambda t, y: torch.stack([2.0 * y[1] - y[0], y.select(0, 0) / 2 - 3 * y.unbind(0)[1]]), matrix),
        (lambda t, y: torch.stack([y.sum(0), y[[1, 0]][1]]), torch.tensor([[1.0, 1.0], [1.0, 0.0]])),
        (lambda t, y: y[0].expand(UNITS) * torch.ones(2, 1), torch.tensor([[1.0, 0.0], [1.0, 0.0]])),
    ]
    for field, expected in ways:
        found = linear(field, 0.0, y).matrix
        assert torch.equal(found, expected.to(found)[..., None].expand(2, 2, UNITS))
    assert torch.equal(linear(lambda t, y: rate * y, 0.0, y).matrix[1, 1], rate[1])
    some = torch.tensor([True, False, True])
    found = linear(lambda t, y: torch.stack([y[1].where(some, 2.0 * y[0]), y[1]]), 0.0, y).matrix
    assert torch.equal(found[0], torch.tensor([[0.0, 2.0, 0.0], [1.0, 0.0, 1.0]]).double())
    with pytest.raises(rb.errors.StructureError, match=r"a selection by y\[1\]"):
        linear(lambda t, y: torch.stack([y[0].where(y[1] > 0, 0.0), y[1]]), 0.0, y)


def test_only_the_shape_of_another_row_is_looked_at_to_expand_like_it() -> None:
    found = linear(lambda t, y: torch.stack([y[0].expand_as(y[1]), y[1]]), 0.0, state(2, UNITS))
    assert found.pattern == (frozenset({0}), frozenset({1}))


def test_rows_in_a_named_tuple_are_followed() -> None:
    class Pair(NamedTuple):
        first: Any
        second: Any

    y = state(2, UNITS)
    assert linear(lambda t, y: torch.stack(Pair(-y[0], y[1])), 0.0, y).matrix[0, 0].tolist() == [-1.0] * UNITS
    with pytest.raises(rb.errors.StructureError, match=r"it has vstack of y\[0\] and y\[1\]"):
        linear(lambda t, y: torch.vstack(Pair(-y[0], y[1])), 0.0, y)


def test_an_accumulated_sum_is_followed_until_it_was_used() -> None:
    def fresh(t, y):  # type: ignore[no-untyped-def]
        slope = -y[0]
        slope += 2.0 * y[1]
        return torch.stack([slope, y[1]])

    def used(t, y):  # type: ignore[no-untyped-def]
        slope = -y[0]
        other = slope * 2.0
        slope += y[1]
        return torch.stack([slope, other])

    assert linear(fresh, 0.0, state(2, 1)).matrix[0, :, 0].tolist() == [-1.0, 2.0]
    with pytest.raises(rb.errors.StructureError, match="in place"):
        linear(used, 0.0, state(2, 1))


def test_a_row_that_is_changed_after_it_was_stacked_is_not_changed_in_the_stack() -> None:
    def field(t, y):  # type: ignore[no-untyped-def]
        slope = -y[0]
        stacked = torch.stack([slope, y[1]])
        slope += 2.0 * y[1]
        return stacked

    y = state(2, 1)
    assert torch.equal(linear(field, 0.0, y).matrix[0, :, 0], torch.tensor([-1.0, 0.0], dtype=torch.float64))
    assert torch.equal(linear(field, 0.0, y).slopes, field(0.0, y))


def test_a_constant_that_is_changed_while_it_is_looked_at_is_noticed() -> None:
    def field(t, y):  # type: ignore[no-untyped-def]
        gain = torch.ones(UNITS, dtype=torch.float64)
        slope = gain * y[0]
        gain += 1.0
        return torch.stack([slope])

    with pytest.raises(rb.errors.StructureError, match="changed in place"):
        linear(field, 0.0, state(1, UNITS))


def test_hodgkin_and_huxley_is_conditionally_linear_in_two_groups() -> None:
    y = state(4, UNITS) * torch.tensor([[-60.0], [0.2], [0.4], [0.3]], dtype=torch.float64)
    y[0, 0] = 0.0  # where the rate x / (1 - exp(-x)) needs its guard
    found = conditionally_linear(hodgkin_huxley, 0.0, y)
    assert found.blocks == ((0,), (1, 2, 3))
    assert torch.equal(found.slopes, hodgkin_huxley(0.0, y))
    for unit in range(UNITS):
        jacobian = torch.autograd.functional.jacobian(
            lambda column: hodgkin_huxley(0.0, column[:, None])[:, 0], y[:, unit]
        )
        # Sums of terms of up to 40 per ms
        torch.testing.assert_close(found.rates[:, unit], jacobian.diagonal(), rtol=1e-13, atol=1e-13)
    with pytest.raises(rb.errors.StructureError, match=r"y\[0\] is not linear: it has a power of y\[1\]"):
        linear(hodgkin_huxley, 0.0, y)


def test_variables_are_in_one_group_only_if_neither_depends_on_the_other() -> None:
    y = state(2, 1)
    for field in (
        lambda t, y: torch.stack([-y[0], y[0] - y[1]]),
        lambda t, y: torch.stack([y[1] - y[0], -y[1]]),
    ):
        assert conditionally_linear(field, 0.0, y).blocks == ((0,), (1,))
    assert conditionally_linear(lambda t, y: -y, 0.0, y).blocks == ((0, 1),)


class Calls(TorchDispatchMode):
    """Counts the calls of exp and pow."""

    def __init__(self) -> None:
        super().__init__()
        self.exp = self.pow = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        name = func.overloadpacket.__name__
        self.exp += name in ("exp", "expm1")
        self.pow += name == "pow"
        return func(*args, **(kwargs or {}))


def test_at_another_state_only_what_is_asked_for_is_computed() -> None:
    y = state(4, UNITS)
    found = conditionally_linear(hodgkin_huxley, 0.0, y)
    parts = list(y.unbind(0))
    with Calls() as calls:
        found.at((0,), parts)
    assert (calls.exp, calls.pow) == (0, 2)
    with Calls() as calls:
        found.at((1, 2, 3), parts)
    # One expm1 and four exp for six rates of the gates, though slope and coefficient both need them; the
    # square of a selection by voltage is no power.
    assert (calls.exp, calls.pow) == (5, 0)
    parts[0] = parts[0] + 1.0
    slopes, rates = found.at((1, 2, 3), parts)
    moved = torch.stack(parts)
    assert torch.equal(slopes, hodgkin_huxley(0.0, moved)[1:])
    assert torch.equal(rates, conditionally_linear(hodgkin_huxley, 0.0, moved).rates[1:])


class Synapse(SpikingNeuron):
    """A leaky membrane behind a synaptic current."""

    tau_mem = Parameter(10.0, unit="ms", above=0)
    tau_syn = Parameter(2.0, unit="ms", above=0)
    tau_ref = Parameter(2.0, unit="ms", at_least=0)
    voltage = State(0.0, unit="mV", at_rest=True)
    current = State(0.0, unit="mV/ms", at_rest=True)

    @staticmethod
    def derivatives(state, params, data):  # type: ignore[no-untyped-def]
        return {
            "voltage": state.current - state.voltage / params.tau_mem,
            "current": (data - state.current) / params.tau_syn,
        }

    @staticmethod
    def threshold(state, params):  # type: ignore[no-untyped-def]
        return state.voltage - 15.0

    @staticmethod
    def reset(state, params):  # type: ignore[no-untyped-def]
        return {"voltage": 0.0}


class Quadratic(AnalogNeuron):
    """dV/dt = V^2 + I."""

    voltage = State(0.0, unit="mV")

    @staticmethod
    def derivatives(state, params, data):  # type: ignore[no-untyped-def]
        return {"voltage": state.voltage * state.voltage + data}


class Probe(rb.Integrator):
    """Looks at the field that a model gives, and stands still."""

    def __init__(self, look) -> None:  # type: ignore[no-untyped-def]
        self.look, self.seen = look, []  # type: ignore[var-annotated]

    def advance(self, field, y, t0, t1, *, carry=None):  # type: ignore[no-untyped-def]
        self.seen.append(self.look(field, t0, y))
        return rb.Advance(y)


def test_held_states_of_refractory_units_are_linear_and_at_rest() -> None:
    probe = Probe(linear)
    cell = rb.create(Synapse, 2, integrator=probe, dtype=torch.float64)
    cell.inject(torch.tensor([20.0, 0.0]))
    cell(torch.zeros(2, dtype=torch.float64))  # the first unit spikes where it stands
    cell(torch.zeros(2, dtype=torch.float64))
    matrix = probe.seen[-1].matrix
    assert matrix[..., 0].tolist() == [[0.0, 0.0], [0.0, -0.5]]
    assert matrix[..., 1].tolist() == [[-0.1, 1.0], [0.0, -0.5]]
    assert probe.seen[-1].pattern == (frozenset({0, 1}), frozenset({1}))


@pytest.mark.parametrize("look", [linear, conditionally_linear])
def test_the_refusal_of_a_model_names_it_its_state_and_the_operation(look) -> None:  # type: ignore[no-untyped-def]
    cell = rb.create(Quadratic, integrator=Probe(look))
    with pytest.raises(rb.errors.StructureError) as caught:
        cell(torch.zeros(1))
    message = str(caught.value)
    assert message.startswith("Quadratic: the derivative of voltage is not linear")
    assert "a product of voltage with itself" in message
    assert "rk4" in message


def test_gradients_flow_through_the_coefficients() -> None:
    tau = torch.tensor([5.0], dtype=torch.float64, requires_grad=True)
    found = linear(lambda t, y: (2.0 - y) / tau, 0.0, torch.zeros(1, 1, dtype=torch.float64))
    (found.matrix.sum() + 10.0 * found.offset.sum()).backward()
    # d/dtau of -1/tau + 20/tau
    assert tau.grad is not None
    assert tau.grad.item() == pytest.approx(-19.0 / 25.0, rel=1e-14)


def test_an_affine_function_has_its_value_and_coefficients_and_another_its_reason() -> None:
    y = state(2, UNITS)
    found = affine(lambda y: (3.0 * y[1] - y[0]) / 2.0 - 7.0, y)
    assert torch.equal(found.value, (3.0 * y[1] - y[0]) / 2.0 - 7.0)
    assert found.coefficients[:, 0].tolist() == [-0.5, 1.5]
    with pytest.raises(rb.errors.StructureError, match=r"it has abs of y\[0\]"):
        affine(lambda y: y[0].abs() - 1.0, y)


def test_coefficients_have_the_shape_and_dtype_of_the_state() -> None:
    y = state(2, 4, UNITS).float()
    found = linear(lambda t, y: torch.stack([y[1] * 0.1, -y[0]]), 0.0, y)
    assert (found.matrix.shape, found.matrix.dtype) == ((2, 2, 4, UNITS), torch.float32)
    assert (found.offset.shape, found.offset.dtype) == ((2, 4, UNITS), torch.float32)
    assert found.matrix[0, 1, 0, 0].item() == torch.tensor(0.1).item()


class Held(SpikingNeuron):
    """A potential that stands still while refractory, and a trace that does not."""

    tau_ref = Parameter(1.0, unit="ms")
    voltage = State(0.0, unit="mV")
    trace = State(0.0, unit="mV")
    held = ("voltage",)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": data - state.voltage + state.trace, "trace": 2.0 * state.voltage - state.trace}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 1.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": 0.0 * state.voltage}


def test_who_rests_has_no_coefficients_and_leaves_those_of_who_does_not() -> None:
    neuron: Any = rb.create(Held, num_units=UNITS, dtype=torch.float64)
    y, drive, known = state(2, UNITS), state(UNITS), None
    for resting in ([True, False, False], [False, True, True], [False, False, False]):
        field = ModelField(neuron._model, neuron.params, drive, y.shape[1:], torch.tensor(resting))
        found = linear(field, 0.0, y, known=known)
        fresh = linear(field, 0.0, y)
        assert torch.equal(found.matrix, fresh.matrix)
        assert torch.equal(found.slopes, field(0.0, y))
        assert torch.equal(fresh.slopes, field(0.0, y))
        free = ~torch.tensor(resting)
        assert torch.equal(found.matrix[0, 1], free.double())
        assert torch.equal(found.matrix[1, 0], torch.full((UNITS,), 2.0, dtype=torch.float64))
        assert torch.equal(found.offset, torch.stack([drive * free, torch.zeros_like(drive)]))
        assert found.held == {0}
        assert known is None or found.free is known.free
        known = found

"""Signals: input that integrators see at their own times, landed on where it jumps."""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np
import pytest
import rheobase as rb
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rheobase.errors import InputError, NonFiniteStateError
from rheobase.signal.segments import segments_between

TAU = 10.0
DOUBLE = {"dtype": torch.float64}


def leak(x, current):
    return (current - x) / TAU


def sine_response(t):
    """x(t) of x' = (sin t - x) / tau from x(0) = 0, in closed form."""
    a = 1 / TAU
    return a / (1 + a * a) * (a * math.sin(t) - math.cos(t) + math.exp(-a * t))


def order_of(error):
    """The slope of the error between two step sizes that are a factor of two apart."""
    return math.log2(error(1 / 16) / error(1 / 32))


# --- time within a step ---------------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_a_method_keeps_its_order_under_a_sine_that_it_sees_at_its_stages(order):
    method, sine = rb.RungeKutta(order), rb.Signal(torch.sin)

    def error(h, frozen=False):
        x, duration = torch.zeros(1, **DOUBLE), 6.0
        for n in range(round(duration / h)):
            now = sine(n * h) if frozen else sine
            x = method(x, leak, dt=h, t=n * h, current=now)
        return abs(float(x) - sine_response(duration))

    assert order_of(error) == pytest.approx(order, abs=0.15)
    assert order_of(functools.partial(error, frozen=True)) == pytest.approx(1, abs=0.15)


def test_an_equation_that_names_t_is_given_the_time_of_each_stage():
    def error(h):
        x = torch.zeros(1, **DOUBLE)
        for n in range(round(6.0 / h)):
            x = rb.RungeKutta()(x, lambda x, t: leak(x, torch.sin(t)), dt=h, t=n * h)
        return abs(float(x) - sine_response(6.0))

    assert order_of(error) == pytest.approx(4, abs=0.15)


class Method:
    def slope(self, x, t):
        return t + 0 * x


class Module(torch.nn.Module):
    def forward(self, x, t):
        return t + 0 * x


@pytest.mark.parametrize(
    "equation",
    [
        lambda x, t: t + 0 * x,
        lambda x, *, t: t + 0 * x,
        lambda x, t=0.0, **more: t + 0 * x,
        Method().slope,
        Module(),
        functools.partial(lambda gain, x, t: gain * t + 0 * x, 1.0),
    ],
    ids=["lambda", "keyword", "more", "method", "module", "partial"],
)
def test_time_reaches_every_kind_of_equation_that_names_it(equation):
    # The integral of t from 1 to 3.
    assert float(rb.RungeKutta()(torch.zeros(1), equation, dt=2.0, t=1.0)) == pytest.approx(4.0)


@pytest.mark.parametrize(
    "equation",
    [
        lambda x: x,
        lambda t: t,
        lambda t, /: t,
        lambda x, **more: x + len(more),
        functools.partial(lambda x, t: x + 0 * t, t=5.0),
        torch.nn.Identity(),
    ],
    ids=["none", "state called t", "by position", "more", "bound", "module"],
)
def test_time_is_not_given_to_an_equation_that_does_not_name_it(equation):
    x = rb.RungeKutta(1)(torch.ones(1), equation, dt=0.5, t=1.0)
    assert float(x) == 1.5


def test_of_several_equations_those_that_name_t_get_it():
    equations = (lambda s, t: 2 * t + 0 * s[0], lambda s: 1 + 0 * s[0])
    x, y = rb.RungeKutta()((torch.zeros(1), torch.zeros(1)), equations, dt=2.0, t=1.0)
    assert (float(x), float(y)) == pytest.approx((8.0, 2.0))


def test_time_does_not_change_the_type_of_the_state():
    x = rb.RungeKutta()(torch.zeros(3), lambda x, t: t + torch.arange(3), dt=torch.ones(3), t=2.0)
    assert x.dtype == torch.float32
    assert x.tolist() == [2.5, 3.5, 4.5]


def test_a_function_that_is_no_signal_is_handed_on_as_it_is():
    seen = []

    def equation(x, current):
        seen.append(current)
        return -x

    function = math.sin
    rb.RungeKutta(2)(torch.ones(1), equation, dt=0.1, current=function)
    assert seen == [function, function]


# --- breakpoints ----------------------------------------------------------------------------------


class Watch(rb.RungeKutta):
    """RK4 that notes from where to where it is sent."""

    def __init__(self):
        super().__init__()
        self.ways = []

    def advance(self, field, y, t0, t1, *, carry=None):
        self.ways.append((t0, t1))
        return super().advance(field, y, t0, t1, carry=carry)


def rk4_factor(z):
    return 1 + z + z**2 / 2 + z**3 / 6 + z**4 / 24


def test_a_fixed_step_method_takes_one_step_for_each_piece_and_none_across_an_edge():
    method, pulse = Watch(), rb.Signal.levels([60.0, 61.0], [5.0, 0.0])
    slow = lambda x, current: (current - x) / 50.0  # noqa: E731
    x = method(torch.zeros(1, **DOUBLE), slow, dt=100.0, current=pulse)
    assert method.ways == [(0.0, 60.0), (0.0, 1.0), (0.0, 39.0)]
    # What RK4 itself makes of a linear equation: x - I shrinks by its stability function in each step.
    expected = 5.0 * (1 - rk4_factor(-1 / 50)) * rk4_factor(-39 / 50)
    assert float(x) == pytest.approx(expected, rel=1e-14)  # some roundings


def test_a_stage_on_an_edge_sees_the_limit_from_its_own_side():
    asked = []

    def function(t):
        asked.append(float(t))
        return 1.0 if t < 2.0 else 5.0

    x = rb.RungeKutta(4)(
        torch.zeros(1, **DOUBLE), lambda x, data: data + 0 * x, dt=4.0, data=rb.Signal(function, [2.0])
    )
    assert asked == [0.0, 1.0, 1.0, math.nextafter(2.0, 0.0), 2.0, 3.0, 3.0, 4.0]
    assert float(x) == 12.0


def test_a_kink_is_landed_on_as_well():
    # |t - 1| from 0 to 3: 0.5 + 2; each side is a straight line, which RK2 integrates without error.
    bent = rb.Signal(lambda t: (t - 1.0).abs(), [1.0])
    x = rb.RungeKutta(2)(torch.zeros(1, **DOUBLE), lambda x, data: data + 0 * x, dt=3.0, data=bent)
    assert float(x) == pytest.approx(2.5, rel=1e-15)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1.0, 11.0), max_size=6), st.floats(0.01, 10.0))
def test_pieces_are_the_step_cut_at_every_breakpoint_within(times, dt):
    levels = rb.Signal.levels(sorted(set(times)), [0.0] * len(set(times)))
    found = segments_between([levels, rb.Signal(torch.sin)], 0.0, dt)
    edges = [found[0].start, *(segment.stop for segment in found)]
    assert edges[0] == 0.0
    assert edges[-1] == dt
    assert [segment.start for segment in found] == edges[:-1]
    assert [(segment.t0, segment.t1) for segment in found] == [
        (0.0, b - a) for a, b in itertools.pairwise(edges)
    ]
    assert all(a < b for a, b in itertools.pairwise(edges))
    # Those nearer to an end, or to each other, than the rounding of a clock are one instant.
    inside = {time for time in times if 4e-15 < time < dt - 4e-14}
    assert all(min(abs(time - edge) for edge in edges) < 4e-14 for time in inside)
    assert set(edges[1:-1]) <= set(times)


@pytest.mark.parametrize(("dt", "sample"), [(0.1, 0.3), (0.05, 0.25), (0.3, 0.1), (0.7, 0.7)])
@pytest.mark.parametrize("first", [0, 123_456_789])
def test_a_breakpoint_on_the_boundary_of_a_step_counts_once_and_with_its_right_side(dt, sample, first):
    # 3 * 0.1 > 0.3: the clock and the breakpoints say the same instant in different numbers.
    ratio = round(sample / dt) if sample >= dt else 1
    within = round(dt / sample) if sample < dt else 1
    start = first * ratio
    count = 400
    low = math.floor(start / ratio) * within if within == 1 else start * within
    times = [(low + k) * sample for k in range(count * within // ratio + 2)]
    levels = rb.Signal.levels(times, [float(k) for k in range(len(times))], before=-1.0)
    for n in range(start, start + count):
        found = segments_between([levels.shifted(n * dt)], 0.0, dt)
        assert len(found) == within
        values = [float(levels.shifted(n * dt).around(segment.middle)(0.0)) for segment in found]
        expected = [(n - start) * within // ratio + k for k in range(within)]
        assert values == expected


def test_two_signals_that_jump_together_but_for_rounding_make_one_cut():
    one, other = rb.Signal.levels([0.3], [1.0]), rb.Signal.levels([3 * 0.1], [1.0])
    assert len(segments_between([one, other], 0.0, 1.0)) == 2


def test_units_with_times_of_their_own_take_as_much_of_each_piece_as_lies_between_them():
    pulse = rb.Signal.levels([1.0, 1.5], [3.0, -1.0])
    equation = lambda x, data: data - 0.2 * x  # noqa: E731
    spans = torch.tensor([0.4, 1.2, 2.0, 0.0, 1.0], **DOUBLE)
    x0 = torch.arange(5, **DOUBLE)
    together = rb.RungeKutta()(x0, equation, dt=spans, data=pulse)
    alone = [rb.RungeKutta()(x0[k], equation, dt=float(spans[k]), data=pulse) for k in range(5)]
    # 1e-15: a number and a tensor of one are multiplied in another order.
    assert torch.allclose(together, torch.stack(alone), rtol=1e-15, atol=1e-15)
    started = segments_between([pulse], torch.tensor([0.5, 1.2]), torch.tensor([1.1, 2.0]))
    ways = [
        ((segment.start + segment.t0).tolist(), (segment.start + segment.t1).tolist()) for segment in started
    ]
    expected = [([0.5, 1.2], [1.0, 1.2]), ([1.0, 1.2], [1.1, 1.5]), ([1.1, 1.5], [1.1, 2.0])]
    assert np.allclose(ways, expected, atol=1e-7)


# --- the clock ------------------------------------------------------------------------------------


def test_the_clock_of_a_signal_is_exact_after_long_runs_and_in_float32():
    start, offsets = 3.6e7, torch.tensor([0.0, 0.03, 0.0999], dtype=torch.float32)  # ten hours
    late = rb.Signal(lambda t: torch.sin(50.0 * (t - start)), [start + 0.05]).shifted(start)
    exact = torch.sin(50.0 * offsets.double())
    # A double resolves 36e6 ms to 7e-9 ms, and the sine turns by 50 per ms: 4e-7. Float32 resolves 2 ms.
    assert torch.allclose(late(offsets), exact, atol=4e-7)
    assert late.breakpoints == pytest.approx([0.05], abs=1e-8)


@pytest.mark.parametrize("start", [0.0, 1e3, 3.6e7])
def test_the_left_limit_does_not_round_to_the_other_side_on_a_long_clock(start):
    levels = rb.Signal.levels([start + 0.25], [1.0]).shifted(start)
    ends = [levels.around(segment.middle)(segment.stop) for segment in segments_between([levels], 0.0, 0.5)]
    assert ends == [0.0, 1.0]
    smooth = rb.Signal(lambda t: 1.0 if t >= start + 0.25 else 0.0, [start + 0.25]).shifted(start)
    before, after = segments_between([smooth], 0.0, 0.5)
    assert float(smooth.around(before.middle)(before.stop)) == 0.0
    assert float(smooth.around(after.middle)(after.start)) == 1.0


# --- values ---------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_levels_hold_from_each_time_to_the_next(data):
    times = sorted(data.draw(st.sets(st.integers(0, 50), min_size=1, max_size=6)))
    values = data.draw(st.lists(st.integers(-9, 9), min_size=len(times), max_size=len(times)))
    signal = rb.Signal.levels(times, values, before=77.0)
    asked = data.draw(st.lists(st.floats(-5.0, 60.0), min_size=1, max_size=8))
    steps = [(-math.inf, 77.0), *zip(times, values, strict=True)]
    expected = [[value for begin, value in steps if begin <= t][-1] for t in asked]
    assert [float(signal(t)) for t in asked] == expected
    assert signal(torch.tensor(asked, **DOUBLE)).tolist() == expected


def test_levels_may_differ_from_unit_to_unit_and_units_may_have_their_own_times():
    signal = rb.Signal.levels([1.0, 2.0], [torch.tensor([1.0, 2.0, 3.0]), 9.0], before=torch.zeros(3))
    assert signal(1.5).tolist() == [1.0, 2.0, 3.0]
    own = signal(torch.tensor([[0.0, 1.0, 2.0], [1.0, 5.0, 0.5]]))
    assert own.tolist() == [[0.0, 2.0, 9.0], [1.0, 9.0, 0.0]]
    table = rb.Signal.levels([0.0, 1.0], torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    assert (table(0.0).tolist(), table(1.0).tolist()) == ([1.0, 2.0], [3.0, 4.0])


def test_signals_and_constants_add_and_keep_all_breakpoints():
    one, other = rb.Signal.levels([1.0, 3.0], [2.0, 5.0]), rb.Signal(lambda t: 10.0 * t, [2.0])
    both = one + other + 1.0
    assert both.breakpoints == (1.0, 2.0, 3.0)
    assert [float(both(t)) for t in (0.5, 1.0, 3.0)] == [6.0, 13.0, 36.0]
    assert float((1.0 + both.shifted(0.5))(0.5)) == 14.0
    assert (one + torch.tensor([1.0, 2.0]))(1.0).tolist() == [3.0, 4.0]
    assert sum([one, one], one).piecewise_constant
    assert not both.piecewise_constant
    with pytest.raises(TypeError):
        one + "two"


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_some_units_of_a_signal_are_what_they_are_among_all(data):
    shape = torch.Size(data.draw(st.sampled_from([(5,), (2, 5), (3, 1, 4)])))
    places = data.draw(st.lists(st.integers(0, shape.numel() - 1), min_size=1, max_size=7, unique=True))
    phase = torch.arange(shape[-1], **DOUBLE)
    signal = data.draw(
        st.sampled_from(
            [
                rb.Signal(lambda t: torch.sin(t + phase)),
                rb.Signal(torch.sin),
                rb.Signal.levels([0.4], [phase]),
                rb.Signal.levels([0.4], [3.0]) + rb.Signal(torch.cos),
            ]
        )
    )
    who = torch.tensor(places)
    part = signal.shifted(0.25).take(who, shape)
    times = torch.linspace(0.0, 1.0, shape.numel(), **DOUBLE).view(shape)
    expected = torch.broadcast_to(signal(times + 0.25), shape).reshape(-1)[who]
    assert torch.equal(part(times.reshape(-1)[who]), expected)
    at_once = torch.broadcast_to(signal(0.5), shape).reshape(-1)[who]
    assert torch.equal(torch.broadcast_to(part(0.25), (len(who),)), at_once)
    assert torch.equal(
        torch.broadcast_to(signal.take(slice(0, shape.numel()), shape)(0.5), (shape.numel(),))[who], at_once
    )


def test_gradients_flow_through_the_values_of_a_signal():
    levels = torch.tensor([2.0, -1.0], **DOUBLE, requires_grad=True)

    def end(values):
        pulse = rb.Signal.levels([0.3, 0.8], values)
        return rb.RungeKutta()(torch.zeros(1, **DOUBLE), leak, dt=1.0, current=pulse)

    assert torch.autograd.gradcheck(end, levels)


# --- stimuli --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stimulus",
    [
        rb.stimulus.Constant(3.0),
        rb.stimulus.Step(5.0, start=0.24, stop=1.4, base=-1.0),
        rb.stimulus.Step(torch.tensor([1.0, 2.0]), start=0.5),
        rb.stimulus.Pulses(2.0, ((0.1, 0.2), (0.5, math.inf))),
        rb.stimulus.Levels(((0.3, 0.9, 4.0), (0.1, 1.2, 2.0), (1.2, 1.5, -3.0)), base=1.0),
        rb.stimulus.Ramp(2.0, start=0.3, stop=1.1, base=0.5),
        rb.stimulus.Ramp(torch.tensor([2.0, -1.0]), start=0.3, stop=1.1, hold=False),
        rb.stimulus.Sine(3.0, frequency=200.0, phase=torch.tensor([0.5, 1.5]), offset=1.0),
        rb.stimulus.Samples(torch.tensor([1.0, -2.0, 3.0, 4.0]), sample_dt=0.5, scale=3.0),
        rb.stimulus.Samples(torch.tensor([[1.0, -2.0], [3.0, 4.0]]), sample_dt=1.0),
        rb.stimulus.Step(5.0, start=0.24) + rb.stimulus.Sine(1.0, frequency=100.0) + 2.0,
    ],
    ids=lambda stimulus: type(stimulus).__name__,
)
def test_the_signal_of_a_stimulus_is_the_stimulus_at_every_time(stimulus):
    signal, dt = stimulus.signal(), 0.02
    rows = stimulus.rows(0, 100, dt, 2, **DOUBLE)
    for n in range(100):
        # A hundredth of a step later, so that the rounding of n dt is on no edge.
        value = signal((n + 0.01) * dt) if signal.piecewise_constant else signal.shifted(n * dt)(0.0)
        smooth = torch.broadcast_to(value.double(), rows[n].shape)
        assert torch.allclose(smooth, rows[n], rtol=1e-6, atol=1e-9)  # Samples are float32


def test_every_edge_of_a_stimulus_is_a_breakpoint_of_its_signal():
    assert rb.stimulus.Step(5.0, start=0.24, stop=1.4).signal().breakpoints == (0.24, 1.4)
    assert rb.stimulus.Pulses(2.0, ((0.1, 0.2), (0.5, math.inf))).signal().breakpoints == (0.1, 0.2, 0.5)
    assert rb.stimulus.Ramp(2.0, start=0.3, stop=1.1).signal().breakpoints == (0.3, 1.1)
    samples = rb.stimulus.Samples(torch.ones(3), sample_dt=0.5).signal()
    assert samples.breakpoints == (0.0, 0.5, 1.0, 1.5)


def test_a_signal_of_samples_ends_where_they_end():
    samples = rb.stimulus.Samples(torch.tensor([1.0, 2.0]), sample_dt=0.5).signal()
    last = segments_between([samples], 0.5, 1.0)[-1]
    assert float(samples.around(last.middle)(last.stop)) == 2.0
    for late in (1.0, torch.tensor([0.2, 3.0])):
        with pytest.raises(InputError, match=r"ends at 1 ms"):
            samples(late)


def test_noise_has_no_signal():
    noise = rb.stimulus.OrnsteinUhlenbeck(mean=0.0, std=1.0, tau=5.0, seed=1)
    with pytest.raises(rb.errors.StimulusError, match="OrnsteinUhlenbeck is defined for whole steps"):
        (noise + 1.0).signal()


# --- what cannot be used --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: rb.Signal(3.0), r"function=3\.0"),
        (lambda: rb.Signal(rb.Signal(torch.sin)), "cannot be used"),
        (lambda: rb.Signal(torch.sin, 5.0), "sequence of times"),
        (lambda: rb.Signal(torch.sin, np.float64(5.0)), "sequence of times"),
        (lambda: rb.Signal(torch.sin, "12"), "sequence of times"),
        (lambda: rb.Signal(torch.sin, [1.0, math.nan]), r"breakpoints\[1\]=nan"),
        (lambda: rb.Signal(torch.sin, [math.inf]), r"breakpoints\[0\]=inf"),
        (lambda: rb.Signal(torch.sin, [True]), r"breakpoints\[0\]=True"),
        (lambda: rb.Signal(torch.sin, [2.0, 1.0]), r"breakpoints\[1\] = 1\.0 ms does not come after"),
        (lambda: rb.Signal(torch.sin, [1.0, 1.0]), "does not come after"),
        (lambda: rb.Signal(torch.sin).shifted(math.nan), "t0=nan"),
        (lambda: rb.Signal.levels([1.0], [1.0, 2.0]), "1 times and 2 values"),
        (lambda: rb.Signal.levels([1.0], [math.nan]), r"values\[0\] is nan"),
        (lambda: rb.Signal.levels([1.0], torch.tensor([math.inf])), r"values\[0\] is not finite"),
        (lambda: rb.Signal.levels([1.0], torch.tensor([1])), "floating-point"),
        (lambda: rb.Signal.levels([1.0], 5.0), "sequence of currents"),
        (lambda: rb.Signal.levels([1.0], ["a"]), "gave str|is str|str"),
        (lambda: rb.Signal.levels([1.0], [torch.ones(2, 2)]), r"shape \[2, 2\]"),
        (lambda: rb.Signal.levels([1.0, 2.0], [torch.ones(2), torch.ones(3)]), "for 2 and for 3 units"),
        (lambda: rb.Signal.levels([1.0], [1.0], until=0.5), "until=0.5 is not after"),
        (lambda: rb.Signal(lambda t: "x")(0.0), "gave str"),
        (lambda: rb.Signal(lambda t: t > 0)(0.0), "torch.bool"),
        (lambda: rb.Signal(math.sin)(torch.ones(3)), "times of several units.*torch.where"),
        (lambda: rb.Signal(lambda t: 1.0 if t > 0 else 0.0)(torch.ones(3)), "times of several units"),
    ],
)
def test_what_makes_no_signal_is_refused_with_the_reason(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_a_function_written_for_numbers_serves_where_all_units_have_one_time():
    x = rb.RungeKutta()(torch.zeros(2, **DOUBLE), leak, dt=0.5, current=rb.Signal(math.sin))
    assert x.tolist() == pytest.approx([sine_response(0.5)] * 2, abs=1e-6)  # RK4 over 0.5 ms


def test_a_failure_after_a_breakpoint_says_which():
    class Failing(rb.RungeKutta):
        def advance(self, field, y, t0, t1, *, carry=None):
            if float(y.sum()) > 0:
                raise rb.errors.StepUnderflowError("no further")
            return super().advance(field, y, t0, t1, carry=carry)

    with pytest.raises(
        rb.errors.StepUnderflowError, match=r"from a breakpoint at t = 0\.25 ms on: no further"
    ):
        Failing()(
            torch.zeros(1), lambda x, data: data, dt=1.0, data=rb.Signal.levels([0.25], [0.0], before=1.0)
        )


def test_a_unit_that_failed_in_one_piece_has_failed_after_the_next():
    class Marking(rb.RungeKutta):
        on_failure = "mark"

        def advance(self, field, y, t0, t1, *, carry=None):
            status = (y[0].isnan() | (y[0] > 5.0)).to(torch.int8) * (2 if float(t1) == 0.25 else 3)
            return rb.Advance(torch.where(status != 0, math.nan, y + 1.0), status=status)

    state, data = torch.tensor([0.0, 9.0]), rb.Signal.levels([0.25], [1.0])
    result = Marking().solve(state, lambda x, data: data, dt=1.0, data=data)
    assert result.status.tolist() == [0, 2]
    assert result.y[0].isnan().tolist() == [False, True]
    method = Marking()
    method.on_failure = "raise"
    with pytest.raises(rb.errors.StepUnderflowError, match="unit 1"):
        method(state, lambda x, data: data, dt=1.0, data=data)


def test_the_result_of_a_call_is_finite_or_an_error_that_names_the_unit():
    explosive = lambda x: x * 1e300  # noqa: E731
    x = torch.tensor([0.0, 1.0, 0.0], **DOUBLE)
    with pytest.raises(NonFiniteStateError, match=r"RungeKutta.*unit 1 at t = 0\.1 ms"):
        rb.RungeKutta()(x, explosive, dt=0.1)
    with pytest.raises(NonFiniteStateError, match="unit 1"):
        rb.RungeKutta()((x, x), lambda s: (s[0] * 0, s[1] * 1e300), dt=0.1)
    marking = rb.integrator("rk4", on_failure="mark")
    assert marking(x, explosive, dt=0.1).isfinite().tolist() == [True, False, True]

"""Neurons under input that changes within a step."""

from __future__ import annotations

import math

import pytest
import rheobase as rb
import torch
from rheobase.errors import InputError, ParameterError

DOUBLE = {"dtype": torch.float64}
EVENTS = ["step", "crossing", "located"]


class Leaky(rb.AnalogNeuron):
    """tau dV/dt = I - V: a membrane whose answer to steps and sines is known in closed form."""

    tau = rb.Parameter(10.0, unit="ms", above=0)
    voltage = rb.State(0.0, unit="mV", at_rest=True)

    @staticmethod
    def derivatives(state, params, data):
        return {"voltage": (data - state.voltage) / params.tau}


def leak(x, data):
    return (data - x) / 10.0


def sine_response(t):
    a = 0.1
    return a / (1 + a * a) * (a * math.sin(t) - math.cos(t) + math.exp(-a * t))


def pulse_response(t, start, stop, height, tau=10.0):
    """V(t) of the membrane after a pulse, in closed form."""
    return height * -math.expm1(-(stop - start) / tau) * math.exp(-(t - stop) / tau)


NEURONS = {
    "declared": lambda **more: rb.create(Leaky, **more, **DOUBLE),
    "equation": lambda **more: rb.create("analog", equation=leak, **more, **DOUBLE),
}


@pytest.mark.parametrize("make", NEURONS.values(), ids=NEURONS)
def test_rk4_is_of_order_four_under_a_sine_and_of_order_one_where_it_is_held(make):
    def error(dt, drive):
        recording = rb.simulate(make(dt=dt), drive, 8.0, record="voltage")
        return abs(float(recording.traces["voltage"][-1]) - sine_response(8.0))

    def order(drive):
        return math.log2(error(0.5, drive) / error(0.25, drive))

    sine = rb.stimulus.Sine(1.0, frequency=1000.0 / (2 * math.pi))
    assert order(rb.Signal(torch.sin)) == pytest.approx(4, abs=0.15)
    assert order(sine.signal()) == pytest.approx(4, abs=0.15)
    assert order(sine) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("make", NEURONS.values(), ids=NEURONS)
@pytest.mark.parametrize("dt", [100.0, 10.0, 0.1])
def test_a_pulse_of_a_millisecond_in_a_hundred_of_silence_is_never_skipped(make, dt):
    pulse = rb.stimulus.Step(20.0, start=60.25, stop=61.25).signal()
    voltage = rb.simulate(make(dt=dt), pulse, 100.0, record="voltage").traces["voltage"][-1]
    expected = pulse_response(100.0, 60.25, 61.25, 20.0)
    # RK4 in one step of 38.75 ms, 3.9 time constants, is wrong by itself: by its factor, known below.
    z = {100.0: -3.875, 10.0: -1.0, 0.1: -0.01}[dt]
    if dt == 100.0:
        expected *= (1 + z + z**2 / 2 + z**3 / 6 + z**4 / 24) / math.exp(z)
    # Steps of 1.0 and 0.875 time constants: RK4 is wrong by up to z^5 / 120 = 0.8% in each.
    assert float(voltage) == pytest.approx(expected, rel=0.1 if dt == 10.0 else 1e-6)


@pytest.mark.parametrize("event", EVENTS)
def test_a_spiking_model_sees_each_edge_of_its_input_where_it_is(ramp, event):
    # dV/dt = I: V is the integral of the input, whatever the method and the step.
    neuron = rb.create(ramp, event=event, dt=50.0, integrator="rk1", **DOUBLE)
    pulses = rb.Signal.levels([3.0, 3.000001, 20.0, 24.0], [1e6, 0.0, 2.0, 0.0])
    out = neuron(pulses)
    assert float(out["voltage"]) == pytest.approx(9.0, abs=1e-8)  # 1e6 times the rounding of 3.000001
    assert not out["spiked"]


@pytest.mark.parametrize("event", EVENTS)
def test_a_pulse_of_a_nanosecond_is_there_in_float32_where_a_float32_clock_would_lose_it(ramp, event):
    neuron = rb.create(ramp, 2, event=event, dt=100.0)
    out = neuron(rb.Signal.levels([90.0, 90.000001], [5e6, 0.0]))
    assert out["voltage"].tolist() == pytest.approx([5.0, 5.0], rel=1e-6)  # of float32
    bent = rb.Signal(lambda t: torch.where((t >= 190.0) & (t < 190.000001), 4e6, 0.0), [190.0, 190.000001])
    assert neuron(bent)["voltage"].tolist() == pytest.approx([9.0, 9.0], rel=1e-6)


@pytest.mark.parametrize("dt", [0.5, 4.0, 16.0])
def test_spikes_are_located_between_the_edges_of_the_input(ramp, dt):
    neuron = rb.create(ramp, 2, event="located", dt=dt, integrator="rk1", tau_ref=0.75, **DOUBLE)
    drive = rb.Signal.levels([1.3, 3.3, 9.7], [torch.tensor([4.0, 8.0], **DOUBLE), 0.0, 20.0])
    spikes = rb.simulate(neuron, drive, 16.0).spikes
    # Unit 0: 8 mV by 3.3 ms, the last two at 20 mV/ms. Unit 1 spikes at 10 mV, rests 0.75 ms in which the
    # input goes on to 3.3 ms, and starts again from 0.
    first = [9.7 + 2.0 / 20.0]
    second = [1.3 + 10.0 / 8.0, 9.7 + 0.5]
    for unit, expected in enumerate((first, second)):
        while expected[-1] + 0.75 + 0.5 < 16.0:
            expected.append(expected[-1] + 0.75 + 0.5)
        assert spikes.times[spikes.units == unit].tolist() == pytest.approx(expected, abs=1e-12)


def test_what_a_refractory_unit_does_not_hold_sees_the_edges_too():
    class Summing(rb.SpikingNeuron):
        tau_ref = rb.Parameter(5.0, unit="ms", at_least=0)
        voltage = rb.State(0.0, unit="mV")
        total = rb.State(0.0, unit="pA ms")

        @staticmethod
        def derivatives(state, params, data):
            return {"voltage": data, "total": data}

        @staticmethod
        def threshold(state, params):
            return state.voltage - 1.0

        @staticmethod
        def reset(state, params):
            return {"voltage": 0.0}

    neuron = rb.create(Summing, dt=10.0, event="located", integrator="rk1", **DOUBLE)
    out = neuron(rb.Signal.levels([1.0, 3.0, 4.0], [2.0, -1.0, 0.0]))
    # One spike at 1.5 ms; the input goes on through the refractory period, to 3 ms at 2 and to 4 ms at -1.
    assert out["spike_times"].tolist() == [[1.5]]
    assert (float(out["voltage"]), float(out["total"])) == pytest.approx((0.0, 3.0), abs=1e-12)


def test_the_recorded_input_is_its_value_at_the_start_of_the_step():
    neuron = rb.create(Leaky, 2, dt=0.1, **DOUBLE)
    # 0.3 is less than 3 * 0.1, the clock of the fourth step: they mean one instant.
    levels = rb.Signal.levels([0.3, 0.55], [1.0, torch.tensor([2.0, 3.0])])
    trace = rb.simulate(neuron, levels, 0.8, record="input").traces["input"]
    assert trace[:, 0].tolist() == [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0, 2.0]
    assert trace[:, 1].tolist() == [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 3.0, 3.0]
    assert neuron.input.tolist() == [2.0, 3.0]


def test_a_signal_on_the_grid_gives_what_held_rows_give_bit_for_bit(lif):
    samples = rb.stimulus.Samples(300.0 * torch.sin(torch.arange(40.0)), sample_dt=0.3)
    runs = [
        rb.simulate(rb.create(lif, 2, dt=0.1), drive, 12.0, record=("spikes", "voltage", "input"))
        for drive in (samples, samples.signal())
    ]
    for name in ("voltage", "input"):
        assert torch.equal(runs[0].traces[name], runs[1].traces[name])
    assert torch.equal(runs[0].spikes.times, runs[1].spikes.times)


def test_two_runs_of_t_are_one_run_of_two_t_and_a_reset_starts_the_clock_again():
    drive = rb.Signal(lambda t: 5.0 * torch.cos(t), [2.35]) + rb.Signal.levels([2.35], [3.0])

    def voltage(neuron, duration):
        return rb.simulate(neuron, drive, duration, record="voltage").traces["voltage"]

    one, two = (rb.create(Leaky, dt=0.2, **DOUBLE) for _ in range(2))
    halves = torch.cat([voltage(two, 2.0), voltage(two, 2.0)])
    assert torch.equal(voltage(one, 4.0), halves)
    two.reset_state()
    assert torch.equal(voltage(two, 4.0), halves)


def test_the_signal_of_a_neuron_that_has_run_for_hours_is_as_exact():
    steps, dt = 360_000_000, 0.1  # ten hours
    start = steps * dt
    early, late = (rb.create(Leaky, dt=dt, **DOUBLE) for _ in range(2))
    late.step_count += steps
    for neuron, begin in ((early, 0.0), (late, start)):
        for _ in range(3):
            neuron(rb.Signal.levels([begin + 0.125, begin + 0.25], [8.0, 0.0]))
    # The edges are rounded to what a double resolves at ten hours, 7e-9 ms; times dV/dt = 0.8 mV/ms.
    assert float(late.voltage) == pytest.approx(float(early.voltage), abs=2e-8)
    assert float(early.voltage) == pytest.approx(pulse_response(0.3, 0.125, 0.25, 8.0), rel=1e-9)


# --- several sources, inputs and units ------------------------------------------------------------


def test_signals_and_tensors_in_a_list_are_aggregated_at_every_time(lif):
    wave, level = rb.Signal(lambda t: 1 + torch.sin(t) ** 2), rb.Signal.levels([0.45], [4.0], before=2.0)
    constant = torch.tensor([1.0, 3.0], **DOUBLE)

    def end(data, aggregator, identifiers=None):
        neuron = rb.create(Leaky, 2, dt=1.0, aggregator=aggregator, **DOUBLE)
        return neuron(data, identifiers)["voltage"]

    at = lambda t: (1 + torch.sin(t) ** 2, torch.where(t < 0.45, 2.0, 4.0))  # noqa: E731
    rules = {
        "sum": lambda t: sum(at(t)) + constant,
        "mean": lambda t: (sum(at(t)) + constant) / 3,
        "product": lambda t: math.prod(at(t)) * constant,
        "shunting": lambda t: at(t)[0] / (1 + at(t)[1] + constant),
    }
    names = ["dendrite", "shunt_1", "shunt_2"]
    for rule, by_hand in rules.items():
        expected = end(rb.Signal(by_hand, [0.45]), "sum")
        # The order of additions differs: some roundings.
        assert torch.allclose(end([wave, level, constant], rule, names), expected, rtol=1e-14, atol=0)


def test_inputs_by_name_may_be_signals(two_inputs):
    neuron = rb.create(two_inputs, dt=2.0, **DOUBLE)
    excitation = rb.Signal.levels([0.5, 1.25], [30.0, 0.0])
    recording = rb.simulate(
        neuron, {"excitation": excitation, "inhibition": 2.0}, 2.0, record=("voltage", "excitation")
    )
    voltage = 0.0
    for duration, g in ((0.5, 0.0), (0.75, 30.0), (0.75, 0.0)):
        goal = -80.0 * 2.0 / (g + 2.0)
        voltage = goal + (voltage - goal) * math.exp(-(g + 2.0) / 100.0 * duration)
    assert float(recording.traces["voltage"]) == pytest.approx(voltage, rel=2e-5)  # RK4, z = 0.24: z^5 / 120
    assert recording.traces["excitation"].tolist() == [[0.0]]
    one = rb.create(two_inputs, dt=2.0, **DOUBLE)
    assert torch.equal(
        one({"excitation": [excitation], "inhibition": [2.0 + 0 * excitation(0.0)]})["voltage"],
        neuron.voltage,
    )


@pytest.mark.parametrize("event", EVENTS)
def test_a_unit_is_the_same_alone_and_among_others_whose_input_differs(lif, event):
    phase, batch = torch.tensor([0.0, 1.0, 2.5], **DOUBLE), torch.tensor([[[0.0]], [[40.0]]], **DOUBLE)

    def run(which, lift):
        drive = rb.Signal(lambda t: 250.0 + 200.0 * torch.sin(t / 3.0 + which) + lift, [7.3])
        neuron = rb.create(lif, len(which), dt=2.0, event=event, **DOUBLE)
        rows = [neuron(drive) for _ in range(15)]
        return torch.stack([row["voltage"] for row in rows])

    together = run(phase, batch.squeeze(-1))
    assert together.shape == (15, 2, 3)
    for unit in range(3):
        for place in range(2):
            alone = run(phase[unit : unit + 1], batch[place, 0])
            # torch's sine differs in the last bit between places in a tensor.
            assert torch.allclose(together[:, place, unit], alone[:, 0], rtol=1e-10, atol=1e-10)


def test_an_equation_that_names_t_gets_the_time_of_the_neuron():
    neuron = rb.create("analog", 2, equation=lambda x, data, t: torch.cos(t) + data, dt=0.25, **DOUBLE)
    for _ in range(8):
        out = neuron(0.5)
    # RK4: h^5 / 2880 in each step, Simpson's rule.
    assert out["voltage"].tolist() == pytest.approx([math.sin(2.0) + 1.0] * 2, abs=4e-6)

    class Own(rb.Neuron):
        def forward(self, data, identifiers=None):
            self.voltage = self.integrate(data=data)
            return self.loggable_state()

    own = Own(equation=lambda x, data, t: torch.cos(t) + data, dt=0.25, **DOUBLE)
    for _ in range(8):
        own(rb.Signal.levels([1.1], [1.0]))
    assert float(own.voltage) == pytest.approx(math.sin(2.0) + 0.9, abs=4e-6)


def test_without_an_equation_the_voltage_follows_the_signal_at_the_start_of_each_step():
    neuron = rb.AnalogNeuron(dt=1.0)
    ramp = rb.Signal(lambda t: 2.0 * t)
    assert [float(neuron(ramp)["voltage"]) for _ in range(3)] == [0.0, 2.0, 4.0]


def test_gradients_with_respect_to_the_levels_of_a_pulse():
    height = torch.tensor(20.0, **DOUBLE, requires_grad=True)
    neuron = rb.create(Leaky, dt=0.5, grad=True, **DOUBLE)
    voltage = rb.simulate(
        neuron, rb.Signal.levels([0.3, 1.2], [height, 0.0]), 4.0, record="voltage", grad=True
    )
    (slope,) = torch.autograd.grad(voltage.traces["voltage"][-1].sum(), height)
    assert float(slope) == pytest.approx(pulse_response(4.0, 0.3, 1.2, 1.0), rel=1e-7)  # RK4 at z = 0.05


# --- what cannot be used --------------------------------------------------------------------------


def test_values_outside_the_domain_of_an_input_are_refused_at_the_time_they_occur():
    class Gated(rb.AnalogNeuron):
        conductance = rb.Input(unit="nS", at_least=0)
        voltage = rb.State(1.0, unit="mV")

        @staticmethod
        def derivatives(state, params, data):
            return {"voltage": -data.conductance * state.voltage}

    neuron = rb.create(Gated, 2, dt=1.0)
    neuron(rb.Signal.levels([0.5], [0.5]))
    before = neuron.voltage.clone()
    with pytest.raises(ParameterError, match=r"input 'conductance'.* is -2; it must be .*>= 0"):
        neuron(rb.Signal.levels([1.5], [-2.0]))
    assert torch.equal(neuron.voltage, before)
    assert neuron.simulation_step == 1


@pytest.mark.parametrize("make", NEURONS.values(), ids=NEURONS)
def test_a_signal_that_is_not_finite_within_a_step_is_an_error_and_changes_nothing(make):
    neuron = make(num_units=2, dt=1.0)
    bad = rb.Signal(lambda t: torch.where(t > 1.2, torch.tensor([1.0, math.nan], **DOUBLE), 0.0))
    neuron(bad)
    with pytest.raises(
        InputError, match=r"signal of the input.* is nan for unit 1 .* t = 1 ms, near t = 1\.5 ms"
    ):
        neuron(bad)
    assert neuron.simulation_step == 1
    assert neuron.voltage.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("signal", "message"),
    [
        (rb.Signal(lambda t: torch.ones(3)), r"shape \[3\]"),
        (rb.Signal(lambda t: torch.ones(2, dtype=torch.int64)), "torch.int64"),
        (rb.Signal(lambda t: None), "NoneType"),
        (torch.sin, r"rheobase\.Signal\(function, breakpoints\)"),
        ([rb.Signal(torch.sin), 3.0], "list of numbers"),
        ([rb.Signal(torch.sin), torch.ones(3)], r"shape \[3\]"),
    ],
)
def test_a_signal_is_checked_as_a_tensor_is(signal, message):
    neuron = rb.create(Leaky, 2)
    with pytest.raises(InputError, match=message):
        neuron(signal)


def test_a_plain_function_is_no_stimulus(lif):
    with pytest.raises(InputError, match=r"rheobase\.Signal\(function, breakpoints\)"):
        rb.simulate(rb.create(lif), torch.sin, 1.0)


def test_a_model_that_makes_its_own_steps_takes_signals_that_jump_between_them():
    class Own(rb.AnalogNeuron):
        voltage = rb.State(0.0, unit="mV")

        @staticmethod
        def update(state, params, data, dt):
            return {"voltage": state.voltage + dt * data}

    neuron = rb.create(Own, dt=0.5)
    for _ in range(4):
        neuron(rb.Signal.levels([0.5, 1.5], [2.0, 0.0]))
    assert float(neuron.voltage) == 2.0
    with pytest.raises(InputError, match=r"jumps 0\.25 ms after the step's start"):
        neuron(rb.Signal.levels([2.25], [1.0]))


class Structured(rb.RungeKutta):
    """An integrator that asks for the coefficients of a linear model, as exact ones do."""

    def advance(self, field, y, t0, t1, *, carry=None):
        path = rb.linear(field, t0, y)
        decay = torch.exp(path.matrix[0] * (t1 - t0))
        goal = -path.offset / path.matrix[0]
        return rb.Advance(goal + (y - goal) * decay)


def test_a_model_is_linear_between_the_jumps_of_its_input_and_not_under_a_wave():
    neuron = rb.create(Leaky, dt=100.0, integrator=Structured(), **DOUBLE)
    out = neuron(rb.Signal.levels([60.25, 61.25], [20.0, 0.0]))
    assert float(out["voltage"]) == pytest.approx(pulse_response(100.0, 60.25, 61.25, 20.0), rel=1e-13)
    with pytest.raises(
        rb.errors.StructureError, match="input that changes within the step, and not only by jumps"
    ):
        neuron(rb.Signal(torch.sin))


def test_a_kick_is_no_signal():
    with pytest.raises(InputError, match="Signal"):
        rb.AnalogNeuron().inject(rb.Signal(torch.sin))


# --- how often it is asked ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "breakpoints", "expected"),
    [
        # The end of a step and the start of the next one are two questions.
        (4, [], [0.0, 0.5, 1.0, 1.0, 1.5, 2.0]),
        (1, [], [0.0, 1.0]),
        (4, [0.5], [0.0, 0.25, math.nextafter(0.5, 0.0), 0.5, 0.75, 1.0]),
    ],
    ids=["two steps of four stages", "two steps of one stage", "one step of two segments"],
)
def test_a_step_asks_a_signal_once_for_each_time(lif, order, breakpoints, expected):
    asked = []

    def function(t):
        asked.append(float(t))
        return 10.0

    neuron = rb.create(lif, dt=1.0, integrator=rb.RungeKutta(order))
    signal = rb.Signal(function, breakpoints)
    for _ in range(1 if breakpoints else 2):
        neuron(signal)
    assert asked == expected


def test_the_pure_step_asks_anew_in_each_call(lif):
    """What was learnt between two calls on one prepared input counts, and so does its graph."""
    weight = torch.tensor([3.0], **DOUBLE, requires_grad=True)
    neuron = rb.create(lif, grad=True, **DOUBLE)
    data, state = neuron.prepare(rb.Signal(lambda t: weight * (1.0 + t))), neuron.state
    ends = []
    for _ in range(2):
        after, _ = neuron.step(state, neuron.params, data, neuron.dt)
        (slope,) = torch.autograd.grad(after.voltage.sum(), weight)
        ends.append((float(after.voltage.detach()), float(slope)))
        with torch.no_grad():
            weight.mul_(2.0)
    rest = float(state.voltage)
    assert ends[1][0] - rest == pytest.approx(2 * (ends[0][0] - rest), rel=1e-9)
    assert ends[1][1] == pytest.approx(ends[0][1], rel=1e-9)


def test_a_function_may_give_one_tensor_again_and_again_and_write_to_it(lif):
    buffer, neuron = torch.zeros(1), rb.create(lif)
    data = neuron.prepare(rb.Signal(lambda t: buffer.fill_(200.0 + 50.0 * float(t))))
    for _ in range(2):
        _, outputs = neuron.step(neuron.state, neuron.params, data, neuron.dt)
        assert outputs["input"].tolist() == [200.0]
    outputs["input"].add_(1.0)
    assert buffer.tolist() == [205.0]  # as it was left at the end of the step


def test_what_prepare_gives_a_forward_of_its_own_has_been_looked_at(lif):
    class Own(lif):
        def forward(self, data, identifiers=None):
            self.told = "before"
            current = self.prepare(data, identifiers)
            self.told = "after"
            return self.advance(current)

    neuron = rb.create(Own, num_units=3)
    with pytest.raises(InputError, match=r"has shape \[2\]"):
        neuron(rb.Signal(lambda t: torch.zeros(2)))
    assert neuron.told == "before"

"""A slope that an integrator keeps lives as long as the field that it was taken from, unit by unit."""

from __future__ import annotations

import copy

import pytest
import rheobase as rb
import torch


class Cell(rb.SpikingNeuron):
    """tau dv/dt = e - v + w + I, tau_w dw/dt = v - w, of products and sums, with a hold of v."""

    tau = rb.Parameter(5.0, unit="ms", above=0)
    tau_ref = rb.Parameter(0.4, unit="ms", at_least=0)
    rest = rb.Option("low", "high", doc="where it rests")
    voltage = rb.State(0.0, unit="mV")
    w = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state, params, data):
        rest = 0.0 if params.rest == "low" else 3.0
        return {
            "voltage": (rest - state.voltage + state.w + data) / params.tau,
            "w": (state.voltage - state.w) / 20.0,
        }

    @staticmethod
    def threshold(state, params):
        return state.voltage - 10.0

    @staticmethod
    def reset(state, params):
        return {"voltage": 0.0, "w": state.w + 1.0}


class Wave(Cell):
    """Without a reset, a spike leaves everything as it is."""

    @staticmethod
    def reset(state, params):
        return {}


class FromSlope(rb.Integrator):
    """The rule of three slopes of Bogacki and Shampine, the last of which is carried.

    It notes how far a slope that it is given is from the derivatives. With ``off`` what it carries is off by
    so much, which shows where it came from.
    """

    order = 3

    def __init__(self, off=0.0, adaptive=False):
        self.off, self.adaptive = off, adaptive
        self.apart, self.given = 0.0, 0

    def advance(self, field, y, t0, t1, *, carry=None):
        h = t1 - t0
        k1 = field(t0, y)
        if carry is not None and "slope" in carry:
            self.given += 1
            self.apart = max(
                self.apart, float((carry["slope"] - k1).detach().abs().nan_to_num(torch.inf).max())
            )
            k1 = carry["slope"]
        k2 = field(t0 + 0.5 * h, y + 0.5 * h * k1)
        k3 = field(t0 + 0.75 * h, y + 0.75 * h * k2)
        new = y + h * (2.0 / 9.0 * k1 + 1.0 / 3.0 * k2 + 4.0 / 9.0 * k3)
        return rb.Advance(new, {"slope": field(t1, new) + self.off})


EVENTS = ("step", "crossing", "located")
every_event = pytest.mark.parametrize("event", EVENTS)
adaptive_or_not = pytest.mark.parametrize("adaptive", [False, True], ids=["fixed", "adaptive"])
DOUBLE = torch.float64


def made(event, units=1, model=Cell, **settings):
    return rb.create(model, units, event=event, dt=0.1, dtype=DOUBLE, **settings)


def kick(neuron, unit):
    neuron.inject(torch.zeros(neuron.num_units, dtype=DOUBLE).index_fill(0, torch.tensor(unit), 2.0))


def assign(name, change):
    def act(neuron, unit):
        value = getattr(neuron, name).expand(neuron.num_units).clone()
        value[unit] = change(value[unit])
        setattr(neuron, name, value)

    return act


def write(name, change):
    def act(neuron, unit):
        getattr(neuron, name)[..., unit] = change(getattr(neuron, name)[..., unit])

    return act


INTERFERENCES = {
    "a kick": kick,
    "a state that is assigned": assign("w", lambda w: w + 1.0),
    "a state that is written to": write("voltage", lambda v: v - 1.0),
    "a parameter that is assigned": assign("tau", lambda tau: 2.0 * tau),
}


@every_event
@adaptive_or_not
@pytest.mark.parametrize("model", [Cell, Wave])
def test_what_comes_back_is_the_derivative_through_spikes_and_holds(event, adaptive, model):
    method = FromSlope(adaptive=adaptive)
    neuron = made(event, 4, model, integrator=method)
    current = torch.tensor([0.0, 12.0, 20.0, 30.0], dtype=DOUBLE)
    spikes = sum(neuron(current)["spiked"] for _ in range(100))
    assert spikes.tolist()[0] == 0
    assert int(spikes[3]) > 0
    assert method.given > 95
    assert method.apart == 0.0


@every_event
@pytest.mark.parametrize("what", INTERFERENCES)
def test_what_comes_back_is_the_derivative_after(what, event):
    method = FromSlope()
    neuron = made(event, 3, integrator=method)
    current = torch.tensor([0.0, 5.0, 15.0], dtype=DOUBLE)
    for step in range(60):
        if step % 7 == 6:
            INTERFERENCES[what](neuron, step % 3)
        neuron(current)
    assert method.given > 55
    assert method.apart == 0.0


@every_event
def test_what_comes_back_is_the_derivative_where_the_input_changes(event):
    method = FromSlope()
    neuron = made(event, 2, integrator=method)
    for step in range(40):
        neuron(torch.tensor([5.0, 3.0 + step // 3], dtype=DOUBLE))
    assert method.apart == 0.0
    # The buffer is what the neuron shows of its input, and not what it was given.
    neuron.input = torch.full((2,), 9.0, dtype=DOUBLE)
    neuron(9.0)
    assert method.apart == 0.0


@every_event
def test_what_comes_back_is_the_derivative_after_what_is_rarer(event):
    method = FromSlope()
    neuron = made(event, 2, integrator=method)
    other = made(event, 2, integrator=FromSlope())
    for current in (5.0, 6.0):
        neuron(current)
        other(7.0)
    neuron.rest = "high"
    neuron(6.0)
    neuron.load_state_dict(other.state_dict())
    neuron(6.0)
    torch.func.functional_call(neuron, {"tau": torch.full((2,), 9.0, dtype=DOUBLE)}, (6.0,))
    neuron(6.0)
    copy.deepcopy(neuron)(3.0)
    neuron.hold = torch.tensor([3, 0], dtype=torch.int32)
    neuron(6.0)
    neuron.reset_state()
    neuron(6.0)
    assert method.apart == 0.0
    # As a pure function, with other parameters and another input.
    params = neuron.params._replace(tau=torch.tensor(1.0, dtype=DOUBLE))
    neuron.step(neuron.state, params, torch.tensor([2.0], dtype=DOUBLE), 0.1)
    assert method.apart == 0.0


@every_event
def test_a_batch_that_begins_has_slopes_of_its_own(event):
    method = FromSlope()
    neuron = made(event, 2, integrator=method)
    for current in (torch.zeros(3, 1), torch.full((3, 2), 14.0), torch.full((3, 1), 14.0)):
        for _ in range(30):
            out = neuron(current.to(DOUBLE))
    assert out["voltage"].shape == (3, 2)
    assert method.apart == 0.0


@pytest.mark.parametrize(
    ("what", "event", "adaptive"),
    [
        (what, event, (at + EVENTS.index(event)) % 2 == 1)
        for at, what in enumerate(
            ["nothing", "a kick", "a parameter", "a state", "another input", "no more hold"]
        )
        for event in EVENTS
    ],
)
def test_a_unit_keeps_its_slope_whatever_becomes_of_the_others(what, event, adaptive):
    own = torch.tensor([5.0, 16.0, 25.0], dtype=DOUBLE)
    acts = {
        "a kick": kick,
        "a parameter": assign("tau", lambda tau: 2.0 * tau),
        "a state": assign("w", lambda w: w + 1.0),
        "no more hold": assign("hold", lambda hold: 0 * hold),
    }

    def run(who):
        # What is carried is off by so much that it shows whether it was taken or made anew.
        neuron = made(event, len(who), integrator=FromSlope(1e-3, adaptive))
        rows = []
        for step in range(40):
            current = own.clone()
            if step % 5 == 2 and 1 in who:
                if what == "another input":
                    current[1] += 1.0
                elif what in acts:
                    acts[what](neuron, who.index(1))
            out = neuron(current[who])
            rows.append(torch.stack([out["voltage"], out["w"]]))
        return torch.stack(rows)

    crowd = run([0, 1, 2])
    for unit in range(3):
        assert torch.equal(crowd[..., unit : unit + 1], run([unit])), unit


def test_equal_inputs_with_gradients_of_their_own_get_them():
    # The slope at the end of a step depends on its own input, though the next one has the same value.
    class Anew(FromSlope):
        def advance(self, field, y, t0, t1, *, carry=None):
            return super().advance(field, y, t0, t1)

    gradients = []
    for method in (FromSlope(), Anew()):
        stimulus = torch.full((3, 1), 5.0, dtype=DOUBLE, requires_grad=True)
        neuron = rb.create(Cell, integrator=method, grad=True, dtype=DOUBLE)
        for row in stimulus:
            out = neuron(row)
        out["voltage"].sum().backward()
        gradients.append(stimulus.grad)
    assert torch.equal(*gradients)


def test_a_unit_that_may_not_spike_is_not_held_back_at_the_threshold():
    # An adaptive method sees a field that stops growing at the threshold, but for units that cannot cross it.
    class Rising(rb.SpikingNeuron):
        """v is held, and w rises through the threshold meanwhile."""

        held = ("v",)
        tau_ref = rb.Parameter(2.0, unit="ms", at_least=0)
        v = rb.State(0.0, unit="1")
        w = rb.State(0.0, unit="1")

        @staticmethod
        def derivatives(state, params, data):
            return {"v": data - state.v, "w": state.w + data}

        @staticmethod
        def threshold(state, params):
            return state.v + state.w - 1.0

        @staticmethod
        def reset(state, params):
            return {"v": state.v - 2.0, "w": 0.5 * state.w}

    ends = []
    for adaptive in (False, True):
        neuron = rb.create(Rising, integrator=FromSlope(adaptive=adaptive), event="crossing", dtype=DOUBLE)
        neuron.v = -1.0
        neuron.w = 0.5
        neuron.hold = torch.tensor([19], dtype=torch.int32)
        for _ in range(15):
            out = neuron(1.0)
            assert int(out["spiked"]) == 0
        ends.append(float(out["w"]))
    assert ends[0] > 2.5
    assert ends[0] == ends[1]

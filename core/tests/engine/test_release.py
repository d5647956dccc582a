"""What a model does as a refractory period ends: ``release``."""

from __future__ import annotations

import math

import pytest
import rheobase as rb
import torch
from rheobase.errors import DeclarationError


class Delayed(rb.SpikingNeuron):
    """10 V' = -V - w + I, 20 w' = -w; a spike at 1, V = 0 for tau_ref, then V = v_free, w -> w + q."""

    tau_ref = rb.Parameter(2.0, unit="ms", at_least=0, doc="refractory period")
    v_free = rb.Parameter(-0.5, unit="mV", doc="V as the period ends")
    q = rb.Parameter(0.1, unit="mV", doc="what is added to w then")
    p = rb.Parameter(0.0, unit="mV", doc="what is added to w at the spike")
    voltage = rb.State(0.0, unit="mV", doc="V")
    w = rb.State(0.0, unit="mV", doc="w")

    @staticmethod
    def derivatives(state, params, data):
        return {"voltage": (data - state.voltage - state.w) / 10.0, "w": -state.w / 20.0}

    @staticmethod
    def threshold(state, params):
        return state.voltage - 1.0

    @staticmethod
    def reset(state, params):
        return {"voltage": 0.0, "w": state.w + params.p}

    @staticmethod
    def release(state, params):
        return {"voltage": params.v_free, "w": state.w + params.q}


def run(duration=40.0, units=1, current=2.0, **given):
    cell = rb.create(Delayed, units, dtype=torch.float64, **{"dt": 0.1, **given})
    return rb.simulate(cell, current, duration, record=("spikes", "voltage", "w"), progress=False)


@pytest.mark.parametrize("event", ["step", "crossing"])
def test_it_is_asked_in_the_step_that_ends_the_period_and_in_no_other(event):
    seen = run(event=event, units=3, current=torch.tensor([0.0, 2.0, 3.0], dtype=torch.float64))
    for unit in (1, 2):
        first = round(float(seen.spikes.times[seen.spikes.units == unit][0]) / 0.1) - 1
        v, w = seen.traces["voltage"][:, unit], seen.traces["w"][:, unit]
        # 20 steps of a hold, of which the last is left with what the release gave.
        assert v[first : first + 20].tolist() == [0.0] * 20
        assert float(v[first + 20]) == -0.5
        assert w[: first + 20].tolist() == [0.0] * (first + 20)
        assert float(w[first + 20]) == 0.1
        assert float(v[first + 21]) > -0.5
    assert seen.traces["w"][:, 0].abs().max() == 0.0


def test_located_it_is_at_its_very_time():
    seen = run(event="located", duration=14.7, q=0.0, dt=0.7, tau_ref=2.1234)
    # From 0, and from -0.5 after the period, to 1 with I = 2.
    first = 10.0 * math.log(2.0)
    second = first + 2.1234 + 10.0 * math.log(2.5)
    assert seen.spikes.times.tolist() == pytest.approx([first], abs=1e-5)  # rk4 at 0.7 ms
    seen = run(event="located", duration=25.2, q=0.0, dt=0.7, tau_ref=2.1234)
    assert seen.spikes.times.tolist() == pytest.approx([first, second], abs=1e-5)  # rk4 at 0.7 ms


@pytest.mark.parametrize("integrator", ["rk4", "rk45"])
def test_a_jump_at_the_end_is_a_larger_one_at_the_spike(integrator):
    # w decays by exp(-tau_ref / 20) in between, in which V is held and does not feel it.
    late = run(event="located", integrator=integrator, q=0.3, v_free=0.0)
    early = run(event="located", integrator=integrator, q=0.0, p=0.3 * math.exp(2.0 / 20.0), v_free=0.0)
    assert len(late.spikes) >= 3
    torch.testing.assert_close(late.spikes.times, early.spikes.times, rtol=0.0, atol=1e-7)


@pytest.mark.parametrize("event", ["step", "crossing", "located"])
def test_one_that_lifts_a_unit_over_the_threshold_is_a_spike_at_that_time(event):
    seen = run(event=event, v_free=1.5, q=0.0)
    assert seen.spikes.times.diff().tolist() == pytest.approx([2.0] * (len(seen.spikes) - 1), abs=1e-9)
    assert len(seen.spikes) > 10


def test_gradients_go_through_it():
    free = torch.tensor(-0.5, dtype=torch.float64, requires_grad=True)
    cell = rb.create(Delayed, v_free=free, q=0.0, dtype=torch.float64, event="located", grad=True)
    times = rb.simulate(cell, 2.0, 25.0, grad=True).spikes.times
    (slope,) = torch.autograd.grad(times[1], free)
    # t = ... + 10 ln((2 - v) / 1).
    assert float(slope) == pytest.approx(-10.0 / 2.5, rel=1e-5)


def test_in_a_network_it_is_the_targets_own_and_what_arrives_comes_after_it():
    net = rb.Network(seed=1)
    net.add("cell", rb.create(Delayed, 1, dtype=torch.float64))
    net.add("other", rb.create(Delayed, 1, dtype=torch.float64))
    net.connect("other", "cell", rb.rule("all-to-all"), rb.synapse("exponential"), weight=0.0, delay=1.0)
    seen = rb.simulate(net, {"cell": 2.0}, duration=40.0)["cell"].spikes.times
    assert seen.tolist() == run().spikes.times.tolist()


def test_a_release_without_a_period_is_refused_and_so_are_names_that_it_cannot_give():
    with pytest.raises(DeclarationError, match="defines a release and has no refractory period"):

        class Never(rb.SpikingNeuron):
            v = rb.State(0.0, unit="mV")
            derivatives = staticmethod(lambda state, params, data: {"v": data})
            threshold = staticmethod(lambda state, params: state.v - 1.0)
            release = staticmethod(lambda state, params: {"v": 0.0})

    class Wrong(Delayed):
        release = staticmethod(lambda state, params: {"u": 0.0})

    with pytest.raises(DeclarationError, match=r"Wrong.release gave \['u'\]"):
        rb.simulate(rb.create(Wrong), 20.0, 10.0)


def test_a_quantity_may_have_the_name():
    class Depressing(rb.AnalogNeuron):
        hazard = rb.Parameter(0.5, unit="1", doc="what happens")
        release = rb.State("hazard", unit="1", doc="release probability")

        @staticmethod
        def derivatives(state, params, data):
            return {"release": -params.hazard * state.release}

    cell = rb.create(Depressing, dt=1.0)
    assert float(cell(0.0)["release"]) == pytest.approx(0.5 * math.exp(-0.5), rel=1e-3)


def test_a_kernel_which_works_on_all_units_takes_it_on_the_grid_and_says_why_not_where_spikes_are_located():
    pytest.importorskip("rheobase_fused")
    currents = torch.linspace(0.0, 5.0, 11, dtype=torch.float64)
    eager, fused = (
        rb.simulate(
            rb.create(Delayed, 11, dtype=torch.float64), currents, 40.0, record=("spikes", "w"), backend=name
        )
        for name in ("eager", "fused")
    )
    assert fused.spikes.times.tolist() == eager.spikes.times.tolist()
    torch.testing.assert_close(fused.traces["w"], eager.traces["w"], rtol=1e-12, atol=1e-12)
    located = rb.create(Delayed, 11, dtype=torch.float64, event="located")
    with pytest.raises(rb.errors.BackendError, match="has a release, which no kernel that locates"):
        rb.simulate(located, currents, 5.0, backend="fused")


@pytest.mark.parametrize("event", ["step", "crossing", "located"])
@pytest.mark.parametrize("function", ["release", "reset", "derivatives"])
@pytest.mark.parametrize(
    ("value", "gave"),
    [
        (torch.empty(0), r"the shape \[0\]"),
        (torch.zeros(3), r"the shape \[3\]"),
        (torch.zeros(1, 1, 2), r"the shape \[1, 1, 2\]"),
        (None, "None"),
    ],
)
def test_values_that_fit_no_unit_are_told_by_function_and_state(function, value, gave, event):
    def given(*_):
        return {"voltage": value, "w": 0.0}

    odd = type("Odd", (Delayed,), {function: staticmethod(given)})
    cell = rb.create(odd, 2, dtype=torch.float64, event=event)
    with pytest.raises(DeclarationError, match=rf"Odd\.{function} gave {gave} for 'voltage'; give a number"):
        rb.simulate(cell, 3.0, 30.0, progress=False)

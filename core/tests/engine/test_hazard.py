"""Escape noise: a spike where the integral of the hazard reaches a unit exponential number."""

from __future__ import annotations

import math

import pytest
import rheobase as rb
import torch
from rheobase.errors import DeclarationError, RheobaseError

FLAT = 0.25


class Charging(rb.SpikingNeuron):
    """V charges to I with 10 ms; the hazard is h exp(V / 2), after a spike V is 0 for tau_ref."""

    h = rb.Parameter(0.05, unit="1/ms", above=0, doc="hazard at 0 mV")
    tau_ref = rb.Parameter(3.0, unit="ms", at_least=0, doc="refractory period")
    voltage = rb.State(0.0, unit="mV", doc="V")

    @staticmethod
    def derivatives(state, params, data):
        return {"voltage": (data - state.voltage) / 10.0}

    @staticmethod
    def hazard(state, params):
        return params.h * torch.exp(state.voltage / 2.0)

    @staticmethod
    def reset(state, params):
        return {"voltage": 0.0}


class Flat(Charging):
    """A hazard that stays, which is a Poisson process with dead time."""

    @staticmethod
    def hazard(state, params):
        return params.h + 0.0 * state.voltage


def make(kind=Flat, units=50, **given):
    return rb.create(kind, units, h=FLAT, dtype=torch.float64, **{"seed": 5, "dt": 0.5, **given})


def firsts(recording, units):
    """The first spike of each unit."""
    spikes = recording.spikes
    return torch.stack([spikes.times[spikes.units == unit].min() for unit in range(units)])


def test_a_located_spike_is_where_the_integral_reaches_what_was_drawn():
    cell = make(event="located")
    drawn = cell.hazard_left.clone()
    assert bool((drawn > 0).all())
    times = firsts(rb.simulate(cell, 0.0, 30.0), 50)
    torch.testing.assert_close(times, drawn / FLAT, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("event", ["step", "crossing"])
def test_on_the_grid_it_is_in_the_step_in_which_the_integral_reaches_it(event):
    cell = make(event=event)
    drawn = cell.hazard_left.clone()
    times = firsts(rb.simulate(cell, 0.0, 60.0), 50)
    assert (times / 0.5).round().tolist() == torch.ceil(drawn / (0.5 * FLAT)).tolist()


def test_a_hazard_that_moves_is_integrated_with_the_voltage():
    cell = make(Charging, event="located")
    drawn = cell.hazard_left.clone()
    times = firsts(rb.simulate(cell, 3.0, 40.0), 50)
    # The integral of h exp(V / 2) with V = 3 (1 - exp(-t / 10)), by Simpson's rule.
    for time, target in zip(times.tolist(), drawn.tolist(), strict=True):
        t = torch.linspace(0.0, time, 2001, dtype=torch.float64)
        rate = FLAT * torch.exp(1.5 * (1.0 - torch.exp(-t / 10.0)))
        integral = (rate[:-1:2] + 4.0 * rate[1::2] + rate[2::2]).sum() * (t[1] - t[0]) / 3.0
        assert float(integral) == pytest.approx(target, rel=1e-6)


def test_there_is_no_hazard_while_refractory():
    cell = make(units=1, tau_ref=100.0, event="located")
    run = rb.simulate(cell, 0.0, 60.0, record=("spikes", "hazard_left"))
    assert len(run.spikes) == 1
    left = run.traces["hazard_left"][-20:, 0]
    assert left.tolist() == left[:1].tolist() * 20


def test_intervals_are_the_dead_time_and_draws_of_their_own():
    cell = make(units=4, event="located")
    spikes = rb.simulate(cell, 0.0, 100.0).spikes
    gaps = torch.cat([spikes.times[spikes.units == unit].diff() for unit in range(4)])
    assert float(gaps.min()) > 3.0
    assert len(set(gaps.tolist())) == len(gaps) > 30


def test_a_time_has_the_derivative_by_the_hazard():
    h = torch.tensor(FLAT, dtype=torch.float64, requires_grad=True)
    cell = rb.create(Flat, 1, h=h, dtype=torch.float64, seed=5, dt=0.5, event="located", grad=True)
    drawn = float(cell.hazard_left)
    time = rb.simulate(cell, 0.0, 60.0, grad=True).spikes.times[0]
    (slope,) = torch.autograd.grad(time, h)
    assert float(slope) == pytest.approx(-drawn / FLAT**2, rel=1e-9)


class Both(Charging):
    """A threshold beside the hazard."""

    @staticmethod
    def threshold(state, params):
        return state.voltage - 2.0


def test_beside_a_threshold_the_first_of_both_is_the_spike():
    cell = rb.create(Both, 50, h=0.1, event="located", seed=5, dt=0.5, dtype=torch.float64)
    drawn = cell.hazard_left.clone()
    times = firsts(rb.simulate(cell, 4.0, 40.0), 50)
    # V = 4 (1 - exp(-t / 10)) is 2 mV at 10 ln 2.
    sure = 10.0 * math.log(2.0)
    by_threshold = (times - sure).abs() < 1e-6  # rk4 at 0.5 ms
    assert 0 < int(by_threshold.sum()) < 50
    assert bool((times <= sure + 1e-6).all())
    # Those that came to it drew more than the integral until then.
    assert float(drawn[by_threshold].min()) > float(drawn[~by_threshold].max())


class Map(rb.SpikingNeuron):
    """A rule of its own, of which a step is an iteration."""

    discrete = True
    x = rb.State(0.0, unit="1", doc="x")

    @staticmethod
    def update(state, params, data, dt):
        return {"x": state.x + data}

    @staticmethod
    def hazard(state, params):
        return 0.1 + 0.0 * state.x


def test_a_model_with_a_step_of_its_own_spikes_by_chance_too():
    cell = rb.create(Map, 50, dt=1.0, event="step", dtype=torch.float64, seed=2)
    drawn = cell.hazard_left.clone()
    times = firsts(rb.simulate(cell, 0.0, 150.0), 50)
    assert times.tolist() == torch.ceil(drawn / 0.1).tolist()


class Silent(Charging):
    """Derived, with other slopes and the hazard of its base."""

    @staticmethod
    def derivatives(state, params, data):
        return {"voltage": -1.0 + 0.0 * state.voltage}


def test_a_derived_class_has_the_hazard_of_its_base_or_its_own():
    # With V = -t the whole integral is h / 2 (1 - exp(-t / 2)) * 4 < 0.5: many never spike.
    cell = make(Silent, event="located")
    drawn = cell.hazard_left.clone()
    counts = rb.simulate(cell, 0.0, 60.0).counts()
    assert (counts > 0).tolist() == (drawn < 2.0 * FLAT).tolist()
    assert 5 < int((counts > 0).sum()) < 45


def test_an_adaptive_integrator_finds_the_same_times():
    times = firsts(rb.simulate(make(event="located", integrator="rk45"), 0.0, 60.0), 50)
    torch.testing.assert_close(times, make().hazard_left / FLAT, rtol=1e-9, atol=1e-9)


def test_seed_and_splits_decide_nothing_else():
    whole = rb.simulate(make(event="located"), 0.0, 40.0).spikes
    cell = make(event="located")
    parts = [rb.simulate(cell, 0.0, part).spikes.times for part in (10.0, 30.0)]
    assert torch.cat(parts).tolist() == whole.times.tolist()
    assert rb.simulate(make(event="located", seed=6), 0.0, 40.0).spikes.times.tolist() != whole.times.tolist()


def test_what_cannot_be_a_hazard_is_refused_when_the_class_is_defined():
    with pytest.raises(DeclarationError, match=r"hazard must be a @staticmethod"):

        class Bound(Charging):
            def hazard(self, params):
                return 1.0

    with pytest.raises(DeclarationError, match="no spiking neuron; derive it from SpikingNeuron"):

        class Analog(rb.AnalogNeuron):
            v = rb.State(0.0, unit="mV")
            derivatives = staticmethod(lambda state, params, data: {"v": data})
            hazard = staticmethod(lambda state, params: 1.0)

    with pytest.raises(
        DeclarationError, match="hazard_left: the name is that of what follows from the hazard"
    ):

        class Taken(Charging):
            hazard_left = rb.State(0.0, unit="1")


def test_slopes_without_names_are_told_as_ever():
    class Wrong(Charging):
        @staticmethod
        def derivatives(state, params, data):
            return data

    with pytest.raises(RheobaseError, match="derivatives gave Tensor"):
        rb.create(Wrong)(1.0)


class Rectified(Charging):
    """A rate that follows the voltage, and is none below zero."""

    @staticmethod
    def hazard(state, params):
        return params.h * state.voltage


@pytest.mark.parametrize("event", ["step", "crossing", "located"])
def test_a_hazard_below_zero_counts_as_zero_and_gives_no_chance_back(event):
    cell = make(Rectified, event=event)
    before = cell.hazard_left.clone()
    quiet = rb.simulate(cell, -20.0, 40.0, record=("spikes", "hazard_left"))
    assert len(quiet.spikes) == 0
    assert quiet.traces["hazard_left"][-1].tolist() == before.tolist()
    assert len(rb.simulate(cell, 4.0, 40.0).spikes) > 0


def test_it_does_so_in_a_step_of_the_models_own():
    class Stepped(Rectified):
        @staticmethod
        def update(state, params, data, dt):
            return {"voltage": data + 0.0 * state.voltage}

    cell = make(Stepped)
    before = cell.hazard_left.clone()
    for _ in range(5):
        cell(-1.0)
    assert cell.hazard_left.tolist() == before.tolist()


def test_a_hazard_without_a_number_ends_the_run():
    class Rooted(Charging):
        @staticmethod
        def hazard(state, params):
            return params.h * torch.sqrt(state.voltage)

    with pytest.raises(
        rb.errors.NonFiniteStateError, match=r"hazard's integral, 'hazard_left'.*nan in unit 0"
    ):
        rb.simulate(make(Rooted), -20.0, 5.0)

    class Both(Rooted):
        @staticmethod
        def derivatives(state, params, data):
            return {"voltage": state.voltage * torch.nan}

    with pytest.raises(rb.errors.NonFiniteStateError, match="the state 'voltage'"):
        rb.simulate(make(Both), 0.0, 5.0)


@pytest.mark.parametrize("own_step", [False, True])
@pytest.mark.parametrize(
    ("hazard", "gave"),
    [
        (lambda state, params: state.voltage > 1.0, r"a comparison \(bool\)"),
        (lambda state, params: True, r"a comparison \(bool\)"),
        (lambda state, params: None, "NoneType"),
        (lambda state, params: "often", "str"),
        (lambda state, params: 1j * state.voltage, "numbers of torch.complex128"),
    ],
)
def test_a_hazard_that_is_no_rate_is_refused_as_a_threshold_is(hazard, gave, own_step):
    members = {"hazard": staticmethod(hazard)}
    if own_step:
        members["update"] = staticmethod(lambda state, params, data, dt: {"voltage": state.voltage})
    odd = type("Odd", (Charging,), members)
    for event in ("step", "located"):
        with pytest.raises(DeclarationError, match=rf"Odd\.hazard gave {gave}; give a rate in 1/ms"):
            rb.simulate(make(odd, event=event), 1.0, 2.0)


@pytest.mark.parametrize("rate", [-1.0, 0, 0.0])
def test_a_hazard_that_is_one_number_below_zero_gives_no_chance_back(rate):
    cell = make(type("Never", (Charging,), {"hazard": staticmethod(lambda state, params: rate)}))
    before = cell.hazard_left.clone()
    rb.simulate(cell, 0.0, 5.0)
    assert cell.hazard_left.tolist() == before.tolist()

"""Models that explode past their threshold, under integrators of every kind, and with gradients."""

from __future__ import annotations

import pytest
import rheobase as rb
import torch


class CarryingRK4(rb.RungeKutta):
    """RK4 that carries its last result and adds nothing of it: 0 times a number that is not finite shows."""

    def advance(self, field, y, t0, t1, *, carry=None):
        result = super().advance(field, y, t0, t1).y
        if carry is not None:
            result = result + 0.0 * carry["last"]
        return rb.Advance(result, {"last": result[0].clone()})


class Cautious(rb.Integrator):
    """An adaptive method in little: a hundred Euler steps, and an error where a value is not finite."""

    order = 1
    adaptive = True

    def advance(self, field, y, t0, t1, *, carry=None):
        for _ in range(100):
            y = y + (t1 - t0) / 100 * field(t0, y)
            if not bool(y.isfinite().all()):
                raise rb.errors.NonFiniteStateError("stepped past an explosion")
        return rb.Advance(y)


@pytest.mark.parametrize("kick", [30.0, 100.0, 1000.0])
def test_a_kick_above_threshold_is_one_spike_under_an_adaptive_integrator(adex, kick):
    neuron = rb.create(adex, integrator=Cautious(), dtype=torch.float64)
    neuron(0.0)
    neuron.inject(kick + 60.0)
    spikes = [int(neuron(0.0)["spiked"]) for _ in range(20)]
    assert spikes[0] == 1
    assert sum(spikes) == 1


def test_a_kick_during_the_refractory_period_is_not_integrated(adex):
    class Refractory(adex):
        tau_ref = rb.Parameter(1.0, unit="ms", at_least=0)

    neuron = rb.create(Refractory, integrator=Cautious(), dtype=torch.float64)
    neuron.inject(200.0)
    assert int(neuron(0.0)["spiked"]) == 1
    neuron.inject(200.0)
    kicked = float(neuron.voltage)
    spikes = []
    for _ in range(9):
        out = neuron(0.0)
        assert float(out["voltage"]) == kicked
        spikes.append(int(out["spiked"]))
    # The hold of 1 ms is ten steps; the kicked unit spikes when it ends.
    assert sum(spikes) == 0
    assert int(neuron(0.0)["spiked"]) == 1


def test_a_reset_that_names_nothing_leaves_an_adaptive_step_as_it_is():
    class Wave(rb.SpikingNeuron):
        voltage = rb.State(-1.0, unit="1")
        w = rb.State(-0.5, unit="1")

        @staticmethod
        def derivatives(state, params, data):
            v = state.voltage
            return {"voltage": v - v**3 / 3 - state.w + data, "w": 0.08 * (v + 0.7 - 0.8 * state.w)}

        @staticmethod
        def threshold(state, params):
            return state.voltage

    class Resetting(Wave):
        @staticmethod
        def reset(state, params):
            return {}

    pair = [rb.create(kind, integrator=Cautious(), dt=1.0, dtype=torch.float64) for kind in (Wave, Resetting)]
    spikes = 0
    for _ in range(100):
        left, right = (neuron(0.5) for neuron in pair)
        for name in left:
            assert torch.equal(left[name], right[name])
        spikes += int(left["spiked"])
    assert spikes > 1


def test_what_an_integrator_carries_survives_an_explosion(adex):
    neuron = rb.create(adex, 2, integrator=CarryingRK4(), dtype=torch.float64)
    current = torch.tensor([10000.0, 0.0], dtype=torch.float64)
    spikes = sum(int(neuron(current)["spiked"][0]) for _ in range(60))
    assert spikes > 3


def test_gradients_through_an_explosion_are_those_of_finite_differences(adex):
    def adaptation(capacitance: torch.Tensor) -> torch.Tensor:
        neuron = rb.create(adex, grad=True, dtype=torch.float64, capacitance=capacitance)
        current = torch.tensor([10000.0], dtype=torch.float64)
        spikes = sum(int(neuron(current)["spiked"]) for _ in range(40))
        assert spikes > 2
        return neuron.adaptation.sum()

    capacitance = torch.nn.Parameter(torch.tensor(281.0, dtype=torch.float64))
    adaptation(capacitance).backward()
    width = 1e-4
    with torch.no_grad():
        up = adaptation(torch.tensor(281.0 + width, dtype=torch.float64))
        down = adaptation(torch.tensor(281.0 - width, dtype=torch.float64))
    # Central differences: an error of order width^2, and rounding of 1e-16 / width.
    assert float(capacitance.grad) == pytest.approx(float(up - down) / (2 * width), rel=1e-4)


@pytest.mark.parametrize("tau_ref", [1e12, 5e4])
def test_a_very_long_refractory_period_is_long(lif, tau_ref):
    neuron = rb.create(lif, tau_ref=tau_ref, dtype=torch.float64)
    spikes = sum(int(neuron(400.0)["spiked"]) for _ in range(300))
    assert spikes == 1
    assert int(neuron.hold) > 400_000


def test_a_step_runs_under_inference_mode(lif):
    with torch.inference_mode():
        neuron = rb.create(lif, 2)
        spikes = sum(int(neuron(400.0)["spiked"].sum()) for _ in range(100))
    assert spikes > 1


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_types_that_numpy_does_not_compare_are_stepped_all_the_same(lif, dtype):
    neuron = rb.create(lif, 2, dtype=dtype)
    out = [neuron(400.0) for _ in range(100)]
    assert out[-1]["voltage"].dtype == dtype
    assert sum(int(each["spiked"].sum()) for each in out) > 1


def test_the_same_seed_gives_parameters_of_different_names_different_draws(lif):
    neuron = rb.create(
        lif,
        50,
        tau_mem=rb.Sweep.random(5.0, 10.0, seed=1),
        tau_ref=rb.Sweep.random(5.0, 10.0, seed=1),
    )
    assert not torch.equal(neuron.tau_mem, neuron.tau_ref)
    again = rb.create(lif, 50, tau_mem=rb.Sweep.random(5.0, 10.0, seed=1))
    assert torch.equal(neuron.tau_mem, again.tau_mem)


def test_a_run_with_gradients_leaves_a_neuron_that_keeps_none_detached(lif):
    neuron = rb.create(lif)
    current = torch.full((5, 1), 300.0, requires_grad=True)
    recording = rb.simulate(neuron, current, record="voltage", grad=True)
    recording.traces["voltage"].sum().backward()
    assert not neuron.voltage.requires_grad
    assert current.grad is not None


def test_a_class_that_chooses_its_loggables_hands_them_on(lif):
    class Quiet(lif):
        loggable_props = ("voltage",)

    class Child(Quiet):
        pass

    assert Child.loggable_props == ("voltage",)
    assert list(rb.create(Child)(0.0)) == ["voltage"]


def test_a_saved_state_that_is_not_finite_is_refused(lif):
    neuron = rb.create(lif, 2)
    with pytest.raises(RuntimeError, match=r"voltage.*not finite"):
        neuron.load_state_dict({**neuron.state_dict(), "voltage": torch.tensor([0.0, float("nan")])})


class Cubic(rb.SpikingNeuron):
    """v' = a (v^2 / 50 - u + I), u' = (v / 5 - u) / 20: products, sums, a pole beyond the threshold."""

    speed = rb.Parameter(1.0, unit="1", above=0)
    # No step on the grid; two spikes of a step where they are located.
    tau_ref = rb.Parameter(0.4, unit="ms", at_least=0)
    voltage = rb.State(-20.0, unit="mV")
    u = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state, params, data):
        v = state.voltage
        return {"voltage": params.speed * (0.02 * v * v - state.u + data), "u": (0.2 * v - state.u) / 20.0}

    @staticmethod
    def threshold(state, params):
        return state.voltage - 30.0

    @staticmethod
    def reset(state, params):
        return {"voltage": 0.0 * state.voltage - 20.0, "u": state.u + 5.0}


def company(method, event, current, *, grad):
    """The states of six steps of 1 ms, and the gradient of three units' by the speed, which all share."""
    speed = torch.nn.Parameter(torch.tensor(1.0, dtype=torch.float64), requires_grad=grad)
    settings = {"speed": speed, "dt": 1.0, "dtype": torch.float64}
    neuron = rb.create(Cubic, len(current), integrator=method, event=event, grad=grad, **settings)
    rows = []
    for _ in range(6):
        out = neuron(current)
        rows.append(torch.stack([out["voltage"], out["u"], out["spiked"].to(torch.float64)]))
    states = torch.stack(rows)
    gradient = None
    if grad:
        (gradient,) = torch.autograd.grad(states[:, :2, :3].sum(), neuron.speed)
    return states.detach(), gradient


METHODS = {
    "fixed": lambda: rb.integrator("rk4", on_failure="mark"),
    "adaptive": lambda: marked(Substeps()),
}


def marked(method):
    method.on_failure = "mark"
    return method


class Substeps(rb.Integrator):
    """An adaptive method in little: four steps of Euler."""

    order = 1
    adaptive = True

    def advance(self, field, y, t0, t1, *, carry=None):
        for _ in range(4):
            y = y + (t1 - t0) / 4 * field(t0, y)
        return rb.Advance(y)


@pytest.mark.parametrize("event", ["step", "crossing", "located"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("drive", [1e8, 1e300])
def test_a_neighbour_that_explodes_changes_nobody_with_a_graph_or_without(event, method, drive):
    own = torch.tensor([4.0, 12.0, 25.0], dtype=torch.float64)
    beside = torch.cat([own, torch.tensor([drive], dtype=torch.float64)])
    alone, right = company(METHODS[method](), event, own, grad=True)
    assert bool((alone[:, 2] > 0).any())
    without, _ = company(METHODS[method](), event, beside, grad=False)
    with_graph, gradient = company(METHODS[method](), event, beside, grad=True)
    assert torch.equal(without[..., :3], alone)
    assert torch.equal(with_graph.nan_to_num(nan=-1.0), without.nan_to_num(nan=-1.0))
    # Summed in another order.
    torch.testing.assert_close(gradient, right, rtol=1e-12, atol=0.0)


def test_a_neighbour_that_explodes_changes_nobody_where_values_are_not_seen():
    start = torch.tensor([-20.0, 25.0, 0.0], dtype=torch.float64)
    neuron = rb.create(Cubic, 3, dt=1.0, dtype=torch.float64, voltage=start)
    current = torch.tensor([4.0, 25.0, 1e8], dtype=torch.float64)

    def end(speed):
        new, _ = neuron.step(neuron.state, neuron.params._replace(speed=speed), current, 1.0)
        return new["voltage"][:2].sum() + new["u"][:2].sum(), {name: new[name] for name in ("voltage", "u")}

    gradient, new = torch.func.grad(end, has_aux=True)(torch.tensor(1.0, dtype=torch.float64))
    plain, _ = neuron.step(neuron.state, neuron.params, current, 1.0)
    for name in ("voltage", "u"):
        assert torch.equal(new[name], plain[name])
    speed = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    (right,) = torch.autograd.grad(end(speed)[0], speed)
    assert bool(right.isfinite())
    torch.testing.assert_close(gradient, right, rtol=1e-12, atol=0.0)

"""Networks whose populations a kernel steps, beside the same in eager."""

from __future__ import annotations

from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import Input, Parameter, SpikingNeuron, State, errors

UNITS = 12
SOURCE = torch.arange(UNITS).repeat_interleave(3)
TARGET = (SOURCE * 7 + torch.arange(3 * UNITS) * 5 + 1) % UNITS
DELAYS = 0.1 * (1 + torch.arange(3 * UNITS, dtype=torch.float64) % 20)


class TwoInputs(SpikingNeuron):
    """A leaky potential with two inputs, of which one shunts."""

    tau = Parameter(8.0, unit="ms", above=0)
    tau_ref = Parameter(1.0, unit="ms", at_least=0)
    voltage = State(0.0, unit="mV")
    trace = State(0.0, unit="mV")
    drive = Input(unit="pA")
    shunt = Input(unit="pA", aggregator="sum")
    held = ("voltage",)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        leak = -state.voltage * (1.0 + 0.01 * data.shunt) + 0.05 * data.drive - 0.1 * state.trace
        return {"voltage": leak / params.tau, "trace": (state.voltage - state.trace) / 30.0}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 15.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": 0.0 * state.voltage, "trace": state.trace + 1.0}


def lif(**given: Any) -> Any:
    cell = {"tau_mem": 10.0, "leak_gl": 10.0, "volt_rest": 0.0, "volt_thresh": 15.0, "tau_ref": 1.0}
    return rb.create("lif", UNITS, **{"dtype": torch.float64, **cell, **given})


LIF = {"E": 170.0 + 5.0 * torch.arange(UNITS, dtype=torch.float64), "I": 160.0}


def leaky(synapse: Any, weight: float, **given: Any) -> tuple[rb.Network, dict[str, Any]]:
    """Two populations; what the second sends is subtracted."""
    net = rb.Network(seed=3)
    for name in "EI":
        net.add(name, lif(voltage=rb.Uniform(0.0, 14.0), **given))
    for source, target, size, delay in (("E", "E", 1, 1.5), ("E", "I", 1, DELAYS), ("I", "E", -2, 0.8)):
        net.connect(source, target, (SOURCE, TARGET), synapse, weight=size * weight, delay=delay)
    return net, LIF


def pulses(**given: Any) -> Any:
    return leaky(rb.synapse("delta"), 2.5, **given)


def currents(**given: Any) -> Any:
    return leaky(rb.synapse("alpha", tau=torch.linspace(1.0, 3.0, UNITS)), 60.0, **given)


def conductances(**given: Any) -> Any:
    return leaky(rb.synapse("conductance-exponential", reversal=60.0), 3.0, **given)


def shared(**given: Any) -> Any:
    net = rb.Network(seed=3)
    net.add("a", rb.create(TwoInputs, UNITS, dtype=torch.float64, **given))
    net.add("b", rb.create("izhikevich", UNITS, dtype=torch.float64, dt=0.1))
    current = rb.synapse("exponential", tau=4.0)
    for k, source in enumerate("ab"):
        net.connect(
            source, "a", (SOURCE, TARGET), current, weight=50.0, input="drive", receptor="fast", delay=0.5
        )
        net.connect(source, "b", (SOURCE, TARGET), current, weight=1.0, delay=0.3 + k)
    net.connect(
        "b", "a", (SOURCE, TARGET), current, weight=9.0, input="shunt", delay=0.7, identifier="shunts"
    )
    return net, {"a": {"drive": 320.0}, "b": 9.0}


# Each synapse, integrator and rule of events; the other pairs by hand.
CASES = [
    (pulses, "rk4", "crossing"),
    (currents, "expeuler", "step"),
    (conductances, "strang", "crossing"),
    (currents, "exact", "crossing"),
    (shared, "rk4", "crossing"),
    pytest.param(pulses, "rk4", "step", marks=pytest.mark.by_hand),
    pytest.param(currents, "rk4", "crossing", marks=pytest.mark.by_hand),
    pytest.param(pulses, "exact", "crossing", marks=pytest.mark.by_hand),
    pytest.param(currents, "exact", "step", marks=pytest.mark.by_hand),
]


def gone(build: Any, backend: str, steps: float = 40.0, **given: Any) -> tuple[rb.Network, Any]:
    net, drive = build(**given)
    record: dict[str, Any] = dict.fromkeys(net.populations, ("spikes", "voltage"))
    kinetic = {name: each.loggable_props for name, each in net.projections.items() if each.loggable_props}
    return net, rb.simulate(net, drive, duration=steps, record=record | kinetic, backend=backend)


@pytest.mark.parametrize(("build", "integrator", "event"), CASES)
def test_a_network_goes_as_in_eager(build: Any, integrator: str, event: str) -> None:
    one, fused = gone(build, "fused", integrator=integrator, event=event)
    other, eager = gone(build, "eager", integrator=integrator, event=event)
    for name in one.populations:
        assert fused[name].provenance["backend"].name == "fused"
        assert torch.equal(fused[name].spikes.units, eager[name].spikes.units)
        assert torch.equal(fused[name].spikes.times, eager[name].spikes.times)
    assert sum(len(fused[name].spikes.times) for name in one.populations) > 15
    for name, part in eager.items():
        for trace, values in part.traces.items():
            torch.testing.assert_close(fused[name].traces[trace], values, rtol=1e-11, atol=1e-11)
    left = dict(one.named_buffers())
    for name, theirs in other.named_buffers():
        # What rounding took from a state is carried by eager alone.
        if "carry_exact" not in name:
            torch.testing.assert_close(left[name], theirs, rtol=1e-11, atol=1e-11, msg=name)


def test_a_run_goes_on_in_eager_and_back_with_spikes_under_way() -> None:
    net, drive = currents()
    whole = rb.simulate(net, drive, duration=60.0, backend="fused")
    other, _ = currents()
    parts = [rb.simulate(other, drive, duration=20.0, backend=each) for each in ("fused", "eager", "fused")]
    for name in net.populations:
        times = torch.cat([part[name].spikes.times for part in parts])
        assert torch.equal(times, whole[name].spikes.times)


def test_what_changes_between_two_runs_counts() -> None:
    found = []
    for backend in ("fused", "eager"):
        net, drive = currents()
        rb.simulate(net, drive, duration=10.0, backend=backend)
        net["E->E"].weight = 90.0
        net["E->I"].tau = 4.0
        net["I"].tau_ref = 3.0
        found.append(rb.simulate(net, drive, duration=20.0, record={"E": "voltage"}, backend=backend))
    torch.testing.assert_close(found[0]["E"].traces["voltage"], found[1]["E"].traces["voltage"])


def test_a_population_that_no_kernel_takes_is_stepped_in_eager_and_that_is_said() -> None:
    found = []
    for backend in ("fused", "eager"):
        net, drive = pulses()
        net.add("noise", rb.create("poisson", UNITS, rate=300.0, dtype=torch.float64))
        net.connect("noise", "E", (SOURCE, TARGET), rb.synapse("delta"), weight=1.0)
        found.append(rb.simulate(net, drive, duration=40.0, backend=backend))
    fused, eager = found
    assert fused["noise"].provenance["backend"].name == "eager"
    assert fused["E"].provenance["backend"].name == "fused"
    assert len(fused.warnings) == 1
    assert fused.warnings[0].startswith("noise was stepped in eager: ")
    for name in ("E", "I", "noise"):
        assert torch.equal(fused[name].spikes.times, eager[name].spikes.times)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"integrator": "rk45"}, "chooses its own steps"),
        ({"event": "located"}, "arrivals at the ends of steps"),
        ({"dtype": torch.bfloat16}, "kernels have float32 and float64"),
    ],
)
def test_a_network_of_which_no_population_is_taken_is_refused_with_each_reason(
    given: dict[str, Any], says: str
) -> None:
    net, drive = pulses(**given)
    with pytest.raises(errors.BackendError, match=f"E: .*{says}.*I: .*{says}"):
        rb.simulate(net, drive, duration=10.0, backend="fused")
    assert net.simulation_step == 0


def test_what_is_not_linear_is_refused_with_exact() -> None:
    net = rb.Network(seed=3)
    for name in "EI":
        net.add(name, lif(integrator="exact"))
    net.connect("E", "I", (SOURCE, TARGET), rb.synapse("conductance-exponential"), weight=1.0)
    net.connect("I", "E", (SOURCE, TARGET), rb.synapse("conductance-exponential"), weight=1.0)
    with pytest.raises(errors.BackendError, match=r"E: .*not linear.*I: .*not linear"):
        rb.simulate(net, LIF, duration=10.0, backend="fused")


def test_gradients_are_refused() -> None:
    net, drive = pulses()
    with pytest.raises(errors.BackendError, match="autograd"):
        rb.simulate(net, drive, duration=10.0, backend="fused", grad=True)


def test_a_step_that_fails_is_eagers_error_and_leaves_the_network_as_it_was() -> None:
    told = []
    for backend in ("fused", "eager"):
        net, drive = currents()
        rb.simulate(net, drive, duration=10.0, backend=backend)
        net["I"].voltage[3] = torch.nan
        before = {name: value.clone() for name, value in net.named_buffers()}
        with pytest.raises(errors.IntegrationError) as raised:
            rb.simulate(net, drive, duration=10.0, backend=backend)
        told.append(str(raised.value))
        assert net.simulation_step == 100
        for name, value in net.named_buffers():
            torch.testing.assert_close(value, before[name], rtol=0, atol=0, equal_nan=True, msg=name)
    assert told[0] == told[1]


def test_a_batch_goes_on_in_eager_and_that_is_told() -> None:
    drive = {"E": torch.full((2, UNITS), 200.0, dtype=torch.float64)}
    traces = []
    for backend in ("fused", "eager"):
        net, _ = pulses()
        rows = {"E": drive["E"].expand(50, 2, UNITS)}
        recording = rb.simulate(net, rows, duration=5.0, record={"I": "voltage"}, backend=backend)
        traces.append(recording["I"].traces)
        assert recording["I"].provenance["backend"].name == "eager"
        said = [each for each in recording.warnings if "E was stepped in eager for" in each]
        assert len(said) == (backend == "fused")
    assert torch.equal(traces[0]["voltage"], traces[1]["voltage"])
    assert traces[0]["voltage"].shape == (50, 2, UNITS)


def test_weights_that_change_go_as_in_eager() -> None:
    pytest.importorskip("rheobase_plasticity")
    weights = []
    for backend in ("fused", "eager"):
        net, drive = currents()
        rule = rb.synapse("stdp-pair", a_plus=0.5, a_minus=0.6, low=0.0, high=200.0)
        plastic = {"weight": 30.0, "delay": 0.4, "plasticity": rule, "identifier": "plastic"}
        net.connect("I", "E", (SOURCE, TARGET), rb.synapse("exponential"), **plastic)
        rb.simulate(net, drive, duration=60.0, backend=backend)
        weights.append(net["plastic"].weight)
    assert float((weights[1] - 30.0).abs().max()) > 0.1
    torch.testing.assert_close(*weights, rtol=1e-11, atol=1e-11)


class Growing(SpikingNeuron):
    """dV/dt = V^2 + I, which is infinite soon, and no spike before."""

    voltage = State(0.1, unit="mV")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": state.voltage**2 + data}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return -1e3 - state.voltage


@pytest.mark.parametrize("itself", [False, True], ids=["beside it", "that fails"])
def test_after_a_step_that_fails_every_population_is_where_the_clock_is(itself: bool) -> None:
    def built() -> rb.Network:
        net = rb.Network()
        net.add("a", rb.create("lif", 2, voltage=-60.0, dtype=torch.float64))
        net.add("x", rb.create(Growing, 70, dt=0.1, dtype=torch.float64))
        every, kind = rb.rule("all-to-all"), rb.synapse("exponential")
        net.connect("a", "a", every, kind, weight=-30.0)
        # Where the one that fails is to be seen, its synapse has states too.
        net.connect("a", "x", every, kind if itself else rb.synapse("delta"), weight=1e-4)
        # One unit, the last, grows: those before it have taken their step when it fails.
        net["x"].voltage = torch.cat([torch.full((69,), -0.1), torch.tensor([0.1])]).double()
        return net

    net, clean = built(), built()
    with pytest.raises(errors.IntegrationError):
        rb.simulate(net, duration=60.0, backend="fused")
    assert net.simulation_step > 50
    rb.simulate(clean, duration=net.simulation_step * net.dt, backend="eager")
    for name, value in clean.named_buffers():
        torch.testing.assert_close(dict(net.named_buffers())[name], value, rtol=1e-9, atol=1e-12, msg=name)


def test_why_a_projection_of_matrices_goes_in_eager_is_told_in_words_of_its_user() -> None:
    one, two = (rb.create("lif", 4, identifier=name, dtype=torch.float64, dt=0.1) for name in ("one", "two"))
    dense = rb.Projection(one, two)
    dense.connect("all")
    dense.set_weights(5.0)
    net = rb.Network()
    net.add_ensembles(one, two)
    net.add_synapses(dense)
    recording = rb.simulate(net, {"one": 400.0}, duration=5.0, backend="fused")
    assert recording["one"].provenance["backend"].name == "fused"
    (told,) = recording.warnings
    assert told == (
        "two was stepped in eager: what one->two bring is held for a step (rheobase.Projection of matrices)"
    )


def test_a_network_of_matrices_alone_is_refused_with_these_words() -> None:
    only = rb.create("lif", 4, identifier="only", dtype=torch.float64, dt=0.1)
    dense = rb.Projection(only, only)
    dense.connect("all")
    net = rb.Network()
    net.add_ensembles(only)
    net.add_synapses(dense)
    with pytest.raises(errors.BackendError, match="only: what only->only bring is held for a step"):
        rb.simulate(net, {"only": 400.0}, duration=5.0, backend="fused")


@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("many", [False, True], ids=["one weight", "weights"])
def test_weights_that_stay_are_recorded_alone(many: bool, every: int) -> None:
    net = rb.Network()
    net.add("a", rb.create("lif", 2))
    weight = torch.tensor([2.0, 3.0]) if many else 2.0
    net.connect("a", "a", rb.rule("one-to-one"), rb.synapse("exponential"), delay=1.0, weight=weight)
    record = {"a->a": "weight"}
    found = rb.simulate(net, {"a": 300.0}, duration=6.0, record=record, backend="fused", every=every)
    assert found["a->a"].provenance["backend"].name == "fused"
    expected = torch.tensor([2.0, 3.0 if many else 2.0]).expand(60 // every, 2)
    assert torch.equal(found["a->a"].traces["weight"], expected)

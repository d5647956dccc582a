"""Function transforms and functional_call: right results, and the neuron as it was."""

from __future__ import annotations

import pytest
import rheobase as rb
import torch
from torch.func import functional_call, grad, vmap


def snapshot(neuron):
    return {name: value.clone() for name, value in neuron.state_dict().items()}


def unchanged(neuron, before):
    after = neuron.state_dict()
    assert after.keys() == before.keys()
    for name, value in before.items():
        assert torch.equal(after[name], value), name


def goes_on(neuron):
    """A neuron that was left as it was still steps, and keeps the step."""
    step, voltage = neuron.simulation_step, neuron.voltage.clone()
    neuron(torch.full_like(neuron.voltage, 50.0))
    assert neuron.simulation_step == step + 1
    assert not torch.equal(neuron.voltage, voltage)


@pytest.fixture
def running(lif):
    """Three units in the middle of a run; the first one is refractory."""
    neuron = rb.create(lif, 3)
    drive = torch.tensor([2000.0, 60.0, 0.0])
    while not neuron(drive)["spiked"][0]:
        pass
    return neuron


def test_vmap_over_inputs_equals_one_by_one_and_leaves_the_neuron_as_it_was(running):
    before = snapshot(running)
    inputs = torch.tensor([[0.0, 1.0, 2.0], [50.0, 2000.0, 1e5], [-10.0, 1e5, 0.0]])
    out = vmap(running)(inputs)
    unchanged(running, before)
    assert int(out["spiked"].sum()) > 0
    for row, current in enumerate(inputs):
        one = functional_call(running, before, (current,))
        for name in one:
            assert torch.equal(out[name][row], one[name]), name
    unchanged(running, before)
    goes_on(running)


def test_vmap_over_parameters_equals_neurons_with_those(lif):
    neuron = rb.create(lif, 2)
    before = snapshot(neuron)
    current = torch.tensor([100.0, 3000.0])
    taus = torch.tensor([2.0, 5.0, 10.0])
    out = vmap(lambda tau: functional_call(neuron, {"tau_mem": tau}, (current,)))(taus)
    unchanged(neuron, before)
    for row, tau in enumerate(taus):
        one = rb.create(lif, 2, tau_mem=tau)(current)
        assert torch.equal(out["voltage"][row], one["voltage"])
        assert torch.equal(out["spiked"][row], one["spiked"])
    goes_on(neuron)


def test_grad_of_one_step_is_that_of_the_closed_form(lif):
    neuron = rb.create(lif, dtype=torch.float64)
    before = snapshot(neuron)

    def voltage(current):
        return neuron(current)["voltage"].sum()

    slope = grad(voltage)(torch.tensor([20.0], dtype=torch.float64))
    # (1 - exp(-dt / tau)) / g; RK4's share is (dt / tau)^5 / 120 of it.
    exact = (1 - torch.exp(torch.tensor([-0.02], dtype=torch.float64))) / 5.0
    torch.testing.assert_close(slope, exact, rtol=1e-8, atol=0)
    unchanged(neuron, before)
    goes_on(neuron)


@pytest.mark.parametrize("which", ["full", "partial"])
@pytest.mark.parametrize("whose", ["its own", "copies"])
def test_functional_call_leaves_the_neuron_as_it_was_and_able_to_go_on(running, which, whose):
    given = {**dict(running.named_parameters()), **dict(running.named_buffers())}
    if which == "partial":
        given = {name: given[name] for name in ("tau_mem", "voltage")}
    if whose == "copies":
        given = {name: value.clone() for name, value in given.items()}
    before = snapshot(running)
    current = torch.tensor([100.0, 2000.0, 5.0])
    out = functional_call(running, given, (current,))
    unchanged(running, before)
    again = functional_call(running, given, (current,))
    unchanged(running, before)
    assert all(torch.equal(out[name], again[name]) for name in out)
    stepped = running(current)
    assert all(torch.equal(out[name], stepped[name]) for name in out)
    assert running.simulation_step == int(before["step_count"]) + 1
    goes_on(running)


def test_functional_call_uses_the_tensors_that_it_is_given(lif):
    neuron = rb.create(lif, 2, dt=1.0)
    out = functional_call(
        neuron, {"voltage": torch.tensor([-60.0, -70.0]), "leak_gl": torch.tensor(1e6)}, (torch.zeros(2),)
    )
    exact = -75 + torch.tensor([15.0, 5.0]) * torch.exp(torch.tensor(-1 / 5))
    torch.testing.assert_close(out["voltage"], exact, atol=1e-3, rtol=0)  # RK4 at dt / tau = 0.2: 3e-6


def test_functional_call_of_a_batch_leaves_the_batch_free(lif):
    neuron = rb.create(lif, 2)
    functional_call(neuron, snapshot(neuron), (torch.ones(7, 2),))
    assert neuron.batch == torch.Size()
    neuron(torch.ones(5, 2))


def test_functional_call_lends_a_learnable_parameter(lif):
    neuron = rb.create(lif, 1)
    neuron.tau_mem = torch.nn.Parameter(torch.tensor(5.0))
    own = neuron.tau_mem
    tau = torch.tensor(8.0, requires_grad=True)
    functional_call(neuron, {"tau_mem": tau}, (torch.tensor([50.0]),))["voltage"].sum().backward()
    assert tau.grad is not None
    assert float(tau.grad) < 0  # a longer time constant, a slower rise
    assert neuron.tau_mem is own
    assert own.grad is None
    goes_on(neuron)


def test_an_error_within_functional_call_leaves_the_neuron_able_to_go_on(running):
    before = snapshot(running)
    with pytest.raises(rb.errors.InputError):
        functional_call(running, {"tau_mem": torch.tensor(2.0)}, (torch.full((3,), float("nan")),))
    unchanged(running, before)
    goes_on(running)


def test_what_an_integrator_carries_is_left_as_it_was(lif, counting):
    neuron = rb.create(lif, 2, integrator=counting())
    for _ in range(2):
        before = snapshot(neuron)
        vmap(neuron)(torch.ones(3, 2))
        functional_call(neuron, before, (torch.ones(2),))
        unchanged(neuron, before)
        neuron(torch.ones(2))
    assert neuron.state_dict()["carry_calls"].tolist() == [2.0, 2.0]


def test_the_dense_path_of_vmap_agrees_with_the_sparse_one_over_a_run(coupled):
    neuron = rb.create(coupled, 4, tau_ref=1.0, d=torch.tensor([2.0, 4.0, 6.0, 8.0]))
    current = torch.tensor([10.0, 40.0, 500.0, -5.0])
    spikes = 0
    for _ in range(150):
        dense = vmap(neuron)(current.unsqueeze(0))
        sparse = neuron(current)
        for name in sparse:
            assert torch.equal(dense[name][0], sparse[name]), name
        spikes += int(sparse["spiked"].sum())
    assert spikes > 10


def test_the_pure_step_can_be_traced(lif):
    from torch.fx.experimental.proxy_tensor import make_fx

    neuron = rb.create(lif, 3, dt=1.0)
    state = {name: value for name, value in neuron.state.items() if value is not None}
    data = neuron.prepare(torch.tensor([500.0, 20.0, 0.0]))

    def step(state, data):
        new, outputs = neuron.step({**state, "carry": None}, neuron.params, data, neuron.dt)
        return new["voltage"], new["hold"], outputs["spiked"]

    traced = make_fx(step)(state, data)
    # Traced with values of one kind, run with others: nothing may have been decided in Python.
    for current in ([0.0, 0.0, 0.0], [1e4, 0.0, 1e4]):
        new = torch.tensor(current)
        for one, other in zip(traced(state, new), step(state, new), strict=True):
            assert torch.equal(one, other)

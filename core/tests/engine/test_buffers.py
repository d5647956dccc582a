"""State and parameters are buffers: they follow conversion, saving, copying and pickling."""

from __future__ import annotations

import copy
import io
import pickle

import pytest
import rheobase as rb
import torch
from rheobase.errors import ParameterError
from torch import nn


def run(neuron, inputs):
    """The outputs of every step, stacked by name."""
    outputs = [neuron(row) for row in inputs]
    return {name: torch.stack([out[name] for out in outputs]) for name in outputs[0]}


def same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name], other[name]), name


def snapshot(neuron):
    return {name: value.detach().clone() for name, value in neuron.state_dict().items()}


def test_input_and_voltage_are_registered_float32_buffers_of_one_element():
    neuron = rb.Neuron()
    buffers = dict(neuron.named_buffers())
    for name in ("input", "voltage"):
        assert buffers[name].shape == (1,)
        assert buffers[name].dtype == torch.float32


def test_the_state_dict_has_every_parameter_and_state(lif):
    neuron = rb.create(lif, 3)
    expected = {*lif.schema.parameters, "voltage", "input", "spiked", "armed", "hold", "step_count"}
    assert set(neuron.state_dict()) == expected
    assert set(dict(neuron.named_buffers())) == expected


def test_to_moves_every_tensor_and_the_device_follows(lif):
    neuron = rb.create(lif, 3, tau_mem=torch.tensor([1.0, 2.0, 3.0]))
    neuron(torch.ones(2, 3))
    neuron.to("meta")
    assert {value.device.type for value in neuron.state_dict().values()} == {"meta"}
    assert neuron.device.type == "meta"
    out = neuron(torch.ones(2, 3, device="meta"))
    assert out["voltage"].device.type == "meta"
    neuron.to("meta").reset_state()
    assert neuron.voltage.device.type == "meta"


@pytest.mark.parametrize("when", ["fresh", "mid-run"])
def test_double_converts_state_and_parameters_and_stays_double(lif, when):
    neuron = rb.create(lif, 2)
    if when == "mid-run":
        neuron(500.0)
    neuron.double()
    names = [*lif.schema.parameters, "voltage", "input"]
    assert {getattr(neuron, name).dtype for name in names} == {torch.float64}
    assert neuron.dtype == torch.float64
    assert neuron(torch.ones(2))["voltage"].dtype == torch.float64  # a float32 input is cast
    neuron.tau_mem = 7
    neuron.reset_state()
    assert {getattr(neuron, name).dtype for name in names} == {torch.float64}
    assert neuron.spiked.dtype == torch.int8
    assert neuron.armed.dtype == torch.bool


def test_an_initial_state_given_to_create_follows_conversion(lif):
    neuron = rb.create(lif, 2, voltage=-61.5).double()
    neuron.reset_state()
    assert neuron.voltage.tolist() == [-61.5, -61.5]
    assert neuron.voltage.dtype == torch.float64


@pytest.mark.parametrize("shape", [(1,), (3,), (4, 3), (4, 1)], ids=str)
def test_a_state_dict_saved_in_mid_run_continues_to_the_bit(coupled, shape):
    # Each shape of input: one value for all units, one for each, and batches of both.
    generator = torch.Generator().manual_seed(1)
    inputs = 15 + 10 * torch.rand(400, *shape, generator=generator)
    neuron = rb.create(coupled, 3, tau_ref=2.0)
    run(neuron, inputs[:137])
    file = io.BytesIO()
    torch.save(neuron.state_dict(), file)
    file.seek(0)
    rest = run(neuron, inputs[137:])
    assert int(rest["spiked"].sum()) > 2, "nothing happens, so nothing is compared"
    other = rb.create(coupled, 3, tau_ref=7.0, a=0.5)
    run(other, inputs[:20])
    other.load_state_dict(torch.load(file))
    assert other.simulation_step == 137
    same(run(other, inputs[137:]), rest)


def test_a_state_dict_saved_within_a_refractory_period_continues_it(lif):
    neuron = rb.create(lif, 1, tau_ref=3.0, dt=1.0)
    while not neuron(torch.tensor([300.0]))["spiked"]:
        pass
    neuron(torch.tensor([300.0]))
    saved = snapshot(neuron)
    assert saved["hold"].tolist() == [2]
    other = rb.create(lif, 1, tau_ref=3.0, dt=1.0)
    other.load_state_dict(saved)
    drive = torch.full((30, 1), 300.0)
    same(run(other, drive), run(neuron, drive))


def test_what_is_assigned_becomes_the_neurons_and_what_it_was_is_left_alone(lif):
    neuron = rb.create(lif, 4, dtype=torch.float64)
    before, new = neuron.voltage, torch.linspace(-70.0, -60.0, 4, dtype=torch.float64)
    kept = before.clone()
    neuron.load_state_dict({"voltage": new}, strict=False, assign=True)
    assert neuron.voltage.data_ptr() == new.data_ptr()
    assert torch.equal(before, kept)
    # Of another type it is converted, so copied.
    neuron.load_state_dict({"voltage": new.float()}, strict=False, assign=True)
    assert neuron.voltage.dtype == torch.float64


@pytest.mark.parametrize("kind", [torch.int32, torch.bool, torch.float16])
def test_states_of_other_types_load_as_the_neurons(lif, kind):
    neuron = rb.create(lif, 2)
    neuron.load_state_dict({"voltage": torch.ones(2, dtype=kind)}, strict=False)
    assert neuron.voltage.tolist() == [1.0, 1.0]
    assert neuron.voltage.dtype == torch.float32


def test_an_assigned_parameter_is_learnt_on(lif):
    neuron = rb.create(lif, 4)
    neuron.tau_mem = torch.nn.Parameter(torch.tensor(10.0))
    new = torch.tensor([5.0, 6.0, 7.0, 8.0])
    neuron.load_state_dict({"tau_mem": new}, strict=False, assign=True)
    assert isinstance(neuron.tau_mem, torch.nn.Parameter)
    assert neuron.tau_mem.requires_grad
    assert neuron.tau_mem.data_ptr() == new.data_ptr()


def test_loading_and_later_changes_leave_the_callers_tensors_alone(lif):
    neuron = rb.create(lif, 3)
    saved = snapshot(neuron)
    current = torch.full((3,), 7.0)
    neuron(current)
    neuron.load_state_dict(saved)
    assert current.tolist() == [7.0] * 3


@pytest.mark.parametrize("kind", ["declared", "analog"])
def test_the_neuron_does_not_share_memory_with_its_input(lif, kind):
    neuron = rb.create(lif, 2) if kind == "declared" else rb.create(rb.AnalogNeuron, 2)
    current = torch.tensor([3.0, 4.0])
    neuron(current)
    before = neuron.voltage.tolist()
    current.fill_(-1000.0)
    assert neuron.input.tolist() == [3.0, 4.0]
    assert neuron.voltage.tolist() == before


def test_what_forward_returned_stays_as_it_was(lif):
    neuron = rb.create(lif, 2)
    out = neuron(torch.tensor([300.0, 0.0]))
    kept = {name: value.clone() for name, value in out.items()}
    out["voltage"].sub_(1.0)  # and what the caller does with it stays out of the neuron
    assert torch.equal(neuron.voltage, kept["voltage"])
    kept["voltage"] = out["voltage"].clone()
    for _ in range(30):
        neuron(torch.tensor([300.0, 0.0]))
    neuron.load_state_dict(snapshot(rb.create(lif, 2)))
    same(out, kept)


@pytest.mark.parametrize(("own", "saved"), [((), (3,)), ((3,), ()), ((3,), (3,))], ids=str)
def test_parameters_load_as_scalars_and_as_vectors(lif, own, saved):
    neuron = rb.create(lif, 3, tau_mem=torch.full(own, 5.0))
    neuron.load_state_dict(rb.create(lif, 3, tau_mem=torch.full(saved, 9.0)).state_dict())
    assert neuron.tau_mem.shape == saved
    assert bool((neuron.tau_mem == 9.0).all())


@pytest.mark.parametrize("batch", [(), (4,), (2, 5)], ids=str)
def test_any_saved_batch_loads(lif, batch):
    source = rb.create(lif, 3)
    source(torch.rand(*batch, 3))
    neuron = rb.create(lif, 3)
    neuron(torch.rand(7, 3))
    neuron.load_state_dict(snapshot(source))
    assert neuron.voltage.shape == (*batch, 3)
    assert neuron.batch == torch.Size(batch)
    neuron(torch.rand(*batch, 3))


@pytest.mark.parametrize(
    ("name", "value"),
    [("tau_mem", torch.ones(4)), ("tau_mem", torch.ones(2, 3)), ("voltage", torch.ones(4))],
)
def test_a_saved_tensor_of_the_wrong_shape_is_named_and_changes_nothing(lif, name, value):
    neuron = rb.create(lif, 3)
    before = snapshot(neuron)
    with pytest.raises(RuntimeError, match=f"{name}.*shape"):
        neuron.load_state_dict({**before, name: value})
    same(snapshot(neuron), before)


def test_a_saved_parameter_outside_its_domain_is_refused_and_changes_nothing(lif):
    neuron = rb.create(lif, 2)
    before = snapshot(neuron)
    with pytest.raises(ParameterError, match=r"tau_mem.*unit 1.*-1.*> 0 ms"):
        neuron.load_state_dict({**before, "tau_mem": torch.tensor([1.0, -1.0])})
    same(snapshot(neuron), before)


def test_a_parameter_that_is_missing_is_named(lif):
    saved = snapshot(rb.create(lif, 2))
    del saved["tau_mem"]
    with pytest.raises(RuntimeError, match="tau_mem"):
        rb.create(lif, 2).load_state_dict(saved)


def test_a_deepcopy_is_independent_and_steps_with_its_own_parameters(lif):
    neuron = rb.create(lif, 2)
    run(neuron, torch.full((5, 2), 90.0))
    twin = copy.deepcopy(neuron)
    same(snapshot(twin), snapshot(neuron))
    assert type(twin) is type(neuron)
    before = snapshot(neuron)
    twin.tau_mem = 1000.0
    twin.voltage.fill_(-60.0)
    moved = twin(torch.full((2,), 90.0))["voltage"]
    # dV = dt (V_rest - V + I / g) / tau, with tau = 1000 ms: nearly still; with the original's 5 ms
    # it would move by 0.06 mV.
    torch.testing.assert_close(moved, torch.full((2,), -60.0), atol=1e-3, rtol=0)
    same(snapshot(neuron), before)


def test_a_deepcopy_of_a_neuron_with_an_equation_is_independent():
    neuron = rb.AnalogNeuron(equation=lambda x, data: data - x)
    neuron(1.0)
    twin = copy.deepcopy(neuron)
    twin(5.0)
    assert float(twin.voltage) > float(neuron.voltage)
    assert (neuron.simulation_step, twin.simulation_step) == (1, 2)


@pytest.mark.parametrize("units", [None, 3], ids=["neuron", "ensemble"])
def test_pickle_keeps_a_run_in_the_middle(coupled, units):
    neuron = coupled(tau_ref=2.0) if units is None else rb.create(coupled, units, tau_ref=2.0)
    drive = torch.full((300, 1), 20.0)
    run(neuron, drive[:111])
    other = pickle.loads(pickle.dumps(neuron))
    assert type(other) is type(neuron)
    same(snapshot(other), snapshot(neuron))
    rest = run(neuron, drive)
    assert int(rest["spiked"].sum()) > 0
    same(run(other, drive), rest)


def test_a_subclass_of_an_ensemble_is_copied_as_itself(lif):
    class Population(rb.Ensemble, lif):
        pass

    assert type(copy.deepcopy(Population(num_units=2))) is Population


def test_deepcopy_detaches_what_keeps_a_graph(lif):
    neuron = rb.create(lif, 2, grad=True)
    neuron.leak_gl = nn.Parameter(torch.tensor(5.0))
    neuron(torch.ones(2))
    assert neuron.voltage.requires_grad
    twin = copy.deepcopy(neuron)
    assert not twin.voltage.requires_grad
    assert torch.equal(twin.voltage, neuron.voltage.detach())
    assert twin.leak_gl is not neuron.leak_gl
    assert isinstance(twin.leak_gl, nn.Parameter)


def test_deepcopy_detaches_an_initial_state_that_depends_on_something(lif):
    start = torch.tensor([-70.0], requires_grad=True)
    neuron = rb.create(lif, voltage=start * 1.0, grad=True)
    neuron(1.0)
    twin = copy.deepcopy(neuron)
    twin.reset_state()
    assert twin.voltage.tolist() == [-70.0]


def test_assigning_a_parameter_makes_it_learnable_and_a_tensor_ends_that(lif):
    neuron = rb.create(lif, 2)
    neuron.tau_mem = nn.Parameter(torch.tensor(8.0))
    assert dict(neuron.named_parameters()).keys() == {"tau_mem"}
    assert "tau_mem" in neuron.state_dict()
    learner = torch.optim.SGD(neuron.parameters(), lr=10.0)
    out = neuron(torch.full((2,), 50.0))
    out["voltage"].sum().backward()
    # V falls short by more when tau is long: dV/dtau < 0, so descent lengthens tau.
    learner.step()
    assert neuron.tau_mem.detach() > 8.0
    slow = rb.create(lif, 2, tau_mem=neuron.tau_mem.item())
    neuron.reset_state()
    current = torch.full((2,), 50.0)
    assert torch.equal(neuron(current)["voltage"].detach(), slow(current)["voltage"])
    neuron.tau_mem = torch.tensor(5.0)
    assert not dict(neuron.named_parameters())
    assert "tau_mem" in dict(neuron.named_buffers())


def test_a_learnable_initial_value_is_copied_into_the_state(lif):
    rest = nn.Parameter(torch.tensor([-75.0, -76.0]))
    neuron = rb.create(lif, 2, volt_rest=rest)
    with torch.no_grad():
        rest.add_(1.0)
    assert neuron.voltage.tolist() == [-75.0, -76.0]


def test_a_parameter_of_another_dtype_is_refused(lif):
    neuron = rb.create(lif, 2)
    with pytest.raises(ParameterError, match=r"tau_mem.*float64.*float32"):
        neuron.tau_mem = nn.Parameter(torch.tensor(8.0, dtype=torch.float64))
    assert neuron.tau_mem == 5.0


def test_what_an_integrator_carries_is_saved_copied_and_reset(lif, counting):
    neuron = rb.create(lif, 2, integrator=counting())
    run(neuron, torch.zeros(3, 4, 2))
    assert neuron.state_dict()["carry_calls"].tolist() == [[3.0, 3.0]] * 4
    other = rb.create(lif, 2, integrator=counting())
    other.load_state_dict(neuron.state_dict())
    for each in (neuron, other, copy.deepcopy(neuron)):
        each(torch.zeros(4, 2))
        assert each.state_dict()["carry_calls"].tolist() == [[4.0, 4.0]] * 4
    neuron.reset_state()
    assert "carry_calls" not in neuron.state_dict()
    neuron(torch.zeros(2))
    assert neuron.state_dict()["carry_calls"].tolist() == [1.0, 1.0]


def test_spiked_is_int8_before_during_and_after(lif):
    neuron = rb.create(lif, 2)
    assert neuron.spiked.dtype == torch.int8
    seen = set()
    for _ in range(60):
        out = neuron(torch.tensor([500.0, 0.0]))
        assert out["spiked"].dtype == neuron.spiked.dtype == torch.int8
        seen |= set(out["spiked"].tolist())
    assert seen == {0, 1}
    neuron.reset_state()
    assert neuron.spiked.dtype == torch.int8


def test_a_subclass_may_register_buffers_of_its_own():
    class Counter(rb.Neuron):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.register_buffer("received", torch.zeros(1))

        def forward(self, data, identifiers=None):
            self.received = self.received + data
            self.voltage = self.voltage + data
            return self.loggable_state()

    neuron = Counter()
    neuron(torch.ones(1))
    neuron(torch.ones(1))
    assert neuron.voltage.tolist() == [2.0]
    assert neuron.received.tolist() == [2.0]

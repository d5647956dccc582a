"""The base class of neurons as the reference API has it, and the refusal of wrong names."""

from __future__ import annotations

import pytest
import rheobase as rb
import torch
from rheobase.errors import ArgumentError, ParameterError


def nodes(tensor):
    """The size of the autograd graph that a tensor holds on to."""
    seen, queue = set(), [tensor.grad_fn]
    while queue:
        node = queue.pop()
        if node is not None and node not in seen:
            seen.add(node)
            queue += [following for following, _ in node.next_functions]
    return len(seen)


class Leaky(rb.Neuron):
    def forward(self, data, identifiers=None):
        self.voltage = self.integrate(data=data)
        return self.loggable_state()


def test_forward_of_the_base_is_not_implemented():
    for neuron in (rb.Neuron(), rb.SpikingNeuron(), rb.Neuron(equation=lambda x, data: data)):
        with pytest.raises(NotImplementedError, match=type(neuron).__name__):
            neuron(torch.ones(1))


def test_the_equation_is_the_right_hand_side_without_the_present_value_and_dt():
    neuron = Leaky(lambda x, data: (data - x) / 10.0, rb.RungeKutta(order=1), dt=0.5)
    neuron.voltage = torch.tensor([2.0])
    assert neuron(torch.tensor([4.0]))["voltage"].tolist() == pytest.approx([2.0 + 0.5 * 0.2])


def test_integrate_gives_the_voltage_at_t_plus_dt_and_changes_nothing():
    neuron = rb.Neuron(equation=lambda x, data, gain: gain * data, dt=0.5)
    assert neuron.integrate(data=torch.tensor([3.0]), gain=2.0).tolist() == [3.0]
    assert neuron.voltage.tolist() == [0.0]
    assert neuron.simulation_step == 0


def test_integrate_without_an_equation_says_so():
    with pytest.raises(ArgumentError, match=r"no equation.*equation="):
        rb.Neuron().integrate(data=torch.ones(1))


def test_a_tuple_of_equations_is_solved_together():
    # x' = y, y' = -x over 2 ms at dt 0.1. RK4's error is some 1e-6; one after the other, 1e-1.
    neuron = rb.Neuron(equation=(lambda x: x[1], lambda x: -x[0]), dtype=torch.float64)
    state = (torch.tensor([1.0], dtype=torch.float64), torch.tensor([0.0], dtype=torch.float64))
    for _ in range(20):
        state = neuron.integrator(state, neuron.equation, dt=neuron.dt)
    exact = torch.tensor([2.0], dtype=torch.float64).cos()
    torch.testing.assert_close(state[0], exact, atol=5e-6, rtol=0)


def test_the_default_integrator_is_runge_kutta_of_order_4_with_its_source():
    neuron = rb.Neuron()
    assert isinstance(neuron.integrator, rb.RungeKutta)
    assert neuron.integrator.order == 4
    assert neuron.provenance["integrator"].name == "rk4"
    assert neuron.provenance["integrator"].distribution == "rheobase"


@pytest.mark.parametrize("equation", [3, "x", (), (3,), [len, None]])
def test_an_equation_that_is_not_callable_is_refused(equation):
    with pytest.raises(ArgumentError, match="equation="):
        rb.Neuron(equation=equation)


def test_an_undeclared_class_keeps_further_attributes():
    neuron = rb.Neuron(my_note="kept", gain=3, weights=torch.ones(2))
    assert (neuron.my_note, neuron.gain) == ("kept", 3)
    assert neuron.weights.tolist() == [1.0, 1.0]
    assert rb.AnalogNeuron(my_note=3).my_note == 3


def test_create_refuses_names_that_a_class_does_not_take():
    with pytest.raises(ParameterError, match=r"volage.*did you mean 'voltage'"):
        rb.create(rb.AnalogNeuron, 2, volage=3.0)

    class Own(rb.AnalogNeuron):
        def __init__(self, gain=1.0, **kwargs):
            super().__init__(**kwargs)
            self.gain = gain

    assert rb.create(Own, 2, gain=3.0).gain == 3.0
    with pytest.raises(ParameterError, match=r"gian.*did you mean 'gain'"):
        rb.create(Own, 2, gian=3.0)


@pytest.mark.parametrize("name", ["num_units", "state", "step"])
def test_members_of_every_neuron_are_not_overwritten_by_attributes(name):
    with pytest.raises(ParameterError, match=name):
        rb.Neuron(**{name: 3})


def test_an_initial_voltage_given_to_an_undeclared_class_is_kept():
    neuron = rb.AnalogNeuron(equation=lambda x, data: data, voltage=5.0)
    assert neuron.voltage.tolist() == [5.0]
    neuron(1.0)
    neuron.reset_state()
    assert neuron.voltage.tolist() == [5.0]


@pytest.mark.parametrize("make", ["class", "create"])
def test_a_misspelt_parameter_is_an_error_that_names_the_right_one(lif, make):
    with pytest.raises(ParameterError, match=r"LIFNeuron.*'tau_men'.*did you mean 'tau_mem'") as caught:
        lif(tau_men=3.0) if make == "class" else rb.create(lif, tau_men=3.0)
    for name in (*lif.schema.parameters, "voltage"):
        assert name in str(caught.value)


def test_assigning_a_misspelt_parameter_is_an_error_too(lif):
    neuron = rb.create(lif)
    with pytest.raises(ParameterError, match=r"'tau_men'.*did you mean 'tau_mem'"):
        neuron.tau_men = 3.0
    assert not hasattr(neuron, "tau_men")


def test_a_name_that_is_like_no_other_is_refused_too(lif):
    with pytest.raises(ParameterError, match=r"'zzz'.*parameters: volt_thresh"):
        rb.create(lif, zzz=3.0)


def test_an_equation_on_a_declared_model_is_an_error(lif):
    for make in (lif, lambda **more: rb.create(lif, **more)):
        with pytest.raises(ArgumentError, match=r"LIFNeuron.*equation=.*derivatives"):
            make(equation=lambda x, data: data)


def test_forward_returns_the_loggables_by_name(lif):
    neuron = rb.create(lif, 2)
    out = neuron(torch.tensor([1.0, 2.0]))
    assert list(out) == ["input", "voltage", "spiked"]
    assert out["input"].tolist() == [1.0, 2.0]
    for name, value in neuron.loggable_state().items():
        assert torch.equal(out[name], value)


def test_a_class_chooses_its_loggables_and_its_ensembles_keep_the_choice(coupled):
    class Quiet(coupled):
        loggable_props = ("recovery", "spiked")

    for neuron in (Quiet(), rb.create(Quiet, 2)):
        assert list(neuron(1.0)) == ["recovery", "spiked"]
        assert list(neuron.loggable_state()) == ["recovery", "spiked"]


def test_a_neuron_has_one_unit(lif):
    assert lif().num_units == 1
    assert rb.Neuron().num_units == 1
    assert rb.create(lif).num_units == 1
    with pytest.raises(AttributeError):
        lif().num_units = 3


def test_quantities_are_tensors_with_checked_assignment(lif):
    neuron = rb.create(lif, 3)
    assert isinstance(neuron.tau_mem, torch.Tensor)
    assert neuron.tau_mem.shape == ()
    neuron.tau_mem = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    assert neuron.tau_mem.dtype == torch.float32
    neuron.voltage = -60.0
    assert neuron.voltage.tolist() == [-60.0] * 3
    with pytest.raises(ParameterError, match=r"'tau_mem' of unit 2 is -3.*> 0 ms"):
        neuron.tau_mem = [1.0, 2.0, -3.0]
    with pytest.raises(ParameterError, match=r"'voltage'.*\[2\].*\[3\]"):
        neuron.voltage = torch.zeros(2)
    assert neuron.tau_mem.tolist() == [1.0, 2.0, 3.0]


def test_an_assigned_tensor_is_not_shared(lif):
    values = torch.tensor([1.0, 2.0])
    neuron = rb.create(lif, 2, tau_mem=values, voltage=values)
    values.zero_()
    assert neuron.tau_mem.tolist() == neuron.voltage.tolist() == [1.0, 2.0]


def test_a_changed_parameter_is_used_by_the_next_step(ramp):
    neuron = rb.create(ramp, dt=1.0)
    neuron(1.0)
    neuron.rate = 5.0
    neuron(1.0)
    assert neuron.trace.tolist() == [6.0]


@pytest.mark.parametrize("kind", ["declared", "analog"])
def test_no_graph_grows_over_steps_unless_it_is_asked_for(lif, kind):
    def make(grad):
        if kind == "declared":
            return rb.create(lif, grad=grad)
        return rb.create(rb.AnalogNeuron, equation=lambda x, data: data - x, grad=grad)

    current = torch.ones(1, requires_grad=True)
    sizes = {}
    for grad in (False, True):
        neuron = make(grad)
        sizes[grad] = []
        for _ in range(5):
            out = neuron(current * 2.0)
            sizes[grad].append(nodes(out["voltage"]))
        assert neuron.keeps_graph is grad
        assert neuron.voltage.requires_grad is grad
    assert len(set(sizes[False])) == 1
    assert sizes[False][0] > 1, "one step is differentiable all the same"
    steps = torch.tensor(sizes[True]).diff()
    assert bool((steps > 0).all())


def test_no_graph_grows_in_a_class_with_a_forward_of_its_own():
    current = torch.ones(1, requires_grad=True)
    neuron = Leaky(equation=lambda x, data: data - x)
    for _ in range(3):
        neuron(current)
    assert not neuron.voltage.requires_grad
    keeping = Leaky(equation=lambda x, data: data - x, grad=True)
    keeping(current)
    assert keeping.voltage.requires_grad


def test_the_clock_advances_in_a_class_with_a_forward_of_its_own():
    neuron = Leaky(equation=lambda x, data: data - x, dt=0.5)
    neuron(1.0)
    neuron(1.0)
    assert (neuron.simulation_step, neuron.time) == (2, 1.0)


def test_the_gradient_through_many_steps_is_that_of_the_closed_form(lif):
    # dV/dI at t is (1 - exp(-t / tau)) / g.
    neuron = rb.create(lif, grad=True, dtype=torch.float64)
    current = torch.tensor([20.0], dtype=torch.float64, requires_grad=True)
    for _ in range(50):
        out = neuron(current)
    out["voltage"].backward()
    exact = (1 - torch.exp(torch.tensor(-5.0 / 5.0, dtype=torch.float64))) / 5.0
    torch.testing.assert_close(current.grad[0], exact, rtol=1e-7, atol=0)  # RK4: (dt/tau)^4 / 120


def test_the_step_is_pure(lif):
    neuron = rb.create(lif, 2, dt=1.0)
    state, before = neuron.state, {n: v.clone() for n, v in neuron.state_dict().items()}
    data = neuron.prepare(torch.tensor([900.0, 20.0]))
    first = neuron.step(state, neuron.params, data, 1.0)
    second = neuron.step(state, neuron.params, data, 1.0)
    assert first[1]["spiked"].tolist() == [1, 0]
    for name in first[1]:
        assert torch.equal(first[1][name], second[1][name])
    after = neuron.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before)
    halved, _ = neuron.step(state, neuron.params, data, 0.5)
    assert not torch.equal(halved["voltage"], first[0]["voltage"])
    out = neuron(torch.tensor([900.0, 20.0]))
    assert torch.equal(out["voltage"], first[0]["voltage"])


def test_state_holds_everything_that_the_step_goes_on_from(lif):
    assert set(rb.create(lif).state) == {"voltage", "armed", "hold", "carry"}


def test_provenance_of_a_class_has_no_distribution_and_of_a_name_has_one(lif):
    source = rb.create(lif).provenance["model"]
    assert (source.name, source.distribution, source.version) == ("LIFNeuron", None, None)
    source = rb.create("analog").provenance["model"]
    assert (source.name, source.distribution) == ("analog", "rheobase")

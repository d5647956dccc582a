"""How the inputs of several sources combine, and whose rule is used."""

from __future__ import annotations

import pytest
import rheobase as rb
import torch
from rheobase.errors import ArgumentError, ComponentError, InputError


def test_batches_are_added_elementwise_not_collapsed():
    one, two = torch.arange(6.0).reshape(2, 3), 10 * torch.ones(2, 3)
    total = rb.Neuron.aggregate([one, two])
    assert total.tolist() == [[10.0, 11.0, 12.0], [13.0, 14.0, 15.0]]


@pytest.mark.parametrize("name", ["sum", "mean", "product"])
def test_scalars_vectors_and_batches_broadcast(name):
    inputs = [torch.tensor(2.0), torch.tensor([1.0, 2.0, 3.0]), torch.full((4, 3), 5.0)]
    rows = {"sum": [8.0, 9.0, 10.0], "mean": [8 / 3, 3.0, 10 / 3], "product": [10.0, 20.0, 30.0]}
    result = rb.aggregator(name)(inputs, None)
    torch.testing.assert_close(result, torch.tensor(rows[name]).expand(4, 3))


def test_the_sum_does_not_change_its_inputs():
    inputs = [torch.ones(3), torch.ones(3), torch.ones(3)]
    assert rb.Neuron.aggregate(inputs).tolist() == [3.0] * 3
    assert all(each.tolist() == [1.0] * 3 for each in inputs)


@pytest.mark.parametrize("name", ["sum", "mean", "product", "shunting"])
def test_an_empty_list_is_an_error(lif, name):
    with pytest.raises(InputError, match=r"no input.*one or more"):
        rb.aggregator(name)([], None)
    with pytest.raises(InputError, match="no input"):
        rb.create(lif, aggregator=name)([])


def test_an_empty_list_is_an_error_whatever_the_aggregator(lif):
    with pytest.raises(InputError):
        rb.create(lif, aggregator=lambda inputs, identifiers: inputs[0])([])


def test_identifiers_that_do_not_match_the_inputs_are_an_error(lif):
    with pytest.raises(InputError, match="1 identifiers were given for 2 inputs"):
        rb.create(lif)([torch.ones(1), torch.ones(1)], ["soma"])


def test_shunting_divides_by_what_is_named_so():
    inputs = [torch.tensor([6.0]), torch.tensor([4.0]), torch.tensor([1.0]), torch.tensor([3.0])]
    shunting = rb.aggregator("shunting")
    assert shunting(inputs, ["basal", "apical", "shunt", "shunt_2"]).tolist() == [2.0]
    assert shunting(inputs[:2], ["basal", "apical"]).tolist() == [10.0]
    with pytest.raises(InputError, match="no identifiers"):
        shunting(inputs, None)
    with pytest.raises(InputError, match=r"all inputs .* are shunts"):
        shunting(inputs[:1], ["shunt"])


def test_identifiers_reach_the_aggregator_in_the_order_of_the_inputs(lif):
    seen = []

    def rule(inputs, identifiers):
        seen.append((inputs, identifiers))
        return inputs[1]

    neuron = rb.create(lif, aggregator=rule)
    out = neuron([torch.tensor([1.0]), torch.tensor([2.0])], ["first", "second"])
    assert out["input"].tolist() == [2.0]
    ((inputs, identifiers),) = seen
    assert [float(each) for each in inputs] == [1.0, 2.0]
    assert identifiers == ["first", "second"]


@pytest.fixture
def doubling(lif):
    class Doubling(lif):
        @staticmethod
        def aggregate(inputs, identifiers=None):
            return 2 * sum(inputs)

    return Doubling


def test_creates_aggregator_goes_before_the_classs_and_that_before_the_sum(lif, doubling):
    inputs = [torch.tensor([3.0]), torch.tensor([4.0])]
    assert rb.create(lif)(inputs)["input"].tolist() == [7.0]
    assert rb.create(doubling)(inputs)["input"].tolist() == [14.0]
    assert rb.create(doubling, aggregator="product")(inputs)["input"].tolist() == [12.0]
    assert rb.create(doubling, aggregator="sum")(inputs)["input"].tolist() == [7.0]


@pytest.mark.parametrize("kind", ["classmethod", "method"])
def test_a_class_may_override_aggregate_by_a_method(lif, kind):
    class Last(lif):
        def aggregate(self, inputs, identifiers=None):
            return inputs[-1]

    if kind == "classmethod":
        Last.aggregate = classmethod(Last.aggregate)
    inputs = [torch.tensor([3.0]), torch.tensor([4.0])]
    assert rb.create(Last)(inputs)["input"].tolist() == [4.0]


def test_grouped_aggregators_serve_each_group_of_identifiers(lif):
    rules = {"gate*": "product", "soma": lambda inputs, identifiers: 100 * inputs[0]}
    neuron = rb.create(lif, aggregator=rules)
    inputs = [torch.tensor([value]) for value in (2.0, 3.0, 5.0, 7.0, 1.0)]
    names = ["gate_a", "soma", "gate_b", "dendrite", "axon"]
    # 2 * 5 by the gates, 300 by the soma, 7 + 1 by the default.
    assert neuron(inputs, names)["input"].tolist() == [318.0]
    with pytest.raises(InputError, match=r"gate\*.*no identifiers"):
        neuron(inputs)


def test_a_single_tensor_does_not_go_through_the_aggregator(doubling):
    assert rb.create(doubling)(torch.tensor([3.0]))["input"].tolist() == [3.0]
    assert rb.create(doubling)([torch.tensor([3.0])])["input"].tolist() == [6.0]


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [("summ", ComponentError, "did you mean 'sum'"), (3, ArgumentError, "aggregator=3")],
)
def test_an_aggregator_that_cannot_be_used_is_refused(lif, given, error, words):
    with pytest.raises(error, match=words):
        rb.create(lif, aggregator=given)


def test_an_aggregator_that_gives_no_tensor_is_refused(lif):
    with pytest.raises(InputError, match="aggregator gave float"):
        rb.create(lif, aggregator=lambda inputs, identifiers: 1.0)([torch.ones(1)])


def test_provenance_names_the_rule_that_is_used(lif, doubling):
    def named(neuron):
        return neuron.provenance["aggregator"].name

    assert named(rb.create(lif)) == "sum"
    assert named(rb.create(lif, aggregator="mean")) == "mean"
    assert named(rb.create(doubling)) == "Doubling.aggregate"
    assert rb.create(lif).provenance["aggregator"].distribution == "rheobase"


def test_provenance_names_the_rule_of_each_input():
    class Synapses(rb.AnalogNeuron):
        excitation = rb.Input(unit="nS", aggregator="product")
        inhibition = rb.Input(unit="nS")
        voltage = rb.State(0.0, unit="mV")

        @staticmethod
        def derivatives(state, params, data):
            return {"voltage": data.excitation - data.inhibition}

    assert rb.create(Synapses).provenance["aggregator"].name == "excitation: product, inhibition: sum"
    given = rb.create(Synapses, aggregator={"excitation": "mean"})
    assert given.provenance["aggregator"].name == "excitation: mean, inhibition: sum"
    both = rb.create(Synapses, aggregator="mean").provenance["aggregator"]
    assert (both.name, both.distribution) == ("mean", "rheobase")
    with pytest.raises(ArgumentError, match=r"excitaton.*did you mean 'excitation'"):
        rb.create(Synapses, aggregator={"excitaton": "mean"})


def test_identifiers_may_be_given_by_input():
    class Synapses(rb.AnalogNeuron):
        excitation = rb.Input(unit="nS", aggregator="shunting")
        inhibition = rb.Input(unit="nS")
        voltage = rb.State(0.0, unit="mV")

        @staticmethod
        def derivatives(state, params, data):
            return {"voltage": data.excitation - data.inhibition}

    neuron = rb.create(Synapses)
    data = {"excitation": [torch.tensor([6.0]), torch.tensor([2.0])], "inhibition": [torch.tensor([1.0])]}
    out = neuron(data, identifiers={"excitation": ["dendrite", "shunt"]})
    # 6 / (1 + 2) = 2.
    assert (float(out["excitation"]), float(out["inhibition"])) == (2.0, 1.0)

"""Units of what synapses give and models take, for each installed model."""

from __future__ import annotations

from typing import Any

import pytest
import rheobase as rb

MODELS = [each.spec.name for each in rb.list_components("neuron")]
WITHOUT = {"analog", "spike-times", "relay"}
"""Those with a forward of their own, which no synapse joins, and that which takes spikes alone."""
NO_NOTICE = {"poisson"}


def synapse_in(given: str) -> Any:
    """A synapse whose output is in a unit."""

    class Any_(rb.Synapse):
        """dx/dt = -x;  a spike of weight w:  x -> x + w."""

        unit = weight_unit = given
        x = rb.State(0.0, unit=given, at_rest=True)

        @staticmethod
        def derivatives(state: Any, params: Any) -> Any:
            return {"x": -state.x}

        @staticmethod
        def arrive(state: Any, params: Any, weight: Any) -> Any:
            return {"x": state.x + weight}

        @staticmethod
        def output(state: Any, params: Any, post: Any) -> Any:
            return state.x

    return rb.synapse(Any_)


@pytest.mark.parametrize("model", [each for each in MODELS if each not in WITHOUT | NO_NOTICE])
def test_each_model_says_the_unit_of_its_inputs_and_takes_a_synapse_in_no_other(model: str) -> None:
    cell = rb.create(model)
    inputs = {name: each.unit for name, each in cell.schema.inputs.items() if name not in cell.schema.jumps}
    if not cell.schema.inputs:
        inputs = {None: cell.input_unit}  # type: ignore[dict-item]
    net = rb.Network()
    net.add("first", rb.create("poisson", dt=cell.dt))
    net.add("cell", cell)
    assert inputs
    for name, unit in inputs.items():
        assert unit
        with pytest.raises(rb.errors.ArgumentError, match="first->cell: the synapse gives erg and"):
            net.connect("first", "cell", ([0], [0]), synapse_in("erg"), input=name)
        net.connect("first", "cell", ([0], [0]), synapse_in(unit), input=name, identifier=f"in {unit} {name}")


@pytest.mark.parametrize("model", sorted(NO_NOTICE))
def test_nothing_is_connected_to_a_model_that_takes_no_notice_of_it(model: str) -> None:
    net = rb.Network()
    net.add("first", rb.create(model))
    net.add("second", rb.create(model))
    with pytest.raises(rb.errors.ArgumentError, match="first->second: 'second' takes no notice of its input"):
        net.connect("first", "second", ([0], [0]), rb.synapse("exponential"))
    with pytest.raises(rb.errors.ArgumentError, match="first->second: 'second' takes no notice of its input"):
        rb.Projection(net["first"], net["second"], [[1.0]])


def test_the_unit_of_the_one_input_is_that_of_its_trace() -> None:
    traces = rb.simulate(rb.create("izhikevich-2007"), 5.0, duration=1.0, record=("input", "voltage"))
    assert traces.trace_units == {"input": "pA", "voltage": "mV"}


def test_a_unit_is_a_string_and_inputs_with_names_have_their_own() -> None:
    with pytest.raises(rb.errors.DeclarationError, match=r"input_unit is 3; give a string such as 'pA'"):
        type("Wrong", (rb.AnalogNeuron,), {"input_unit": 3})
    with pytest.raises(rb.errors.DeclarationError, match="and the inputs drive; each of these says its own"):
        type("Both", (rb.AnalogNeuron,), {"input_unit": "pA", "drive": rb.Input(unit="pA")})

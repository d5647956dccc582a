"""What is checked when a model class is defined."""

from __future__ import annotations

import pytest
import rheobase as rb
from rheobase.errors import DeclarationError


def define(base=rb.SpikingNeuron, **body):
    return type("Model", (base,), body)


@pytest.mark.parametrize(
    "name",
    [
        # members of torch.nn.Module
        "train", "training", "to", "double", "parameters", "buffers", "children", "state_dict", "apply",
        # arguments of create
        "num_units", "preset", "integrator", "aggregator", "event", "grad", "dt", "device", "dtype",
        "name_or_class", "equation", "identifier", "configuration",
        # members of every neuron
        "forward", "inject", "integrate", "aggregate", "simulation_step", "time", "state", "params", "schema",
        "spiked", "armed", "hold", "step", "prepare", "commit", "reset_state", "provenance", "loggable_props",
        "derivatives", "threshold", "reset", "heterogenize", "of", "held", "dt_max",
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["parameter", "state"])
def test_reserved_names_are_refused_when_the_class_is_defined(name, kind):
    quantity = rb.Parameter(1.0, unit="1") if kind == "parameter" else rb.State(1.0, unit="1")
    with pytest.raises(DeclarationError, match=f"Model.{name}"):
        define(rb.AnalogNeuron, **{name: quantity})


@pytest.mark.parametrize("name", ["carry", "carry_capacity"])
def test_names_that_the_step_needs_for_itself_are_refused_or_work(name):
    # An integrator's carry has these names in the state and in the state dict.
    def derivatives(state, params, data):
        return {"voltage": data, name: data}

    body = {
        "voltage": rb.State(0.0, unit="mV"),
        name: rb.State(1.0, unit="1"),
        "derivatives": staticmethod(derivatives),
    }
    try:
        model = define(rb.AnalogNeuron, **body)
    except DeclarationError:
        return
    neuron = rb.create(model, dt=1.0)
    neuron.load_state_dict(neuron.state_dict())
    neuron(1.0)
    neuron.reset_state()
    neuron(1.0)
    assert getattr(neuron, name).tolist() == [2.0]


@pytest.mark.parametrize("name", ["_tau", "__tau"])
def test_a_name_cannot_begin_with_an_underscore(name):
    with pytest.raises(DeclarationError, match="_"):
        define(rb.AnalogNeuron, **{name: rb.Parameter(1.0, unit="1")})


def test_an_ordinary_name_is_no_reserved_one():
    class Model(rb.AnalogNeuron):
        tau = rb.Parameter(1.0, unit="ms")
        count = rb.Parameter(1.0, unit="1")  # a method of tuples
        index = rb.Parameter(2.0, unit="1")
        voltage = rb.State(0.0, unit="mV")

        @staticmethod
        def derivatives(state, params, data):
            return {"voltage": params.count + params.index}

    assert float(rb.create(Model, dt=1.0)(0.0)["voltage"]) == 3.0


@pytest.mark.parametrize("name", ["derivatives", "threshold", "reset", "update"])
def test_the_functions_of_a_model_are_static_methods(lif, name):
    with pytest.raises(DeclarationError, match=f"{name}.*staticmethod"):
        define(lif, **{name: lambda self, state, params: None})


def test_a_spiking_model_needs_a_threshold_and_an_analog_one_must_not_have_one(lif):
    body = {"voltage": rb.State(0.0, unit="mV"), "derivatives": vars(lif)["derivatives"]}
    with pytest.raises(DeclarationError, match="without a threshold"):
        define(rb.SpikingNeuron, **body)
    body["voltage"] = rb.State(0.0, unit="mV")
    with pytest.raises(DeclarationError, match=r"threshold.*SpikingNeuron"):
        define(rb.AnalogNeuron, **body, threshold=vars(lif)["threshold"])


def test_a_model_with_dynamics_declares_a_state(lif):
    with pytest.raises(DeclarationError, match="no State"):
        define(rb.AnalogNeuron, derivatives=vars(lif)["derivatives"])


@pytest.mark.parametrize(
    ("held", "words"), [(("volt",), "'volt'.*did you mean 'voltage'"), ("recovry", "did you mean 'recovery'")]
)
def test_held_names_states(coupled, held, words):
    with pytest.raises(DeclarationError, match=words):
        define(coupled, held=held)


@pytest.mark.parametrize("dt_max", [0, -0.1, float("nan"), float("inf"), "0.1", True])
def test_dt_max_is_a_positive_number(lif, dt_max):
    with pytest.raises(DeclarationError, match="dt_max"):
        define(lif, dt_max=dt_max)


@pytest.mark.parametrize(
    ("preset", "words"),
    [
        (rb.Preset(params={"tau_men": 1.0}), "cell: .*'tau_men'.*did you mean 'tau_mem'"),
        (rb.Preset(params={"tau_mem": -1.0}), "cell: tau_mem=-1.0 is not > 0 ms"),
        (rb.Preset(state={"volt": 1.0}), "cell: .*'volt'"),
        (rb.Preset(state={"voltage": float("nan")}), "cell: voltage=nan"),
    ],
)
def test_a_preset_is_checked_against_the_declarations(lif, preset, words):
    preset.name = ""
    with pytest.raises(DeclarationError, match=words):
        define(lif, cell=preset)


def test_a_name_cannot_change_its_kind_or_hide_a_declaration(lif):
    with pytest.raises(DeclarationError, match="tau_mem"):
        define(lif, tau_mem=rb.State(1.0, unit="ms"))
    with pytest.raises(DeclarationError, match=r"tau_mem.*hides"):
        define(lif, tau_mem=3.0)
    changed = define(lif, tau_mem=rb.Parameter(9.0, unit="ms", above=0))
    assert float(rb.create(changed).tau_mem) == 9.0
    assert float(rb.create(lif).tau_mem) == 5.0


@pytest.mark.parametrize(
    ("function", "given", "words"),
    [
        ("derivatives", lambda state, params, data: {"voltage": data}, "derivatives gave.*voltage, recovery"),
        ("derivatives", lambda state, params, data: data, "derivatives gave Tensor.*voltage, recovery"),
        ("reset", lambda state, params: {"volt": 0.0}, "reset gave.*'volt'.*voltage, recovery"),
    ],
)
def test_a_function_that_gives_something_else_is_named_with_what_it_must_give(
    coupled, function, given, words
):
    neuron = rb.create(define(coupled, **{function: staticmethod(given)}))
    neuron.inject(200.0)
    with pytest.raises(DeclarationError, match=words):
        neuron(1.0)
    assert neuron.simulation_step == 0


def test_the_schema_lists_what_is_declared(coupled, two_inputs):
    schema = coupled.schema
    assert list(schema.parameters) == ["a", "b", "c", "d", "volt_peak", "tau_ref"]
    assert list(schema.states) == ["voltage", "recovery"]
    assert (list(schema.inputs), list(schema.options), schema.presets) == ([], [], {})
    assert schema.declared
    assert schema.refractory
    assert schema.held == ("voltage",)
    assert list(two_inputs.schema.inputs) == ["excitation", "inhibition"]
    assert not rb.Neuron.schema.declared
    assert not rb.SpikingNeuron.schema.declared

"""Declarations: defaults, units, domains; and what they are on a class and on a neuron."""

from __future__ import annotations

import abc
import copy
import inspect

import pytest
import rheobase as rb
import torch
from rheobase.errors import DeclarationError, ParameterError


def test_on_the_class_a_declaration_is_itself_and_on_a_neuron_a_tensor(lif):
    declared = lif.tau_mem
    assert isinstance(declared, rb.Parameter)
    assert (declared.name, declared.default, declared.unit) == ("tau_mem", 5.0, "ms")
    assert declared.doc == "membrane time constant"
    assert declared.domain.above == 0
    assert declared.range_text == "> 0 ms"
    assert torch.equal(lif().tau_mem, torch.tensor(5.0))


@pytest.mark.parametrize("unit", ["", "  ", None, 3])
@pytest.mark.parametrize(
    "make", [lambda unit: rb.Parameter(1.0, unit=unit), lambda unit: rb.Input(unit=unit)]
)
def test_a_unit_is_any_string_that_is_not_empty(make, unit):
    with pytest.raises(DeclarationError, match="unit"):
        make(unit)
    assert make("furlong / fortnight").unit == "furlong / fortnight"


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: rb.Parameter(1.0, doc="a time"), r"Parameter: .*'unit'; write Parameter\(1.0, unit=\"mV\""),
        (lambda: rb.Parameter(1.0, units="ms"), "Parameter: 'units' is no argument; did you mean 'unit'"),
        (lambda: rb.Parameter(1.0, unit="ms", minimum=0), "Parameter: 'minimum' is no argument; write"),
        (lambda: rb.Parameter(1.0, "mV"), "Parameter: too many positional arguments; write"),
        (lambda: rb.Parameter(), "Parameter: .*'default'"),
        (lambda: rb.State(0.0), "State: .*'unit'.*a unit is always given, \"1\" for a number without one"),
        (lambda: rb.Input(), r"Input: .*'unit'; write Input\(unit="),
    ],
)
def test_arguments_that_lack_or_are_not_taken_are_told_with_how_it_is_written(make, told):
    with pytest.raises(DeclarationError, match=told):
        make()


def test_a_declaration_still_says_what_it_takes():
    assert list(inspect.signature(rb.Parameter).parameters)[:2] == ["default", "unit"]
    copied = copy.deepcopy(rb.Parameter(1.0, unit="ms", above=0, doc="a time"))
    assert repr(copied) == "Parameter(1.0, 'ms', > 0: a time)"


@pytest.mark.parametrize(
    ("domain", "default", "good", "bad"),
    [
        ({"above": 0}, 1.0, [1e-30, 1e30], [0.0, -1.0]),
        ({"at_least": 0}, 1.0, [0.0, 1.0], [-1e-30]),
        ({"below": 0}, -1.0, [-1e-30], [0.0]),
        ({"at_most": 0}, -1.0, [0.0], [1e-30]),
        ({"above": 0, "at_most": 1}, 1.0, [0.5, 1.0], [0.0, 1.1]),
        ({}, 0.0, [-1e30, 1e30], [float("nan"), float("inf"), float("-inf")]),
    ],
)
def test_a_domain_admits_what_it_says_and_nothing_else(domain, default, good, bad):
    class Model(rb.AnalogNeuron):
        size = rb.Parameter(default, unit="um", **domain)
        voltage = rb.State(0.0, unit="mV")

        @staticmethod
        def derivatives(state, params, data):
            return {"voltage": data * params.size}

    for value in good:
        assert float(rb.create(Model, dtype=torch.float64, size=value).size) == value
    for value in bad:
        with pytest.raises(ParameterError, match=r"'size' is .*; it must be .*um"):
            rb.create(Model, dtype=torch.float64, size=value)
        with pytest.raises(ParameterError, match="of unit 1 is"):
            rb.create(Model, 2, dtype=torch.float64, size=torch.tensor([default, value], dtype=torch.float64))


@pytest.mark.parametrize(
    ("domain", "words"),
    [
        ({"above": 1}, "default 1.0 is not > 1"),
        ({"above": 0, "at_least": 0}, "not both"),
        ({"below": 0, "at_most": 0}, "not both"),
        ({"above": 3, "below": 2}, "no number"),
        ({"above": 2, "at_most": 2}, "no number"),
        ({"above": float("nan")}, "finite"),
    ],
)
def test_a_domain_that_cannot_be_is_refused(domain, words):
    with pytest.raises(DeclarationError, match=words):
        rb.Parameter(1.0, unit="mV", **domain)


@pytest.mark.parametrize("default", [None, True, [1.0], float("nan"), float("inf")])
def test_a_default_is_a_number_a_name_or_a_function(default):
    with pytest.raises(DeclarationError, match="default"):
        rb.Parameter(default, unit="mV")


def test_a_default_may_name_another_parameter_and_follows_what_is_given(lif):
    assert float(rb.create(lif, volt_rest=-70.0).volt_reset) == -70.0
    assert float(rb.create(lif, volt_rest=-70.0, volt_reset=-60.0).volt_reset) == -60.0
    neuron = rb.create(lif, 2, volt_rest=torch.tensor([-70.0, -72.0]))
    assert neuron.volt_reset.tolist() == neuron.voltage.tolist() == [-70.0, -72.0]


def test_a_default_may_be_a_function_of_the_parameters(coupled):
    neuron = rb.create(coupled, 2, b=torch.tensor([0.1, 0.5]), c=-50.0)
    assert neuron.recovery.tolist() == [-5.0, -25.0]
    neuron.b = 1.0
    neuron.reset_state()
    assert neuron.recovery.tolist() == [-50.0, -50.0]


def test_defaults_may_be_declared_in_any_order():
    class Chain(rb.AnalogNeuron):
        third = rb.Parameter(lambda p: 10 * p.second, unit="1")
        second = rb.Parameter("first", unit="1")
        first = rb.Parameter(2.0, unit="1")
        voltage = rb.State("third", unit="mV")

        @staticmethod
        def derivatives(state, params, data):
            return {"voltage": data}

    assert Chain().voltage.tolist() == [20.0]
    assert Chain(first=3.0).voltage.tolist() == [30.0]


def test_names_in_a_circle_are_refused_when_the_class_is_defined():
    with pytest.raises(DeclarationError, match=r"circle: one -> two -> one|circle: two -> one -> two"):

        class Circle(rb.AnalogNeuron):
            one = rb.Parameter("two", unit="1")
            two = rb.Parameter("one", unit="1")


def test_functions_in_a_circle_are_refused_when_a_neuron_is_made():
    class Circle(rb.AnalogNeuron):
        one = rb.Parameter(lambda p: p.two + 1, unit="1")
        two = rb.Parameter(lambda p: 2 * p.one, unit="1")
        voltage = rb.State(0.0, unit="mV")

    with pytest.raises(DeclarationError, match=r"circle: one -> two -> one"):
        rb.create(Circle)
    assert float(rb.create(Circle, two=3.0).one) == 4.0


def test_a_default_that_names_nothing_is_refused_with_the_nearest_name():
    with pytest.raises(DeclarationError, match=r"'volt_rset'.*did you mean 'volt_rest'"):

        class Wrong(rb.AnalogNeuron):
            volt_rest = rb.Parameter(-70.0, unit="mV")
            voltage = rb.State("volt_rset", unit="mV")


@pytest.mark.parametrize("where", ["parameter", "state"])
def test_a_function_that_asks_for_what_is_not_declared_is_named(where):
    class Wrong(rb.AnalogNeuron):
        gain = rb.Parameter((lambda p: p.gian) if where == "parameter" else 1.0, unit="1")
        voltage = rb.State((lambda p: p.gian) if where == "state" else 0.0, unit="mV")

    with pytest.raises(DeclarationError, match=r"'gian'.*did you mean 'gain'"):
        rb.create(Wrong)


def test_a_default_that_leaves_its_domain_is_refused_when_it_is_worked_out():
    class Wrong(rb.AnalogNeuron):
        gain = rb.Parameter(-1.0, unit="1")
        tau = rb.Parameter("gain", unit="ms", above=0)
        voltage = rb.State(0.0, unit="mV")

    with pytest.raises(ParameterError, match=r"'tau' is -1; it must be > 0 ms"):
        rb.create(Wrong)


def test_an_option_is_the_chosen_name_for_neuron_and_model():
    class Scaled(rb.AnalogNeuron):
        scale = rb.Option("single", "double", doc="how much counts")
        voltage = rb.State(0.0, unit="mV")

        @staticmethod
        def derivatives(state, params, data):
            return {"voltage": data * (2.0 if params.scale == "double" else 1.0)}

    assert Scaled.scale.choices == ("single", "double")
    one, two = rb.create(Scaled, dt=1.0), rb.create(Scaled, dt=1.0, scale="double")
    assert (one.scale, two.scale) == ("single", "double")
    assert (float(one(1.0)["voltage"]), float(two(1.0)["voltage"])) == (1.0, 2.0)
    one.scale = "double"
    assert float(one(1.0)["voltage"]) == 3.0
    with pytest.raises(ParameterError, match=r"'scale'.*'dobule'.*single, double.*did you mean 'double'"):
        rb.create(Scaled, scale="dobule")


@pytest.mark.parametrize("choices", [(), ("one",), ("one", "one"), ("one", 2)])
def test_an_option_has_two_or_more_different_names(choices):
    with pytest.raises(DeclarationError, match="two or more"):
        rb.Option(*choices)


def test_one_declaration_cannot_have_two_names():
    with pytest.raises((DeclarationError, RuntimeError)) as caught:

        class Twice(rb.AnalogNeuron):
            one = rb.Parameter(1.0, unit="mV")
            two = one

    # Python before 3.12 wraps what __set_name__ raises.
    error = caught.value if isinstance(caught.value, DeclarationError) else caught.value.__cause__
    assert isinstance(error, DeclarationError)
    assert "'one'" in str(error)
    assert "'two'" in str(error)


@pytest.mark.parametrize(
    "make",
    [
        lambda: rb.Preset("one"),
        lambda: rb.Parameter(1.0, unit="ms"),
        lambda: rb.State(1.0, unit="mV"),
        lambda: rb.Draw("normal"),
    ],
)
@pytest.mark.parametrize("base", [rb.SpikingNeuron, rb.AnalogNeuron, rb.Synapse])
def test_two_declarations_of_one_name_are_refused_where_python_keeps_the_second(base, make):
    with pytest.raises(DeclarationError, match=r"Model declares 'fast' twice, as .*; give each"):

        class Model(base):
            fast = make()
            fast = make()


def test_a_name_may_be_declared_anew_in_a_derived_class_which_may_be_abstract():
    class Base(rb.AnalogNeuron, abc.ABC):
        tau = rb.Parameter(5.0, unit="ms")
        voltage = rb.State(0.0, unit="mV")
        fast = rb.Preset("fast", params={"tau": 1.0})
        derivatives = staticmethod(
            lambda state, params, data: {"voltage": (data - state.voltage) / params.tau}
        )

        @abc.abstractmethod
        def named(self): ...

    class Model(Base):
        fast = rb.Preset("faster", params={"tau": 0.5})

        def named(self):
            return "model"

    assert float(rb.create(Model, preset="fast").tau) == 0.5
    with pytest.raises(TypeError, match="abstract"):
        Base()


def test_a_preset_sets_parameters_options_states_and_dt(lif):
    class Cells(lif):
        slow = rb.Preset(
            "slow cell", params={"tau_mem": 20.0}, state={"voltage": -60.0}, dt=0.5, citation="nobody 1900"
        )

    neuron = rb.create(Cells, 2, preset="slow")
    assert (float(neuron.tau_mem), neuron.voltage.tolist(), neuron.dt) == (20.0, [-60.0, -60.0], 0.5)
    assert neuron.preset is Cells.slow
    assert neuron.preset.citation == "nobody 1900"
    own = rb.create(Cells, preset="slow", tau_mem=30.0, dt=0.25, voltage=-65.0)
    assert (float(own.tau_mem), own.voltage.tolist(), own.dt) == (30.0, [-65.0], 0.25)
    assert rb.create(Cells).preset is None
    with pytest.raises(ParameterError, match=r"no preset 'slwo'.*did you mean 'slow'"):
        rb.create(Cells, preset="slwo")


@pytest.mark.parametrize("dt", [0, -1.0, float("nan"), "1"])
def test_a_preset_with_a_dt_that_is_no_time_is_refused(dt):
    with pytest.raises(DeclarationError, match="dt"):
        rb.Preset(dt=dt)


def test_a_misspelt_parameter_in_a_function_is_named_with_the_nearest(lif):
    class Misspelt(lif):
        @staticmethod
        def derivatives(state, params, data):
            return {"voltage": -state.voltage / params.tau_men}

    with pytest.raises(DeclarationError, match=r"Misspelt.derivatives.*tau_men.*did you mean 'tau_mem'"):
        rb.create(Misspelt)(1.0)

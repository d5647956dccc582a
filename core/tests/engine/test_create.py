"""``create``: names, classes, and how dt is chosen."""

from __future__ import annotations

import ast
import inspect
import sys
import warnings

import pytest
import rheobase as rb
import torch
from rheobase.cli.run import run
from rheobase.errors import ArgumentError, ComponentError, StepSizeWarning
from rheobase.specs import RESERVED


@pytest.fixture(scope="module")
def stiff(lif):
    class Stiff(lif):
        dt_max = 0.02
        paper = rb.Preset("as published", dt=0.01)

    return Stiff


def test_a_model_is_found_by_its_name():
    neuron = rb.create("analog", 2)
    assert isinstance(neuron, rb.AnalogNeuron)
    assert neuron.num_units == 2
    assert neuron.identifier == "analog"
    assert isinstance(rb.create("rheobase:analog"), rb.AnalogNeuron)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name_or_class": "analgo"}, "'analgo'.*did you mean 'analog'.*installed"),
        ({"integrator": "rk5"}, r"'rk5'.*did you mean 'rk\d+'.*installed: .*rk4"),
        ({"aggregator": "maen"}, "'maen'.*did you mean 'mean'.*installed: .*shunting"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_and_with_what_is_installed(arguments, words):
    with pytest.raises(ComponentError, match=words):
        rb.create(**{"name_or_class": "analog", **arguments})


@pytest.mark.parametrize("given", [3, None, dict, torch.nn.Linear, rb.AnalogNeuron()], ids=str)
def test_what_is_no_model_is_refused(given):
    with pytest.raises(ArgumentError, match=r"no neuron model.*rheobase\.Neuron"):
        rb.create(given)


def test_arguments_after_the_number_of_units_are_keyword_only(lif):
    with pytest.raises(TypeError):
        rb.create(lif, 1, "slow")


def test_dt_is_DT_by_default(lif):
    assert rb.create(lif).dt == rb.DT == 0.1


def test_dt_is_at_most_dt_max_by_default(lif, stiff):
    class Lenient(lif):
        dt_max = 5.0

    assert rb.create(stiff).dt == 0.02
    assert rb.create(Lenient).dt == 0.1


def test_a_larger_dt_is_warned_of_and_used(stiff):
    with pytest.warns(StepSizeWarning, match=r"dt=0\.1 ms.*dt_max=0\.02 ms"):
        neuron = rb.create(stiff, dt=0.1)
    assert neuron.dt == 0.1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rb.create(stiff, dt=0.02)


def test_the_warning_points_at_the_callers_line(stiff):
    with pytest.warns(StepSizeWarning) as caught:
        rb.create(stiff, dt=0.1)
    assert caught[0].filename == __file__


def test_an_adaptive_integrator_is_not_warned_of(stiff):
    class Adaptive(rb.RungeKutta):
        adaptive = True

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert rb.create(stiff, dt=0.1, integrator=Adaptive()).dt == 0.1


def test_the_dt_of_a_preset_goes_before_the_default(stiff):
    assert rb.create(stiff, preset="paper").dt == 0.01
    assert rb.create(stiff, preset="paper", dt=0.02).dt == 0.02


def test_dtype_and_device_reach_every_tensor(lif):
    neuron = rb.create(lif, 2, dtype=torch.float64, device="meta")
    assert {value.device.type for value in neuron.state_dict().values()} == {"meta"}
    floats = [value for value in neuron.state_dict().values() if value.is_floating_point()]
    assert {value.dtype for value in floats} == {torch.float64}


def test_an_integrator_is_made_with_its_settings_by_name():
    assert rb.integrator("rk2").order == 2
    assert [rb.integrator(f"rk{order}").order for order in (1, 2, 3, 4)] == [1, 2, 3, 4]
    with pytest.raises(ComponentError, match="rk9"):
        rb.integrator("rk9")


def test_a_setting_that_an_integrator_does_not_take_is_refused_from_our_own_tree():
    with pytest.raises(ArgumentError, match="rtol"):
        rb.integrator("rk4", rtol=1e-6)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_the_integrator_that_is_named_is_used(lif, order):
    named = rb.create(lif, integrator=f"rk{order}", dt=1.0, dtype=torch.float64)
    # One step from rest towards V + 10 mV at dt / tau = 0.2: the Taylor polynomial of that order.
    terms = [0.2, -(0.2**2) / 2, 0.2**3 / 6, -(0.2**4) / 24]
    assert float(named(50.0)["voltage"]) == pytest.approx(-75 + 10 * sum(terms[:order]), abs=1e-12)
    assert named.provenance["integrator"].name == f"rk{order}"


# --- one list of arguments, at every door --------------------------------------------------------

ARGUMENTS = [
    name
    for name, each in inspect.signature(rb.create).parameters.items()
    if each.kind is not each.VAR_KEYWORD
]
SPOKEN = {"name_or_class": "model", "num_units": "units"}
"""How files and commands say it."""


def test_every_overload_has_the_arguments_and_the_defaults_of_create():
    tree = ast.parse(inspect.getsource(sys.modules[rb.create.__module__]))
    made = [each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name == "create"]
    assert len(made) == 3
    first = {ast.dump(argument) for argument in made[-1].args.kwonlyargs}
    for each in made:
        assert {ast.dump(argument) for argument in each.args.kwonlyargs} == first
        assert [ast.dump(value) for value in each.args.kw_defaults] == [
            ast.dump(value) for value in made[-1].args.kw_defaults
        ]


def test_no_model_may_declare_what_create_or_a_constructor_takes():
    constructor = {*inspect.signature(rb.Neuron).parameters} - {"kwargs"}
    assert {*ARGUMENTS} | constructor == RESERVED


def test_a_file_and_the_command_take_what_create_takes():
    wanted = {SPOKEN.get(name, name) for name in ARGUMENTS}
    # A run has no graph of its own to keep, and a command computes where torch does by default.
    assert wanted - {*rb.SimpleSimulator.settings} == {"grad"}
    spoken = {{"name": "model"}.get(option.name, option.name) for option in run.params}
    assert wanted - spoken == {"grad", "device"}

"""Messages suggest what was meant: another case first, then a synonym, then another spelling."""

from __future__ import annotations

import pytest
import rheobase as rb
from click.testing import CliRunner
from rheobase.cli.app import main
from rheobase.errors import ComponentError, ParameterError, nearest
from rheobase.kinds import KINDS
from rheobase.plugins.registry import resolve
from rheobase.synonyms import SYNONYMS, synonyms


@pytest.mark.parametrize(
    ("given", "known", "meant"),
    [
        ("LIF", ["lib", "lif"], "lif"),
        ("rs", ["FS", "IB", "RS"], "RS"),
        ("FastSpiking", ["fast", "fastspiking"], "fastspiking"),
        ("leaky_integrator", ["leaky-integrators", "leaky-integrator"], "leaky-integrator"),
        ("Forward Euler", ["expeuler", "rk1"], "rk1"),
        ("DOPRI5", ["rk4", "rk45"], "rk45"),
    ],
)
def test_case_and_separators_come_first_then_synonyms(given, known, meant):
    assert nearest(given, known, synonyms("integrator")) == f"; did you mean {meant!r}?"


def test_a_synonym_of_what_is_not_installed_is_not_suggested():
    assert nearest("dopri5", ["rk4"], synonyms("integrator")) == ""
    assert nearest("euler", ["expeuler"], synonyms("integrator")) == "; did you mean 'expeuler'?"


def test_without_synonyms_a_name_that_is_spelt_alike_is_suggested():
    assert nearest("euler", ["expeuler", "rk1"]) == "; did you mean 'expeuler'?"


@pytest.mark.parametrize(
    ("kind", "name", "meant"),
    [
        ("integrator", "euler", "rk1"),
        ("integrator", "Midpoint", "rk2"),
        ("integrator", "RK4", "rk4"),
        ("aggregator", "average", "mean"),
        ("neuron", "ANALOG", "analog"),
        ("backend", "torch", "eager"),
    ],
)
def test_a_component_of_another_name_is_suggested(kind, name, meant):
    with pytest.raises(ComponentError, match=f"did you mean '{meant}'"):
        resolve(kind, name)
    done = CliRunner().invoke(main, ["show", name])
    assert done.exit_code != 0
    assert f"did you mean '{meant}'" in done.output


def test_create_suggests_the_integrator_and_the_preset():
    class Cell(rb.AnalogNeuron):
        g = rb.Parameter(1.0, unit="1")
        voltage = rb.State(0.0, unit="mV")
        RS = rb.Preset("regular spiking", params={"g": 2.0})
        ES = rb.Preset("early spiking", params={"g": 3.0})

        @staticmethod
        def derivatives(state, params, data):
            return {"voltage": data - params.g * state.voltage}

    with pytest.raises(ComponentError, match="did you mean 'rk1'"):
        rb.create(Cell, integrator="forward-euler")
    with pytest.raises(ParameterError, match="no preset 'rs'; did you mean 'RS'"):
        rb.create(Cell, preset="rs")


def test_a_synonym_is_written_as_it_is_looked_up_and_is_no_components_name():
    assert set(SYNONYMS) <= set(KINDS)
    for kind in SYNONYMS:
        installed = {component.spec.name for component in rb.list_components(kind)}
        for synonym in SYNONYMS[kind]:
            assert synonym == synonym.casefold().replace("_", "-").replace(" ", "-")
            assert synonym not in installed

"""The units that the kit knows: the SI, as neuroscience writes it; the rest is a finding, not an error."""

from __future__ import annotations

from pathlib import Path

import pytest
import rheobase as rb
from rheobase import conformance
from rheobase.conformance.units import ALONE, PREFIXES, SYMBOLS, unknown
from rheobase.pointing import module_of_file

KNOWN = [
    "1",
    "mV",
    "V",
    "uV",
    "µV",
    "ms",
    "s",
    "us",
    "Hz",
    "kHz",
    "1/ms",
    "1/s",
    "s^-1",
    "ms-1",
    "ms⁻¹",
    "pA",
    "nA",
    "uA/cm2",
    "μA/cm²",
    "pF",
    "uF/cm2",
    "nS",
    "mS/cm2",
    "S/m2",
    "MOhm",
    "MΩ",
    "GOhm",
    "ohm",
    "mS/cm2/ms",
    "1/ms2",
    "mV/ms",
    "mV*ms",
    "mV·ms",
    "mV^2",
    "mV**2",
    "mM",
    "uM",
    "mmol/L",
    "mol/m3",
    "um",
    "cm",
    "rad",
    "deg",
    "degC",
    "°C",
    "K",
    "J/K",
    "%",
    "spikes/s",
    "ms^0.5",
    "ms^(1/2)",
    "pA/sqrt(ms)",
    "1/(mV·ms)",
    "kg.m2/s3",
    "e/um2",
    "Pa",
    "min",
    "h",
]
SPACED = ["pA ms", "1/(mV ms)", "pA / ms", "nS mV", "(mV/ms)", " mV "]
UNKNOWN = {
    "msec": "did you mean 'ms'",
    "sec": "did you mean 's'",
    "mv": "did you mean 'mV'",
    "volts": "did you mean 'V'",
    "hz": "did you mean 'Hz'",
    "dimensionless": "did you mean '1'",
    "mV/msec": "has the part 'msec', which is unknown; did you mean 'ms'",
    "furlong": "give symbols of the SI",
    "nS/furlong": "the part 'furlong'",
    "mV per ms": "the part 'per'",
    "10mV": "is unknown",
    "mV/": "is unknown",
    "/ms": "is unknown",
    "1/(mV": "is unknown",
    "mV)": "is unknown",
    "mV^": "is unknown",
    "mV,ms": "is unknown",
    "mV2ms": "is unknown",
    "V_rest": "is unknown",
    "uuV": "is unknown",
}


@pytest.mark.parametrize("unit", [*KNOWN, *SPACED])
def test_a_unit_of_the_field_is_known(unit):
    assert unknown(unit) == ""


@pytest.mark.parametrize("unit", UNKNOWN)
def test_another_is_told_with_what_is_meant(unit):
    assert UNKNOWN[unit] in unknown(unit)
    assert repr(unit) in unknown(unit)


def test_every_symbol_takes_every_prefix_and_what_stands_alone_takes_none():
    assert not [p + s for p in ("", *PREFIXES) for s in SYMBOLS if unknown(p + s)]
    assert not [s for s in ALONE if unknown(s)]
    assert [s for s in ALONE if unknown("k" + s)] == list(ALONE)


class Leaky(rb.AnalogNeuron):
    """tau dV/dt = -V + I."""

    tau = rb.Parameter(10.0, unit="msec", above=0, doc="time constant")
    voltage = rb.State(0.0, unit="furlong", doc="potential")
    drive = rb.Input(unit="volts", doc="drive")

    @staticmethod
    def derivatives(state, params, data):
        return {"voltage": (data.drive - state.voltage) / params.tau}


def test_an_unknown_unit_is_a_finding_of_the_kit_and_no_error():
    assert rb.create(Leaky).num_units == 1
    (failure,) = conformance.check(Leaky, "smoke", only=["units-are-known"]).failures
    for said in ("parameter tau: the unit 'msec'", "did you mean 'ms'", "state voltage", "input drive"):
        assert said in failure.reason


@pytest.mark.parametrize(
    "name", [each.spec.name for each in rb.list_components("neuron") if each.spec.name != "analog"]
)
def test_the_units_of_what_is_installed_are_known(name):
    assert conformance.check(name, "smoke", only=["units-are-known"]).ok


def test_the_units_of_all_sound_models_of_the_zoo_are_known():
    files = sorted((Path(__file__).parent / "zoo").glob("sound_*.py"))
    models = {
        each
        for file in files
        for each in vars(module_of_file(file)).values()
        if isinstance(each, type) and issubclass(each, rb.Neuron)
    }
    assert len(models) >= 15
    told = {
        f"{model.__name__}.{each.name}": unknown(each.unit)
        for model in models
        for kind in (model.schema.parameters, model.schema.states, model.schema.inputs)
        for each in kind.values()
    }
    assert not {name: said for name, said in told.items() if said}

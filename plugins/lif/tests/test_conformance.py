"""All that this distribution offers passes the conformance kit: in full by hand, as a rule in standard."""

from __future__ import annotations

import pytest
from rheobase.conformance import Property, Suite, check, properties

ONLY_IN_FULL = [prop for prop in properties("neuron") if prop.level == "full"]


class TestLIF(Suite):
    component = "lif"


@pytest.mark.parametrize("prop", ONLY_IN_FULL, ids=lambda prop: prop.name)
def test_what_only_the_full_profile_tries_of_lif_holds(prop: Property) -> None:
    report = check("lif", "full", only=[prop.name])
    assert report.ok, str(report)


@pytest.mark.by_hand
class TestLIFInFull(TestLIF):
    profile = "full"


class TestLeakyIntegrator(Suite):
    component = "leaky-integrator"


@pytest.mark.by_hand
class TestLeakyIntegratorInFull(TestLeakyIntegrator):
    profile = "full"


class TestOscillator(Suite):
    component = "oscillator"


@pytest.mark.by_hand
class TestOscillatorInFull(TestOscillator):
    profile = "full"

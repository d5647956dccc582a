"""All that this distribution offers passes the conformance kit: in full by hand, as a rule in standard."""

from __future__ import annotations

import pytest
from rheobase.conformance import Suite


class TestLIF(Suite):
    component = "lif"
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

"""All that this distribution offers passes the conformance kit, in full."""

from __future__ import annotations

from rheobase.conformance import Suite


class TestLIF(Suite):
    component = "lif"
    profile = "full"


class TestLeakyIntegrator(Suite):
    component = "leaky-integrator"
    profile = "full"


class TestOscillator(Suite):
    component = "oscillator"
    profile = "full"

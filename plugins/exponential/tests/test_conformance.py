"""All that this distribution offers passes the conformance kit, in full."""

from __future__ import annotations

from rheobase.conformance import Suite


class TestExponentialEuler(Suite):
    component = "expeuler"
    profile = "full"


class TestStrang(Suite):
    component = "strang"
    profile = "full"

"""All that this distribution offers passes the conformance kit, in full."""

from __future__ import annotations

from rheobase.conformance import Suite


class TestRK45(Suite):
    component = "rk45"
    profile = "full"


class TestTsit5(Suite):
    component = "tsit5"
    profile = "full"


class TestRK23(Suite):
    component = "rk23"
    profile = "full"

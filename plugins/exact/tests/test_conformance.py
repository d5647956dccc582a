"""All that this distribution offers passes the conformance kit, in full."""

from __future__ import annotations

from rheobase.conformance import Suite


class TestExact(Suite):
    component = "exact"
    profile = "full"

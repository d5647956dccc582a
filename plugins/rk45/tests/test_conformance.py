"""All that this distribution offers passes the conformance kit: in full by hand, as a rule in part."""

from __future__ import annotations

import pytest
from rheobase.conformance import Suite


class TestRK45(Suite):
    component = "rk45"


@pytest.mark.by_hand
class TestRK45InFull(TestRK45):
    profile = "full"


class TestTsit5(Suite):
    component = "tsit5"
    profile = "smoke"


@pytest.mark.by_hand
class TestTsit5InFull(TestTsit5):
    profile = "full"


class TestRK23(Suite):
    component = "rk23"
    profile = "smoke"


@pytest.mark.by_hand
class TestRK23InFull(TestRK23):
    profile = "full"

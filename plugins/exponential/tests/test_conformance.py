"""All that this distribution offers passes the conformance kit: by hand in full, as a rule in part."""

from __future__ import annotations

import pytest
from rheobase.conformance import Suite


class TestExponentialEuler(Suite):
    component = "expeuler"
    profile = "smoke"


@pytest.mark.by_hand
class TestExponentialEulerInFull(TestExponentialEuler):
    profile = "full"


class TestStrang(Suite):
    component = "strang"


@pytest.mark.by_hand
class TestStrangInFull(TestStrang):
    profile = "full"

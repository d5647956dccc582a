"""All that this distribution offers passes the conformance kit: in full by hand, as a rule in standard."""

from __future__ import annotations

import pytest
from rheobase.conformance import Suite


class TestExact(Suite):
    component = "exact"


@pytest.mark.by_hand
class TestExactInFull(TestExact):
    profile = "full"

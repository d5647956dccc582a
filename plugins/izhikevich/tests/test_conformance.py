"""All that this distribution offers passes the conformance kit: by hand in full, as a rule in smoke."""

from __future__ import annotations

import pytest
from rheobase.conformance import Suite


class TestIzhikevich(Suite):
    component = "izhikevich"
    profile = "smoke"


@pytest.mark.by_hand
class TestIzhikevichInFull(TestIzhikevich):
    profile = "full"


class TestBook(Suite):
    component = "izhikevich-2007"
    profile = "smoke"


@pytest.mark.by_hand
class TestBookInFull(TestBook):
    profile = "full"

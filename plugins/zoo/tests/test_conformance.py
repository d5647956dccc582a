"""All that this distribution offers passes the conformance kit, its published results with it: by hand."""

from __future__ import annotations

import pytest
from rheobase.conformance import check
from rheobase_zoo import plugin

NAMES = [spec.name for spec in plugin.rheobase_neurons()]


@pytest.mark.by_hand
@pytest.mark.parametrize("name", NAMES)
def test_it_passes_the_standard_profile(name: str) -> None:
    report = check(name, profile="standard")
    assert report.ok, str(report)

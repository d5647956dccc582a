"""All that this distribution offers passes the conformance kit: by hand in standard, as a rule in smoke."""

from __future__ import annotations

import pytest
from rheobase import conformance
from rheobase_plasticity.plugin import rheobase_synapses

OFFERED = [(spec.name, "synapse") for spec in rheobase_synapses()]


@pytest.mark.parametrize(("name", "kind"), OFFERED)
def test_it_conforms(name: str, kind: str) -> None:
    report = conformance.check(name, kind=kind, profile="smoke")
    assert report.ok, str(report)


@pytest.mark.by_hand
@pytest.mark.parametrize(("name", "kind"), OFFERED)
def test_all_that_is_offered_conforms(name: str, kind: str) -> None:
    report = conformance.check(name, kind=kind)
    assert report.ok, str(report)

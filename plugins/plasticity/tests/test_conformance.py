"""All that this distribution offers passes the conformance kit: by hand in standard, as a rule in part."""

from __future__ import annotations

import pytest
from rheobase import conformance
from rheobase_plasticity.plugin import rheobase_synapses

OFFERED = [(spec.name, "synapse") for spec in rheobase_synapses()]


def test_the_rule_of_pairs_conforms() -> None:
    report = conformance.check("stdp-pair", kind="synapse", profile="smoke")
    assert report.ok, str(report)


@pytest.mark.by_hand
@pytest.mark.parametrize(("name", "kind"), OFFERED)
def test_all_that_is_offered_conforms(name: str, kind: str) -> None:
    report = conformance.check(name, kind=kind)
    assert report.ok, str(report)

"""All that this distribution offers passes the conformance kit: by hand in standard, as a rule in smoke."""

from __future__ import annotations

import pytest
from rheobase import conformance
from rheobase_synapses.plugin import rheobase_neurons, rheobase_rules, rheobase_synapses

OFFERED = [
    (spec.name, kind)
    for kind, specs in (
        ("neuron", rheobase_neurons()),
        ("rule", rheobase_rules()),
        ("synapse", rheobase_synapses()),
    )
    for spec in specs
]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        pytest.param("spike-times", "neuron"),
        pytest.param("delta", "synapse"),
        pytest.param("nmda-saturating", "synapse"),
        pytest.param("distance", "rule"),
        pytest.param("fixed-total", "rule"),
    ],
)
def test_it_conforms(name: str, kind: str) -> None:
    report = conformance.check(name, kind=kind, profile="smoke")
    assert report.ok, str(report)


@pytest.mark.by_hand
@pytest.mark.parametrize(("name", "kind"), OFFERED)
def test_all_that_is_offered_conforms(name: str, kind: str) -> None:
    report = conformance.check(name, kind=kind)
    assert report.ok, str(report)

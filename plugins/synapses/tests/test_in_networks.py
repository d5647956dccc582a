"""Rules by their names in a network: whose numbers they are, and what errors say."""

from __future__ import annotations

from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import errors
from rheobase.spi import key_of
from rheobase_synapses import rules

from .cells import Membrane

GIVEN: dict[str, dict[str, Any]] = {
    "all-to-all": {"autapses": False},
    "one-to-one": {},
    "bernoulli": {"p": 0.2},
    "fixed-indegree": {"degree": 5, "multapses": False},
    "fixed-outdegree": {"degree": 5},
    "fixed-total": {"total": 77},
    "distance": {"scale": 0.2},
}


def network(seed: int = 1) -> rb.Network:
    net = rb.Network(seed=seed)
    for name in ("E", "I"):
        net.add(name, rb.create(Membrane, 30), positions=torch.linspace(0.0, 1.0, 30)[:, None])
    return net


def pairs(projection: Any) -> list[tuple[int, int]]:
    return list(zip(projection.source.tolist(), projection.target.tolist(), strict=True))


@pytest.mark.parametrize("name", GIVEN)
@pytest.mark.parametrize("target", ["E", "I"])
def test_a_projection_has_the_synapses_of_its_rule(name: str, target: str) -> None:
    net = network()
    made = net.connect("E", target, rb.rule(name, **GIVEN[name]), rb.synapse("delta"), weight=1.0)
    at = torch.linspace(0.0, 1.0, 30)[:, None]
    rule = getattr(rules, name.replace("-", "_"))
    key = key_of(1, f"E->{target}", "rule")
    indptr, sources = rule(0, 30, 30, 30, key, same=target == "E", positions=(at, at), **GIVEN[name])
    targets = torch.arange(30).repeat_interleave(indptr.diff())
    assert pairs(made) == sorted(zip(sources.tolist(), targets.tolist(), strict=True))


def test_seed_and_identifier_decide_and_nothing_else() -> None:
    def made(seed: int = 1, identifier: str | None = None, before: bool = False) -> Any:
        net = network(seed)
        if before:
            net.connect("I", "I", rb.rule("bernoulli", p=0.5), rb.synapse("delta"), weight=1.0)
        rule = rb.rule("bernoulli", p=0.2)
        return pairs(net.connect("E", "I", rule, rb.synapse("delta"), identifier=identifier))

    assert made() == made(before=True)
    assert made() != made(seed=2)
    assert made() != made(identifier="other")


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("bernoulli", {"p": 2.0}, "E->E: rule 'bernoulli': p is 2.0; it must be a number from 0 to 1"),
        ("fixed-indegree", {"degree": 31, "multapses": False}, "E->E: .* there are only 30 sources"),
        ("distance", {"scale": -1.0}, "E->E: rule 'distance': scale is -1.0"),
    ],
)
def test_an_error_names_the_projection(name: str, given: dict[str, Any], said: str) -> None:
    with pytest.raises(errors.ParameterError, match=said):
        network().connect("E", "E", rb.rule(name, **given), rb.synapse("delta"))


def test_a_misspelt_parameter_is_told_with_the_nearest() -> None:
    with pytest.raises(errors.ArgumentError, match=r"'fixed-indegree' takes no 'degre'.*degree"):
        rb.rule("fixed-indegree", degre=5)

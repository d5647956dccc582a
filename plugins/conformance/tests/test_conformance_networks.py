"""Synapses and connection rules at the doors of the kit."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import conformance
from rheobase.conformance import RuleCase, SynapseCase
from rheobase.conformance.finding import find_one
from rheobase.errors import ArgumentError, PluginError


class Decay(rb.Synapse):
    """tau dI/dt = -I;  a spike of weight w:  I -> I + w."""

    tau = rb.Parameter(2.0, unit="ms", above=0)
    current = rb.State(0.0, unit="pA", at_rest=True)

    @staticmethod
    def derivatives(state, params):
        return {"current": -state.current / params.tau}

    @staticmethod
    def arrive(state, params, weight):
        return {"current": state.current + weight}

    @staticmethod
    def output(state, params, post):
        return state.current


class Doubling(Decay):
    """Counts every spike twice, and claims that its output is that of the square."""

    @staticmethod
    def output(state, params, post):
        return state.current**2


def previous(first, last, sources, targets, key, *, same, positions):
    """Target i hears source i - 1, where there is one."""
    heard = torch.arange(first, last) - 1
    there = (heard >= 0) & (heard < sources)
    return torch.cat([torch.zeros(1, dtype=torch.int64), there.cumsum(0)]), heard[there]


def by_place(first, last, sources, targets, key, *, same, positions):
    """The first row that is asked for is empty, whichever target it is of."""
    indptr, indices = previous(first, last, sources, targets, key, same=same, positions=positions)
    dropped = int(indptr[1]) if last > first else 0
    return (indptr - dropped).clamp(min=0), indices[dropped:]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The synapse ``decay`` and the rule ``previous``, offered by a plugin for this test."""
    module: Any = types.ModuleType("toy_connections")
    module.Decay, module.previous = Decay, previous
    monkeypatch.setitem(sys.modules, "toy_connections", module)

    class Plugin:
        @rb.hookimpl
        def rheobase_synapses(self):
            return [rb.SynapseSpec("decay", "toy_connections:Decay", "a toy", additive=True, linear=True)]

        @rb.hookimpl
        def rheobase_rules(self):
            return [rb.RuleSpec("previous", "toy_connections:previous", "a toy", total=True)]

    with rb.register(Plugin()):
        yield


@pytest.mark.usefixtures("installed")
def test_an_installed_synapse_and_an_installed_rule_are_judged_by_name() -> None:
    for name, kind in (("decay", "synapse"), ("previous", "rule")):
        report = conformance.check(name, "smoke")
        assert report.ok, str(report)
        assert report.kind == kind
        ran = {result.prop.name for result in report.results if result.verdict.ran}
        assert {"synapse": "linear-as-claimed", "rule": "total-as-claimed"}[kind] in ran


def test_what_is_not_claimed_is_not_asked() -> None:
    results = {result.prop.name: result for result in conformance.check(Doubling, "smoke").results}
    assert results["linear-as-claimed"].reason == "the synapse does not claim linear=True"
    report = conformance.check(
        Doubling, "smoke", spec=rb.SynapseSpec("doubling", "here:Doubling", linear=True)
    )
    assert [result.prop.name for result in report.failures] == ["linear-as-claimed"]


def test_a_function_that_takes_what_rules_take_is_taken_for_one_and_an_aggregator_is_not() -> None:
    assert find_one(previous).kind == "rule"
    assert find_one(max).kind == "aggregator"
    assert find_one(Decay).kind == "synapse"


@pytest.mark.parametrize(
    ("given", "name"), [(by_place, "parts-make-the-whole"), (Doubling, "linear-as-claimed")]
)
def test_the_case_of_a_failure_shows_it_again(given: Any, name: str) -> None:
    spec = rb.SynapseSpec("doubling", "here:Doubling", linear=True) if given is Doubling else None
    failure = conformance.check(given, "smoke", only=[name], spec=spec).failures[0]
    assert isinstance(failure.case, (RuleCase, SynapseCase))
    case = eval(repr(failure.case))
    assert case == failure.case
    assert f"import {type(case).__name__}, reproduce" in failure.script
    with pytest.raises(SystemExit, match=f"{name} fails"):
        conformance.reproduce(given, name, case, spec=spec)


def test_a_rule_that_takes_none_of_the_values_tried_is_told_how_it_can_be() -> None:
    def choosy(first, last, sources, targets, key, *, same, positions, mode):
        """Takes a word that nobody would guess."""
        if mode != "xyzzy":
            raise ArgumentError(f"mode is {mode!r}")
        return previous(first, last, sources, targets, key, same=same, positions=positions)

    seen = conformance.check(choosy, "smoke", only=["can-be-called"]).failures[0].seen
    assert "give its parameters defaults, or annotate them as int or float" in seen
    assert "mode is" in seen


def test_a_parameter_is_tried_by_its_annotation() -> None:
    asked = []

    def of_degree(first, last, sources, targets, key, *, same, positions, degree: int):
        """Remembers what it was asked."""
        asked.append(degree)
        return previous(first, last, sources, targets, key, same=same, positions=positions)

    assert conformance.check(of_degree, "smoke", only=["rows-are-sorted"]).ok
    assert {type(degree) for degree in asked} == {int}


def test_what_is_no_synapse_is_refused() -> None:
    spec = rb.SynapseSpec("previous", "here:previous")
    with pytest.raises((ArgumentError, PluginError), match="synapse"):
        conformance.check(previous, spec=spec)


def test_a_synapse_may_read_any_state_of_its_target() -> None:
    class Gated(Decay):
        """Counts what another state of its target lets through."""

        @staticmethod
        def output(state, params, post):
            return state.current * post.calcium

    subject: Any = find_one(Gated)
    assert subject.reads == ("calcium",)
    assert tuple(subject.host.schema.states) == ("voltage", "calcium")

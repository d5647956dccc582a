"""The kit's property on installed backends: one that gives other numbers is told, one that refuses is not."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import rheobase as rb
from rheobase import conformance
from rheobase.pipeline import eager


@pytest.fixture
def judged_with(monkeypatch: pytest.MonkeyPatch, lif: Any) -> Iterator[Callable[[Any], conformance.Report]]:
    """Judges a model while a backend of this function is installed."""
    undone = []

    def judge(run: Any) -> conformance.Report:
        module = types.ModuleType("toy_backend")
        module.run = run  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "toy_backend", module)
        plugin = types.ModuleType("toy_plugin")
        spec = rb.BackendSpec("toy", "toy_backend:run")
        plugin.rheobase_backends = rb.hookimpl(lambda: [spec])  # type: ignore[attr-defined]
        undone.append(rb.register(plugin))
        return conformance.check(lif, "smoke", only=["backends-agree"])

    yield judge
    for undo in undone:
        undo()


def test_a_backend_that_is_eager_agrees(judged_with: Callable[[Any], conformance.Report]) -> None:
    report = judged_with(eager.run)
    assert report.ok, str(report)


def test_a_backend_that_refuses_is_not_accused(judged_with: Callable[[Any], conformance.Report]) -> None:
    def run(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("it takes no model")

    report = judged_with(run)
    assert report.ok, str(report)


def test_a_backend_with_other_voltages_is_told(judged_with: Callable[[Any], conformance.Report]) -> None:
    def run(*args: Any, **kwargs: Any) -> Any:
        recording = eager.run(*args, **kwargs)
        # A hundred times what double precision may lose in a few steps.
        traces = {name: trace * (1.0 + 1e-10) for name, trace in recording.traces.items()}
        return replace(recording, traces=traces)

    report = judged_with(run)
    assert [result.prop.name for result in report.failures] == ["backends-agree"]
    assert "'toy': voltage in step 0" in report.failures[0].reason


def test_a_backend_that_loses_a_spike_is_told(judged_with: Callable[[Any], conformance.Report]) -> None:
    def run(*args: Any, **kwargs: Any) -> Any:
        recording = eager.run(*args, **kwargs)
        spikes = recording.spikes
        return replace(
            recording, spikes=type(spikes)(spikes.times[:-1], spikes.units[:-1], spikes.batch[:-1])
        )

    report = judged_with(run)
    assert [result.prop.name for result in report.failures] == ["backends-agree"]
    assert "spikes, and eager" in report.failures[0].reason

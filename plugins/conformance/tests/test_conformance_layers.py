"""The kit's property on backends that take layers: one that learns something else is told."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import conformance
from rheobase.spi import Unrolling
from torch import Tensor

PROPERTY = "layer-learns-the-same-in-each-backend"
Take = Callable[..., Any]
Judge = Callable[[Callable[[Unrolling], Take]], conformance.Report]


@pytest.fixture
def judged_with(rheobase_registry: object, monkeypatch: pytest.MonkeyPatch, lif: Any) -> Judge:
    """Judges a model while a backend is installed that takes the steps of layers by this function."""

    def judge(make: Callable[[Unrolling], Take]) -> conformance.Report:
        class Backend:
            def __call__(self, *args: Any, **kwargs: Any) -> Any:
                raise NotImplementedError("it takes layers alone")

            def train(self, unrolling: Unrolling, *_: Any) -> Take:
                return make(unrolling)

        module = types.ModuleType("toy_backend")
        module.run = Backend()  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "toy_backend", module)
        plugin = types.ModuleType("toy_plugin")
        plugin.rheobase_backends = rb.hookimpl(lambda: [rb.BackendSpec("toy", "toy_backend:run")])  # type: ignore[attr-defined]
        rb.register(plugin)
        return conformance.check(lif, "standard", only=[PROPERTY])

    return judge


def step_by_step(unrolling: Unrolling, change: Callable[..., Any] = lambda out, now: (out, now)) -> Take:
    """A sound way to take all steps, but for a change to what comes out."""

    def take(x: Any, sizes: Any, values: Any, scale: Any, begin: Any, now: Any) -> Any:
        params, rows = unrolling.neuron.params._replace(**values), []
        for t in range(len(next(iter(x.values())))):
            data = {name: value[t] * size for (name, value), size in zip(x.items(), sizes, strict=True)}
            now, _, out = unrolling(now, params, data, scale, begin, unrolling.surrogate(scale))
            rows.append(out)
        outputs, now = change(torch.stack(rows), now)
        return outputs, now, True

    return take


def more(value: Tensor, by: float) -> Tensor:
    """The same value, with so much more of a gradient."""
    return value + by * (value - value.detach())


def larger(unrolling: Unrolling) -> Take:
    return step_by_step(unrolling, lambda out, now: (more(out, 1e-9), now))


def cut_off(unrolling: Unrolling) -> Take:
    return step_by_step(unrolling, lambda out, now: (out, now._replace(y=now.y.detach())))


def a_step_late(unrolling: Unrolling) -> Take:
    return step_by_step(unrolling, lambda out, now: (out.roll(1, dims=0), now))


def of_one_row(unrolling: Unrolling) -> Take:
    return step_by_step(
        unrolling, lambda out, now: (torch.cat([out[:, :1], out[:, 1:].detach()], dim=1), now)
    )


def armed_again(unrolling: Unrolling) -> Take:
    return step_by_step(unrolling, lambda out, now: (out, now._replace(armed=~now.armed)))


def detached(unrolling: Unrolling) -> Take:
    return step_by_step(unrolling._replace(attached=False))


def forgets_a_parameter(unrolling: Unrolling) -> Take:
    take = step_by_step(unrolling)

    def other(x: Any, sizes: Any, values: Any, *rest: Any) -> Any:
        return take(x, sizes, {**values, "tau_mem": values["tau_mem"].detach()}, *rest)

    return other


def another_surrogate(unrolling: Unrolling) -> Take:
    return step_by_step(unrolling._replace(function=rb.surrogate("atan", width=1.001)))


FAULTS = (
    *(larger, cut_off, a_step_late, of_one_row, armed_again),
    *(detached, forgets_a_parameter, another_surrogate),
)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_backend_that_learns_something_else_is_told(fault: Any, judged_with: Judge) -> None:
    report = judged_with(fault)
    assert [result.prop.name for result in report.failures] == [PROPERTY], str(report)
    assert "the backend 'toy'" in report.failures[0].reason


def test_a_backend_that_takes_the_same_steps_is_sound(judged_with: Judge) -> None:
    report = judged_with(step_by_step)
    assert report.ok, str(report)
    assert "1 passed" in str(report)


def test_a_backend_that_refuses_is_not_accused(judged_with: Judge) -> None:
    def refuse(unrolling: Unrolling) -> Take:
        raise NotImplementedError("it takes no layers of this kind")

    report = judged_with(refuse)
    assert report.ok, str(report)

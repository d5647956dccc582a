"""Cases by hypothesis: drawn from a seed and nothing else, and made smaller where they fail."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity
from hypothesis.strategies import SearchStrategy

_ONE_AT_A_TIME = threading.RLock()


def explore(
    trial: Callable[[Any], None],
    strategy: SearchStrategy[Any],
    examples: int,
    seed: int,
    *,
    shrink: bool = True,
) -> None:
    """Call a trial with cases, until one fails; then with ever smaller ones.

    Args:
        trial: What is called with each case.
        strategy: What the cases are drawn from.
        examples: How many are drawn; the first is the simplest there is.
        seed: Of the cases. They depend on nothing else: not on the modules that are imported, nor on the
            settings of hypothesis that a project has.
        shrink: Whether the case that fails is made smaller: hundreds are drawn for it.
    """
    settings = hypothesis.settings(
        max_examples=examples,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
        deadline=None,
        database=None,
        print_blob=False,
        report_multiple_bugs=False,
        backend="hypothesis",
    )
    with _ONE_AT_A_TIME, _alone(settings):

        @hypothesis.seed(seed)
        @settings
        @hypothesis.given(strategy)
        def each(case: Any) -> None:
            trial(case)

        each()


@contextmanager
def _alone(settings: hypothesis.settings) -> Iterator[None]:
    """Leave out what would let a project have its say in the cases.

    There is no public switch for either: so this does without what it does not find, in versions of
    hypothesis that have it not or not yet.
    """
    from hypothesis import _settings

    with ExitStack() as stack:
        if local := getattr(_settings, "local_settings", None):
            # Within a test of the project's own, hypothesis would refuse to start another.
            stack.enter_context(local(settings))
        try:
            from hypothesis.internal.conjecture.providers import HypothesisProvider
        except ImportError:
            pass
        else:
            # Numbers that stand in the source of the modules that are imported just now.
            if hasattr(HypothesisProvider, "_maybe_draw_constant"):
                stack.enter_context(mock.patch.object(HypothesisProvider, "_maybe_draw_constant", _none))
        yield


def _none(*_: object, **__: object) -> None:
    return None

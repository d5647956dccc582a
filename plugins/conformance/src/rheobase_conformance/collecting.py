"""``pytest --rheobase NAME``: the properties of the kit as tests, without a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Mapping
from typing import Any

import pytest
from rheobase.errors import RheobaseError

from .catalogue import properties
from .expectations import expectations
from .finding import find
from .profiles import profile_named
from .property import Property
from .subject import Subject
from .suite import outcome


class Asked:
    """What ``--rheobase`` asks for: collected after the files, or alone where no file was named.

    Args:
        config: Of the run of pytest.

    Raises:
        pytest.UsageError: If a component, the kind or the profile cannot be used.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.profile: str = config.getoption("rheobase_profile")
        self.seed: int = config.getoption("rheobase_seed")
        kind: str | None = config.getoption("rheobase_kind")
        try:
            profile_named(self.profile)
            found = [each for name in config.getoption("rheobase") for each in find(name, kind=kind)]
            self.subjects = [(label, each, expectations(each)) for label, each in _labelled(found)]
        except RheobaseError as error:
            raise pytest.UsageError(f"--rheobase: {error}") from error
        if config.args_source is not pytest.Config.ArgsSource.ARGS:
            config.args = []

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Collect the properties beside what the session has collected."""
        report = yield
        if isinstance(collector, pytest.Session) and report.passed:
            # Its node id is the first word of theirs.
            ours = _Components.from_parent(collector, name="rheobase", nodeid="rheobase", asked=self)
            report.result = [*(report.result or ()), ours]
        return report


def _labelled(subjects: Iterable[Subject]) -> list[tuple[str, Subject]]:
    """The word for each subject in test ids: its name, and what else it takes where two have it."""
    unique = {(each.kind, each.target): each for each in subjects}.values()
    names = Counter(each.name for each in unique)
    targets = Counter(each.target for each in unique)
    return [
        (
            each.name
            if names[each.name] == 1
            else (each.target if targets[each.target] == 1 else f"{each.target}:{each.kind}"),
            each,
        )
        for each in unique
    ]


class _Components(pytest.Collector):
    """All components that were asked for."""

    def __init__(self, *, asked: Asked, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.asked = asked

    def collect(self) -> Iterable[pytest.Collector]:
        for label, subject, expected in self.asked.subjects:
            yield _Component.from_parent(
                self, name=label, asked=self.asked, subject=subject, expected=expected
            )


class _Component(pytest.Collector):
    """One component."""

    def __init__(self, *, asked: Asked, subject: Subject, expected: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.asked, self.subject, self.expected = asked, subject, expected

    def collect(self) -> Iterable[pytest.Item]:
        for each in properties(self.subject.kind):
            yield _PropertyTest.from_parent(self, name=each.name, prop=each, component=self)


class _PropertyTest(pytest.Item):
    """One property of one component."""

    def __init__(self, *, prop: Property, component: _Component, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.prop, self.component = prop, component

    def runtest(self) -> None:
        of = self.component
        outcome(self.prop, of.subject, of.asked.profile, of.asked.seed, of.expected)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        return self.path, None, self.nodeid

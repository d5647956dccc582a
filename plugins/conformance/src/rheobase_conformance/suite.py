"""The kit within a package's own tests: a class of three lines."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from rheobase.errors import ArgumentError, RheobaseError
from rheobase.spi import ComponentSpec

from .catalogue import properties
from .expectations import expectations
from .finding import find_one
from .profiles import profile_named
from .property import Property
from .result import Verdict
from .running import judge
from .subject import Subject
from .telling import of_failure


class _OfSubclasses:
    """``__test__`` of the suite: no tests of its own; those that derive from it go by their names."""

    def __get__(self, instance: object, owner: type) -> bool:
        if owner is Suite:
            return False
        raise AttributeError("__test__")


class Suite:
    """Tests that a component keeps all properties of the kit, one test for each.

    A package's test file derives from it::

        from rheobase.conformance import Suite

        class TestAdEx(Suite):
            component = "adex"

    Attributes:
        component: What :func:`rheobase.conformance.check` takes: a name, a class, ... A class or another
            object need not be installed.
        profile: "smoke", "standard" (the default) or "full".
        expected: Property -> the reason why it is expected to fail; see :func:`check`.
        spec: What is claimed of an object that is not installed.
        kind: "neuron", "integrator", "aggregator", "synapse" or "rule", where a name is of several.
        seed: Of the cases.
    """

    __test__ = _OfSubclasses()

    component: ClassVar[Any] = None
    profile: ClassVar[str] = "standard"
    expected: ClassVar[Mapping[str, str]] = {}
    spec: ClassVar[ComponentSpec | None] = None
    kind: ClassVar[str | None] = None
    seed: ClassVar[int] = 0

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One test for each property of the component's kind."""
        if "rheobase_property" not in metafunc.fixturenames:
            return
        cls = type(self)
        try:
            chosen = properties(cls.subject().kind)
            cls.reasons()
            profile_named(cls.profile)
        except RheobaseError as error:
            raise pytest.Collector.CollectError(f"{cls.__qualname__}: {error}") from error
        metafunc.parametrize("rheobase_property", chosen, ids=[prop.name for prop in chosen])

    @classmethod
    def subject(cls) -> Subject:
        """The component, found once for the class."""
        found: Subject | None = cls.__dict__.get("_subject")
        if found is None:
            if cls.component is None:
                raise ArgumentError('it has no component; write a line such as component = "my-model"')
            found = find_one(cls.component, spec=cls.spec, kind=cls.kind)
            cls._subject = found  # type: ignore[attr-defined]
        return found

    @classmethod
    def reasons(cls) -> dict[str, str]:
        """The expected failures, with those of the ``pyproject.toml`` that is nearest to the test file."""
        try:
            near = Path(inspect.getfile(cls))
        except (OSError, TypeError):
            near = None
        return expectations(cls.subject(), cls.expected, near=near)

    def test_property(self, rheobase_property: Property) -> None:
        """One property holds."""
        outcome(rheobase_property, self.subject(), self.profile, self.seed, self.reasons())


def outcome(prop: Property, subject: Subject, profile: str, seed: int, expected: Mapping[str, str]) -> None:
    """Try a property, and tell pytest how it went.

    Args:
        prop: The property.
        subject: The component.
        profile: How much is tried.
        seed: Of the cases.
        expected: Property -> the reason why it is expected to fail.

    Raises:
        pytest.fail.Exception: If it failed, or passed against expectation.
        pytest.skip.Exception: If it does not apply, another profile tries it, or it could decide nothing.
        pytest.xfail.Exception: If it failed as expected.
    """
    __tracebackhide__ = True
    result = judge(prop, subject, profile_named(profile), seed, expected.get(prop.name))
    if not result.verdict.decided:
        pytest.skip(f"{result.verdict.value}: {result.reason}")
    text = "\n".join(of_failure(result))
    if result.verdict is Verdict.EXPECTED:
        pytest.xfail(result.reason)
        pytest.fail(text, pytrace=False)  # with --runxfail, to which nothing is expected
    if not result.ok:
        pytest.fail(text, pytrace=False)

"""The kit within a package's own tests: a class of three lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from ..specs import ComponentSpec
from .checking import check_expected, selected
from .finding import find_one
from .profiles import profile_named
from .property import Property
from .result import Verdict
from .running import judge
from .subject import Subject


class Suite:
    """Tests that a component keeps all properties of the kit, one test for each.

    A package's test file derives from it::

        from rheobase.conformance import Suite

        class TestAdEx(Suite):
            component = "adex"

    Attributes:
        component: What :func:`rheobase.conformance.check` takes: a name, a class, ...
        profile: "smoke", "standard" (the default) or "full".
        expected: Property -> the reason why it is expected to fail.
        spec: What is claimed of an object that is not installed.
        kind: "neuron", "integrator" or "aggregator", where a name is of several.
        seed: Of the cases.
    """

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
        subject = type(self).subject()
        chosen = selected(subject.kind, None)
        check_expected(subject.kind, self.expected)
        metafunc.parametrize("rheobase_property", chosen, ids=[prop.name for prop in chosen])

    @classmethod
    def subject(cls) -> Subject:
        """The component, found once for the class."""
        found: Subject | None = cls.__dict__.get("_subject")
        if found is None:
            found = find_one(cls.component, spec=cls.spec, kind=cls.kind)
            cls._subject = found  # type: ignore[attr-defined]
        return found

    def test_property(self, rheobase_property: Property) -> None:
        """One property holds."""
        outcome(rheobase_property, self.subject(), self.profile, self.seed, self.expected)


def outcome(prop: Property, subject: Subject, profile: str, seed: int, expected: Mapping[str, str]) -> None:
    """Try a property, and tell pytest how it went.

    Raises:
        pytest.fail.Exception: If it failed, or passed against expectation.
        pytest.skip.Exception: If it does not apply, or another profile tries it.
        pytest.xfail.Exception: If it failed as expected.
    """
    __tracebackhide__ = True
    result = judge(prop, subject, profile_named(profile), seed, expected.get(prop.name))
    if result.verdict in (Verdict.NOT_APPLICABLE, Verdict.LEFT_OUT):
        pytest.skip(f"{result.verdict.value}: {result.reason}")
    if result.verdict is Verdict.EXPECTED:
        pytest.xfail(result.reason)
    if not result.ok:
        lines = [f"{prop.statement}", result.reason, f"why it matters: {prop.why}", "", result.script]
        pytest.fail("\n".join(lines), pytrace=False)

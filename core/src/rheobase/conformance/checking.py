"""``check``: judge a component, and say how it went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import importlib_metadata

from ..errors import ArgumentError, nearest
from ..specs import ComponentSpec
from .catalogue import properties
from .finding import find_one
from .profiles import profile_named
from .property import Property
from .report import Report
from .running import judge, told
from .subject import Subject


def check(
    obj: Any,
    profile: str = "standard",
    *,
    expected: Mapping[str, str] | None = None,
    only: Sequence[str] | None = None,
    spec: ComponentSpec | None = None,
    kind: str | None = None,
    seed: int = 0,
) -> Report:
    """Judge a neuron model, an integrator or an aggregator.

    Args:
        obj: The name of an installed component; ``"package.module:Object"``; ``"file.py:Object"``; a spec;
            a neuron's class; an integrator or its class; an aggregator.
        profile: "smoke" (seconds), "standard" or "full".
        expected: Property -> the reason why it is expected to fail. One that passes nevertheless makes the
            report not ok.
        only: The properties to try; all by default.
        spec: What is claimed of an object that is not installed.
        kind: "neuron", "integrator" or "aggregator", where a name is of several.
        seed: Of the cases that are tried.

    Returns:
        The report; ``report.ok`` is true when nothing failed.

    Raises:
        ArgumentError: If the profile or a property is unknown, or a reason is empty.
        ComponentError: If there is no such component.

    Example:
        >>> from rheobase import conformance
        >>> report = conformance.check("sum", profile="smoke")
        >>> report.ok
        True
    """
    subject = find_one(obj, spec=spec, kind=kind)
    return judge_subject(subject, profile, expected=expected, only=only, seed=seed)


def judge_subject(
    subject: Subject,
    profile: str = "standard",
    *,
    expected: Mapping[str, str] | None = None,
    only: Sequence[str] | None = None,
    seed: int = 0,
) -> Report:
    """Judge a subject that was found; see :func:`check`."""
    tried = profile_named(profile)
    reasons = check_expected(subject.kind, expected)
    chosen = selected(subject.kind, only)
    results = tuple(judge(prop, subject, tried, seed, reasons.get(prop.name)) for prop in chosen)
    return Report(subject.kind, subject.name, subject.target, profile, seed, results, _about(subject))


def reproduce(
    obj: Any,
    name: str,
    case: Any = None,
    *,
    spec: ComponentSpec | None = None,
    kind: str | None = None,
) -> None:
    """Try one property on one case; what a failure's script calls.

    Args:
        obj: As for :func:`check`.
        name: The property.
        case: The case, where the property has any.
        spec: As for :func:`check`.
        kind: As for :func:`check`.

    Raises:
        SystemExit: If it fails; it says what was seen.
    """
    import warnings

    subject = find_one(obj, spec=spec, kind=kind)
    prop = selected(subject.kind, [name])[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            prop.check(*((subject,) if prop.cases is None else (subject, case)))
        except Exception as error:
            raise SystemExit(f"{prop.name} fails: {told(error)}") from error
    print(f"{prop.name} holds: {prop.statement}")


def check_expected(kind: str, expected: Mapping[str, str] | None) -> dict[str, str]:
    """The expected failures, checked: each names a property of the kind, and has a reason.

    Raises:
        ArgumentError: If one does not.
    """
    reasons = dict(expected or {})
    for name, reason in reasons.items():
        _known(kind, name, "expected")
        if not isinstance(reason, str) or not reason.strip():
            raise ArgumentError(f"expected: {name!r} has no reason; say why it is expected to fail")
    return reasons


def selected(kind: str, only: Sequence[str] | None) -> list[Property]:
    """The properties of a kind, all or those named.

    Raises:
        ArgumentError: If there is no property of a name.
    """
    if only is None:
        return properties(kind)
    for name in only:
        _known(kind, name, "only")
    return [prop for prop in properties(kind) if prop.name in only]


def _known(kind: str, name: str, where: str) -> None:
    names = [prop.name for prop in properties(kind)]
    if name not in names:
        raise ArgumentError(
            f"{where}: there is no property {name!r} of {kind}s{nearest(str(name), names)}; they are "
            f"{', '.join(names)}"
        )


def _about(subject: Subject) -> dict[str, str | None]:
    origin = subject.provenance
    return {
        "distribution": None if origin is None else origin.distribution,
        "version": None if origin is None else origin.version,
        "rheobase": importlib_metadata.version("rheobase"),
    }

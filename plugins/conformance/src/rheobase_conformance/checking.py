"""``check``: judge a component, and say how it went."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from rheobase.errors import ArgumentError
from rheobase.spi import VERSION, ComponentSpec, is_path, split

from . import commits
from .apart import Apart, can_be_apart
from .catalogue import properties
from .coverage import declared
from .expectations import expectations, known
from .finding import find_one
from .neurons.subject import NeuronSubject
from .profiles import profile_named
from .property import Property
from .report import Report
from .result import Result
from .running import Trial, attempt, judge
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
    timeout: float | None = None,
) -> Report:
    """Judge a neuron model, an integrator, an aggregator, a synapse, a connection rule or a surrogate.

    Args:
        obj: The name of an installed component; ``"package.module:Object"``; ``"file.py:Object"``;
            ``"folder:name"`` for one of a project's; a spec; a class of neurons, integrators or
            synapses, or an integrator; an aggregator; a rule, with ``kind="rule"`` or a spec.
        profile: "smoke" (seconds), "standard" or "full".
        expected: Property -> the reason why it is expected to fail. One that passes nevertheless makes the
            report not ok. They go before those of the project's ``pyproject.toml``, in the table
            ``[tool.rheobase.expected.NAME]``.
        only: The properties to try; all by default. Their results are what they are among all.
        spec: What is claimed of an object that is not installed.
        kind: "neuron", "integrator", "aggregator", "synapse" or "rule", where a name is of several.
        seed: Of the cases that are tried.
        timeout: How long one case may take, s. With it the component is judged in a process apart, so that
            one that hangs, ends its process or takes more than 4 GiB (under Linux) fails that property, with
            the case, and is judged by the others. Default: in this process, without a limit.

    Returns:
        The report; ``report.ok`` is true when nothing failed.

    Raises:
        ArgumentError: If the profile or a property is unknown, a reason is empty, or the timeout is not
            above zero.
        ComponentError: If there is no such component.

    Example:
        >>> from rheobase import conformance
        >>> report = conformance.check("sum", profile="smoke")
        >>> report.ok
        True
    """
    subject = find_one(obj, spec=spec, kind=kind)
    return judge_subject(subject, profile, expected=expected, only=only, seed=seed, timeout=timeout)


def judge_subject(
    subject: Subject,
    profile: str = "standard",
    *,
    expected: Mapping[str, str] | None = None,
    only: Sequence[str] | None = None,
    seed: int = 0,
    timeout: float | None = None,
    tell: Callable[[Result], None] | None = None,
) -> Report:
    """Judge a subject that was found; see :func:`check`. ``tell`` gets each result at once."""
    profile_named(profile)
    reasons = expectations(subject, expected)
    chosen = selected(subject.kind, only)
    if timeout is not None and not timeout > 0:
        raise ArgumentError(f"timeout={timeout!r}; it must be a time above 0 s, or None for no limit")
    results = []
    for result in _judged(subject, chosen, profile, reasons, seed, timeout):
        results.append(result)
        if tell is not None:
            tell(result)
    unasked = len(properties(subject.kind)) - len(chosen)
    about = _about(subject)
    return Report(
        subject.kind,
        subject.name,
        subject.target,
        profile,
        seed,
        tuple(results),
        about,
        unasked,
        _declared(subject),
    )


def first_result(
    wanted: Callable[[Result], bool],
    subject: Subject,
    profile: str,
    chosen: Sequence[Property],
    reasons: Mapping[str, str],
    seed: int,
    timeout: float | None,
) -> Result | None:
    """The first result that is wanted, at which judging ends; None: there is none.

    Args:
        wanted: Says so of a result.
        subject: What is judged.
        profile: As for :func:`check`.
        chosen: The properties, in order.
        reasons: Property -> the reason why it is expected to fail.
        seed: As for :func:`check`.
        timeout: Likewise.
    """
    with closing(_judged(subject, chosen, profile, reasons, seed, timeout, again=False)) as judged:
        return next(filter(wanted, judged), None)


def _judged(
    subject: Subject,
    chosen: Sequence[Property],
    profile: str,
    reasons: Mapping[str, str],
    seed: int,
    timeout: float | None,
    *,
    again: bool = True,
) -> Generator[Result, None, None]:
    """Each result as soon as it is known; closing the generator ends the process apart, if there is one."""
    if timeout is not None and can_be_apart(subject):
        yield from Apart(subject, profile, seed, reasons, timeout, again=again).results(chosen)
        return
    tried = profile_named(profile)
    for prop in chosen:
        yield judge(prop, subject, tried, seed, reasons.get(prop.name))


def reproduce(
    obj: Any,
    name: str,
    case: Any = None,
    *,
    spec: ComponentSpec | None = None,
    kind: str | None = None,
    profile: str = "standard",
    seed: int = 0,
) -> None:
    """Try one property on one case; what a failure's script calls.

    Args:
        obj: As for :func:`check`.
        name: The property.
        case: The case, where the property has any; without one, cases are drawn as :func:`check` does.
        spec: As for :func:`check`.
        kind: As for :func:`check`.
        profile: As for :func:`check`, where cases are drawn.
        seed: Likewise.

    Raises:
        SystemExit: If it fails; it says what was seen.
    """
    subject = find_one(obj, spec=spec, kind=kind)
    prop = selected(subject.kind, [name])[0]
    if case is None:
        result = judge(prop, subject, profile_named(profile), seed)
        tried = Trial(result.seen, "" if result.verdict.decided else result.reason)
        if not result.verdict.ran:
            print(f"{prop.name} was not tried: {result.reason}")
            return
    else:
        tried = attempt(prop, subject, case)
    if tried.seen:
        raise SystemExit(f"{prop.name} fails: {tried.seen}")
    if tried.vacuous:
        print(f"{prop.name} decides nothing here: {tried.vacuous}")
        return
    print(f"{prop.name} holds: {prop.statement}")


def selected(kind: str, only: Sequence[str] | None) -> list[Property]:
    """The properties of a kind, all or those named.

    Raises:
        ArgumentError: If there is no property of a name, or none is named.
    """
    if only is None:
        return properties(kind)
    names = [only] if isinstance(only, str) else list(only)
    if not names:
        raise ArgumentError("only: it names no property; leave it out for all of them")
    for name in names:
        known(kind, name, "only")
    return [prop for prop in properties(kind) if prop.name in names]


def _about(subject: Subject) -> dict[str, str | None]:
    origin = subject.provenance
    distribution = None if origin is None else origin.distribution
    commit = None if distribution is None else commits.of_distribution(distribution)
    if origin is None and is_path(subject.target):
        commit = commits.of_folder(Path(split(subject.target)[0]).absolute())
    return {
        "distribution": distribution,
        "version": None if origin is None else origin.version,
        "commit": commit,
        "rheobase": VERSION,
        "rheobase_commit": commits.of_distribution("rheobase"),
    }


def _declared(subject: Subject) -> dict[str, list[str]]:
    return declared(subject.schema) if isinstance(subject, NeuronSubject) else {}

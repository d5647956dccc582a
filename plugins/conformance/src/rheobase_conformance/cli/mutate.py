"""``rheobase validate NAME --mutate``: judge the mutants of a model after the model."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
from rheobase.errors import ArgumentError

if TYPE_CHECKING:
    from ..mutation import Judged, Mutant, MutationReport
    from ..report import Report
    from ..subject import Subject


def check_options(names: Sequence[str], options: dict[str, Any]) -> None:
    """Refuse what does not go with ``--mutate``, or without it.

    Args:
        names: The components that were named.
        options: All options.

    Raises:
        ArgumentError: If something does not.
    """
    if not options["mutate"]:
        if options["tests"] is not None:
            raise ArgumentError(
                "--tests is what mutants are judged by; add --mutate, or run the tests yourself"
            )
        return
    if options["everything"] or len(names) != 1:
        raise ArgumentError(
            "--mutate is about one neuron model; name it alone, such as `rheobase validate lif --mutate`"
        )


def mutants_of_one(subjects: Sequence[Subject]) -> list[Mutant]:
    """The mutants of the one model that was found.

    Args:
        subjects: What was found.

    Raises:
        ArgumentError: If there are several, it is no neuron model, or its source cannot be read.
    """
    from ..mutation.making import a_neuron, mutants_of

    if len(subjects) != 1:
        found = ", ".join(f"{subject.kind} {subject.target}" for subject in subjects) or "none"
        raise ArgumentError(f"--mutate is about one neuron model, and these were found: {found}; name one")
    return mutants_of(a_neuron(subjects[0]))


def judge(
    made: Sequence[Mutant], subject: Subject, report: Report, options: dict[str, Any], **more: Any
) -> MutationReport:
    """Judge the mutants, and print what came of each, unless JSON is printed.

    Args:
        made: The mutants.
        subject: The model.
        report: What came of the model itself.
        options: All options.
        **more: What else :func:`~rheobase.conformance.mutation.judging.judge_mutants` takes.
    """
    from ..mutation.judging import judge_mutants
    from ..mutation.making import a_neuron
    from ..mutation.report import Fate, of_the_whole

    live = sys.stderr.isatty()
    count = 0

    def tell(judged: Judged) -> None:
        nonlocal count
        count += 1
        if live:
            click.echo(f"\r  mutant {count} of {len(made)}\033[K", nl=False, err=True)

    if options["tests"] is not None and made and report.ok:
        # They may take their time, in which nothing else is to be seen.
        click.echo(f"running the tests on the model as it is: {options['tests']}", err=True)
    more |= {"tests": options["tests"], "timeout": options["timeout"] or None}
    found = judge_mutants(made, a_neuron(subject), report, tell=tell, **more)
    if live:
        click.echo("\r\033[K", nl=False, err=True)
    if not options["as_json"]:
        for judged in found.judged:
            click.secho(str(judged), fg="yellow" if judged.fate is Fate.SURVIVED else None)
        click.echo("\n".join(of_the_whole(found)))
    return found

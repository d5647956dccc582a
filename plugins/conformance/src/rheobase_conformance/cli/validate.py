"""``rheobase validate``: judge components by the conformance kit."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource
from rheobase.errors import ArgumentError, RheobaseError
from rheobase.spi import import_undisturbed, json_option, judged, print_json, refuse_missing, terminable

from ..kinds import SUBJECTS
from . import ledger, mutate

if TYPE_CHECKING:
    from ..property import Property
    from ..report import Report
    from ..result import Result
    from ..subject import Subject


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "everything", is_flag=True, help="Judge everything that is installed.")
@click.option(
    "--profile",
    default="standard",
    show_default=True,
    help="How much is tried: smoke, standard or full.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the cases.")
@click.option("--only", multiple=True, metavar="PROPERTY", help="Only this property; repeatable.")
@click.option(
    "--expect",
    multiple=True,
    metavar="'PROPERTY: REASON'",
    help="A property that is expected to fail, and why; repeatable.",
)
@click.option("--kind", type=click.Choice(tuple(SUBJECTS)), help="The kind, where several have the name.")
@click.option(
    "--timeout",
    type=float,
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="How long one case, or --tests on the model itself, may take; 0: no limit, and no process apart.",
)
@click.option(
    "--durations", type=click.IntRange(0), metavar="N", help="Print the seconds of the N slowest; 0: of all."
)
@click.option("--badge", is_flag=True, help="Print a line of Markdown for a README at the end.")
@click.option(
    "--mutate",
    is_flag=True,
    help="Also judge mutants of a neuron model, each with one slip in it; the profile is smoke by default.",
)
@click.option(
    "--tests",
    metavar="COMMAND",
    help="With --mutate: your own tests, for the mutants that the kit lets pass.",
)
@click.option(
    "--ledger",
    is_flag=True,
    help="Print the published results that models declare beside what they do; without a name, of all.",
)
@click.option("--markdown", is_flag=True, help="With --ledger: as a table in Markdown.")
@click.option("--list", "listed", is_flag=True, help="List the properties, and why each matters.")
@json_option
@judged
@click.pass_context
def validate(context: click.Context, /, names: tuple[str, ...], **options: Any) -> None:
    """Judge neuron models, integrators, aggregators, synapses, connection rules and surrogates.

    NAME is that of an installed component; module:Class; file.py or file.py:Class; or a project's folder,
    such as a dot. Failures that are expected can also be written down in the project's pyproject.toml:

    \b
        [tool.rheobase.expected.my-model]
        a-property = "the reason"

    Each component is judged in a process apart: one that hangs in a case (--timeout), ends its process or
    takes more than 4 GiB of memory (under Linux) fails that property, and is judged by the others.

    --mutate shows what the kit, and your own tests, see of a wrong model: a term or factor is dropped, a sign
    flipped, a comparison turned, a number doubled, or two parameters are swapped, one in each mutant. No
    file is changed. The kit judges that a model is what it declares, and not that it is the paper's: a mutant
    that survives asks for a test of yours, with a number of the paper.

    --ledger runs the presets that declare a published result, and prints claim, source and result.

    With --json it prints one object (docs/conformance.md): "schema", "ok", "reports" with one report for each
    component, "errors" (what --all could not load), "mutation" (of --mutate) and "warnings". The exit code
    is 1 if anything failed, or passed that was expected to fail; mutants that survive do not change it.
    """
    mutate.check_options(names, options)
    ledger.check_options(options)
    for name in () if options["listed"] else names:
        refuse_missing(name, options["kind"], SUBJECTS)  # before torch is imported, which takes seconds
    import_undisturbed(*(f"rheobase_conformance.{name}" for name in ("extra", "checking", "mutation")))
    from ..profiles import profile_named
    from ..report import SCHEMA

    messages: list[str] = context.obj
    if options["ledger"]:
        context.exit(0 if ledger.show(names, options, messages) else 1)
    if options["listed"]:
        _list(options["kind"], options["only"], messages, as_json=options["as_json"])
        return
    if options["mutate"] and context.get_parameter_source("profile") is ParameterSource.DEFAULT:
        options["profile"] = "smoke"
    profile_named(options["profile"])
    subjects, errors = _found(names, options["kind"], everything=options["everything"])
    _check_options(options, subjects)
    made = mutate.mutants_of_one(subjects) if options["mutate"] else []
    mutation = None
    with terminable() as ending:
        try:
            reports = list(_judge_each(subjects, options))
            if options["mutate"]:
                only, expected = list(options["only"]) or None, _all_expected(options)
                mutation = mutate.judge(made, subjects[0], reports[0], options, only=only, expected=expected)
        except KeyboardInterrupt:
            click.echo(ending.word, err=True)
            context.exit(ending.code)
    ok = not errors and all(report.ok for report in reports)
    if options["as_json"]:
        print_json(
            {
                "schema": SCHEMA,
                "ok": ok,
                "reports": [report.to_plain() for report in reports],
                "errors": errors,
                **({} if mutation is None else {"mutation": mutation.to_plain()}),
                "warnings": messages,
            }
        )
    else:
        _sum_up(reports, errors)
        if options["badge"]:
            for report in reports:
                click.echo(report.badge)
    context.exit(0 if ok else 1)


def _judge_each(subjects: Sequence[Subject], options: dict[str, Any]) -> Iterator[Report]:
    for subject in subjects:
        only = [name for name in options["only"] if name in _names(subject.kind)]
        if options["only"] and not only:
            continue  # the properties that were asked for are those of another kind
        yield _judge(subject, options, only or None, _all_expected(options))


def _found(
    names: Sequence[str], kind: str | None, *, everything: bool
) -> tuple[list[Subject], list[dict[str, str]]]:
    """The components, and those among everything that cannot be loaded."""
    from ..finding import find, installed

    if bool(names) == everything:
        raise ArgumentError(
            "name what is to be judged, such as `rheobase validate lif`, or say --all; not both, nor neither"
        )
    if not everything:
        return [subject for name in names for subject in find(name, kind=kind)], []
    tried = [(each, name, _loaded(name, each)) for name, each in installed(kind)]
    subjects = [found for _, _, found in tried if not isinstance(found, str)]
    return subjects, [
        {"kind": each, "name": name, "error": found} for each, name, found in tried if isinstance(found, str)
    ]


def _loaded(name: str, kind: str) -> Subject | str:
    """A component, or why it cannot be loaded: one that is broken keeps no other from being judged."""
    from ..finding import find_one

    try:
        return find_one(name, kind=kind)
    except RheobaseError as error:
        return str(error)


def _check_options(options: dict[str, Any], subjects: Sequence[Subject]) -> None:
    """Refuse names of no property before anything is tried."""
    from ..expectations import expectations, known

    kinds = sorted({subject.kind for subject in subjects})
    for name in options["only"]:
        if not any(name in _names(kind) for kind in kinds):
            known(options["kind"] or (kinds or list(SUBJECTS))[0], name, "--only")
    if options["expect"] and len(subjects) != 1:
        raise ArgumentError(
            f"--expect is about one component, and {len(subjects)} were named; for several, write them down "
            'in pyproject.toml: [tool.rheobase.expected."name"]'
        )
    if not options["timeout"] >= 0:
        raise ArgumentError(f"--timeout {options['timeout']:g}: it must be a time in s, or 0 for no limit")
    if options["badge"] and options["only"]:
        raise ArgumentError("--badge speaks of all properties; leave --only out")
    for subject in subjects:
        expectations(subject, _all_expected(options))


def _names(kind: str) -> list[str]:
    from ..catalogue import properties

    return [prop.name for prop in properties(kind)]


def _all_expected(options: dict[str, Any]) -> dict[str, str]:
    return dict(_expected(pair) for pair in options["expect"])


def _expected(pair: str) -> tuple[str, str]:
    name, colon, reason = (part.strip() for part in pair.partition(":"))
    if not colon or not name or not reason:
        raise ArgumentError(f"--expect {pair!r} cannot be used; write it as 'property: reason'")
    return name, reason


def _judge(
    subject: Subject, options: dict[str, Any], only: list[str] | None, expected: dict[str, str]
) -> Report:
    from ..checking import judge_subject, selected
    from ..telling import of_all, of_coverage, of_durations, of_the_rest, of_those_that_follow

    chosen = selected(subject.kind, only)
    printer = None if options["as_json"] else _Printer(chosen)
    if printer is not None:
        click.secho(f"{subject.kind} {subject.name}", bold=True)
    report = judge_subject(
        subject,
        options["profile"],
        expected=expected,
        only=only,
        seed=options["seed"],
        timeout=options["timeout"] or None,
        tell=None if printer is None else printer.tell,
    )
    if printer is not None:
        results = report.results
        lines = [*of_those_that_follow(results), *of_the_rest(results)]
        lines += of_coverage(report.coverage, report.declared)
        if options["durations"] is not None:
            lines += of_durations(results, options["durations"])
        click.echo("\n".join(["", report.title, *lines]))
        said = of_all(report.results, unasked=report.unasked)
        click.secho(said, fg="green" if report.ok else "red")
        click.echo()
    return report


class _Printer:
    """Prints each family when it is done, with what has a cause of its own; on a terminal also how far it is.

    Args:
        chosen: The properties that are tried.
    """

    def __init__(self, chosen: Sequence[Property]) -> None:
        self._left = Counter(prop.family for prop in chosen)
        self._results: list[Result] = []
        self._count = len(chosen)

    def tell(self, result: Result) -> None:
        """Take one result."""
        from ..causes import causes
        from ..telling import of_failure, of_family

        self._results.append(result)
        family = result.prop.family
        self._left[family] -= 1
        live = sys.stderr.isatty()
        if live:
            click.echo(f"\r  {len(self._results)} of {self._count}\033[K", nl=False, err=True)
        if self._left[family]:
            return
        if live:
            click.echo("\r\033[K", nl=False, err=True)
        own = [each for each in self._results if each.prop.family == family]
        click.echo(of_family(family, own))
        whole = {cause.result.prop.name for cause in causes(self._results)}
        for each in own:
            if each.prop.name in whole:
                click.echo()
                first, *more = of_failure(each)
                click.secho(first, fg="red")
                click.echo("\n".join(more) + "\n")


def _sum_up(reports: Sequence[Report], errors: Sequence[dict[str, str]]) -> None:
    for error in errors:
        click.secho(f"{error['kind']} {error['name']}: ", fg="red", nl=False)
        click.echo(error["error"])
    if len(reports) + len(errors) > 1:
        failed = [f"{report.kind} {report.name}" for report in reports if not report.ok]
        failed += [f"{error['kind']} {error['name']}" for error in errors]
        ok = len(reports) + len(errors) - len(failed)
        click.echo(
            f"{ok} of {ok + len(failed)} components are ok" + (f"; not {', '.join(failed)}" if failed else "")
        )


def _list(kind: str | None, only: Sequence[str], messages: list[str], *, as_json: bool) -> None:
    from ..catalogue import properties
    from ..expectations import known
    from ..property import FAMILIES

    kinds = tuple(SUBJECTS) if kind is None else (kind,)
    for name in only:
        if not any(name in _names(each) for each in kinds):
            known(kinds[0], name, "--only")
    chosen = [prop for each in kinds for prop in properties(each) if not only or prop.name in only]
    if as_json:
        keys = ("kind", "name", "family", "level", "statement", "why")
        print_json(
            {
                "properties": [{key: getattr(prop, key) for key in keys} for prop in chosen],
                "warnings": messages,
            }
        )
        return
    title = ""
    for prop in chosen:
        if title != (title := f"{prop.kind}s: {FAMILIES[prop.family]}"):
            click.secho(title, bold=True)
        level = "" if prop.level == "smoke" else f" (from the profile {prop.level} on)"
        click.echo(f"  {prop.name}{level}\n    must hold: {prop.statement}\n    why: {prop.why}")
    click.echo(f"{len(chosen)} properties")

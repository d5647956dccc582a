"""``mutate``: judge the mutants of a model by the kit, and by the author's own tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from rheobase.spi import ComponentSpec

from ..checking import first_result, judge_subject, selected
from ..expectations import expectations
from ..finding import find_one
from ..neurons.subject import NeuronSubject
from ..property import Property
from ..report import Report
from ..result import Result, Verdict
from .loading import MutantSubject, forget, same_code
from .making import Mutant, a_neuron, mutants_of
from .own_tests import LEAST, TIMES, OwnTests
from .report import Fate, Judged, MutationReport
from .values import POINTS, same_values


def mutate(
    obj: Any,
    profile: str = "smoke",
    *,
    tests: str | None = None,
    expected: Mapping[str, str] | None = None,
    only: Sequence[str] | None = None,
    spec: ComponentSpec | None = None,
    seed: int = 0,
    timeout: float | None = None,
) -> MutationReport:
    """Judge the mutants of a neuron model: what do the kit, and the author's own tests, see of a wrong model?

    The model itself is judged first; where it fails, no mutant is. Each mutant is judged by the kit until a
    property fails, then by the tests, if the kit let it pass. The model's file is left as it is.

    The kit judges that a model is what it declares, and not that it is the one of the paper: a model without
    a term is another sound model, which the kit may let pass rightly. A test that has a number from the paper
    kills it.

    Args:
        obj: The model, as for :func:`check`.
        profile: How much of the kit is tried.
        tests: A command that runs the author's own tests, such as ``"pytest -q tests"``, in the working
            folder; an exit code other than 0 kills. The mutant stands in the place of the model's module in
            every Python process of it.
        expected: As for :func:`check`.
        only: The properties that judge; all by default.
        spec: As for :func:`check`.
        seed: As for :func:`check`.
        timeout: As for :func:`check`: with it a mutant that hangs is killed. A case of one has no longer than
            a minute, or than ten times the model's slowest property, if that is more. The tests have as long
            on the model as it is, but a minute at least, and ten times what they took there on a mutant.

    Returns:
        The report; ``report.ok`` is true when the model itself passed, whatever survived.

    Raises:
        ArgumentError: If it is no neuron, its source cannot be read, or the tests do not pass on the model
            as it is, do not end or never load it; and as :func:`check` does.
        ComponentError: If there is no such model.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> file = Path(tempfile.mkdtemp()) / "perfect.py"
        >>> _ = file.write_text('''
        ... from rheobase import AnalogNeuron, State
        ...
        ... class Perfect(AnalogNeuron):
        ...     voltage = State(0.0, unit="mV", at_rest=True)
        ...
        ...     @staticmethod
        ...     def derivatives(state, params, data):
        ...         return {"voltage": 1.0 * data}
        ... ''')
        >>> report = mutate(file, only=["rest-is-a-fixed-point"])
        >>> for judged in report.judged:
        ...     print(judged)
        perfect.py:9 derivatives: number off: 1.0 -> 2.0: survived
        perfect.py:9 derivatives: factor dropped: 1.0 * data -> data: the same (values at 50 points)
        perfect.py:9 derivatives: factor dropped: 1.0 * data -> 1.0: killed by the kit (rest-is-a-fixed-point)
    """
    subject = a_neuron(find_one(obj, spec=spec))
    made = mutants_of(subject)
    report = judge_subject(subject, profile, expected=expected, only=only, seed=seed, timeout=timeout)
    return judge_mutants(made, subject, report, tests=tests, expected=expected, only=only, timeout=timeout)


def judge_mutants(
    made: Sequence[Mutant],
    subject: NeuronSubject,
    report: Report,
    *,
    tests: str | None = None,
    expected: Mapping[str, str] | None = None,
    only: Sequence[str] | None = None,
    timeout: float | None = None,
    tell: Callable[[Judged], None] | None = None,
) -> MutationReport:
    """Judge the mutants of a model that was judged itself; see :func:`mutate`. ``tell`` gets each at once."""
    elsewhere = made[0].home.elsewhere if made else ()
    if not report.ok:
        return MutationReport(report, tests or "", (), elsewhere)
    slowest = max((result.seconds for result in report.results), default=0.0)
    limit = None if timeout is None else min(timeout, max(LEAST, TIMES * slowest))
    chosen, reasons = selected(subject.kind, only), expectations(subject, expected)
    with ExitStack() as stack:
        own = None
        if tests is not None and made:
            own = stack.enter_context(OwnTests(tests, made[0].home))
            own.begin(timeout)
        judge = _Judge(subject, chosen, report, reasons, limit, own)
        judged = []
        for mutant in made:
            judged.append(judge(mutant))
            if tell is not None:
                tell(judged[-1])
    order = list(Fate)
    judged.sort(key=lambda each: order.index(each.fate))
    return MutationReport(report, tests or "", tuple(judged), elsewhere)


class _Judge:
    """What judges a mutant.

    Args:
        subject: The model.
        chosen: The properties.
        report: What came of the model itself, of a profile and a seed that serve the mutants too.
        reasons: Property -> why it is expected to fail.
        timeout: How long a case may take, s; None: no limit, and no process apart.
        own: The author's own tests, if there are any.
    """

    def __init__(
        self,
        subject: NeuronSubject,
        chosen: Sequence[Property],
        report: Report,
        reasons: Mapping[str, str],
        timeout: float | None,
        own: OwnTests | None,
    ) -> None:
        self._subject, self._own, self._seed = subject, own, report.seed
        self._settings = (report.profile, chosen, reasons, report.seed, timeout)
        self._decided = {result.prop.name for result in report.results if result.verdict.decided}

    def __call__(self, mutant: Mutant) -> Judged:
        """What comes of a mutant."""
        began = time.perf_counter()
        try:
            judged = self._judged(mutant)
        finally:
            forget(mutant)
        return replace(judged, seconds=time.perf_counter() - began)

    def _judged(self, mutant: Mutant) -> Judged:
        if same_code(mutant):
            return Judged(mutant, Fate.SAME, seen="code")
        subject = MutantSubject(self._subject, mutant)
        failed = first_result(self._tells, subject, *self._settings)
        if failed is not None:
            return Judged(mutant, Fate.KIT, failed.prop.name, failed.reason)
        if self._own is not None:
            ran = self._own.run(mutant.text)
            if not ran.passed:
                return Judged(mutant, Fate.TESTS, seen=ran.told())
        # Only now, as in this process nothing would end it if it hung: the kit has seen that it does not.
        if same_values(self._subject, subject.model, self._seed):
            return Judged(mutant, Fate.SAME, seen=f"values at {POINTS} points")
        return Judged(mutant, Fate.SURVIVED)

    def _tells(self, result: Result) -> bool:
        """Whether a result tells a mutant from the model: it fails, or the badge is green no longer."""
        silent = result.verdict is Verdict.VACUOUS and bool(result.prop.vital)
        return not result.ok or (silent and result.prop.name in self._decided)

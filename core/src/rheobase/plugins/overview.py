"""How each installed plugin stands, as far as metadata and the index tell; imports none of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import control, index
from .entry import Entry
from .examiner import Examiner
from .host import Host
from .installed import Examining, judged
from .problem import BROKEN, Problem, removal

OK = "ok"
"""It was loaded when it was last looked at, and works."""
UNTRIED = "not loaded yet"
"""Nobody has asked for a component since it was installed."""
DISABLED = "disabled"
"""The user does not want it."""


@dataclass(frozen=True)
class Standing:
    """How one plugin stands.

    Args:
        entry: The plugin.
        status: ``"ok"``, ``"not loaded yet"``, ``"disabled"``, ``"broken"``, ``"incompatible"`` or
            ``"refused"``.
        cause: Why it is not used.
        mend: What to do.
        components: What it offers, as far as that is known.
    """

    entry: Entry
    status: str
    cause: str = ""
    mend: str = ""
    components: tuple[str, ...] = ()

    def to_plain(self) -> dict[str, Any]:
        """As values that JSON knows."""
        return {
            **self.entry.about,
            "requires": list(self.entry.requires),
            "spec": self.entry.spec,
            "status": self.status,
            "cause": self.cause,
            "mend": self.mend,
            "components": list(self.components),
        }


def overview(examining: Examining | None = None) -> tuple[list[Standing], list[Problem]]:
    """Look at all plugins.

    Args:
        examining: What reads metadata; default: another process, where there is no index that holds.

    Returns:
        How each plugin stands, and the problems that are no installed plugin's.

    Raises:
        ConfigurationError: If the user's settings cannot be used.

    Example:
        >>> from rheobase.plugins.discovery import Scan
        >>> from rheobase.plugins.examiner import Here
        >>> toy = Entry("toy-models", "1.2", "toy", "toy_models.plugin")
        >>> overview(Here(lambda: Scan((toy,))))[0][0].status
        'not loaded yet'
    """
    decided = control.read()
    known = index.load(index.Key.take(Host())) if examining is None else None
    scan = known.scan if known is not None else _scan(examining or Examiner(decided.timeout))
    verdicts = judged(scan, decided)
    standings = {entry: Standing(entry, DISABLED, said) for entry, said in verdicts.disabled}
    for problem in verdicts.problems:
        if problem.entry is not None:
            standings[problem.entry] = Standing(problem.entry, problem.status, problem.cause, problem.mend)
    for entry in verdicts.wanted:
        outcome = known.outcomes.get(entry) if known is not None else None
        if outcome is None:
            standings[entry] = Standing(entry, UNTRIED)
            continue
        causes = [outcome.failure] if outcome.failure else [cause for _, _, cause in outcome.unusable]
        components = tuple(f"{spec.kind}:{spec.name}" for spec in outcome.specs)
        if causes:
            standings[entry] = Standing(entry, BROKEN, "; ".join(causes), removal(entry), components)
        else:
            standings[entry] = Standing(entry, OK, components=components)
    rest = [problem for problem in verdicts.problems if problem.entry is None]
    return [standings[entry] for entry in scan.entries], rest


def _scan(examining: Examining) -> Any:
    try:
        return examining.scan(Host())
    finally:
        examining.close()

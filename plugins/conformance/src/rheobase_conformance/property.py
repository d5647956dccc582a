"""Properties: what must hold of a component, each a small function with a name.

The function's docstring opens with what must hold, in one line; ``why`` says why it matters. A property
that has ``cases`` is tried on many of them, drawn by hypothesis; one without is tried once.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from .profiles import Level, Profile

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

FAMILIES = {
    "contract": "contract and metadata",
    "state": "state and shape",
    "independence": "determinism and independence",
    "numerics": "numerics and physics",
    "components": "integrators, aggregators, synapses and rules",
    "training": "training",
}
"""The families of properties."""

Check = TypeVar("Check", bound=Callable[..., None])
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Need:
    """What a component must have declared for a property to apply to it.

    Args:
        has: Whether a subject has declared it; never by trying it out.
        lacking: The reason that is given where it has not.
    """

    has: Callable[[Any], bool]
    lacking: str


@dataclass(frozen=True)
class Property:
    """One thing that must hold.

    Args:
        name: By which it is expected to fail, or run alone.
        kind: The kind of component, such as "neuron".
        family: One of :data:`FAMILIES`.
        statement: What must hold.
        why: Why it matters.
        check: ``check(subject)``, or ``check(subject, case)`` where there are cases; it raises a
            :class:`Violation`.
        cases: ``cases(subject, profile)``: the strategy that they are drawn from.
        needs: What the component must have declared.
        level: The quickest profile that tries it.
        share: The part of the profile's examples that it tries; at least one.
        vital: What the badge says where it is vacuous, and turns yellow; empty: nothing.
    """

    name: str
    kind: str
    family: str
    statement: str
    why: str
    check: Callable[..., None]
    cases: Callable[[Any, Profile], SearchStrategy[Any]] | None = None
    needs: tuple[Need, ...] = ()
    level: Level = "smoke"
    share: float = 1.0
    vital: str = ""

    def lacking(self, subject: Any) -> str:
        """Why it does not apply to a subject; empty: it applies."""
        return next((need.lacking for need in self.needs if not need.has(subject)), "")

    def __reduce__(self) -> Any:
        # Its functions are found again by its name.
        return _found, (self.check.__module__, self.kind, self.name)


def _found(module: str, kind: str, name: str) -> Property:
    importlib.import_module(module)  # which defines it
    return PROPERTIES[kind, name]


PROPERTIES: dict[tuple[str, str], Property] = {}
"""Kind and name -> property, in the order of their definition."""


def prop(
    kind: str,
    name: str,
    family: str,
    *,
    why: str,
    cases: Callable[[Any, Profile], SearchStrategy[Any]] | None = None,
    needs: Sequence[Need] = (),
    level: Level = "smoke",
    share: float = 1.0,
    vital: str = "",
) -> Callable[[Check], Check]:
    """Make a property of a function. The arguments are those of :class:`Property`."""

    def register(check: Check) -> Check:
        statement = (inspect.getdoc(check) or "").partition("\n")[0]
        if not (_NAME.fullmatch(name) and statement and why and family in FAMILIES):
            raise TypeError(f"property {name!r}: it needs a name-like-this, a family, a statement and a why")
        if (kind, name) in PROPERTIES:
            raise TypeError(f"property {name!r} of {kind}s is there already")
        PROPERTIES[kind, name] = Property(
            name, kind, family, statement, why, check, cases, tuple(needs), level, share, vital
        )
        return check

    return register

"""Which component a name means, where several have it.

Three rules make the result the same whatever the order of installation: names of core always mean
core's; a name that two distributions offer is an error when it is resolved, and at no other time;
``"distribution:name"`` always works.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import ComponentError
from ..kinds import KINDS
from . import installed
from .component import Registered
from .entry import canonical


def meant(kind: str, name: str, on_offer: Iterable[Registered]) -> Registered | None:
    """The component of a kind that a name means; None where there is none.

    Args:
        kind: Its kind.
        name: Its name, or ``"distribution:name"``.
        on_offer: All components of that kind.

    Raises:
        ComponentError: If two distributions offer it, naming both.
    """
    source, _, bare = name.rpartition(":")
    found = [part for part in on_offer if part.spec.name == bare]
    if source:
        # What is registered at run time has no distribution, and cannot pass for one.
        installed_there = [component for component in found if is_from(component, source)]
        registered = [component for component in found if _is_at_run_time(component, source)]
        found = installed_there or registered
    elif len(found) > 1:
        preferred = [component for component in found if component.preferred]
        core = [component for component in found if is_from(component, installed.CORE)]
        found = preferred or core or found
    # One plugin that is registered twice at run time is no conflict.
    if len(found) > 1 and len({(component.spec, component.provenance) for component in found}) > 1:
        raise ComponentError(_ambiguous(kind, name, sorted(found, key=order)))
    return min(found, key=order, default=None)


def order(component: Registered) -> tuple[int, str, str, str, str]:
    """By kind, name and distribution, whatever the order of installation."""
    spec, distribution = component.spec, canonical(component.provenance.distribution or "")
    # Two that a plugin offers at run time, one after the other, may differ in nothing but the spec.
    return (list(KINDS).index(spec.kind), spec.name, distribution, component.plugin, repr(spec))


def is_from(component: Registered, source: str) -> bool:
    """Whether a distribution of that name offers it."""
    distribution = component.provenance.distribution
    return distribution is not None and canonical(distribution) == canonical(source)


def _is_at_run_time(component: Registered, source: str) -> bool:
    return component.provenance.distribution is None and component.plugin == source


def _ambiguous(kind: str, name: str, found: list[Registered]) -> str:
    sources = " and ".join(dict.fromkeys(component.source for component in found))
    choices = sorted({component.qualified for component in found})
    if len(choices) > 1:
        mend = f"say which: {' or '.join(repr(choice) for choice in choices)}"
    else:
        plugins = ", ".join(repr(component.plugin) for component in found)
        mend = f"the plugins {plugins} must give them different names"
    return f"{KINDS[kind]} {name!r} is offered by {sources}; {mend}"

"""The contract of an integrator: what its spec and its factory say."""

from __future__ import annotations

from rheobase import EventIntegrator
from rheobase.errors import RheobaseError

from ..property import prop
from ..subject import IntegratorSubject
from ..violation import require, violated
from .stepping import FACTORY


@prop(
    "integrator",
    "spec-and-object-agree",
    "contract",
    why="neurons and listings go by what is claimed: the two must not say different things",
)
def spec_and_object_agree(subject: IntegratorSubject) -> None:
    """Order, adaptive, field and events of the spec are those of the object."""
    made = subject.make()
    for name in ("order", "adaptive", "field"):
        claimed, own = getattr(subject.claims, name), getattr(made, name)
        if claimed != own:
            violated(f"the spec claims {name}={claimed!r}, and the object says {own!r}; make them one")
    located = isinstance(made, EventIntegrator)
    if located != (subject.claims.events == "located"):
        violated(
            f"the spec claims events={subject.claims.events!r}, and the object is "
            f"{'an' if located else 'no'} EventIntegrator; one that finds crossings itself is one, and "
            "claims it"
        )


@prop(
    "integrator",
    "claims-fit-each-other",
    "contract",
    why="who chooses an integrator goes by its claims, which must make sense together",
)
def claims_fit_each_other(subject: IntegratorSubject) -> None:
    """No claim of the spec contradicts another."""
    claims = subject.claims
    for name in ("order", "stages"):
        value = getattr(claims, name)
        require(
            isinstance(value, int) and not isinstance(value, bool) and value >= 0,
            f"{name}={value!r}; it is a whole number, and 0 where nothing is claimed",
        )
    require(
        not (claims.fsal and claims.stages == 1),
        "it claims fsal=True and stages=1: its first stage would be its last, and a step would cost nothing",
    )
    require(
        claims.embedded_order is None or claims.adaptive,
        f"it claims embedded_order={claims.embedded_order} and adaptive=False: an error that is judged by "
        "nothing; leave one of them out",
    )
    require(
        claims.event_order is None or claims.event_order > 0,
        f"event_order={claims.event_order}; it is at least 1, or None for that of the method",
    )


@prop(
    "integrator",
    "made-without-settings",
    "contract",
    needs=(FACTORY,),
    why="users ask for it by name alone: create(..., integrator=name)",
)
def made_without_settings(subject: IntegratorSubject) -> None:
    """It is made without any setting, it can be shown, and each one made is a new one."""
    one, other = subject.make(), subject.make()
    require(one is not other, "two calls of its factory gave one object; each user must get an own one")
    require(bool(repr(one)), "its repr is empty")


@prop(
    "integrator",
    "unknown-settings-are-refused",
    "contract",
    needs=(FACTORY,),
    why="a misspelt tolerance that is swallowed leaves the default in place, in silence",
)
def unknown_settings_are_refused(subject: IntegratorSubject) -> None:
    """A setting that it does not have is an error."""
    try:
        subject.make(no_such_setting=1.0)
    except (TypeError, RheobaseError):
        return
    violated("it was made with no_such_setting=1.0, and raised nothing; name the settings that it takes")

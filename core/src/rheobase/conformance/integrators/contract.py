"""The contract of an integrator: shapes, purity, time."""

from __future__ import annotations

from ..property import prop
from ..subject import IntegratorSubject
from ..violation import violated


@prop(
    "integrator",
    "spec-and-object-agree",
    "contract",
    why="neurons and listings go by what is claimed: the two must not say different things",
)
def spec_and_object_agree(subject: IntegratorSubject) -> None:
    """Order, adaptive and field of the spec are those of the object."""
    made = subject.make()
    for name in ("order", "adaptive", "field"):
        claimed, own = getattr(subject.claims, name), getattr(made, name)
        if claimed != own:
            violated(f"the spec claims {name}={claimed!r}, and the object says {own!r}; make them one")

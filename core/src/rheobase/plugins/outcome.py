"""What came of loading one plugin, as plain data: it crosses from one process to another and to a file."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, NamedTuple

from ..specs import AggregatorSpec, BackendSpec, ComponentSpec, IntegratorSpec, NeuronSpec

SPECS: dict[str, type[ComponentSpec]] = {
    spec.kind: spec for spec in (NeuronSpec, IntegratorSpec, AggregatorSpec, BackendSpec)
}
"""Kind -> the spec of that kind."""

Stamp = tuple[int, ...]
"""What tells one state of a file from another: times, size and inode; empty where there is no file."""


class Outcome(NamedTuple):
    """What a plugin offers, or why it offers nothing.

    Args:
        specs: Its components that can be used.
        complaints: What is amiss but harms no component, such as a hook that is misspelt.
        unusable: Kind, name and cause of each component that cannot be used.
        failure: Why the plugin as a whole offers nothing, in one line; empty: it works.
        detail: The whole traceback of the failure.
        heavy: What the hook module imports that it should not, with the line; empty: nothing.
        seconds: How long the import took.
        files: The files that this rests on, each with its stamp.
        sought: The outermost modules that were looked for on the path.
        folders: The folders of packages in which what it lacks may yet appear, each with its stamp.
        limit: The time limit that loading it overran, s; 0: it did not.
    """

    specs: tuple[ComponentSpec, ...] = ()
    complaints: tuple[str, ...] = ()
    unusable: tuple[tuple[str, str, str], ...] = ()
    failure: str = ""
    detail: str = ""
    heavy: str = ""
    seconds: float = 0.0
    files: tuple[tuple[str, Stamp], ...] = ()
    sought: tuple[str, ...] = ()
    folders: tuple[tuple[str, Stamp], ...] = ()
    limit: float = 0.0

    def to_plain(self) -> dict[str, Any]:
        """As values that JSON knows."""
        return {**self._asdict(), "specs": [spec_to_plain(spec) for spec in self.specs]}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Outcome:
        """The reverse of :meth:`to_plain`.

        Example:
            >>> toy = Outcome((IntegratorSpec("heun", "toy.heun:Heun", order=2),), seconds=0.5)
            >>> Outcome.from_plain(toy.to_plain()) == toy
            True
        """
        return cls(
            specs=tuple(spec_from_plain(spec) for spec in plain["specs"]),
            complaints=tuple(plain["complaints"]),
            unusable=tuple((kind, name, cause) for kind, name, cause in plain["unusable"]),
            failure=plain["failure"],
            detail=plain["detail"],
            heavy=plain["heavy"],
            seconds=plain["seconds"],
            files=tuple((path, tuple(stamp)) for path, stamp in plain["files"]),
            sought=tuple(plain["sought"]),
            folders=tuple((path, tuple(stamp)) for path, stamp in plain["folders"]),
            limit=plain["limit"],
        )


def spec_to_plain(spec: ComponentSpec) -> dict[str, Any]:
    """A spec as values that JSON knows.

    Example:
        >>> spec_to_plain(NeuronSpec("toy", "toy.neuron:Toy"))
        {'kind': 'neuron', 'name': 'toy', 'target': 'toy.neuron:Toy', 'summary': ''}
    """
    # A plugin's own subclass of a spec means no more than the spec does.
    return {"kind": spec.kind, **{each.name: getattr(spec, each.name) for each in fields(SPECS[spec.kind])}}


def spec_from_plain(plain: dict[str, Any]) -> ComponentSpec:
    """The reverse of :func:`spec_to_plain`.

    Example:
        >>> toy = NeuronSpec("toy", "toy.neuron:Toy")
        >>> spec_from_plain(spec_to_plain(toy)) == toy
        True
    """
    return SPECS[plain["kind"]](**{key: value for key, value in plain.items() if key != "kind"})

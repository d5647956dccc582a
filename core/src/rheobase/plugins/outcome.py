"""What came of loading one plugin, as plain data: it crosses from one process to another and to a file."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any, NamedTuple, TypeVar

from ..errors import PluginError
from ..kinds import KINDS
from ..specs import ComponentSpec

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
    def from_plain(cls, plain: Any) -> Outcome:
        """The reverse of :meth:`to_plain`.

        Args:
            plain: The values; where a plugin ran they may be anything.

        Raises:
            ValueError: If they are no outcome.

        Example:
            >>> from rheobase import IntegratorSpec
            >>> toy = Outcome((IntegratorSpec("heun", "toy.heun:Heun", order=2),), seconds=0.5)
            >>> Outcome.from_plain(toy.to_plain()) == toy
            True
            >>> Outcome.from_plain({"specs": 3})
            Traceback (most recent call last):
            ValueError: it is no outcome: its fields are not those of one
        """
        if not isinstance(plain, dict) or plain.keys() != set(cls._fields):
            raise ValueError("it is no outcome: its fields are not those of one")
        return cls(
            specs=tuple(spec_from_plain(spec) for spec in _listed(plain["specs"])),
            complaints=_texts(plain["complaints"]),
            unusable=tuple(_triple(each) for each in _listed(plain["unusable"])),
            failure=_of(str, plain["failure"]),
            detail=_of(str, plain["detail"]),
            heavy=_of(str, plain["heavy"]),
            seconds=_number(plain["seconds"]),
            files=tuple(_stamped(each) for each in _listed(plain["files"])),
            sought=_texts(plain["sought"]),
            folders=tuple(_stamped(each) for each in _listed(plain["folders"])),
            limit=_number(plain["limit"]),
        )

    @classmethod
    def kept(cls, plain: Any) -> Outcome:
        """The same of values that no plugin had in its hands since they were checked: those of the index."""
        specs = []
        for each in plain["specs"]:
            values = dict(each)
            specs.append(KINDS[values.pop("kind")].spec(**values))
        texts = {key: tuple(plain[key]) for key in ("complaints", "sought")}
        triples = {key: tuple(map(tuple, plain[key])) for key in ("unusable", "files", "folders")}
        return cls(**{**plain, "specs": tuple(specs), **texts, **triples})


_Value = TypeVar("_Value")


def _of(kind: type[_Value], value: Any) -> _Value:
    if type(value) is not kind:
        raise ValueError(f"it is no outcome: a {type(value).__name__} stands for a {kind.__name__}")
    return value


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, tuple) else _of(list, value)  # JSON makes lists of both


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(_of(str, each) for each in _listed(value))


def _triple(value: Any) -> tuple[str, str, str]:
    kind, name, cause = _texts(value)
    return kind, name, cause


def _stamped(value: Any) -> tuple[str, Stamp]:
    path, stamp = _listed(value)
    return _of(str, path), tuple(_of(int, each) for each in _listed(stamp))


def _number(value: Any) -> float:
    number = float(value) if type(value) is int else _of(float, value)
    if not math.isfinite(number):
        raise ValueError(f"it is no outcome: {number} is no time")
    return number


def spec_to_plain(spec: ComponentSpec) -> dict[str, Any]:
    """A spec as values that JSON knows.

    Example:
        >>> from rheobase import NeuronSpec
        >>> spec_to_plain(NeuronSpec("toy", "toy.neuron:Toy"))
        {'kind': 'neuron', 'name': 'toy', 'target': 'toy.neuron:Toy', 'summary': ''}
    """
    # A plugin's own subclass of a spec means no more than the spec does.
    return {
        "kind": spec.kind,
        **{each.name: getattr(spec, each.name) for each in fields(KINDS[spec.kind].spec)},
    }


def spec_from_plain(plain: Any) -> ComponentSpec:
    """The reverse of :func:`spec_to_plain`.

    Args:
        plain: The values; where a plugin ran they may be anything.

    Raises:
        ValueError: If they are no spec.

    Example:
        >>> from rheobase import NeuronSpec
        >>> toy = NeuronSpec("toy", "toy.neuron:Toy")
        >>> spec_from_plain(spec_to_plain(toy)) == toy
        True
    """
    values = dict(_of(dict, plain))
    kind = KINDS.get(_of(str, values.pop("kind", None)))
    if kind is None or values.keys() != {each.name for each in fields(kind.spec)}:
        raise ValueError("it is no spec: its fields are not those of one")
    for value in values.values():
        if value is not None and not isinstance(value, (str, int, float)):
            raise ValueError(f"it is no spec: {type(value).__name__} is no plain value")
    _of(str, values["summary"])
    try:
        return kind.spec(**values)
    except PluginError as error:
        raise ValueError(f"it is no spec: {error}") from error

"""What came of loading one plugin, as plain data: it crosses from one process to another and to a file."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from ..errors import PluginError
from ..kinds import KINDS
from ..specs import ComponentSpec
from .problem import line

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
        """The reverse of :meth:`to_plain`, for values of whatever kind: a plugin may have made them up.

        Raises:
            ValueError: If they are no outcome.
        """
        if not isinstance(plain, dict) or plain.keys() != set(cls._fields):
            raise ValueError("it is no outcome: its fields are not those of one")
        kinds = get_type_hints(cls)
        found = cls(**{field: _checked(value, kinds[field]) for field, value in plain.items()})
        return found._replace(
            complaints=tuple(map(line, found.complaints)),
            unusable=tuple((kind, line(name), line(cause)) for kind, name, cause in found.unusable),
            failure=line(found.failure),
            heavy=line(found.heavy),
        )

    @classmethod
    def kept(cls, plain: Any) -> Outcome:
        """The same of values that no plugin had in its hands since they were checked: those of the index."""
        specs = []
        for each in plain["specs"]:
            values = dict(each)
            specs.append(KINDS[values.pop("kind")].spec(**values))
        return cls(**{**plain, "specs": tuple(specs)})


def _checked(value: Any, kind: Any) -> Any:
    """A value of exactly this type: text, number, spec, or a tuple of them, of which JSON makes a list."""
    if kind is ComponentSpec:
        return spec_from_plain(value)
    if get_origin(kind) is tuple:
        values = _checked(value, list) if type(value) is not tuple else value
        kinds = get_args(kind)
        kinds = kinds[:1] * len(values) if kinds[-1] is ... else kinds
        return tuple(_checked(each, one) for each, one in zip(values, kinds, strict=True))
    if kind is float and type(value) is int and abs(value) < 1 << 53:
        value = float(value)
    if type(value) is not kind or (kind is float and not math.isfinite(value)):
        raise ValueError(f"it is no outcome: {type(value).__name__} stands for {kind.__name__}")
    return value


def spec_to_plain(spec: ComponentSpec) -> dict[str, Any]:
    """A spec as values that JSON knows."""
    # A plugin's own subclass of a spec means no more than the spec does.
    return {
        "kind": spec.kind,
        **{each.name: getattr(spec, each.name) for each in fields(KINDS[spec.kind].spec)},
    }


def spec_from_plain(plain: Any) -> ComponentSpec:
    """The reverse of :func:`spec_to_plain`; raises ``ValueError`` if the values are no spec."""
    values = dict(_checked(plain, dict))
    kind = KINDS.get(_checked(values.pop("kind", None), str))
    if kind is None or values.keys() != {each.name for each in fields(kind.spec)}:
        raise ValueError("it is no spec: its fields are not those of one")
    for value in values.values():
        if value is not None and not isinstance(value, (str, int, float)):
            raise ValueError(f"it is no spec: {type(value).__name__} is no plain value")
    values["summary"] = line(_checked(values["summary"], str))
    try:
        return kind.spec(**values)
    except PluginError as error:
        raise ValueError(f"it is no spec: {error}") from error

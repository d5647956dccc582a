"""Expected failures: what is given, and what a project's ``pyproject.toml`` says, the same at every door.

A project writes down which properties its components are known not to keep, each with its reason::

    [tool.rheobase.expected.my-model]          # the component's name, or that of its class
    order-as-dt-falls = "the noise is drawn once per step"

The file that counts is the nearest ``pyproject.toml``: of the folder or file that is judged, of the test file
for a :class:`Suite`, otherwise of the working folder; or else of the folders above. What is given to the
door, ``expected`` or ``--expect``, goes before what the file says.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rheobase.errors import ArgumentError, ConfigurationError, nearest
from rheobase.spi import is_path, read_toml, split

from .catalogue import properties
from .subject import Subject


def expectations(
    subject: Subject, given: Mapping[str, str] | None = None, *, near: Path | None = None
) -> dict[str, str]:
    """The expected failures of a component.

    Args:
        subject: The component.
        given: Property -> reason, which go before what the file says.
        near: The file or folder from which the project's file is looked for, upwards; default: where the
            component lies if it was given by its path, otherwise the working folder.

    Returns:
        Property -> reason.

    Raises:
        ArgumentError: If a name is that of no property of the kind, or a reason is empty; as
            ConfigurationError where the file says so.
        ComponentError: If the file cannot be read.
    """
    if near is None and is_path(subject.target):
        near = Path(split(subject.target)[0])
    written = _written(subject, Path.cwd() if near is None else near.absolute())
    return written | checked(subject.kind, given or {}, "expected")


def _written(subject: Subject, start: Path) -> dict[str, str]:
    """What the project's file says of a component."""
    paths = (folder / "pyproject.toml" for folder in (start, *start.parents))
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        return {}
    where = f"{os.fspath(path)}: [tool.rheobase.expected]"
    tables = _table(_table(_table(read_toml(path), "tool"), "rheobase"), "expected", where)
    names = dict.fromkeys((getattr(subject.obj, "__qualname__", subject.name), subject.name))
    said = {name: reason for each in names for name, reason in _table(tables, each, where).items()}
    try:
        return checked(subject.kind, said, f"{where} {subject.name}")
    except ArgumentError as error:
        raise ConfigurationError(str(error)) from error


def checked(kind: str, expected: Mapping[str, Any], where: str) -> dict[str, str]:
    """Expected failures, each of which names a property of the kind and has a reason.

    Args:
        kind: The kind of component.
        expected: Property -> reason.
        where: Where they are from, for messages.

    Raises:
        ArgumentError: If one does not.
    """
    for name, reason in expected.items():
        known(kind, name, where)
        if not isinstance(reason, str) or not reason.strip():
            raise ArgumentError(f"{where}: {name!r} has no reason; say why it is expected to fail")
    return dict(expected)


def known(kind: str, name: str, where: str) -> None:
    """Refuse a name that is that of no property.

    Args:
        kind: The kind of component.
        name: The name.
        where: Where it is from, for the message.

    Raises:
        ArgumentError: If there is none.
    """
    names = [prop.name for prop in properties(kind)]
    if name not in names:
        raise ArgumentError(
            f"{where}: there is no property {name!r} of {kind}s{nearest(str(name), names)}; "
            "`rheobase validate --list` says which there are"
        )


def _table(within: Mapping[str, Any], name: str, where: str = "") -> Mapping[str, Any]:
    found = within.get(name, {})
    if not isinstance(found, Mapping):
        if not where:
            return {}  # not ours to judge
        raise ConfigurationError(
            f"{where} {name!r} is {found!r}; it must be a table of properties and reasons"
        )
    return found

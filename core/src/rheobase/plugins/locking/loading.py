"""Imports what is locked from the very bytes that are compared with the lock, and from nowhere else.

A file may change after it was hashed, and Python would rather run its compiled form than the source that was
hashed. So the modules of locked distributions are compiled here, from the bytes whose hash is right.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ExtensionFileLoader, ModuleSpec, SourceFileLoader, SourcelessFileLoader
from types import CodeType, ModuleType
from typing import Any, NamedTuple

from .files import actual_file, hash_of, place_of


class Trusted(NamedTuple):
    """What of a distribution was found to be as it was locked.

    Args:
        files: Each file, by its whole path, with its sha256.
        modules: The modules and packages that are the distribution's alone, by their full names.
    """

    files: dict[str, str]
    modules: list[str]


class Changed(ImportError):
    """A module is not what was locked."""


_trusted: Mapping[str, Trusted] = {}
_owners: dict[str, Trusted] = {}


def activate(trusted: Mapping[str, Trusted]) -> None:
    """From now on the modules of these distributions are imported as they were locked, and no others'."""
    global _trusted
    _trusted = trusted
    _owners.clear()
    _owners.update({module: each for each in trusted.values() for module in each.modules})
    if trusted and not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())


def trusted_of(distribution: str) -> Trusted | None:
    """What is trusted of a distribution; None: nothing is locked here, or it is not."""
    return _trusted.get(distribution)


class Finder:
    """Finds locked modules as the other finders do, and has their bytes compared."""

    finds_nothing_itself = True

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module, if it is one of those that are locked."""
        trusted = _owner(name)
        if trusted is None:
            return None
        others = [each for each in sys.meta_path if each is not self and hasattr(each, "find_spec")]
        spec = next((found for each in others if (found := each.find_spec(name, path, target))), None)
        if spec is None or not spec.has_location or spec.origin is None:
            return spec
        origin = actual_file(spec.origin)
        expected = trusted.files.get(place_of(origin))
        if expected is None:
            raise Changed(f"{spec.origin} is not what was locked, and would be imported as {name}", name=name)
        if checked := _CHECKED.get(type(spec.loader)):
            spec.loader = checked(name, spec.origin, expected)
            spec.cached = None
        else:
            _read(origin, expected)  # an archive, or what a stranger's loader reads
        return spec


def _owner(name: str) -> Trusted | None:
    parts = name.split(".")
    names = (".".join(parts[:depth]) for depth in range(1, len(parts) + 1))
    return next((_owners[each] for each in names if each in _owners), None)


def _read(path: str, expected: str) -> bytes:
    with open(path, "rb") as file:
        content = file.read()
    if hash_of(content) != expected:
        raise Changed(f"{path} has changed since it was compared with the lock file", path=path)
    return content


class _Expecting:
    def __init__(self, name: str, path: str, expected: str) -> None:
        super().__init__(name, path)  # type: ignore[call-arg]
        self._expected = expected


class _Source(_Expecting, SourceFileLoader):  # type: ignore[misc]
    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(_read(self.path, self._expected), self.path)


class _Compiled(_Expecting, SourcelessFileLoader):
    def get_data(self, path: str) -> bytes:
        if os.path.samefile(path, self.path):
            return _read(path, self._expected)
        return super().get_data(path)


class _Extension(_Expecting, ExtensionFileLoader):
    def create_module(self, spec: ModuleSpec) -> ModuleType:
        # The system reads it once more: there is no way to give it the bytes.
        _read(self.path, self._expected)
        return super().create_module(spec)


_CHECKED: dict[type[Any], Any] = {
    SourceFileLoader: _Source,
    SourcelessFileLoader: _Compiled,
    ExtensionFileLoader: _Extension,
}

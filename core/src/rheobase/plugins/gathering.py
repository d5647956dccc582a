"""Files from here and there, each with its hash, and the stamps by which a later look need not hash again."""

from __future__ import annotations

import os
from collections.abc import Collection
from importlib.machinery import all_suffixes

from ..errors import PluginError
from .outcome import Stamp
from .stamps import stamp

_BLOCK = 1 << 20


class Gathering:
    """Files and their hashes. A file counts once, however many links lead to its folder.

    Example:
        >>> import json
        >>> gathering = Gathering()
        >>> gathering.walk("json", os.path.dirname(json.__file__))
        >>> "json/decoder.py" in gathering.files, gathering.has(json.decoder.__file__)
        (True, True)
    """

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        """Name -> sha256."""
        self.seen: dict[str, Stamp] = {}
        """File or folder -> the stamp that it had before it was read."""
        self._places: set[str] = set()
        self._walked: set[str] = set()

    def has(self, path: str) -> bool:
        """Whether a file was added.

        Args:
            path: The file.
        """
        return _place(_actual(path) or path) in self._places

    def add(self, name: str, path: str) -> bool:
        """Add a file, or the archive that it is in.

        Args:
            name: How it is called.
            path: Where it is.

        Returns:
            Whether it is there.

        Raises:
            PluginError: If it cannot be read.
        """
        actual = _actual(path)
        if not actual:
            self.seen[path] = stamp(path)
            return False
        if _place(actual) not in self._places:
            self._places.add(_place(actual))
            # Before it is read: if it changes meanwhile, that shows.
            self.seen[actual] = stamp(actual)
            called = name if actual == path else os.path.basename(actual)
            self.files[actual if called in self.files else called] = _hash(name, actual)
        return True

    def walk(
        self,
        name: str,
        folder: str,
        *,
        without: Collection[str] = (),
        modules: Collection[str] | None = None,
    ) -> None:
        """Add what is in a folder, and in those below; but no ``__pycache__``, and nothing that is hidden.

        Args:
            name: How the folder is called.
            folder: Where it is.
            without: The names in it that are left out.
            modules: The modules of which alone all forms are added; default: everything.

        Raises:
            PluginError: If something cannot be read.
        """
        place = os.path.realpath(folder)
        if place in self._walked:  # a link that leads back
            return
        if modules is None:
            self._walked.add(place)
        self.seen[folder] = stamp(folder)
        try:
            found = sorted(os.scandir(folder), key=lambda each: each.name)
        except FileNotFoundError:
            return
        except NotADirectoryError:
            self.add(name, folder)
            return
        except OSError as error:
            raise _unreadable(name, error) from error
        for each in found:
            inner = f"{name}/{each.name}" if name else each.name
            if each.name == "__pycache__" or each.name.startswith(".") or each.name in without:
                continue
            if modules is not None and not _is_form_of(each, modules):
                continue
            if os.path.isdir(each.path):
                self.walk(inner, each.path)
            elif os.path.isfile(each.path):
                self.add(inner, each.path)


def hash_of(text: str) -> str:
    """The sha256 of a text.

    Args:
        text: The text.

    Example:
        >>> hash_of("")[:12]
        'e3b0c44298fc'
    """
    import hashlib  # here: what has not changed since it was hashed needs none

    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _hash(name: str, path: str) -> str:
    import hashlib

    found = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while block := file.read(_BLOCK):
                found.update(block)
    except OSError as error:
        raise _unreadable(name, error) from error
    return found.hexdigest()


def _actual(path: str) -> str:
    """The file, or the archive that holds it; empty: there is neither."""
    while not os.path.exists(path):
        above = os.path.dirname(path)
        if above == path:
            return ""
        path = above
    return path if os.path.isfile(path) else ""


def _place(path: str) -> str:
    # The folder's, not the file's: some installers link each file to a cache, where equal ones may be one.
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))


def _is_form_of(found: os.DirEntry[str], modules: Collection[str]) -> bool:
    """Whether Python may import this when it is asked for one of these modules."""
    stem, _, ending = found.name.partition(".")
    if stem not in modules:
        return False
    if os.path.isdir(found.path):
        return not ending and any(os.path.isfile(f"{found.path}/__init__{each}") for each in all_suffixes())
    return f".{ending}" in all_suffixes()


def _unreadable(name: str, error: OSError) -> PluginError:
    return PluginError(f"{name} cannot be read: {error.strerror or error}")

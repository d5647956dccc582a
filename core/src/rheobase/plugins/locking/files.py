"""Files from here and there, each with its hash, and the stamps by which a later look need not hash again."""

from __future__ import annotations

import marshal
import os
import warnings
from collections.abc import Collection
from importlib.machinery import all_suffixes
from importlib.util import MAGIC_NUMBER, cache_from_source

from ...errors import PluginError
from ..evidence import stamp
from ..metadata import read_file
from ..outcome import Stamp


class Files:
    """Files and their hashes. A file counts once, however many links lead to its folder."""

    def __init__(self) -> None:
        self.hashes: dict[str, str] = {}
        """Name -> sha256."""
        self.seen: dict[str, Stamp] = {}
        """File or folder -> the stamp that it had before it was read: if it changes meanwhile, that shows."""
        self.places: dict[str, str] = {}
        """The place of each file -> sha256."""
        self._walked: set[str] = set()

    def has(self, path: str) -> bool:
        """Whether a file was added."""
        return place_of(actual_file(path) or path) in self.places

    def add(self, name: str, path: str) -> bool:
        """Add a file, or the archive that it is in; raises ``PluginError`` if it cannot be read."""
        actual = actual_file(path)
        if not actual:
            self.seen[path] = stamp(path)
            return False
        if place_of(actual) not in self.places:
            self.seen[actual] = stamp(actual)
            called = name if actual == path else os.path.basename(actual)
            found = self.places[place_of(actual)] = _hash(name, actual)
            self.hashes[actual if called in self.hashes else called] = found
            if actual.endswith(".py"):
                for level, compiled in enumerate(_compiled_forms(actual)):
                    self.seen[compiled] = stamp(compiled)
                    _check_compiled(name, actual, compiled, level)
        return True

    def walk(
        self, name: str, folder: str, *, without: Collection[str] = (), modules: Collection[str] | None = None
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


def hash_of(content: bytes) -> str:
    """The sha256 of a content."""
    import hashlib  # here: what has not changed since it was hashed needs none

    return hashlib.sha256(content).hexdigest()


def actual_file(path: str) -> str:
    """The file, or the archive that holds it; empty: there is neither."""
    while not os.path.exists(path):
        above = os.path.dirname(path)
        if above == path:
            return ""
        path = above
    return path if os.path.isfile(path) else ""


def place_of(path: str) -> str:
    """One name for a file, whichever links lead to its folder."""
    # The folder's, not the file's: some installers link each file to a cache, where equal ones may be one.
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))


def _compiled_forms(source: str) -> list[str]:
    """Where this Python looks for the compiled forms of a module, one for each level of optimization."""
    try:
        return [cache_from_source(source, optimization=level) for level in ("", "1", "2")]
    except NotImplementedError:  # this Python keeps none
        return []


def _check_compiled(name: str, source: str, compiled: str, level: int) -> None:
    """See that the compiled form of a module, which Python runs in its place, is made of it."""
    try:
        made, text = read_file(compiled), read_file(source)
        status = os.stat(source)
    except OSError:
        return
    head, body = made[:16], made[16:]
    numbers = [int.from_bytes(head[place : place + 4], "little") for place in (4, 8, 12)]
    times = [int(status.st_mtime) & 0xFFFFFFFF, status.st_size & 0xFFFFFFFF]
    if head[:4] != MAGIC_NUMBER or (numbers[0] == 0 and numbers[1:] != times):
        return  # it is another Python's, or older than its source: it is not run
    try:
        with warnings.catch_warnings():  # of its text, which are its author's business
            warnings.simplefilter("ignore")
            right = compile(text, source, "exec", dont_inherit=True, optimize=level)
        same = marshal.loads(body) == right
    except Exception:  # neither can be run
        same = False
    if not same:
        raise PluginError(f"{compiled} is not what {name} compiles to; remove it")


def _hash(name: str, path: str) -> str:
    import hashlib

    found = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                found.update(block)
    except OSError as error:
        raise _unreadable(name, error) from error
    return found.hexdigest()


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

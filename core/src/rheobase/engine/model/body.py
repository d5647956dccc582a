"""The body of a class that declares: one name, one declaration."""

from __future__ import annotations

import sys
from abc import ABCMeta
from collections.abc import MutableMapping
from typing import Any

from ...errors import DeclarationError
from .declaration import Declaration


class _Names(dict[str, Any]):
    """The names of a class body. Python lets the second of two replace the first, without a word."""

    def __init__(self, owner: str) -> None:
        super().__init__()
        self._owner = owner

    def __setitem__(self, name: str, value: Any) -> None:
        earlier = self.get(name)
        if isinstance(earlier, Declaration) and value is not earlier and isinstance(value, Declaration):
            raise DeclarationError(
                f"{self._owner} declares {name!r} twice, as {earlier!r} and as {value!r}; give each a name "
                "of its own"
            )
        super().__setitem__(name, value)


class Declaring(ABCMeta):
    """The kind of class whose body cannot declare a name twice.

    It derives from that of abstract classes, so that a model may be one.
    """

    @classmethod
    def __prepare__(cls, name: str, bases: tuple[type, ...], /, **kwargs: Any) -> MutableMapping[str, object]:
        return _Names(name)

    def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any], /, **kwargs: Any) -> Any:
        # A dictionary that is Python's own, which is what others expect of a class's.
        own = dict(body)
        # Of a class that is made by a call Python takes the caller for its module, which here would be abc.
        own.setdefault("__module__", sys._getframe(1).f_globals.get("__name__", __name__))
        return super().__new__(cls, name, bases, own, **kwargs)

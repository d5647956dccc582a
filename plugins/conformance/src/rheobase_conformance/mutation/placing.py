"""Puts a mutant in the place of its module, in whatever Python process has this file first on its path.

A copy of it is called ``sitecustomize.py``, which Python imports as it starts. Beside it lie ``path.txt``,
the file of the module, and ``text.py``, what is to be run instead; ``placed`` comes to be when that happens.
The module's own file, and what is compiled of it, are left as they are. It needs nothing but Python.
"""

from __future__ import annotations

import importlib
import os
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

NAME = "sitecustomize"
PATH, TEXT, PLACED = "path.txt", "text.py", "placed"


def place(folder: Path) -> None:
    """From now on a module that is loaded from the file has the other text.

    Args:
        folder: Where the files lie that say which, and which text.
    """
    path = (folder / PATH).read_text(encoding="utf-8")
    usual = SourceFileLoader.get_code

    def get_code(self: Any, fullname: str) -> CodeType | None:
        own = self.get_filename(fullname)
        if os.path.basename(own) != os.path.basename(path) or not os.path.samefile(own, path):
            return usual(self, fullname)
        (folder / PLACED).touch()
        code: CodeType = compile((folder / TEXT).read_text(encoding="utf-8"), own, "exec", dont_inherit=True)
        return code

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign]


def give_way(folder: Path) -> None:
    """Import the file of this name that would have been imported without this one, if there is one."""
    this = sys.modules.pop(NAME)
    sys.path[:] = [each for each in sys.path if os.path.abspath(each) != os.fspath(folder)]
    try:
        importlib.import_module(NAME)
    except ModuleNotFoundError as error:
        if error.name != NAME:
            raise
    finally:
        sys.modules.setdefault(NAME, this)  # where Python looks for what it imported


if __name__ == NAME:
    place(Path(__file__).absolute().parent)
    give_way(Path(__file__).absolute().parent)

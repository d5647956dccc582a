"""How a component is found again by another process: by its name, a path, or a module to import."""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rheobase
from rheobase.spi import is_path, split

if TYPE_CHECKING:
    from .subject import Subject


def found_again(subject: Subject) -> str:
    """The target by which another process finds the very component; empty: there is none.

    It does not find what is defined in the main script or within a function, nor an object that was made.

    Args:
        subject: The component.
    """
    origin, spec = subject.provenance, subject.spec
    if (origin is not None and origin.distribution is not None) or is_path(subject.target):
        return subject.target
    for target in (subject.target, "" if spec is None else spec.target):
        if _is_there(target, subject.obj):
            return target
    return ""


def _is_there(target: str, obj: Any) -> bool:
    module, names = split(target)
    found: Any = sys.modules.get(module)
    for name in names.split("."):
        found = getattr(found, name, None)
    return module != "__main__" and found is obj


def folder_to_add(target: str) -> str:
    """The folder that another process needs on its path to import a module; empty: none.

    Args:
        target: The module and an object in it; for what is installed by name, or a path, no folder is needed.
    """
    name = split(target)[0]
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None:
        return ""
    path = Path(file).absolute()
    path = path.parent if path.name == "__init__.py" else path.with_suffix("")
    root = Path(*path.parts[: -len(name.split("."))])
    if root.joinpath(*name.split(".")) != path:
        return ""  # it was imported under another name than its file's
    return "" if root in _INSTALLED else os.fspath(root)


_INSTALLED = {
    *(Path(str(file)).parents[1] for file in (rheobase.__file__, __file__)),
    *(Path(sysconfig.get_paths()[key]) for key in ("purelib", "platlib", "stdlib")),
    *map(Path, [*site.getsitepackages(), site.getusersitepackages()]),
}

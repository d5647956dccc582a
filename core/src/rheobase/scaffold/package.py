"""A new package: its files, made from templates, and written where nothing is lost.

The templates are texts in the folder ``templates``. ``$module`` and the like stand for the names of the
package; ``$$`` is a dollar.
"""

from __future__ import annotations

import datetime
import json
import os
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from packaging.version import Version

from ..errors import ArgumentError, OutputError, nearest
from ..kinds import TEMPLATES
from ..specs import PROJECT, VERSION
from .names import Names, names_of
from .taken import check_free

FILES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README-{kind}.md",
    "LICENSE": "LICENSE",
    ".gitignore": "gitignore",
    ".github/workflows/test.yml": "test.yml",
    "src/{module}/__init__.py": "init.py",
    "src/{module}/py.typed": "",
    "src/{module}/plugin.py": "plugin-{kind}.py",
    "src/{module}/{kind}.py": "{kind}.py",
    "tests/test_{module}.py": "test-{kind}.py",
}
"""File of the package -> its template; an empty name: an empty file."""


@dataclass(frozen=True)
class Package:
    """A package that was written: ``files`` relative to its folder, and a warning for its author, or none."""

    names: Names
    kind: str
    folder: Path
    files: tuple[str, ...]
    warning: str = ""


def write_package(
    name: str,
    kind: str = "neuron",
    *,
    path: Path | str = ".",
    author: str = "",
    component: str | None = None,
    year: int | None = None,
) -> Package:
    """Write a package that builds, installs and passes its tests, for an author to start from."""
    if kind not in TEMPLATES:
        raise ArgumentError(
            f"kind={kind!r}; it must be one of {', '.join(TEMPLATES)}{nearest(kind, TEMPLATES)}"
        )
    names = names_of(name, kind, component)
    author = author.strip() or f"The authors of {names.distribution}"
    if not author.isprintable():
        raise ArgumentError(f"author={author!r}; it must be one line of text")
    warning = check_free(names)
    folder = _empty_folder(Path(path) / names.distribution)
    # All texts before the first file is written: a template that fails leaves nothing behind.
    texts = _texts(names, kind, author, year or datetime.date.today().year)
    try:
        for file, text in texts.items():
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            # "x": nothing is overwritten that came there meanwhile. "\n": the same bytes on every system.
            with open(target, "x", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error}; give another --path") from error
    return Package(names, kind, folder, tuple(texts), warning)


def _empty_folder(folder: Path) -> Path:
    try:
        if os.path.lexists(folder) and (not folder.is_dir() or any(folder.iterdir())):
            raise OutputError(
                f"{os.fspath(folder)!r} is there already, and nothing is overwritten; choose another name, "
                "give another folder by --path, or remove it"
            )
    except OSError as error:
        raise OutputError(f"{folder} cannot be read: {error}; give another --path") from error
    return folder


def _texts(names: Names, kind: str, author: str, year: int) -> dict[str, str]:
    """File -> text."""
    summary, function = TEMPLATES[kind]
    known = {
        "package": names.distribution,
        "module": names.module,
        "component": names.component,
        "cls": names.cls,
        "kind": kind,
        "object": function or names.cls,
        "author": author,
        # A string of JSON is one of TOML as well, but for the surrogate pairs that ensure_ascii would write.
        "author_quoted": json.dumps(author, ensure_ascii=False),
        "year": str(year),
        "requires": requirement(VERSION),
        "summary": summary,
    }
    folder = files(__package__) / "templates"
    return {
        file.format(kind=kind, module=names.module): Template(
            (folder / f"{template.format(kind=kind)}.template").read_text(encoding="utf-8")
        ).substitute(known)
        if template
        else ""
        for file, template in FILES.items()
    }


def requirement(version: str) -> str:
    """What a package made with a version of the core requires: it, and those that do not break it.

    Example:
        >>> requirement("0.1.3"), requirement("2.4.0")
        ('rheobase>=0.1,<0.2', 'rheobase>=2.4,<3')
    """
    found = Version(version)
    least = f"{found.major}.{found.minor}"
    # Below 1.0 a minor version may break what is built on it.
    return f"{PROJECT}>={least},<{f'0.{found.minor + 1}' if found.major == 0 else found.major + 1}"

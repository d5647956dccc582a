"""Names that a new package cannot have, since they are taken where it is made."""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder

from ..errors import ArgumentError
from ..plugins.entry import canonical
from ..plugins.registry import list_components
from .names import Names


def check_free(names: Names) -> str:
    """Refuse names that are taken; a warning where the package itself is installed, else an empty string."""
    for found in list_components():
        if found.spec.name != names.component:
            continue
        origin = found.provenance
        # The package itself, made once more: its component is no other's.
        if canonical(origin.distribution or "") == names.distribution:
            return (
                f"{origin.distribution} {origin.version} is installed already; installing the new one "
                "replaces it"
            )
        source = "Rheobase's own" if origin.distribution == "rheobase" else "installed already"
        raise ArgumentError(
            f"the {found.spec.kind} {names.component!r} of {origin.distribution or 'this process'} is "
            f"{source}, and two components of one name are not told apart; choose another name, such as "
            f"my-{names.component}, or leave the package's and give --component another"
        )
    if place := _module(names.module):
        raise ArgumentError(
            f"the module of {names.distribution!r} would be called {names.module!r}, and there is one "
            f"already, {place}; choose another name, such as my-{names.distribution}"
        )
    return ""


def _module(name: str) -> str:
    """Where a module of this name is installed; empty: nowhere. The working folder does not count."""
    path = [folder for folder in sys.path if folder and os.path.realpath(folder) != os.path.realpath(".")]
    spec = PathFinder.find_spec(name, path)
    return spec.origin or "" if spec is not None else ""

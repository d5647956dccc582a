"""The conformance kit under the name that users import; it is a distribution of its own.

Once imported, ``rheobase.conformance`` is the kit's package, and ``rheobase.conformance.x`` its module ``x``:
one object under two names, so that a class that was pickled or imported under one is found under the other.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from typing import TYPE_CHECKING

from .errors import MissingError
from .plugins.metadata import MODULES, extensions

if TYPE_CHECKING:
    from rheobase_conformance import *  # noqa: F403


def _bind() -> None:
    package = extensions(MODULES).get("conformance")
    if package is None:
        raise MissingError(
            "rheobase.conformance is the conformance kit, which is not installed; "
            "install the extra: pip install 'rheobase[testing]'"
        )
    kit = importlib.import_module(package)
    for name in kit.__all__:
        getattr(kit, name)  # binds it; where something is missing, the kit says what
    # All of them, whoever is asked for: Python would load one that is not there a second time, from its file.
    for each in pkgutil.walk_packages(kit.__path__, f"{package}."):
        sys.modules[f"{__name__}{each.name.removeprefix(package)}"] = importlib.import_module(each.name)
    sys.modules[__name__] = kit


_bind()

"""The names of a new package: of its distribution, its module, its component and its class."""

from __future__ import annotations

import keyword
import re
import sys
from dataclasses import dataclass

from ..errors import ArgumentError

_DISTRIBUTION = re.compile(r"[a-z0-9]|[a-z0-9][a-z0-9._-]*[a-z0-9]", re.IGNORECASE)
"""As PEP 508 has it."""

_USED = frozenset(
    {
        *("Advance", "Any", "Callable", "Integrator", "Mapping", "Parameter", "SpikingNeuron", "State"),
        *("Cell", "Plasticity", "Pulse", "RheobaseError", "Suite", "Synapse", "Tensor"),
    }
)
"""Names that the templates import: a class of such a name would hide them."""


@dataclass(frozen=True)
class Names:
    """A package's names: to install it, to import it, to ask for its component, and the component's class."""

    distribution: str
    module: str
    component: str
    cls: str


def names_of(name: str, kind: str, component: str | None = None) -> Names:
    """The names that follow from the distribution's, in any spelling; each is checked."""
    given = name.strip()
    if not _DISTRIBUTION.fullmatch(given):
        raise ArgumentError(
            f"{name!r} is no name of a package; it has letters from a to z and digits, joined by '-', such "
            "as my-model. The folder to make it in is given by --path"
        )
    # As PEP 503 has it: this is how indexes compare names.
    distribution = re.sub(r"[-_.]+", "-", given).lower()
    module = distribution.replace("-", "_")
    if not module[0].isalpha():
        raise ArgumentError(
            f"{name!r} begins with a digit, so that Python could not import it; begin with a letter, such as "
            f"my-{distribution}"
        )
    if keyword.iskeyword(module):
        raise ArgumentError(
            f"the module of {name!r} would be called {module!r}, which is a word of Python's own; add "
            f"another, such as {distribution}-{kind}"
        )
    # Python leaves its own ``test`` out of these names; ``tests`` and ``src`` are folders of the package
    # itself.
    if module in sys.stdlib_module_names or module in ("test", "tests", "src"):
        raise ArgumentError(
            f"the module of {name!r} would be called {module!r}, as one of Python's own is; add a word, such "
            f"as {distribution}-{kind}"
        )
    offered = distribution if component is None else component.strip()
    if not re.fullmatch(r"[a-z][a-z0-9]*(?:[-_.][a-z0-9]+)*", offered):
        raise ArgumentError(
            f"--component {offered!r} cannot be used; a name has lower-case letters and digits, joined by "
            "'-', '_' or '.'"
        )
    return Names(distribution, module, offered, _class_of(offered, kind))


def _class_of(component: str, kind: str) -> str:
    name = "".join(part[0].upper() + part[1:] for part in re.split(r"[-_.]", component))
    return f"{name}{kind.capitalize()}" if name in _USED or keyword.iskeyword(name) else name

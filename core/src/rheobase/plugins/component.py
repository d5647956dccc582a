"""A component that is on offer: its spec, where it came from, and how to get the object."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from ..errors import PluginError
from ..kinds import KINDS
from ..specs import PROJECT, ComponentSpec, Provenance
from .problem import brief, first_line


@dataclass(frozen=True)
class Registered:
    """A spec and its provenance.

    Args:
        spec: What the plugin says of the component.
        provenance: The distribution that offers it.
        plugin: The name of the plugin within that distribution, or of the object registered at
            run time.
        preferred: Whether the bare name means this one where others have it too: the user said so.

    Example:
        >>> from rheobase.plugins.registry import resolve
        >>> resolve("integrator", "rk4").spec.order, resolve("aggregator", "sum").qualified
        (4, 'rheobase:sum')
    """

    spec: ComponentSpec
    provenance: Provenance
    plugin: str = ""
    preferred: bool = False

    @property
    def source(self) -> str:
        """Who offers it, in words: distribution and version, or the run-time plugin."""
        if self.provenance.distribution is None:
            return f"{self.plugin} (registered at run time)"
        return " ".join(filter(None, (self.provenance.distribution, self.provenance.version)))

    @property
    def qualified(self) -> str:
        """The name that is never ambiguous: ``"distribution:name"``."""
        return f"{self.provenance.distribution or self.plugin}:{self.spec.name}"

    def load(self) -> Any:
        """Import the object that the spec names. Python keeps modules, so every call returns the same one.

        Raises:
            PluginError: If it cannot be imported, is not there, or cannot be called.

        Example:
            >>> from rheobase import AggregatorSpec, Provenance
            >>> Registered(AggregatorSpec("max", "builtins:max"), Provenance("aggregator", "max")).load()
            <built-in function max>
        """
        try:
            return imported(self.spec)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            message = (
                f"{KINDS[self.spec.kind]} {self.spec.name!r} of {self.source} cannot be loaded from "
                f"{self.spec.target!r}: {_cause(error)}"
            )
            if self.provenance.distribution not in (None, PROJECT):
                message += f". Mend it, or remove it: pip uninstall {self.provenance.distribution}"
            raise PluginError(message) from error


def imported(spec: ComponentSpec) -> Any:
    """Import the object that a spec names.

    Raises:
        PluginError: If it is not what its kind must be; importing it may raise anything.

    Example:
        >>> from rheobase import AggregatorSpec
        >>> imported(AggregatorSpec("max", "builtins:max"))
        <built-in function max>
    """
    module, _, path = spec.target.partition(":")
    found: Any = importlib.import_module(module)
    for attribute in path.split("."):
        found = getattr(found, attribute)
    function = KINDS[spec.kind].function
    if not callable(found) or not (function or isinstance(found, type)):
        wanted = "a class or a function" if function else "a class"
        raise PluginError(f"it is {found!r}, not {wanted}")
    return found


def failure(spec: ComponentSpec) -> str:
    """Why what a spec names cannot be used; empty: it can. Imports it."""
    try:
        imported(spec)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return f"{spec.target!r} cannot be loaded: {_cause(error)}"
    return ""


def _cause(error: BaseException) -> str:
    return brief(str(error)) if isinstance(error, PluginError) else first_line(error)

"""The components that are on offer, by kind and name.

Installed plugins are scanned once in a process, when a component is first listed or resolved. Which component
a name means is in :mod:`.precedence`.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator

from ..errors import ArgumentError, ComponentError, PluginError, PluginWarning, nearest
from ..kinds import KINDS
from ..specs import PROJECT, Provenance
from ..synonyms import synonyms
from . import installed
from .component import Registered
from .installed import Installed
from .precedence import is_from, meant, order
from .problem import AMISS, Problem
from .registration import Registration, name_of


class Registry:
    """All components that one scan and later registrations offer. Safe to use from threads.

    Args:
        load: Finds what is installed; it is called once.

    Example:
        >>> empty = Registry(load=installed.core)
        >>> {component.provenance.distribution for component in empty.components()}
        {'rheobase'}
    """

    def __init__(self, load: Callable[[], Installed] = installed.load) -> None:
        self._load = load
        self._lock = threading.RLock()
        self._installed: Installed | None = None
        self._loading = False
        self._at_run_time: dict[object, tuple[object, tuple[Registered, ...]]] = {}

    def components(self, kind: str | None = None) -> list[Registered]:
        """See :func:`list_components`."""
        if kind is not None and kind not in KINDS:
            raise ArgumentError(
                f"kind is {kind!r}; it must be one of {', '.join(KINDS)}{nearest(str(kind), KINDS)}"
            )
        return sorted({part for part in self._on_offer() if kind in (None, part.spec.kind)}, key=order)

    def _on_offer(self) -> list[Registered]:
        found = list(self.installed().components)
        with self._lock:
            for _, group in self._at_run_time.values():
                found += group
        return found

    def resolve(self, kind: str, name: str) -> Registered:
        """See :func:`resolve`."""
        if not isinstance(name, str):
            raise ComponentError(f"the name of a {KINDS[kind]} must be a string, not {name!r}")
        part = meant(kind, name, (each for each in self._on_offer() if each.spec.kind == kind))
        if part is None:
            raise ComponentError(self._unknown(kind, name, self.components(kind)))
        return part

    def register(self, plugin: object, *, override: bool = False) -> Registration:
        """See :func:`register`."""
        from . import offers  # here, not above: it imports pluggy, and most processes register nothing

        name = name_of(plugin)
        offer = offers.collect(plugin, f"plugin {name}")
        known = self.installed()
        own = {
            (part.spec.kind, part.spec.name): part
            for part in known.components
            if is_from(part, installed.CORE)
        }
        components = []
        for spec in offer.specs:
            origin = Provenance(spec.kind, spec.name)
            core = own.get((spec.kind, spec.name))
            part = Registered(
                spec, installed.overriding(origin, core) if override else origin, name, override
            )
            if core is not None and not override:
                raise PluginError(
                    f"plugin {name}: {installed.cores(part)}; give yours another name, or register it "
                    "with override=True"
                )
            components.append(part)
        key = object()  # of this registration: its undo leaves a later one alone
        registration = Registration(tuple(components), lambda: self._forget(key))
        # A filter may turn a warning into an error, so it comes before anything is registered.
        _warn(Problem(AMISS, f"plugin {name}", complaint) for complaint in offer.complaints)
        with self._lock:
            if any(plugin is known for known, _ in self._at_run_time.values()):
                raise PluginError(f"plugin {name} is registered already; undo that registration first")
            self._at_run_time[key] = (plugin, registration.components)
        return registration

    def _forget(self, key: object) -> None:
        with self._lock:
            self._at_run_time.pop(key, None)

    def installed(self) -> Installed:
        """What is installed: components, and what is amiss with plugins.

        Raises:
            PluginError: If something is amiss and the user asked for strictness.
            ConfigurationError: If the user's settings cannot be used.

        Warns:
            PluginWarning: At the first call, for each plugin with which something is amiss.
        """
        with self._lock:
            if self._loading:  # a plugin asks for components while it is loaded
                return installed.core()
            known, first = self._installed, self._installed is None
            if known is None:
                self._loading = True
                try:
                    known = self._installed = self._load()
                finally:
                    self._loading = False
        messages = [problem.message for problem in known.problems]
        if messages and known.strict:
            raise PluginError("\n".join(["plugins are judged strictly, so these are errors:", *messages]))
        if first:
            # After the scan, and outside the lock: a filter may turn a warning into an error.
            _warn(known.problems)
        return known

    def _unknown(self, kind: str, name: str, on_offer: list[Registered]) -> str:
        names = sorted({component.spec.name for component in on_offer})
        near = nearest(name.rpartition(":")[2], names, synonyms(kind))
        kinds = [component.spec.kind for component in self.components() if component.spec.name == name]
        elsewhere = f" (that is the name of a component of kind {kinds[0]!r})" if kinds else ""
        known = ", ".join(f"{component.spec.name} ({component.source})" for component in on_offer)
        return (
            f"no {KINDS[kind]} {name!r} is installed{elsewhere}{near}; installed: {known or 'none'}."
            f"{self.installed().missing} Install the plugin that offers it with pip, or see `rheobase list`"
        )


def _warn(problems: Iterable[Problem]) -> None:
    # Points at the first line outside of this package, by whichever way it came here.
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == PROJECT:
        level, frame = level + 1, frame.f_back
    for problem in problems:
        warnings.warn(PluginWarning(problem.message, problem.detail), stacklevel=level)


_in_use: list[tuple[Registry]] = [(Registry(),)]
"""The process's own registry, and after it those that :func:`use` was given; the last one answers."""

_changing = threading.Lock()


def current() -> Registry:
    """The registry that answers the functions below."""
    return _in_use[-1][0]


@contextlib.contextmanager
def use(registry: Registry) -> Iterator[Registry]:
    """Let another registry answer in the whole process, in all threads, while a ``with`` statement lasts.

    Example:
        >>> with use(Registry(load=installed.core)):
        ...     {component.source.split()[0] for component in list_components()}
        {'rheobase'}
    """
    entry = (registry,)
    with _changing:
        _in_use.append(entry)
    try:
        yield registry
    finally:
        # Two threads may leave in another order than they came, and may use the same registry.
        with _changing:
            _in_use[:] = [each for each in _in_use if each is not entry]


def list_components(kind: str | None = None) -> list[Registered]:
    """List what is installed. Imports no model code and no torch.

    Args:
        kind: The kind, such as ``"neuron"``; default all.

    Returns:
        The components, each with its spec and provenance, by kind, name and distribution. A name
        that two distributions offer is there twice.

    Raises:
        ArgumentError: If there is no such kind.

    Warns:
        PluginWarning: At the first call, for each plugin that is broken.

    Example:
        >>> import rheobase as rb
        >>> [component.spec.name for component in rb.list_components("aggregator")][:2]
        ['mean', 'product']
    """
    return current().components(kind)


def installed_now() -> Installed:
    """What is installed, with what is amiss and what is disabled; see :class:`Installed`."""
    return current().installed()


def resolve(kind: str, name: str) -> Registered:
    """Find a component by its name.

    Args:
        kind: The kind of component.
        name: Its name, or ``"distribution:name"``.

    Returns:
        The component; ``.load()`` imports it.

    Raises:
        ComponentError: If no such component is installed, with the nearest names and all that
            are; or if two distributions offer it, naming both.

    Example:
        >>> resolve("integrator", "rheobase:rk4").provenance.distribution
        'rheobase'
        >>> resolve("integrator", "rk4") == resolve("integrator", "rheobase:rk4")
        True
    """
    return current().resolve(kind, name)


def register(plugin: object, *, override: bool = False) -> Registration:
    """Register a plugin without an entry point, for this process.

    Args:
        plugin: A module, or an object, with functions marked by ``@rheobase.hookimpl``.
        override: Whether its names may be core's, and then mean the plugin's; provenance records it.

    Returns:
        The registration: call it to undo it, or use it in a ``with`` statement.

    Raises:
        PluginError: If a hook has a wrong signature, raises or returns something else than its
            specs, or if a name is core's. Nothing is registered then.

    Warns:
        PluginWarning: If a hook's name is misspelt.

    Example:
        >>> import rheobase as rb
        >>> class Toy:
        ...     @rb.hookimpl
        ...     def rheobase_neurons(self):
        ...         return [rb.NeuronSpec("toy", "rheobase.engine.neuron.analog:AnalogNeuron")]
        >>> undo = rb.register(Toy())
        >>> [component.spec.name for component in undo.components]
        ['toy']
        >>> undo()
    """
    return current().register(plugin, override=override)

"""The components that are on offer, by kind and name.

Installed plugins are scanned once in a process, when a component is first listed or resolved.
Three rules make the result the same whatever the order of installation: names of core always mean
core's; a name that two distributions offer is an error when it is resolved, and at no other time;
``"distribution:name"`` always works.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterable

from ..errors import ArgumentError, ComponentError, PluginError, PluginWarning, nearest
from ..specs import KINDS, Provenance
from . import discovery, hooks, installed
from .component import Registered, word
from .registration import Registration


class Registry:
    """All components that one scan and later registrations offer. Safe to use from threads.

    Args:
        scan: Finds the installed plugins; the default reads the metadata of what is installed.

    Example:
        >>> empty = Registry(scan=lambda: discovery.Scan(()))
        >>> {component.provenance.distribution for component in empty.components()}
        {'rheobase'}
    """

    def __init__(self, scan: Callable[[], discovery.Scan] = discovery.scan) -> None:
        self._scan = scan
        self._lock = threading.RLock()
        self._scanned = False
        self._installed = installed.Installed(())
        self._at_run_time: dict[object, tuple[object, tuple[Registered, ...]]] = {}

    def components(self, kind: str | None = None) -> list[Registered]:
        """See :func:`list_components`."""
        if kind is not None and kind not in KINDS:
            raise ArgumentError(
                f"kind is {kind!r}; it must be one of {', '.join(KINDS)}{nearest(str(kind), KINDS)}"
            )
        self._scan_once()
        with self._lock:
            groups = [self._installed.components, *(group for _, group in self._at_run_time.values())]
        found = {component for group in groups for component in group}
        return sorted((component for component in found if kind in (None, component.spec.kind)), key=_order)

    def resolve(self, kind: str, name: str) -> Registered:
        """See :func:`resolve`."""
        if not isinstance(name, str):
            raise ComponentError(f"the name of a {word(kind)} must be a string, not {name!r}")
        on_offer = self.components(kind)
        source, _, bare = name.rpartition(":")
        found = [component for component in on_offer if component.spec.name == bare]
        if source:
            found = [component for component in found if _is_from(component, source)]
        else:
            found = [component for component in found if _is_from(component, installed.CORE)] or found
        # One plugin that is registered twice at run time is no conflict.
        if len({(component.spec, component.provenance) for component in found}) > 1:
            raise ComponentError(_ambiguous(kind, name, found))
        if not found:
            raise ComponentError(self._unknown(kind, name, on_offer))
        return found[0]

    def register(self, plugin: object) -> Registration:
        """See :func:`register`."""
        name = _name_of(plugin)
        offer = hooks.collect(plugin, f"plugin {name}")
        components = tuple(Registered(spec, Provenance(spec.kind, spec.name), name) for spec in offer.specs)
        self._scan_once()
        with self._lock:
            if any(plugin is known for known, _ in self._at_run_time.values()):
                raise PluginError(f"plugin {name} is registered already; undo that registration first")
            core = {(part.spec.kind, part.spec.name) for part in installed.core().components}
            for _, complaint in installed.shadowing(components, core):
                raise PluginError(f"plugin {name}: {complaint}; give yours another name")
            key = object()  # of this registration: its undo leaves a later one alone
            self._at_run_time[key] = (plugin, components)
        registration = Registration(components, lambda: self._forget(key))
        try:
            _warn(offer.complaints)
        except BaseException:
            registration()
            raise
        return registration

    def _forget(self, key: object) -> None:
        with self._lock:
            self._at_run_time.pop(key, None)

    def _scan_once(self) -> None:
        with self._lock:
            if self._scanned:
                return
            # Set at once: a plugin that asks for components while it is imported gets core's.
            self._scanned = True
            try:
                self._installed = installed.core()
                self._installed = installed.load(self._scan())
            except BaseException:
                self._scanned = False
                raise
        # After the scan, and outside the lock: a filter may turn a warning into an error.
        _warn(self._installed.problems)

    def _unknown(self, kind: str, name: str, on_offer: list[Registered]) -> str:
        names = sorted({component.spec.name for component in on_offer})
        near = nearest(name.rpartition(":")[2], names)
        kinds = [component.spec.kind for component in self.components() if component.spec.name == name]
        elsewhere = f" (that is the name of a component of kind {kinds[0]!r})" if kinds else ""
        known = ", ".join(f"{component.spec.name} ({component.source})" for component in on_offer)
        broken = self._installed.broken
        left_out = f" Broken, and left out: {', '.join(broken)}." if broken else ""
        return (
            f"no {word(kind)} {name!r} is installed{elsewhere}{near}; installed: {known or 'none'}."
            f"{left_out} Install the plugin that offers it with pip, or see `rheobase list`"
        )


def _order(component: Registered) -> tuple[int, str, str, str]:
    provenance = component.provenance
    place = KINDS.index(component.spec.kind)
    return (place, component.spec.name, discovery.canonical(provenance.distribution or ""), component.plugin)


def _is_from(component: Registered, source: str) -> bool:
    distribution = component.provenance.distribution
    if distribution is None:
        return component.plugin == source
    return discovery.canonical(distribution) == discovery.canonical(source)


def _ambiguous(kind: str, name: str, found: list[Registered]) -> str:
    sources = " and ".join(component.source for component in found)
    choices = sorted({component.qualified for component in found})
    if len(choices) > 1:
        mend = f"say which: {' or '.join(repr(choice) for choice in choices)}"
    else:
        plugins = ", ".join(repr(component.plugin) for component in found)
        mend = f"the plugins {plugins} must give them different names"
    return f"{word(kind)} {name!r} is offered by {sources}; {mend}"


def _name_of(plugin: object) -> str:
    name = getattr(plugin, "__name__", None)
    return name if isinstance(name, str) else type(plugin).__name__


def _warn(messages: Iterable[str]) -> None:
    for message in messages:
        warnings.warn(message, PluginWarning, stacklevel=5)


_registry = Registry()


def list_components(kind: str | None = None) -> list[Registered]:
    """List what is installed. Imports no model code and no torch.

    Args:
        kind: ``"neuron"``, ``"integrator"``, ``"aggregator"`` or ``"backend"``; default all.

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
    return _registry.components(kind)


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
    return _registry.resolve(kind, name)


def register(plugin: object) -> Registration:
    """Register a plugin without an entry point, for this process.

    Args:
        plugin: A module, or an object, with functions marked by ``@rheobase.hookimpl``.

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
    return _registry.register(plugin)

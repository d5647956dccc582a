"""Asks one plugin what it offers, through pluggy, and checks what it answers.

Each plugin is judged by a plugin manager of its own, which is thrown away: pluggy's ``register``
leaves partial state behind when it fails, and here that cannot outlive the failure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pluggy

from .. import hookspecs
from ..errors import PluginError, nearest
from ..specs import AggregatorSpec, BackendSpec, ComponentSpec, IntegratorSpec, NeuronSpec
from .discovery import first_line

HOOKS: dict[str, type[ComponentSpec]] = {
    "rheobase_neurons": NeuronSpec,
    "rheobase_integrators": IntegratorSpec,
    "rheobase_aggregators": AggregatorSpec,
    "rheobase_backends": BackendSpec,
}
"""The hooks, and the spec of which each returns a sequence."""


@dataclass(frozen=True)
class Offer:
    """What a plugin offers.

    Args:
        specs: Its components.
        complaints: What is amiss but harms no component, such as a hook that is misspelt.
    """

    specs: tuple[ComponentSpec, ...]
    complaints: tuple[str, ...] = ()


def collect(plugin: object, label: str) -> Offer:
    """Call all hooks of a plugin.

    Args:
        plugin: A module, or an object, with functions marked by ``@rheobase.hookimpl``.
        label: The plugin in words, for messages.

    Returns:
        The specs that the hooks return, in the order of :data:`HOOKS`.

    Raises:
        PluginError: If the plugin has no hooks, if a hook has a wrong signature, raises, or
            returns anything but a sequence of its spec, or if one name is offered twice.

    Example:
        >>> from rheobase import NeuronSpec, hookimpl
        >>> class Toy:
        ...     @hookimpl
        ...     def rheobase_neurons(self):
        ...         return [NeuronSpec("toy", "toy_models.neuron:Toy")]
        >>> collect(Toy(), "plugin Toy").specs[0].name
        'toy'
    """
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(plugin, name=label)
    except pluggy.PluginValidationError as error:
        # Its first line names the plugin, the others the signature and what is wrong with it.
        cause = "; ".join(str(error).strip().splitlines()[1:])
        raise PluginError(f"{label}: {cause}; the signatures are in rheobase.hookspecs") from error
    except Exception as error:
        raise PluginError(f"{label}: {first_line(error)}; it cannot be searched for hooks") from error
    callers = {caller.name: caller for caller in manager.get_hookcallers(plugin) or ()}
    complaints = tuple(
        f"{label}: there is no hook {name!r}{nearest(name, HOOKS)}; the hooks are {', '.join(HOOKS)}"
        for name, caller in sorted(callers.items())
        if not caller.has_spec() and not caller.get_hookimpls()[0].optionalhook
    )
    if not callers:
        raise PluginError(
            f"{label}: no hook was found; mark functions named {', '.join(HOOKS)} with @rheobase.hookimpl"
        )
    specs: dict[tuple[str, str], ComponentSpec] = {}
    for name in HOOKS:
        if name not in callers:
            continue
        for spec in _call(callers[name], label):
            if specs.setdefault((spec.kind, spec.name), spec) != spec:
                raise PluginError(f"{label}: hook {name} offers {spec.name!r} twice; give each a name")
    return Offer(tuple(specs.values()), complaints)


def _call(hook: pluggy.HookCaller, label: str) -> Sequence[ComponentSpec]:
    wanted = HOOKS[hook.name]
    try:
        results = hook()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise PluginError(f"{label}: hook {hook.name} raised {first_line(error)}") from error
    result = results[0] if results else None  # pluggy leaves out a result of None
    if not isinstance(result, Sequence) or isinstance(result, str):
        raise PluginError(
            f"{label}: hook {hook.name} returned {result!r}; it must return a list of {wanted.__name__}"
        )
    for spec in result:
        if not isinstance(spec, wanted):
            raise PluginError(
                f"{label}: hook {hook.name} returned a list with {spec!r} in it; "
                f"each element must be a {wanted.__name__}"
            )
        _check_fields(spec, f"{label}: hook {hook.name}")
    return result


def _check_fields(spec: ComponentSpec, where: str) -> None:
    # Specs of all plugins are sorted and compared together, so an odd one must not get in.
    try:
        hash(spec)
    except TypeError as error:
        raise PluginError(f"{where}: a field of {spec!r} is not a plain value: {error}") from error
    if not isinstance(spec.summary, str):
        raise PluginError(f"{where}: the summary of {spec.name!r} is {spec.summary!r}, not a string")

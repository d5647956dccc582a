"""Asks one plugin what it offers, through pluggy, and makes the host's own specs of what it says.

Each plugin is judged by a plugin manager of its own, which is thrown away: pluggy's ``register`` leaves
partial state behind when it fails, and here that cannot outlive the failure. An implementation is given those
of the host's arguments that it names. One that names an argument with a default works on older hosts, that
do not know the argument; pluggy alone would never fill it.

What a hook returns comes from a stranger: its ``repr``, its ``==`` and its iteration may all raise. Here that
is an error of that one plugin; what leaves here is plain, so that it cannot harm whoever compares it later.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from types import FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any, NamedTuple

import pluggy

from .. import hookspecs
from ..errors import PluginError, nearest
from ..kinds import HOOKS
from ..marker import MARK
from ..specs import PROJECT, ComponentSpec
from .problem import brief, first_line

VALUES: Mapping[str, Any] = {}
"""The arguments that the host gives to hooks: none in this version of the specs."""

SHOWN = 200
"""How many characters of a stranger's object a message shows, and a summary may have."""


class Offer(NamedTuple):
    """What a plugin offers.

    Args:
        specs: Its components.
        complaints: What is amiss but harms no component, such as a hook that is misspelt.
    """

    specs: tuple[ComponentSpec, ...]
    complaints: tuple[str, ...] = ()


def collect(
    plugin: object, label: str, *, declared: Any = hookspecs, values: Mapping[str, Any] = VALUES
) -> Offer:
    """Call all hooks of a plugin.

    Args:
        plugin: A module, or an object, with functions marked by ``@rheobase.hookimpl``.
        label: The plugin in words, for messages.
        declared: The module or object that declares the hooks.
        values: The arguments that the host gives to hooks, by name.

    Returns:
        The specs that the hooks return, in the order of :data:`HOOKS`. They are the host's own, with plain
        values: no code of the plugin runs when they are compared later.

    Raises:
        PluginError: If the plugin cannot be searched or has no hooks, if a hook has a wrong signature,
            raises, or returns anything but a sequence of its spec, or if one name is offered twice.

    Example:
        >>> from rheobase import NeuronSpec, hookimpl
        >>> class Toy:
        ...     @hookimpl
        ...     def rheobase_neurons(self):
        ...         return [NeuronSpec("toy", "toy_models.neuron:Toy")]
        >>> collect(Toy(), "plugin Toy").specs[0].name
        'toy'
    """
    manager = pluggy.PluginManager(PROJECT)
    hooks: Any = _Functions({name: getattr(declared, name) for name in HOOKS})
    manager.add_hookspecs(hooks)
    try:
        adapted = _adapted(plugin, label, declared, values)
        manager.register(adapted, name=label)
    except (PluginError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise PluginError(f"{label}: {first_line(error)}; it cannot be searched for hooks") from error
    callers = {caller.name: caller for caller in manager.get_hookcallers(adapted) or ()}
    complaints = tuple(
        f"there is no hook {name!r}{nearest(name, HOOKS)}; the hooks are {', '.join(HOOKS)}"
        for name, caller in sorted(callers.items())
        if not caller.has_spec() and not all(each.optionalhook for each in caller.get_hookimpls())
    )
    if not callers:
        what = (
            "the module" if isinstance(plugin, ModuleType) else f"an object of type {type(plugin).__name__}"
        )
        raise PluginError(
            f"{label}: no hook was found in {what}; mark functions named {', '.join(HOOKS)} with "
            "@rheobase.hookimpl"
        )
    specs: dict[tuple[str, str], ComponentSpec] = {}
    for name in HOOKS:
        # One plugin may have several functions for a hook, each marked with specname=.
        for each in callers[name].get_hookimpls() if name in callers else ():
            for spec in _call(each.function, name, label, declared):
                if specs.setdefault((spec.kind, spec.name), spec) != spec:
                    raise PluginError(f"{label}: hook {name} offers {spec.name!r} twice; give each a name")
    return Offer(tuple(specs.values()), complaints)


class _Functions:
    """Functions as attributes, and nothing else: pluggy looks into every attribute of what it is given."""

    def __init__(self, functions: Mapping[str, Callable[..., Any]]) -> None:
        vars(self).update(functions)

    def __dir__(self) -> list[str]:
        return list(vars(self))


def _adapted(plugin: object, label: str, declared: Any, values: Mapping[str, Any]) -> _Functions:
    """The plugin's hooks, each as a function without arguments that has the host's values in it."""
    functions: dict[str, Callable[[], Any]] = {}
    for name, options in _marked(plugin):
        hook = options.get("specname") or name
        if options.get("wrapper") or options.get("hookwrapper"):
            raise PluginError(f"{label}: hook {hook} is marked as a wrapper; hooks of Rheobase have none")
        implementation = getattr(plugin, name)
        wanted = _arguments(implementation, hook, label, declared, values) if hook in HOOKS else {}
        functions[f"hook_{len(functions)}"] = _bound(implementation, wanted, {**options, "specname": hook})
    return _Functions(functions)


def _marked(plugin: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """The attributes of a plugin that are marked, each with the options of its mark.

    pluggy passes over callable objects, in silence. Neither runs properties.
    """
    own = vars(plugin) if isinstance(plugin, ModuleType) else None
    for name in dir(plugin):
        # A module has no properties, and a look into its dictionary is quick.
        holder = inspect.getattr_static(plugin, name, None) if own is None else own.get(name)
        if isinstance(holder, MemberDescriptorType):  # of __slots__
            holder = getattr(plugin, name, None)
        options = _mark(holder)
        if options is None and isinstance(holder, (staticmethod, classmethod, MethodType)):
            options = _mark(holder.__func__)
        if options is not None:
            yield name, options


def _mark(holder: object) -> dict[str, Any] | None:
    if isinstance(holder, FunctionType):
        options = vars(holder).get(MARK)
    elif isinstance(holder, (type, ModuleType)):
        return None
    else:
        options = inspect.getattr_static(holder, MARK, None)
    return options if isinstance(options, dict) else None


def _bound(implementation: Any, wanted: Mapping[str, Any], options: Any) -> Callable[[], Any]:
    def call() -> Any:
        return implementation(**wanted)

    call.given = implementation  # type: ignore[attr-defined]
    setattr(call, MARK, options)
    return call


def _arguments(
    implementation: Any, hook: str, label: str, declared: Any, values: Mapping[str, Any]
) -> dict[str, Any]:
    takes = inspect.signature(implementation).parameters.values()
    named = [each for each in takes if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]
    for each in takes:
        known = each.name in values and each in named
        optional = each.default is not each.empty or each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
        if not known and not optional:
            unbound = "; register an object of the class, not the class" if each.name == "self" else ""
            raise PluginError(
                f"{label}: hook {hook} needs the argument {each.name!r}, which this host does not give"
                f"{unbound}: {_signatures(implementation, hook, declared)}"
            )
    if any(each.kind is each.VAR_KEYWORD for each in takes):
        return dict(values)
    return {each.name: values[each.name] for each in named if each.name in values}


def _signatures(implementation: Any, hook: str, declared: Any) -> str:
    given, right = _signature(implementation, hook), _signature(getattr(declared, hook), hook)
    return f"it is {given}, and must be {right}"


def _signature(function: Any, hook: str) -> str:
    # Annotations may be strings, which are printed without their quotes, or classes, without their module.
    signature = (
        str(inspect.signature(function)).replace(chr(39), "").replace(f"{ComponentSpec.__module__}.", "")
    )
    return f"{'async ' * inspect.iscoroutinefunction(function)}{hook}{signature}"


def _call(function: Any, hook: str, label: str, declared: Any) -> list[ComponentSpec]:
    where, wanted = f"{label}: hook {hook}", HOOKS[hook].spec
    try:
        result = function()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise PluginError(f"{where} raised {first_line(error)}") from error
    must = f"it must return a list of {wanted.__name__}"
    try:
        if inspect.iscoroutine(result):
            result.close()  # or Python warns that nobody awaited it
        if not isinstance(result, Sequence) or isinstance(result, str):
            fault = f"returned {_shown(result)}; {must}"
        else:
            specs = list(result)
            odd = [spec for spec in specs if not isinstance(spec, wanted)]
            if not odd:
                return [_rebuilt(spec, wanted, where) for spec in specs]
            a = "an" if wanted.__name__[0] in "AEIO" else "a"
            fault = f"returned a list with {_shown(odd[0])} in it; each element must be {a} {wanted.__name__}"
    except (PluginError, KeyboardInterrupt):
        raise
    except BaseException as error:
        cause = f"{where} returned what cannot be read, {first_line(error)}; {must}"
        raise PluginError(f"{cause}: {_signatures(function.given, hook, declared)}") from error
    raise PluginError(f"{where} {fault}: {_signatures(function.given, hook, declared)}")


def _rebuilt(spec: ComponentSpec, wanted: type[ComponentSpec], where: str) -> ComponentSpec:
    """The spec, of exactly this class, with plain values."""
    values = {each.name: getattr(spec, each.name) for each in fields(wanted)}
    for name, value in values.items():
        if value is not None and not isinstance(value, (str, int, float)):
            raise PluginError(
                f"{where}: the field {name} of {_shown(spec)} is {_shown(value)}, which is not a plain "
                "value; fields are strings, numbers, True, False or None"
            )
        values[name] = _plain(value)
    if not isinstance(values["summary"], str):
        raise PluginError(
            f"{where}: the summary of {_shown(spec)} is {_shown(values['summary'])}, not a string"
        )
    values["summary"] = brief(values["summary"], SHOWN)
    try:
        return wanted(**values)
    except PluginError as error:  # a subclass may have checked nothing
        raise PluginError(f"{where}: {error}") from error


def _plain(value: Any) -> Any:
    # Of a subclass of str, int or float too, without asking it.
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    return float.__float__(value) if isinstance(value, float) else int.__int__(value)


def _shown(value: object) -> str:
    """A stranger's object for a message, in one line that is not too long."""
    try:
        text = " ".join(repr(value).split())
    except KeyboardInterrupt:
        raise
    except BaseException:
        return f"an object of class {type(value).__name__}"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."

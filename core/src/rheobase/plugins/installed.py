"""Loads what is installed: core's components, and those of each plugin that is found."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

import importlib_metadata

from ..errors import PluginError
from ..specs import Provenance
from . import discovery, hooks
from .component import Registered, word

CORE = "rheobase"
"""The distribution whose names cannot be shadowed."""


@dataclass(frozen=True)
class Installed:
    """What a scan led to.

    Args:
        components: Everything on offer.
        problems: A message for whatever is amiss.
        broken: The distributions of which a plugin was left out.
    """

    components: tuple[Registered, ...]
    problems: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()


@functools.cache
def core() -> Installed:
    """Core's own components, which come through the same hooks as everybody's.

    Example:
        >>> sorted(part.spec.name for part in core().components if part.spec.kind == "integrator")
        ['rk1', 'rk2', 'rk3', 'rk4']
    """
    from .. import builtin

    try:
        version = importlib_metadata.version(CORE)
    except importlib_metadata.PackageNotFoundError:  # run from a source tree
        version = None
    return Installed(
        tuple(
            Registered(spec, Provenance(spec.kind, spec.name, CORE, version), "core")
            for spec in hooks.collect(builtin, CORE).specs
        )
    )


def load(found: discovery.Scan) -> Installed:
    """Load every plugin of a scan; one that fails is left out whole, and described.

    Args:
        found: The entry points.

    Returns:
        Core's components and those of all plugins that work.

    Example:
        >>> bad = discovery.Entry("bad-models", "0.3", "bad", "no_such_module")
        >>> load(discovery.Scan((bad,))).broken
        ('bad-models 0.3',)
    """
    components = list(core().components)
    own = {(component.spec.kind, component.spec.name) for component in components}
    problems = list(found.problems)
    broken: list[str] = []
    for entry in found.entries:
        offer = _offer(entry)
        if isinstance(offer, str):
            problems.append(offer)
            broken.append(f"{entry.distribution} {entry.version}")
            continue
        offered = [
            Registered(spec, Provenance(spec.kind, spec.name, entry.distribution, entry.version), entry.name)
            for spec in offer.specs
        ]
        problems.extend(offer.complaints)
        problems.extend(
            f"{entry.label}: {complaint}; the plugin's own is {component.qualified!r}"
            for component, complaint in shadowing(offered, own)
        )
        components.extend(offered)
    return Installed(tuple(components), tuple(problems), tuple(dict.fromkeys(broken)))


def shadowing(
    components: Iterable[Registered], own: Iterable[tuple[str, str]]
) -> list[tuple[Registered, str]]:
    """The components whose names are core's, each with a complaint.

    Args:
        components: Components of a plugin.
        own: Kind and name of core's components.
    """
    return [
        (component, f"the {word(component.spec.kind)} {component.spec.name!r} is core's and stays so")
        for component in components
        if (component.spec.kind, component.spec.name) in own
    ]


def _offer(entry: discovery.Entry) -> hooks.Offer | str:
    try:
        plugin = discovery.load(entry)
    except PluginError as error:
        return str(error)
    try:
        return hooks.collect(plugin, entry.label)
    except PluginError as error:
        return entry.left_out(str(error).removeprefix(f"{entry.label}: "))

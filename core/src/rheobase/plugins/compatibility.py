"""Whether a plugin was made for this host, judged from its metadata before anything of it is imported.

A plugin says so twice, and may leave out either::

    [project]
    dependencies = ["rheobase>=0.1,<0.2"]        # the versions of the core

    [project.entry-points."rheobase.spec"]
    toy = "v1"                                    # the spec versions, or "v1:v2" for 1 to 2

A host understands the specs of its own version and those of the version before. A plugin that was made for
several versions works where one of them is understood.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from ..specs import PROJECT
from .host import Host

SPEC_GROUP = f"{PROJECT}.spec"
"""The entry-point group in which a plugin says for which spec versions it was made."""

_SPEC = re.compile(r"v?(?P<first>\d{1,6})(?::v?(?P<last>\d{1,6}))?")
_PROJECT = re.compile(rf"{PROJECT}(?![\w.-]*\w)", re.IGNORECASE)


def about_core(requires: Sequence[str]) -> tuple[str, ...]:
    """Those ``Requires-Dist`` lines that name the core."""
    return tuple(line for line in requires if _PROJECT.match(line.strip()))


def judge(distribution: str, requires: Sequence[str], spec: str, version: str, host: Host) -> tuple[str, str]:
    """Why a host cannot use a plugin, and what to do.

    Args:
        distribution: The plugin's distribution.
        requires: Its ``Requires-Dist`` lines that name the core.
        spec: The spec versions for which it was made; empty: not said.
        version: The version of the core; empty: not known, as in a source tree.
        host: The host's spec versions.

    Returns:
        Cause and command; two empty strings if it can be used.
    """
    newer_host = f"Upgrade the host: pip install --upgrade {PROJECT}"
    newer_plugin = f"Upgrade the plugin: pip install --upgrade {distribution}"
    for line in requires if version else ():
        admits, unreadable = _admits(line, version)
        if unreadable:
            return f"its requirement {line!r} cannot be read: {unreadable}", newer_plugin
        if not admits:
            mend = f"Install versions that go together: pip install --upgrade {PROJECT} {distribution}"
            return f"it needs {line}, and this is {PROJECT} {version}", mend
    if not spec:
        return "", ""
    match = _SPEC.fullmatch(spec)
    first, last = (int(match["first"]), int(match["last"] or match["first"])) if match else (1, 0)
    if first > last:
        return f'its spec version {spec!r} is not of the form "v1" or "v1:v2"', newer_plugin
    understood = _range(host.oldest, host.spec)
    cause = f"it was made for spec version {_range(first, last)}, and this host understands {understood}"
    if first > host.spec:
        return cause, newer_host
    return (cause, newer_plugin) if last < host.oldest else ("", "")


@functools.cache
def _admits(line: str, version: str) -> tuple[bool, str]:
    """Whether a requirement is content with a version of the core; or why it cannot be read."""
    from packaging.requirements import InvalidRequirement, Requirement  # here: an index that holds needs none

    try:
        need = Requirement(line)
    except InvalidRequirement as error:
        return False, str(error).splitlines()[0]
    applies = need.marker is None or need.marker.evaluate({"extra": ""})
    return not applies or need.specifier.contains(version, prereleases=True), ""


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"

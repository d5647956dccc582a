"""The host as plugins see it, and whether this process is one that examines plugins."""

from __future__ import annotations

import os
from typing import NamedTuple

from ..specs import OLDEST_SPEC_VERSION, SPEC_VERSION

EXAMINING = "RHEOBASE_EXAMINING"
"""Set in a process that examines plugins, and in those that it starts: there, core's components are all."""


class Host(NamedTuple):
    """The host's spec version, and the oldest that it understands."""

    spec: int = SPEC_VERSION
    oldest: int = OLDEST_SPEC_VERSION


def close() -> None:
    """From now on this process, and those that it starts, see core's components only."""
    os.environ[EXAMINING] = "1"


def closed() -> bool:
    """Whether plugins are being examined here."""
    return bool(os.environ.get(EXAMINING))

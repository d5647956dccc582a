"""Keeps a process that examines plugins from looking for plugins itself."""

from __future__ import annotations

import os

EXAMINING = "RHEOBASE_EXAMINING"
"""Set in a process that examines plugins, and in those that it starts: there, core's components are all."""


def close() -> None:
    """From now on this process, and those that it starts, see core's components only."""
    os.environ[EXAMINING] = "1"


def closed() -> bool:
    """Whether plugins are being examined here.

    Example:
        >>> closed()
        False
    """
    return bool(os.environ.get(EXAMINING))

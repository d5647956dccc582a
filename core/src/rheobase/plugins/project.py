"""The user's project: the nearest folder, from the working one upwards, with Rheobase's settings or lock."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

from ..errors import ConfigurationError

SETTINGS = "rheobase.toml"
LOCK = "rheobase.lock"


def find(name: str) -> str | None:
    """The nearest file of this name, in the working folder or one above it.

    Returns:
        Its path; None where there is none.

    Raises:
        ConfigurationError: If something else has that name, such as a link that leads nowhere: whoever put
            it there means something to hold, and nothing would.

    Example:
        >>> find("no such file") is None
        True
    """
    try:
        folder = os.getcwd()
    except OSError:  # the working folder is gone
        return None
    while True:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return path
        # A folder may well have the name of the settings; it locks nothing out.
        if os.path.lexists(path) and (name == LOCK or not os.path.isdir(path)):
            raise ConfigurationError(f"{path} is no file, so it cannot be read; mend it, or remove it")
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


def read_settings() -> tuple[str, dict[str, Any]]:
    """Read the ``[plugins]`` table of the project's settings.

    Returns:
        The file's path and the table; two empty values where there is no such file.

    Raises:
        ConfigurationError: If the file cannot be read, or is no TOML.
    """
    path = find(SETTINGS)
    if path is None:
        return "", {}
    # Not above: most projects have no such file. Before Python 3.11 the reader is a package of its own.
    toml: Any = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        with open(path, "rb") as file:
            content = toml.load(file)
    except (OSError, UnicodeDecodeError, toml.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}; mend it, or remove it") from error
    unknown = sorted(set(content) - {"plugins"})
    table = content.get("plugins", {})
    if unknown or not isinstance(table, dict):
        raise ConfigurationError(f"{path} has {unknown or 'plugins = ...'}; it may have one table, [plugins]")
    return path, table

"""Reading settings from a YAML file, safely."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from ..errors import ConfigurationError


class _Loader(yaml.SafeLoader):
    """The safe loader, with two traps taken out: 1e3 is a number, and no key may come twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for index, key in enumerate(keys):
            if key in keys[:index]:
                line = node.value[index][0].start_mark.line + 1
                raise ConfigurationError(f"line {line}: the key {key!r} comes twice; give it once")
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+(?:\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def read_yaml(path: Path) -> dict[str, Any]:
    """The settings of a YAML file, by a safe loader: values only, never objects.

    Raises:
        ConfigurationError: If the file is missing or unreadable, no YAML, or no mapping.
    """
    try:
        settings = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}; give a YAML file") from error
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}, {error}") from error
    except (yaml.YAMLError, UnicodeDecodeError, TypeError) as error:  # TypeError: a key that is a list
        raise ConfigurationError(f"{path}: is no YAML that can be used: {error}") from error
    if not isinstance(settings, dict):
        found = "nothing" if settings is None else type(settings).__name__
        raise ConfigurationError(f"{path}: holds {found}; give a mapping of settings, such as model: lif")
    return settings

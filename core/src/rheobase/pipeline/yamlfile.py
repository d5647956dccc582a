"""Reading settings from a YAML file, safely."""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from ..errors import ConfigurationError, shown
from ..files import reading

MOST = 4 * 2**20
"""Bytes that a file of settings may have."""
DEEPEST = 32
"""Levels of its mappings and lists."""
_ANOTHER_BASE = re.compile(r"[-+]?(0[0-7_]+|[0-9_]+(:[0-9_]+)+(\.[0-9_]*)?)")


class _Loader(yaml.SafeLoader):
    """The safe loader, without aliases, keys that come twice, and numbers to the base 8 or 60."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        # By aliases a short text becomes an endless one.
        if isinstance(event, yaml.AliasEvent):
            raise _refusal(event, "aliases (*name) are not read; write the value out")
        self.depth += 1
        if self.depth > DEEPEST:
            raise _refusal(event, f"more than {DEEPEST} levels are not read")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise _refusal(key_node, f"the key {shown(key)} cannot be used; give a name")
            if key in seen:
                raise _refusal(key_node, f"the key {shown(key)} comes twice; give it once")
            seen.add(key)
        return super().construct_mapping(node, deep)

    def construct_scalar(self, node: Any) -> Any:
        text = super().construct_scalar(node)
        number = node.tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
        # YAML 1.1 reads 0300 as 192 and 1:30 as 90, which hardly anybody means.
        if number and _ANOTHER_BASE.fullmatch(str(text)):
            raise _refusal(
                node,
                f"{shown(text)} is no decimal number (YAML takes it as one to the base 8 or 60); "
                "write the number that is meant, or put a text in quotes",
            )
        return text

    def construct_yaml_int(self, node: Any) -> int:
        # The length first: int() of many digits takes long, and newer Pythons refuse it in words of their
        # own.
        if len(str(node.value)) > 100 or abs(number := super().construct_yaml_int(node)) >= 2**64:
            raise _refusal(node, f"the integer {shown(node.value)} is too large; give one below 2**64")
        return number


# YAML 1.1 wants a dot and a sign in 1.0e+3, and takes 1e3 for a text.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+(?:\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)


def read_yaml(path: Path) -> dict[str, Any]:
    """The settings of a YAML file, by a safe loader: values only, never objects."""
    with reading(path, ConfigurationError, "YAML", "give a file of settings", most=MOST) as file:
        try:
            settings = yaml.load(file.read(MOST).decode("utf-8-sig"), Loader=_Loader)
        except ConfigurationError as error:
            raise ConfigurationError(f"{path}, {error}") from error
    if not isinstance(settings, dict):
        found = "nothing" if settings is None else type(settings).__name__
        raise ConfigurationError(f"{path}: holds {found}; give a mapping of settings, such as model: lif")
    return settings


def _refusal(place: Any, why: str) -> ConfigurationError:
    """An error at a node or an event."""
    return ConfigurationError(f"line {place.start_mark.line + 1}: {why}")

"""The names that the functions of a model read, and which of them are other modules'."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator

_BELOW = sys.stdlib_module_names | {"torch", "numpy", "rheobase"}
"""Packages that no author takes for a part of a model."""


def borrowed(tree: ast.Module, nodes: Iterable[ast.AST], package: str) -> tuple[str, ...]:
    """What functions use of other modules, as ``module:name``.

    Args:
        tree: The module that they are written in.
        nodes: The functions.
        package: What its relative imports start from.
    """
    imported = dict(_imports(tree, package))
    found: set[str] = set()
    for node in nodes:
        for each in read_names(node):
            base, _, rest = each.partition(".")
            if base in imported:
                module, _, name = imported[base].partition(":")
                used = f"{module}:{name or rest}" if name or rest else module
                found.add(used)
    return tuple(sorted(each for each in found if each.partition(":")[0].partition(".")[0] not in _BELOW))


def _imports(tree: ast.Module, package: str) -> Iterator[tuple[str, str]]:
    """Names that imports give, wherever they stand: each with its module, or with ``module:name``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                # ``import a.b`` gives the name a.
                yield (each.asname, each.name) if each.asname else (each.name.partition(".")[0],) * 2
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            for each in node.names:
                yield each.asname or each.name, f"{module}:{each.name}"


def read_names(node: ast.AST) -> Iterator[str]:
    """The names that a function reads, with the first attribute of each; annotations are none of it."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        yield f"{node.value.id}.{node.attr}"
        return
    if isinstance(node, ast.Name):
        yield node.id
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from read_names(child)

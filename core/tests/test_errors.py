"""The tree of errors that the module draws is the tree of its classes."""

from __future__ import annotations

import re

from rheobase import errors


def test_the_drawn_tree_of_errors_is_that_of_the_classes() -> None:
    drawn: dict[str, str] = {}
    trail: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^( {4}[ │├└─]*)([A-Z]\w+)", line)
        if not found:
            continue
        depth, name = len(found[1]), found[2]
        trail = [(at, above) for at, above in trail if at < depth]
        builtin = re.search(r"\((\w+)\)$", line)
        drawn[name] = " ".join([*(above for _, above in trail[-1:]), *([builtin[1]] if builtin else [])])
        trail.append((depth, name))
    made = {
        name: " ".join(base.__name__ for base in kind.__bases__)
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, (errors.RheobaseError, errors.RheobaseWarning))
    }
    assert made.pop("RheobaseError") == "Exception"
    assert drawn.pop("RheobaseError") == ""
    assert drawn == made

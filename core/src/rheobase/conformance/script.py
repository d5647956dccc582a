"""The script that shows a failure again, by copy and paste."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .property import Property
    from .subject import Subject


def script(prop: Property, subject: Subject, case: Any, seen: str) -> str:
    """A script that tries one property on one case.

    Args:
        prop: The property that failed.
        subject: The component.
        case: The case, or None where the property has none.
        seen: What was seen.

    Returns:
        Python, complete.
    """
    names = ["reproduce"] if case is None else [type(case).__name__, "reproduce"]
    arguments = [repr(subject.target), repr(prop.name)]
    lines = [f"# {prop.name}: {prop.statement}", *(f"# {line}" for line in f"seen: {seen}".splitlines())]
    if subject.spec is not None and subject.provenance is None:
        # What is not installed is judged by the spec that came with it.
        lines.append(f"from rheobase.specs import {type(subject.spec).__name__}")
    lines.append(f"from rheobase.conformance import {', '.join(names)}")
    if case is not None:
        lines += ["", f"case = {case!r}"]
        arguments.append("case")
    if subject.spec is not None and subject.provenance is None:
        arguments.append(f"spec={subject.spec!r}")
    return "\n".join([*lines, f"reproduce({', '.join(arguments)})", ""])

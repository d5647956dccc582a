"""The script that shows a failure again, by copy and paste."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rheobase.spi import is_path

from .again import folder_to_add, found_again

if TYPE_CHECKING:
    from .property import Property
    from .subject import Subject


NOT_DRAWN = "No case could be drawn: the component fails where it is measured."
BY_ALL = "Its case alone does not show it: the failure depends on the cases before it."


def script(
    prop: Property,
    subject: Subject,
    case: Any,
    seen: str,
    profile: str,
    seed: int,
    *,
    without: str = NOT_DRAWN,
) -> str:
    """A script that tries one property on one case.

    Args:
        prop: The property that failed.
        subject: The component.
        case: The case, or None where the property has none, or none could be drawn.
        seen: What was seen.
        profile: The profile by which cases were to be drawn, for the latter.
        seed: The seed, likewise.
        without: Why there is no case, where the property has cases.

    Returns:
        Python, complete; a comment says so where the component cannot be imported, and must be there.
    """
    target = found_again(subject)
    lines = [f"# {prop.name}: {prop.statement}"]
    lines += [f"# seen: {line}" if not n else f"# {line}" for n, line in enumerate(seen.splitlines())]
    arguments = [repr(target) if target else _word(subject), repr(prop.name)]
    imports = ["from rheobase.conformance import reproduce"]
    if case is not None:
        imports = [f"from rheobase.conformance import {type(case).__name__}, reproduce"]
        arguments.append("case")
    elif prop.cases is not None:
        lines.append(f"# {without}")
        arguments += [f"profile={profile!r}", f"seed={seed!r}"]
    if subject.spec is not None and not brings_its_spec(subject):
        imports.append(f"from rheobase.specs import {type(subject.spec).__name__}")
        arguments.append(f"spec={subject.spec!r}")
    else:
        arguments.append(f"kind={subject.kind!r}")
    if not target:
        lines += [
            f"# {subject.target} cannot be imported from elsewhere: it was defined in the main script or",
            f"# within a function, or given as an object. Run this where {_word(subject)} is that component.",
        ]
    elif folder := folder_to_add(target):
        imports = ["import sys", "", f"sys.path.insert(0, {folder!r})", *imports]
    if case is not None:
        imports += ["", f"case = {case!r}"]
    return "\n".join([*lines, *imports, f"reproduce({', '.join(arguments)})", ""])


def _word(subject: Subject) -> str:
    """A Python name for a component that is given as an object."""
    last = subject.target.rpartition(":")[2].rpartition(".")[2]
    return last if last.isidentifier() else "component"


def brings_its_spec(subject: Subject) -> bool:
    """Whether the component is found together with what is claimed of it: installed, or in a project."""
    if subject.provenance is not None:
        return subject.provenance.distribution is not None
    return is_path(subject.target) and bool(subject.hook_module)

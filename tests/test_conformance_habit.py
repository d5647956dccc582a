"""Validation is a habit: all that our distributions offer is judged by their own tests."""

from __future__ import annotations

import re
from pathlib import Path

import rheobase as rb
from rheobase.conformance.kinds import SUBJECTS

ROOT = Path(__file__).resolve().parents[1]
SUITE = re.compile(
    r"^(?P<by_hand>@pytest\.mark\.by_hand\n)?class (?P<name>\w+)\((?P<base>\w+)\):\n"
    r'(?:    component = "(?P<component>[^"]+)"\n)?(?:    profile = "(?P<profile>\w+)"\n)?',
    flags=re.MULTILINE,
)


ALL = re.compile(
    r"^@pytest\.mark\.by_hand\n@pytest\.mark\.parametrize\(.*, (?P<list>[A-Z]+)\)\ndef .*\n(?:    .*\n)*?"
    r"    report = (?:conformance\.)?check\(name",
    flags=re.MULTILINE,
)
"""A test that judges one after the other all that the module's hooks offer: those of a list made of them."""


def judged_by_list(file: Path) -> str | None:
    """The distribution of which a file judges all that it offers, in the standard profile and by hand."""
    text = file.read_text(encoding="utf-8")
    found = ALL.search(text)
    if found is None:
        return None
    (made,) = re.findall(rf"^{found['list']} = \[\n?(.*?)^\]|^{found['list']} = \[(.*)\]", text, re.M | re.S)
    hooks = set(re.findall(r"rheobase_(?:neurons|rules|synapses)\(\)", "".join(made)))
    return f"rheobase-{file.parents[1].name}" if hooks else None


def test_every_component_of_ours_is_judged_and_in_the_full_profile_too() -> None:
    as_a_rule, in_full, by_list = set(), set(), set()
    for file in ROOT.glob("plugins/*/tests/test_conformance*.py"):
        by_list.add(judged_by_list(file))
        components: dict[str, str] = {}
        for found in SUITE.finditer(file.read_text(encoding="utf-8")):
            component = found["component"] or components.get(found["base"])
            if component is None:
                continue
            components[found["name"]] = component
            if found["profile"] == "full":
                in_full.add(component)
            if not found["by_hand"]:
                as_a_rule.add(component)
    ours = {
        component.spec.name
        for component in rb.list_components()
        if component.spec.kind in SUBJECTS
        and (component.provenance.distribution or "").partition("-")[0] == "rheobase"
        # Of many, which full would take hours for: all of them in standard, by hand.
        and component.provenance.distribution not in by_list
    }
    assert len(ours) >= 15
    assert by_list == {None, "rheobase-plasticity", "rheobase-synapses", "rheobase-zoo"}
    assert ours - as_a_rule == set()
    assert ours - in_full == set()

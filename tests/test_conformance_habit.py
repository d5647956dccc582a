"""Validation is a habit: all that our distributions offer is judged by their own tests, in full by hand."""

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


def test_every_component_of_ours_is_judged_and_in_the_full_profile_too() -> None:
    as_a_rule, in_full = set(), set()
    for file in ROOT.glob("plugins/*/tests/test_conformance*.py"):
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
    }
    assert len(ours) >= 15
    assert ours - as_a_rule == set()
    assert ours - in_full == set()

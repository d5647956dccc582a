"""The kit's own trial: planted faults must be caught, and sound components left in peace.

Each file of the folder ``zoo`` has ``FAULTS``, the name of an object -> the family of properties that must
catch it, or ``SOUND``, a list of names; and where its objects are integrators or aggregators ``SPECS``,
name -> what is claimed of it.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from rheobase import conformance
from rheobase.conformance.sources import module_of_file

ZOO = Path(__file__).parent / "zoo"


class Animal(NamedTuple):
    """An object of the zoo."""

    file: Path
    name: str
    family: str

    def check(self, profile: str, seed: int = 0) -> conformance.Report:
        """Judge it."""
        specs = getattr(module_of_file(self.file), "SPECS", {})
        return conformance.check(f"{self.file}:{self.name}", profile, spec=specs.get(self.name), seed=seed)


def animals(table: str) -> list[Animal]:
    """The objects that are named in a table of the files; the files are not imported for it."""
    found = []
    for file in sorted(ZOO.glob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == table:
                names: Any = ast.literal_eval(node.value)
                families = names if isinstance(names, dict) else dict.fromkeys(names, "")
                found += [Animal(file, name, family) for name, family in families.items()]
    return found


def caught(animal: Animal, report: conformance.Report) -> list[str]:
    """The properties of the fault's family that failed."""
    return [each.prop.name for each in report.failures if each.prop.family == animal.family]


FAULTS, SOUND = animals("FAULTS"), animals("SOUND")


@pytest.mark.parametrize("animal", FAULTS, ids=lambda animal: animal.name)
def test_a_planted_fault_is_caught_by_its_family(animal: Animal) -> None:
    report = animal.check("smoke")
    assert caught(animal, report), f"{animal.name} ({animal.family}) is not caught\n{report}"


@pytest.mark.parametrize("animal", SOUND, ids=lambda animal: animal.name)
def test_a_sound_component_is_not_accused(animal: Animal) -> None:
    report = animal.check("smoke")
    assert report.ok, str(report)

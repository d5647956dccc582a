"""The kit's own trial: planted faults must be caught, and sound components left in peace.

Each file of the folder ``zoo`` has ``FAULTS``, the name of an object -> the property that must catch it, or
``SOUND``, a list of names. Where it is so, a file has further

- ``DEAR``, a list of sound objects that cost the kit most, and are tried by hand only;
- ``FULL``, the name of a fault that only the full profile catches, by its wider range -> the property that
  asks the same in the standard profile, which it passes;
- ``HARDEST``, the name of a sound object -> the properties that it is hardest for, which are tried in the
  standard profile in the usual run, in place of all in the smoke profile;
- ``SPECS``, the name of an integrator or an aggregator -> what is claimed of it;
- ``STANDARD``, a list of faults that the smoke profile does not catch, since the properties that do are tried
  in the standard profile only.

In the usual run each property has two of its faults to catch, and by hand all of them; see ``FIRST_TWO``.
``zoo/KILLS.md`` has the other direction, property -> faults, and ``zoo/SOUND.md`` a sound object that each
property passes in the usual run; this file, run as a script, writes both.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from rheobase import conformance
from rheobase.conformance.checking import judge_subject
from rheobase.conformance.finding import find_one
from rheobase.conformance.kinds import SUBJECTS
from rheobase.conformance.neurons import spiking
from rheobase.conformance.profiles import PROFILES
from rheobase.conformance.running import judge
from rheobase.conformance.subject import Subject
from rheobase.pointing import module_of_file

ZOO = Path(__file__).parent / "zoo"


class Animal(NamedTuple):
    """An object of the zoo.

    Attributes:
        file: Where it is.
        name: Its name there.
        said: What the table says of it: a family, a property or a list of them; empty in a list of names.
    """

    file: Path
    name: str
    said: Any

    def subject(self) -> Subject:
        """What the kit makes of it."""
        specs = getattr(module_of_file(self.file), "SPECS", {})
        return find_one(f"{self.file}:{self.name}", spec=specs.get(self.name))

    def __str__(self) -> str:
        return f"{self.file.stem}-{self.name}"

    def check(self, profile: str, seed: int = 0) -> conformance.Report:
        """Judge it."""
        return judge_subject(self.subject(), profile, seed=seed)

    @property
    def family(self) -> str:
        """The family of the property that must catch it."""
        return FAMILY[self.subject().kind, self.said]

    def caught_by(self, profile: str) -> list[str]:
        """The properties of that family which fail."""
        subject, found = self.subject(), []
        for prop in conformance.properties(subject.kind):
            if prop.family == self.family:
                result = judge(prop, subject, PROFILES[profile], seed=0)
                if result.verdict is conformance.Verdict.FAILED:
                    found.append(prop.name)
        return found

    def is_of_its_own(self, seen: str) -> bool:
        """Whether an error is the object's own, or about it; one within the kit says nothing of it."""
        obj: Any = self.subject().obj
        names = (self.file.name, f"{getattr(obj, '__name__', type(obj).__name__)}.")
        return any(name in seen for name in names)

    @property
    def quickest(self) -> str:
        """The quickest profile that catches it."""
        if str(self) in WIDER:
            return "full"
        known = getattr(module_of_file(self.file), "STANDARD", ())
        return "standard" if self.name in known else "smoke"


def animals(table: str) -> list[Animal]:
    """The objects that are named in a table of the files; the files are not imported for it."""
    found = []
    for file in sorted(ZOO.glob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == table:
                names: Any = ast.literal_eval(node.value)
                said = names if isinstance(names, dict) else dict.fromkeys(names, "")
                found += [Animal(file, *each) for each in said.items()]
    return found


FAULTS, SOUND = animals("FAULTS"), animals("SOUND")
HARDEST, FULL = animals("HARDEST"), animals("FULL")
DEAR = {str(animal) for animal in animals("DEAR")}
KINDS = tuple(SUBJECTS)
FAMILY = {(kind, prop.name): prop.family for kind in KINDS for prop in conformance.properties(kind)}
EASIER = [animal for animal in SOUND if str(animal) not in {*map(str, HARDEST), *DEAR}]
HARDER = [animal for animal in HARDEST if str(animal) not in DEAR]
"""Sound ones that are tried in the usual run: in smoke by all, in standard by what they are hardest for."""
WIDER = {str(animal) for animal in FULL}
ONE_OF_EACH = {(one.file, one.said): one for one in FULL}
"""Faults that only the full profile catches, one for each property that they pass in a narrower range."""


def first_two(faults: list[Animal]) -> Iterator[Animal]:
    """Of each property the first fault, and one of another file, or else the second.

    Files are not imported for it: where several kinds have a property of a name, each file has its own.
    """
    kinds = Counter(name for _, name in FAMILY)
    made_for: dict[Any, list[Animal]] = {}
    for fault in faults:
        made_for.setdefault((fault.said, kinds[fault.said] > 1 and fault.file), []).append(fault)
    for first, *rest in made_for.values():
        yield from (first, *sorted(rest, key=lambda fault: fault.file == first.file)[:1])


FIRST_TWO = {str(fault) for fault in first_two(FAULTS)}
"""The faults of the usual run: in a file's table those stand first that are caught soonest."""


def usual(animals: list[Animal], those: Collection[str]) -> list[Any]:
    """For ``parametrize``: those of a name among these in the usual run, the others by hand."""
    by_hand = pytest.mark.by_hand
    return [pytest.param(each, id=str(each), marks=() if str(each) in those else by_hand) for each in animals]


BY_CAUSE = (
    *("faults_effects", "faults_edges", "faults_longest", "faults_company", "faults_large"),
    *("faults_inputs", "faults_tolerances"),
)
"""Files of which no fault is told by a symptom first."""


UNSHOWN = {
    *(
        ("neuron", "hook-module-imports-no-torch"),
        ("neuron", "spec-and-object-agree"),
    ),  # of what is installed
    # Of pairs with an estimate, which the tests of the distributions judge.
    *(("integrator", "refuses-what-it-cannot-solve"), ("integrator", "values-between-as-claimed")),
}
"""Properties of the smoke profile for which no sound component of the zoo has what they ask for."""

SHOWN = [
    line.strip("| ").split(" | ") for line in (ZOO / "SOUND.md").read_text(encoding="utf-8").splitlines()[7:]
]
"""Kind, property and a sound component that passes it in the usual run."""


def lines_of(animal: Animal) -> set[tuple[str, str]]:
    """Kind and name of the properties that it is to pass in the usual run, by ``zoo/SOUND.md``."""
    return {(kind, prop) for kind, prop, name in SHOWN if name == str(animal)}


def shown_by(animal: Animal) -> set[str]:
    """The names of the properties that it is to pass in the usual run."""
    return {prop for _, prop in lines_of(animal)}


def passed(report: conformance.Report) -> set[str]:
    """The properties that were asked, and decided for what is judged: neither vacuous nor passed over."""
    return {result.prop.name for result in report.results if result.verdict is conformance.Verdict.PASSED}


@pytest.fixture(autouse=True)
def found_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault that is caught is not made smaller, which would take most of the time."""
    for name, profile in PROFILES.items():
        monkeypatch.setitem(PROFILES, name, replace(profile, shrinking=0.0))
    # To be sure that a model never spikes takes seconds.
    monkeypatch.setattr(spiking, "MANY_STEPS", spiking.STEPS)


@pytest.mark.parametrize("animal", usual(FAULTS, FIRST_TWO))
def test_a_planted_fault_is_caught_by_the_property_made_for_it(animal: Animal) -> None:
    report = judge_subject(animal.subject(), animal.quickest, only=[animal.said])
    assert not report.ok, str(report)
    seen = report.results[0].seen
    own = animal.file.stem not in BY_CAUSE and animal.is_of_its_own(seen)
    assert own or not seen.startswith("it raised"), str(report)


def test_each_property_has_two_faults_to_catch_in_the_usual_run_and_of_two_files_where_there_are() -> None:
    made_for: dict[tuple[str, str], list[Animal]] = {}
    for animal in FAULTS:
        made_for.setdefault((animal.subject().kind, animal.said), []).append(animal)
    for made, faults in made_for.items():
        tried = [animal for animal in faults if str(animal) in FIRST_TWO]
        assert len(tried) >= min(2, len(faults)), made
        assert len({animal.file for animal in tried}) >= min(2, len({animal.file for animal in faults})), made


@pytest.mark.parametrize("animal", ONE_OF_EACH.values(), ids=str)
def test_what_only_the_full_profile_catches_passes_what_is_asked_in_a_narrower_range(animal: Animal) -> None:
    report = judge_subject(animal.subject(), "standard", only=[animal.said])
    assert report.ok, str(report)


@pytest.mark.by_hand
@pytest.mark.parametrize("animal", FULL, ids=str)
def test_what_only_the_full_profile_catches_passes_the_standard_one(animal: Animal) -> None:
    report = animal.check("standard")
    assert report.ok, str(report)


@pytest.mark.by_hand
@pytest.mark.parametrize("animal", FAULTS, ids=str)
def test_the_cause_is_among_what_fails_and_where_no_symptom_is_seen_the_first(animal: Animal) -> None:
    report = animal.check(animal.quickest)
    failed = [result.prop.name for result in report.results if not result.ok]
    assert animal.said in failed, failed
    if animal.file.stem in BY_CAUSE:
        assert failed[0] == animal.said, failed


@pytest.mark.parametrize("animal", EASIER, ids=str)
def test_a_sound_component_is_not_accused(animal: Animal) -> None:
    report = animal.check("smoke")
    assert report.ok, str(report)
    assert passed(report) >= shown_by(animal)


@pytest.mark.parametrize("animal", usual(HARDEST, {*map(str, HARDER)}))
def test_a_published_model_is_not_accused_by_what_it_is_hardest_for(animal: Animal) -> None:
    report = judge_subject(animal.subject(), "standard", only=animal.said)
    assert report.ok, str(report)
    assert passed(report) >= shown_by(animal)


def test_a_sound_component_of_the_usual_run_passes_each_property_of_the_smoke_profile() -> None:
    shown = {line for animal in (*EASIER, *HARDER) for line in lines_of(animal)}
    smoke = {
        (kind, prop.name) for kind in KINDS for prop in conformance.properties(kind) if prop.level == "smoke"
    }
    assert smoke - shown == UNSHOWN


def test_every_file_of_sound_components_is_tried_in_the_usual_run_and_every_sound_one_by_hand() -> None:
    tried = [*EASIER, *HARDER]
    assert {animal.file for animal in tried} == {animal.file for animal in SOUND}
    assert {str(animal) for animal in (*SOUND, *HARDEST)} >= DEAR
    kinds = Counter(animal.subject().kind for animal in EASIER)
    assert kinds.keys() == set(KINDS)
    assert min(kinds.values()) >= 9


@pytest.mark.by_hand
@pytest.mark.parametrize("animal", SOUND, ids=str)
def test_no_sound_component_is_accused_in_the_standard_profile(animal: Animal) -> None:
    report = animal.check("standard")
    assert report.ok, str(report)


def test_adex_is_the_one_of_the_guide() -> None:
    written = (ZOO / "sound_published.py").read_text(encoding="utf-8")
    model = written[written.index("class Adex(") : written.index("class GLIF5(")].strip()
    assert model in (ZOO.parents[3] / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_zoo_is_as_large_as_it_must_be() -> None:
    assert len(FAULTS) >= 60
    assert len(SOUND) >= 15
    assert len(FULL) >= 10
    assert {animal.family for animal in FAULTS} == set(conformance.FAMILIES)


@pytest.mark.by_hand
def test_the_standard_profile_catches_95_of_100_faults(capsys: pytest.CaptureFixture[str]) -> None:
    rows, missed = [], []
    common = [animal for animal in FAULTS if str(animal) not in WIDER]
    for animal in common:
        properties = animal.caught_by("standard")
        rows.append(f"{animal.family:12} {animal.name:36} {', '.join(properties) or 'NOT CAUGHT'}")
        if not properties:
            missed.append(animal.name)
    with capsys.disabled():
        print("", *rows, f"{len(common) - len(missed)} of {len(common)} faults are caught", sep="\n")
    assert len(missed) <= 0.05 * len(common), missed


FIFTEEN = {
    *("sound_neurons-NoisyThreshold", "sound_neurons-SynapticFilter", "sound_neurons-StiffSynapse"),
    *("sound_neurons-NeverSpikes", "sound_neurons-HardFloor", "sound_neurons-SoftReset"),
    *("sound_neurons-Pacemaker", "sound_neurons-TwoConductances", "sound_neurons-SIUnits"),
    *("sound_classics-EightStates", "sound_classics-AdEx", "sound_classics-FitzHughNagumo"),
    *("sound_events-OwnForwardThatIsRight", "sound_events-Bursting", "sound_state-BoundedGates"),
}


def test_the_fifteen_are_there() -> None:
    assert {str(animal) for animal in SOUND} >= FIFTEEN
    assert len(FIFTEEN) == 15


@pytest.mark.by_hand
@pytest.mark.parametrize("first", range(0, 200, 20), ids=lambda first: f"seeds-{first}")
@pytest.mark.parametrize("animal", [animal for animal in SOUND if str(animal) in FIFTEEN], ids=str)
def test_no_sound_component_is_accused_with_any_of_200_seeds(animal: Animal, first: int) -> None:
    # What is measured of it does not hang on the seed, nor do properties that have one case.
    subject = animal.subject()
    drawn = [prop.name for prop in conformance.properties(subject.kind) if prop.cases is not None]
    for seed in range(first, first + 20):
        report = judge_subject(subject, "smoke", seed=seed, only=drawn if seed else None)
        assert report.ok, f"seed {seed}\n{report}"


@pytest.mark.by_hand
@pytest.mark.parametrize("animal", SOUND, ids=str)
def test_no_sound_component_is_accused_with_any_of_ten_seeds(animal: Animal) -> None:
    for seed in range(1, 11):
        report = animal.check("smoke", seed)
        assert report.ok, f"seed {seed}\n{report}"


@pytest.mark.by_hand
@pytest.mark.parametrize("animal", SOUND, ids=str)
def test_no_sound_component_is_accused_in_the_full_profile(animal: Animal) -> None:
    report = animal.check("full", seed=1)
    assert report.ok, str(report)


def kills() -> str:
    """For each property the planted faults that it must catch, in Markdown."""
    made_for: dict[tuple[str, str], list[str]] = {}
    for animal in FAULTS:
        made_for.setdefault((animal.subject().kind, animal.said), []).append(animal.name)
    lines = [
        "# What each property of the kit must catch",
        "",
        "Property -> the planted faults that are made for it, from the tables `FAULTS` of the files beside.",
        "Written by `python plugins/conformance/tests/test_zoo.py`.",
    ]
    for kind in KINDS:
        names = [prop.name for prop in conformance.properties(kind)]
        caught = {name: ", ".join(made_for[kind, name]) for name in names if (kind, name) in made_for}
        lines += ["", f"## {kind.capitalize()}s", "", "| property | planted faults |", "|---|---|"]
        lines += [f"| {name} | {faults} |" for name, faults in caught.items()]
        none = ", ".join(name for name in names if name not in caught)
        lines += ["", f"No planted fault is made for: {none or 'none of them'}."]
    return "\n".join(lines) + "\n"


def test_the_table_of_kills_is_that_of_the_planted_faults() -> None:
    written = (ZOO / "KILLS.md").read_text(encoding="utf-8")
    assert written == kills(), "it is stale: python plugins/conformance/tests/test_zoo.py"


def sound() -> str:
    """For each property a sound component that passes it in the usual run, in Markdown."""
    reports = [(animal, animal.check("smoke")) for animal in EASIER]
    reports += [(animal, judge_subject(animal.subject(), "standard", only=animal.said)) for animal in HARDER]
    shown: dict[tuple[str, str], Animal] = {}
    for animal, report in reports:
        for name in passed(report):
            shown.setdefault((animal.subject().kind, name), animal)
    lines = [
        "# What each property of the kit passes",
        "",
        "The first sound component of the usual run that each property is asked of, and for which it holds.",
        "Written by `python plugins/conformance/tests/test_zoo.py`, in a minute.",
        "",
        "| kind | property | sound component |",
        "|---|---|---|",
    ]
    asked = [(kind, prop.name) for kind in KINDS for prop in conformance.properties(kind)]
    lines += [f"| {each[0]} | {each[1]} | {shown[each]} |" for each in asked if each in shown]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    (ZOO / "KILLS.md").write_text(kills(), encoding="utf-8")
    (ZOO / "SOUND.md").write_text(sound(), encoding="utf-8")

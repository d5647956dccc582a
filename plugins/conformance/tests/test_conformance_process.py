"""What a component makes of the process is told, and put back before anything else is judged."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from rheobase import conformance
from rheobase.conformance.belongings import BELONGINGS, Belongings, same_process, turn
from rheobase.conformance.surroundings import same_surroundings

ZOO = Path(__file__).parent / "zoo"


@pytest.mark.parametrize("name", [each.name for each in BELONGINGS if each.turned is not None])
def test_each_belonging_can_be_otherwise_is_told_and_is_put_back(name: str) -> None:
    belonging = next(each for each in BELONGINGS if each.name == name)
    assert belonging.turned is not None
    before = belonging.get()
    with same_process() as process:
        assert not process.changed()
        belonging.put(belonging.turned(before))
        assert name in process.changed()
    assert belonging.get() == before


def test_all_of_them_together_are_put_back_also_after_an_error(tmp_path: Path) -> None:
    before = Belongings()

    def spoil() -> None:
        with same_surroundings():
            turn()
            os.environ["RHEOBASE_SOMETHING"] = "1"
            os.chdir(tmp_path)
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        spoil()
    assert not before.changed()


def test_variables_are_told_by_name() -> None:
    with same_process() as before:
        del os.environ["PATH"]
        assert before.changed().startswith("the environment variable PATH is not set, and was '")


def test_a_fault_is_seen_though_measuring_the_model_commits_it_first() -> None:
    only = ["strong-drive-never-silences", "process-left-as-it-was"]
    report = conformance.check(f"{ZOO / 'faults_process.py'}:SetsAVariable", "smoke", only=only)
    assert [result.prop.name for result in report.results if not result.ok] == ["process-left-as-it-was"]
    assert "ZOO_NUM_THREADS" not in os.environ

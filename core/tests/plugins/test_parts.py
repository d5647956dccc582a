"""What the small functions of the discovery say, one by one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from rheobase import IntegratorSpec, NeuronSpec
from rheobase.plugins import (
    compatibility,
    component,
    discovery,
    doctor,
    evidence,
    index,
    installed,
    metadata,
    ownership,
    settings,
    targets,
)
from rheobase.plugins import examine as examination
from rheobase.plugins.discovery import Scan
from rheobase.plugins.entry import Entry, canonical, module_of
from rheobase.plugins.examiner import Here
from rheobase.plugins.host import Host
from rheobase.plugins.locking import check, contents, files, lockfile, verified
from rheobase.plugins.locking.lockfile import Locked
from rheobase.plugins.outcome import Outcome, spec_to_plain
from rheobase.plugins.problem import broken, first_line, printable
from rheobase.synonyms import synonyms

TOY = Entry("Toy_Models", "1.2", "toy", "toy_models.plugin")


def test_a_plugin_goes_by_its_distribution_its_own_name_and_both() -> None:
    assert (TOY.label, TOY.text) == ("plugin 'toy' of Toy_Models 1.2", 'toy = "toy_models.plugin"')
    assert TOY.names == {"toy", "toy-models", "toy-models:toy"}


def test_names_are_compared_in_one_form() -> None:
    assert canonical("Rheobase_LIF") == "rheobase-lif"


def test_the_module_of_an_entry_point_is_what_stands_before_the_colon() -> None:
    assert module_of("toy_models.hooks : plugin [extra]") == "toy_models.hooks"


def test_only_requirements_that_name_the_core_are_about_it() -> None:
    lines = ["torch>=2", "rheobase-lif", "rheobase (>=0.1)", "Rheobase<1; extra == 'x'"]
    assert compatibility.about_core(lines) == ("rheobase (>=0.1)", "Rheobase<1; extra == 'x'")


def test_a_plugin_of_a_later_spec_version_asks_for_a_newer_host() -> None:
    host = Host(spec=1, oldest=1)
    assert compatibility.judge("toy", ["rheobase>=0.1,<0.2"], "v1", "0.1.4", host) == ("", "")
    assert compatibility.judge("toy", [], "v2", "0.1.4", host) == (
        "it was made for spec version 2, and this host understands 1",
        "Upgrade the host: pip install --upgrade rheobase",
    )


def test_a_component_that_must_be_a_class_is_refused_where_it_is_a_function() -> None:
    assert component.failure(NeuronSpec("toy", "os.path:join")).endswith("not a class")


def test_metadata_that_cannot_be_read_name_the_distribution_by_their_folder() -> None:
    problem = discovery.unreadable("site/toy_models-1.2.dist-info", "METADATA cannot be read")
    assert problem.message == (
        "distribution toy-models 1.2 is left out, the others work: METADATA cannot be read (in "
        "site/toy_models-1.2.dist-info). Remove that folder, and install it again: pip install --no-deps "
        "toy-models==1.2, or disable it: RHEOBASE_DISABLE=toy-models"
    )


def test_a_problem_names_the_plugin_the_cause_and_what_to_do() -> None:
    assert broken(TOY, "it is empty").message == (
        "plugin 'toy' of Toy_Models 1.2 is left out, the others work: it is empty (entry point "
        'toy = "toy_models.plugin"). Mend it, remove it: pip uninstall Toy_Models, or disable it: '
        "RHEOBASE_DISABLE=Toy_Models"
    )


def test_an_overview_says_of_a_plugin_that_nobody_loaded_that_it_was_not_loaded() -> None:
    [standing], _ = doctor.overview(Here(lambda: Scan((TOY,))))
    assert standing.status == "not loaded yet"


def test_what_matters_is_what_changes_without_its_metadata() -> None:
    assert not evidence.matters("json", os.__file__, "toy_models")
    assert evidence.matters("toy_models", os.__file__, "toy_models")


def test_no_file_is_as_it_was_where_there_is_none_and_nothing_is_where_it_is_unsure() -> None:
    assert evidence.stamp("no/such/file") == ()
    assert evidence.unchanged([("no/such/file", ())])
    assert not evidence.unchanged([("no/such/file", evidence.UNSURE)])


def test_a_module_that_is_not_there_is_the_failure_of_its_plugin() -> None:
    assert examination.examine(TOY).failure == "ModuleNotFoundError: No module named 'toy_models'"


def test_the_core_offers_its_integrators_through_the_hooks() -> None:
    assert [spec.name for spec in Here().core().specs][:2] == ["analog", "rk1"]
    found = {part.spec.name for part in installed.core().components if part.spec.kind == "integrator"}
    assert found == {"rk1", "rk2", "rk3", "rk4"}


def test_a_key_is_that_of_the_next_moment_and_knows_where_modules_may_lie() -> None:
    key = index.Key.take(Host())
    assert key == index.Key.take(Host())
    assert key.where(["json"])["json"]


def test_what_is_missing_may_have_come_from_a_plugin_that_is_disabled() -> None:
    left_out = installed.Installed(disabled=((TOY, "RHEOBASE_DISABLE"),)).missing
    assert left_out == " Left out: plugin 'toy' of Toy_Models 1.2 (disabled: RHEOBASE_DISABLE)."


def test_settings_name_plugins_in_the_form_in_which_names_are_compared() -> None:
    said = {"adex": "RHEOBASE_DISABLE", "toy-models": "RHEOBASE_DISABLE"}
    assert settings.read({"RHEOBASE_DISABLE": "adex, Toy_Models"}).disable == said
    assert settings.Control(disable={"toy": "RHEOBASE_DISABLE"}).disabled(TOY) == "RHEOBASE_DISABLE"


def test_a_lock_tells_which_distributions_are_gone_and_which_cannot_be_locked() -> None:
    assert check.absent(["adex", "toy-models"], [TOY]) == ["adex"]
    assert check.take([TOY]).unread.keys() == {"toy-models"}


def test_contents_have_the_hash_of_each_file() -> None:
    found = contents.take("click")
    assert (len(found.files["click/core.py"]), found.points) == (64, ())


def test_files_of_a_folder_are_known_by_name_and_by_place() -> None:
    found = files.Files()
    found.walk("json", os.path.dirname(json.__file__))
    assert "json/decoder.py" in found.hashes
    assert found.has(str(json.decoder.__file__))


def test_a_difference_from_the_lock_names_the_files() -> None:
    one, two = Locked("1.0", "", {"toy.py": "9f", "c.py": "4a"}), Locked("1.0", "", {"toy.py": "60"})
    told = "toy.py has changed, and c.py is gone, since /x/rheobase.lock was written"
    assert lockfile.difference(one, two, "/x/rheobase.lock") == told
    assert lockfile.difference(one, one, "/x/rheobase.lock") == ""


def test_a_lock_that_is_written_reads_the_same(tmp_path: Path) -> None:
    toy = {"toy-models": Locked("1.2", "", {"toy_models.py": "9f86d0"})}
    lockfile.write(str(tmp_path / "rheobase.lock"), toy)
    assert lockfile.read(str(tmp_path / "rheobase.lock")) == toy


def test_nothing_is_known_to_be_as_a_lock_that_is_not_there_has_it() -> None:
    assert not verified.Verified("no/such/file").holds("toy-models", [])


def test_entry_points_of_others_are_not_for_this_host() -> None:
    assert metadata.names_group("[rheobase]\ntoy = toy_models.plugin")
    assert not metadata.names_group("[console_scripts]")


def test_a_device_is_not_read_as_a_file() -> None:
    with pytest.raises(OSError, match="it is no file"):
        metadata.read_file(os.devnull)


def test_distributions_are_those_on_the_path() -> None:
    problems: list[object] = []
    assert "click" in map(metadata.stem, metadata.distributions(problems))  # type: ignore[arg-type]
    assert not problems


def test_specs_and_outcomes_survive_json() -> None:
    plain = {"kind": "neuron", "name": "toy", "target": "toy.neuron:Toy", "summary": ""}
    assert spec_to_plain(NeuronSpec("toy", "toy.neuron:Toy")) == plain
    outcome = Outcome((IntegratorSpec("heun", "toy.heun:Heun", order=2),), seconds=0.5)
    assert Outcome.from_plain(json.loads(json.dumps(outcome.to_plain()))) == outcome
    with pytest.raises(ValueError, match="it is no outcome: its fields are not those of one"):
        Outcome.from_plain({"specs": 3})


def test_the_standard_library_is_nobodys_distribution() -> None:
    assert ownership.strangers([["toy-models", [["aggregator", "largest", "builtins:max"]]]]) == [[]]


def test_a_strangers_text_is_one_line_that_a_terminal_does_not_obey() -> None:
    error = ModuleNotFoundError("No module named 'jax'\nnor its neighbours")
    assert first_line(error) == "ModuleNotFoundError: No module named 'jax'"
    assert printable("toy\x1b[2J") == "toy [2J"


def test_synonyms_lead_to_the_name_of_a_component() -> None:
    assert (synonyms("integrator")["euler"], synonyms()["average"]) == ("rk1", "mean")


def test_the_way_to_a_module_ends_at_its_first_package_with_code() -> None:
    assert [os.path.basename(file) for file in targets.way("json.encoder")] == ["__init__.py"]
    assert targets.way("no_such_module_at_all") == []
    assert [name for name, _ in targets.levels("json.encoder")] == ["json", "json.encoder"]


@pytest.mark.parametrize(
    ("target", "cause"),
    [
        ("rheobase.specs:NeuronSpec", ""),
        ("json.encoder:JSONEncoder", ""),
        ("json.encoders:JSONEncoder", "there is no module 'json.encoders'"),
        ("json.encoder:JsonEncoder", "module 'json.encoder' has no 'JsonEncoder'"),
    ],
)
def test_a_target_that_cannot_be_there_is_told_without_an_import(target: str, cause: str) -> None:
    assert targets.missing(target) == cause

"""What counts as a change of a plugin that is locked: in this process, which imports none of it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import importlib_metadata
import pytest
from rheobase.plugins import discovery, installed, settings
from rheobase.plugins.entry import Entry
from rheobase.plugins.locking import check, contents

Install = Callable[..., Path]
Put = Callable[[object], None]
Locking = Callable[..., None]
Refused = Callable[..., str]

TOY = Entry("toy-models", "1.0", "toy", "toy_models.hooks")


def row(path: Path, name: str) -> str:
    """The line of RECORD for a file as it is."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{path.stat().st_size}"


def test_whichever_file_changes_it_is_the_one_that_is_named(
    install: Install, put_on_path: Put, locking: Locking, refused: Refused
) -> None:
    site = install("toy-models")
    put_on_path(site)
    locking()
    assert refused() == ""
    files = [file for file in sorted(site.rglob("*")) if file.is_file() and file.name != "RECORD"]
    assert len(files) == 6
    for file in files:
        before = file.read_bytes()
        file.write_bytes(before + b"#")
        assert f"{file.relative_to(site)} has changed since " in refused()
        file.unlink()
        if file.name not in ("METADATA", "entry_points.txt"):  # without those it is no plugin at all
            assert f"{file.relative_to(site)} is gone since " in refused()
        file.write_bytes(before)
        assert refused() == ""


@pytest.mark.parametrize(
    "name",
    [
        "toy_models/model.so",
        "toy_models/more/deep.py",
        "toy_models/table2.csv",
        "toy_models-1.0.dist-info/top_level.txt",
    ],
)
def test_an_added_file_is_named(
    name: str, install: Install, put_on_path: Put, locking: Locking, refused: Refused
) -> None:
    site = install("toy-models")
    put_on_path(site)
    locking()
    (site / name).parent.mkdir(exist_ok=True)
    (site / name).write_text("")
    assert refused().startswith(f"{name} was added since ")


@pytest.mark.parametrize("name", ["toy_models.so", "toy_models_model.so", "toy_models_model/__init__.py"])
def test_what_would_stand_in_for_a_module_without_a_package_is_named(
    name: str, install: Install, put_on_path: Put, locking: Locking, refused: Refused
) -> None:
    entry = TOY._replace(value="toy_models")
    site = install("toy-models", {"toy_models.py": "", "toy_models_model.py": ""}, point="toy_models")
    put_on_path(site)
    locking(entry)
    (site / "another.so").write_text("")  # another distribution's
    assert refused(entry) == ""
    (site / name).parent.mkdir(exist_ok=True)
    (site / name).write_text("")
    assert refused(entry).startswith(f"{name} was added since ")


def test_a_module_that_shadows_the_plugin_from_elsewhere_is_named(
    install: Install, put_on_path: Put, locking: Locking, refused: Refused, tmp_path: Path
) -> None:
    put_on_path(install("toy-models"))
    locking()
    elsewhere = tmp_path / "elsewhere" / "toy_models"
    elsewhere.mkdir(parents=True)
    (elsewhere / "hooks.py").write_text("")
    put_on_path(elsewhere.parent)
    assert refused() == ""  # without __init__ Python passes over it
    (elsewhere / "__init__.py").write_text("")
    assert f"{elsewhere}/__init__.py and 1 more were added since " in refused()


@pytest.mark.parametrize("spelling", ["", "{}/", "{}/../site", "{}//../site", "link"])
def test_it_does_not_matter_how_the_path_spells_a_folder(
    spelling: str,
    install: Install,
    put_on_path: Put,
    refused: Refused,
    locking: Locking,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = TOY._replace(value="toy_models")
    site = install("toy-models", {"toy_models.py": "", "toy_models_model.py": ""}, point="toy_models")
    put_on_path(site)
    locking(entry)
    (tmp_path / "link").symlink_to(site)
    monkeypatch.chdir(tmp_path if spelling == "link" else site)
    monkeypatch.setattr(sys, "path", [spelling.format(site), *sys.path])
    assert refused(entry) == ""
    (site / "toy_models.py").write_text("import os")
    assert refused(entry).startswith("toy_models.py has changed since ")
    (site / "toy_models_model.so").write_text("")
    assert "toy_models_model.so was added" in refused(entry)


def test_a_link_to_the_plugins_own_package_is_no_shadow(
    install: Install, put_on_path: Put, locking: Locking, refused: Refused, tmp_path: Path
) -> None:
    site = install("toy-models")
    put_on_path(site)
    locking()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "toy_models").symlink_to(site / "toy_models")
    put_on_path(tmp_path / "elsewhere")
    assert refused() == ""


def test_a_package_elsewhere_that_stands_in_for_a_module_is_named_with_its_whole_path(
    install: Install, put_on_path: Put, refused: Refused, locking: Locking, tmp_path: Path
) -> None:
    entry = TOY._replace(value="toy_models")
    put_on_path(install("toy-models", {"toy_models.py": ""}, point="toy_models"))
    locking(entry)
    elsewhere = tmp_path / "elsewhere" / "toy_models"
    elsewhere.mkdir(parents=True)
    (elsewhere / "__init__.py").write_text("")
    put_on_path(elsewhere.parent)
    assert refused(entry).startswith(f"{elsewhere}/__init__.py was added since ")


def test_a_module_in_a_folder_that_several_distributions_share_is_looked_at_alone(
    install: Install, put_on_path: Put, refused: Refused, locking: Locking
) -> None:
    entry = TOY._replace(value="family.toy")
    site = install("toy-models", {"family/toy.py": ""}, point=entry.value)
    put_on_path(site)
    locking(entry)
    (site / "family" / "another.py").write_text("")
    assert refused(entry) == ""
    (site / "family" / "toy.so").write_text("")
    assert refused(entry).startswith("family/toy.so was added since ")


def test_a_package_that_becomes_the_parent_of_the_plugins_is_named(
    install: Install, put_on_path: Put, refused: Refused, locking: Locking
) -> None:
    entry = TOY._replace(value="family.toy_models.hooks")
    files = {"family/toy_models/__init__.py": "", "family/toy_models/hooks.py": ""}
    site = install("toy-models", files, point=entry.value)
    put_on_path(site)
    locking(entry)
    (site / "family" / "another").mkdir()
    (site / "family" / "another" / "__init__.py").write_text("")  # another distribution's
    assert refused(entry) == ""
    (site / "family" / "__init__.py").write_text("")
    assert "family/__init__.py" in refused(entry)


def test_a_record_that_says_something_else_is_a_change_though_the_files_are_the_same(
    install: Install, put_on_path: Put, locking: Locking, refused: Refused
) -> None:
    site = install("toy-models")
    put_on_path(site)
    locking()
    record = site / "toy_models-1.0.dist-info" / "RECORD"
    rows = record.read_text()
    record.write_text(rows.replace(row(site / "toy_models/table.csv", "toy_models/table.csv") + "\n", ""))
    assert refused().startswith("its RECORD has changed since ")
    # In another order, and with what another installer notes, it says the same.
    notes = (
        "toy_models-1.0.dist-info/INSTALLER,sha256=abc,2\ntoy_models/__pycache__/hooks.cpython-311.pyc,,\n"
    )
    record.write_text(
        "\n".join(sorted(rows.split(), reverse=True)) + f"\n{notes}../../../bin/toy,sha256=d,9\n"
    )
    assert refused() == ""


def test_what_differs_between_machines_is_no_change(
    install: Install, put_on_path: Put, locking: Locking, refused: Refused
) -> None:
    site = install("toy-models")
    put_on_path(site)
    locking()
    (site / "toy_models" / "__pycache__").mkdir()
    for name in (
        "toy_models/__pycache__/hooks.cpython-311.pyc",
        "toy_models/.hooks.py.swp",
        "toy_models-1.0.dist-info/INSTALLER",
        "toy_models-1.0.dist-info/direct_url.json",
    ):
        (site / name).write_text("something")
    assert refused() == ""


def test_another_version_is_refused_with_both_versions(
    install: Install, put_on_path: Put, locking: Locking, refused: Refused, tmp_path: Path
) -> None:
    put_on_path(install("toy-models"))
    locking()
    put_on_path(install("toy-models", version="2.0", folder="newer"))
    assert refused(TOY._replace(version="2.0")) == f"its version is 2.0, and {tmp_path}/rheobase.lock has 1.0"


def test_metadata_that_pretend_to_be_a_locked_distributions_are_refused(
    install: Install, put_on_path: Put, locking: Locking, lock_path: str
) -> None:
    site = install("toy-models")
    put_on_path(site)
    locking()
    info = site / "stranger-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-models\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[rheobase]\nodd = stranger\n")
    entries = [entry for entry in discovery.scan().entries if entry.distribution == "toy-models"]
    assert [entry.name for entry in entries] == ["odd", "toy"]
    causes = check.judge(lock_path, entries)[0]
    assert [entry.name for entry in causes] == ["odd"]
    assert "not in the metadata that Python finds for toy-models" in causes[entries[0]]
    assert "toy-models" in check.take(entries).unread


def test_metadata_that_a_build_left_beside_the_sources_do_not_hide_those_of_the_installation(
    install: Install, put_on_path: Put, locking: Locking, refused: Refused, tmp_path: Path
) -> None:
    put_on_path(install("toy-models"))
    locking()
    left = tmp_path / "sources" / "toy_models.egg-info"
    left.mkdir(parents=True)
    (left / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: toy-models\nVersion: 1.0\n")
    (left / "entry_points.txt").write_text("[rheobase]\ntoy = toy_models.hooks\n")
    put_on_path(left.parent)
    assert refused() == ""
    (left / "entry_points.txt").write_text("[rheobase]\ntoy = stranger\n")
    stray = TOY._replace(value="stranger")
    assert refused(stray).startswith("toy_models.egg-info/PKG-INFO and 1 more were added")


def editable(install: Install, tmp_path: Path, **files: str) -> Path:
    """Installs the toy plugin as ``pip install --editable`` does; gives the folder of its sources."""
    source = tmp_path / "work" / "src"
    for name, text in files.items():
        (source / name.replace("__of__", "/")).parent.mkdir(parents=True, exist_ok=True)
        (source / f"{name.replace('__of__', '/')}.py").write_text(text)
    site = install("toy-models", {"_toy_models.pth": str(source)})
    (site / "toy_models-1.0.dist-info" / "direct_url.json").write_text(
        json.dumps({"dir_info": {"editable": True}, "url": f"file://{source.parent}"})
    )
    return source


def test_a_changed_source_of_an_editable_install_is_named(
    install: Install, put_on_path: Put, locking: Locking, refused: Refused, tmp_path: Path
) -> None:
    source = editable(install, tmp_path, toy_models__of____init__="", toy_models__of__hooks="")
    put_on_path(tmp_path / "site")
    put_on_path(source)  # what the .pth file does where it lies in a real site folder
    locking()
    (source.parent / "README").write_text("not of the package")
    assert refused() == ""
    (source / "toy_models" / "hooks.py").write_text("import os")
    assert refused().startswith("toy_models/hooks.py has changed since ")
    (source / "toy_models" / "hooks.py").write_text("")
    (source / "toy_models" / "model.py").write_text("")
    assert refused().startswith("toy_models/model.py was added since ")


@pytest.mark.parametrize("missing_init", [True, False])
def test_the_sources_of_an_editable_install_are_found_without_a_package_too(
    missing_init: bool, install: Install, put_on_path: Put, locking: Locking, refused: Refused, tmp_path: Path
) -> None:
    if missing_init:
        source = editable(install, tmp_path, toy_models__of__hooks="", toy_models__of__model="")
        changed, entry = source / "toy_models" / "model.py", TOY
    else:
        source = editable(install, tmp_path, toy_models="")
        changed, entry = source / "toy_models.py", TOY._replace(value="toy_models")
        points = tmp_path / "site" / "toy_models-1.0.dist-info" / "entry_points.txt"
        points.write_text("[rheobase]\ntoy = toy_models\n")
    put_on_path(tmp_path / "site")
    put_on_path(source)
    locking(entry)
    assert refused(entry) == ""
    changed.write_text("import os")
    assert f"{changed.relative_to(source)} has changed since " in refused(entry)


def test_a_plugin_in_an_archive_on_the_path_is_locked_as_that_archive(
    install: Install, put_on_path: Put, locking: Locking, refused: Refused, tmp_path: Path
) -> None:
    site = install("toy-models")
    archive = tmp_path / "plugins.zip"

    def pack() -> None:
        with zipfile.ZipFile(archive, "w") as made:
            for file in sorted(site.rglob("*")):
                made.write(file, file.relative_to(site))

    pack()
    put_on_path(archive)
    locking()
    assert refused() == ""
    (site / "toy_models" / "model.py").write_text("largest = min")
    pack()
    assert refused().startswith("plugins.zip has changed since ")


def test_links_that_lead_in_a_circle_are_followed_once(
    install: Install, put_on_path: Put, locking: Locking, refused: Refused, tmp_path: Path
) -> None:
    site = install("toy-models")
    (site / "toy_models" / "again").symlink_to(site)
    (site / "toy_models" / "self").symlink_to("self")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "code.py").write_text("")
    (site / "toy_models" / "linked").symlink_to(tmp_path / "outside")
    put_on_path(site)
    locking()
    assert refused() == ""
    (tmp_path / "outside" / "code.py").write_text("import os")
    assert refused().startswith("toy_models/linked/code.py has changed since ")


def test_a_pipe_in_place_of_a_file_is_no_file_and_is_not_waited_for(
    install: Install, put_on_path: Put, locking: Locking, refused: Refused
) -> None:
    site = install("toy-models")
    put_on_path(site)
    locking()
    (site / "toy_models" / "table.csv").unlink()
    os.mkfifo(site / "toy_models" / "table.csv")
    assert refused().startswith("toy_models/table.csv is gone since ")


def test_a_plugin_whose_metadata_are_gone_or_garbled_is_refused_and_cannot_be_locked(
    install: Install, put_on_path: Put, locking: Locking, refused: Refused
) -> None:
    site = install("toy-models")
    put_on_path(site)
    locking()
    (site / "toy_models-1.0.dist-info" / "RECORD").write_bytes(b"\xff\xfe")
    assert refused().startswith("its metadata cannot be read: UnicodeDecodeError")
    (site / "toy_models-1.0.dist-info").rename(site / "hidden")
    assert refused().startswith("its metadata cannot be read: PackageNotFoundError")
    assert list(check.take([TOY]).unread) == ["toy-models"]


def test_files_that_are_not_as_they_were_installed_are_told_when_they_are_locked(
    install: Install, put_on_path: Put
) -> None:
    site = install("toy-models")
    put_on_path(site)
    importlib_metadata.MetadataPathFinder.invalidate_caches()
    assert check.take([TOY]).altered == ()
    (site / "toy_models" / "model.py").write_text("largest = min\n")
    (site / "toy_models" / "table.csv").unlink()
    (site / "toy_models" / "more.py").write_text("")
    assert set(check.take([TOY]).altered) == {
        "toy_models/model.py of toy-models 1.0 is not as it was installed",
        "toy_models/table.csv of toy-models 1.0 is missing",
        "toy_models/more.py of toy-models 1.0 was added",
    }


def test_a_disabled_or_unfit_plugin_is_not_hashed(
    install: Install, monkeypatch: pytest.MonkeyPatch, locking: Locking, put_on_path: Put, tmp_path: Path
) -> None:
    put_on_path(install("toy-models"))
    locking()
    monkeypatch.chdir(tmp_path)
    hashed: list[str] = []
    take = contents.take
    monkeypatch.setattr(contents, "take", lambda name: hashed.append(name) or take(name))
    unfit = TOY._replace(name="unfit", unfit="it was made for spec version 9")
    for decided, entry in ((settings.Control(none="RHEOBASE_NO_PLUGINS"), TOY), (settings.Control(), unfit)):
        assert not installed.judged(discovery.Scan((entry,)), decided).wanted
    assert hashed == []
    assert installed.judged(discovery.Scan((TOY,)), settings.Control()).wanted == (TOY,)
    assert hashed == ["toy-models"]

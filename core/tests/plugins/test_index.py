"""The index is never stale: what it gives is what a fresh look gives, whatever happened in between."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import json
import os
import shutil
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from rheobase.plugins import evidence, examine, index, installed
from rheobase.plugins.discovery import Scan
from rheobase.plugins.entry import Entry
from rheobase.plugins.evidence import RACE
from rheobase.plugins.examiner import Examiner, Here
from rheobase.plugins.host import Host
from rheobase.plugins.installed import Installed
from rheobase.plugins.outcome import Outcome

HOOKS = """
from rheobase.hookspecs import hookimpl
from rheobase.specs import NeuronSpec
{before}
@hookimpl
def rheobase_neurons():
    return [NeuronSpec({name}, "{module}_model:Model")]
"""

# What a hook module may rest on besides itself.
KINDS = {
    "plain": ("", "{name!r}"),
    "broken": ("raise RuntimeError('broken')", "{name!r}"),
    "needs": ("import plug_aid", "{name!r}"),
    "optional": (
        "try:\n    import plug_aid as aid\nexcept ImportError:\n    aid = None",
        "{name!r} if aid else 'none'",
    ),
    "sharing": ("import plug_shared", "plug_shared.NAME"),
}
NAMES = ["alpha", "gamma", "delta"]  # of one length, so that files keep their size
LATER = RACE / 1e9 + 0.005  # s; a file that is older than that is taken for settled


class Session(Here):
    """Loads plugins as a new process would: with nothing of theirs imported yet."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        place.forget()
        self._place = place

    def examine_all(self, entries: Sequence[Entry]) -> list[Outcome]:
        self._place.examined += [entry.name for entry in entries]
        return super().examine_all(entries)


class Place:
    """Folders with distributions, an index of them, and the working folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.src = root / "src"
        self.examined: list[str] = []
        self.path = [root / "one", root / "two"]
        for folder in (*self.path, self.src):
            folder.mkdir()

    def write(self, path: Path, text: str, *, anew: bool = False) -> None:
        """Write a file over the old one, or put a new one in its place."""
        if anew:
            path.with_suffix(".new").write_text(text)
            path.with_suffix(".new").replace(path)
        else:
            path.write_text(text)

    def hooks(self, plugin: str, folder: Path, name: str, kind: str = "plain", *, anew: bool = False) -> None:
        """Write a hook module and its model."""
        before, said = KINDS[kind]
        module = f"plug_{plugin}"
        text = HOOKS.format(before=before, name=said.format(name=name), module=module)
        self.write(folder / f"{module}.py", text, anew=anew)
        if not (folder / f"{module}_model.py").exists():
            (folder / f"{module}_model.py").write_text("class Model: pass\n")

    def metadata(self, plugin: str, folder: Path, version: str = "1.0") -> None:
        """Write what pip writes, in place of what any other version has there."""
        for old in folder.glob(f"{plugin}-*.dist-info"):
            shutil.rmtree(old)
        info = folder / f"{plugin}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {plugin}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[rheobase]\n{plugin} = plug_{plugin}\n")

    def install(
        self, plugin: str, name: str, kind: str = "plain", site: int = 0, version: str = "1.0"
    ) -> None:
        """Install a plugin, or another version of it, or the same again."""
        folder = self.root / ("one", "two")[site]
        self.hooks(plugin, folder, name, kind, anew=True)
        self.metadata(plugin, folder, version)

    def editable(self, plugin: str, name: str, kind: str = "plain", version: str = "1.0") -> None:
        """Install a plugin whose source lies elsewhere."""
        folder = self.root / "one"
        (folder / f"plug_{plugin}.py").unlink(missing_ok=True)
        self.hooks(plugin, self.src, name, kind)
        self.metadata(plugin, folder, version)
        (folder / "sources.pth").write_text(f"{self.src}\n")

    def remove(self, plugin: str, site: int = 0) -> None:
        """Remove what is installed."""
        folder = self.root / ("one", "two")[site]
        for path in folder.glob(f"plug_{plugin}*.py"):
            path.unlink()
        for path in folder.glob(f"{plugin}-*.dist-info"):
            shutil.rmtree(path)

    def forget(self) -> None:
        """Forget whatever a new process would not know."""
        for module in [module for module in sys.modules if module.startswith("plug_")]:
            del sys.modules[module]
        importlib.invalidate_caches()
        examine._examined.clear()

    @contextlib.contextmanager
    def on_path(self) -> Iterator[None]:
        """The folders are all that there is, besides the standard library."""
        links = [
            Path(line)
            for folder in self.path
            for pth in folder.glob("*.pth")
            for line in [pth.read_text()[:-1]]
        ]
        standard = [
            each for each in sys.path if each and "site-packages" not in each and Path(each, "os.py").exists()
        ]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "path", [*map(str, [*self.path, *links]), *standard])
            # Python compares bytecode and source by the second and the size only.
            patch.setattr(sys, "dont_write_bytecode", True)
            patch.setattr(installed, "_other_process", lambda limit: Session(self))
            patch.setenv("RHEOBASE_CACHE_DIR", str(self.root / "cache"))
            patch.chdir(self.root)
            yield

    def kept(self) -> Installed:
        """What is found by way of the index."""
        self.examined.clear()
        with self.on_path():
            return installed.load()

    def fresh(self) -> Installed:
        """What is found without it."""
        with self.on_path():
            return installed.load(Session(self))

    def agrees(self) -> bool:
        """Whether the index gives what a fresh look gives, now and once more."""
        time.sleep(LATER)
        return self.kept() == self.fresh() == self.kept()

    def offered(self) -> list[str]:
        """The models that are found by way of the index."""
        own = {"rheobase"}
        return [c.spec.name for c in self.kept().components if c.provenance.distribution not in own]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    installed.load(Here())  # imports what it takes, while the path has it
    place = Place(tmp_path)
    yield place
    place.forget()


class Installing(RuleBasedStateMachine):
    """Whatever users do to their plugins, in any order."""

    plugins = st.sampled_from(["ann", "bob", "cid"])
    names = st.sampled_from(NAMES)
    kinds = st.sampled_from([*KINDS])
    versions = st.sampled_from(["1.0", "2.0"])
    sites = st.sampled_from([0, 1])

    def __init__(self) -> None:
        super().__init__()
        installed.load(Here())
        self.folder = tempfile.mkdtemp()
        self.place = Place(Path(self.folder))
        self.place.write(self.place.src / "plug_shared.py", "NAME = 'omega'\n")
        self.patch = pytest.MonkeyPatch()

    def teardown(self) -> None:
        self.patch.undo()
        self.place.forget()
        shutil.rmtree(self.folder)

    @rule(plugin=plugins, name=names, kind=kinds, site=sites, version=versions)
    def install_upgrade_or_install_again(
        self, plugin: str, name: str, kind: str, site: int, version: str
    ) -> None:
        self.place.install(plugin, name, kind, site, version)

    @rule(plugin=plugins, site=sites)
    def remove(self, plugin: str, site: int) -> None:
        self.place.remove(plugin, site)

    @rule(plugin=plugins, name=names, kind=kinds, version=versions)
    def install_editable(self, plugin: str, name: str, kind: str, version: str) -> None:
        self.place.editable(plugin, name, kind, version)

    @rule(plugin=plugins, name=names, kind=kinds, anew=st.booleans())
    def edit_a_source(self, plugin: str, name: str, kind: str, anew: bool) -> None:
        self.place.hooks(plugin, self.place.src, name, kind, anew=anew)

    @rule(plugin=plugins, name=st.sampled_from(["Model", "Other"]), source=st.booleans())
    def rename_a_model(self, plugin: str, name: str, source: bool) -> None:
        folder = self.place.src if source else self.place.root / "one"
        self.place.write(folder / f"plug_{plugin}_model.py", f"class {name}: pass\n")

    @rule(name=names)
    def edit_what_plugins_share(self, name: str) -> None:
        self.place.write(self.place.src / "plug_shared.py", f"NAME = {name!r}\n")

    @rule(there=st.booleans(), site=sites)
    def put_a_dependency_there_or_take_it_away(self, there: bool, site: int) -> None:
        path = self.place.root / ("one", "two")[site] / "plug_aid.py"
        path.write_text("") if there else path.unlink(missing_ok=True)

    @rule(order=st.permutations(["one", "two"]), count=st.sampled_from([2, 2, 1]))
    def change_the_path(self, order: list[str], count: int) -> None:
        self.place.path = [self.place.root / name for name in order[:count]]

    @rule(plugin=plugins)
    def disable_a_plugin(self, plugin: str) -> None:
        self.patch.setenv("RHEOBASE_DISABLE", plugin)

    @precondition(lambda self: "RHEOBASE_DISABLE" in os.environ)
    @rule()
    def disable_none(self) -> None:
        self.patch.delenv("RHEOBASE_DISABLE")

    @rule(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
    def damage_the_index(self, place: float, bit: int) -> None:
        for path in self.place.root.glob("cache/plugins/*.json"):
            content = bytearray(path.read_bytes())
            content[int(place * len(content))] ^= 1 << bit
            path.write_bytes(content)

    @invariant()
    def the_index_gives_what_a_fresh_look_gives(self) -> None:
        assert self.place.agrees()
        assert self.place.examined == []  # the second time, all came from the index


Installing.TestCase.settings = settings(max_examples=12, stateful_step_count=12, deadline=None)
TestInstalling = Installing.TestCase
TestInstalling.__doc__ = "Whatever users do to their plugins, the index gives what a fresh look gives."


def test_a_source_that_is_edited_has_the_plugins_loaded_again_once(place: Place) -> None:
    for plugin in ("ann", "bob"):
        place.install(plugin, f"{plugin}-model")
    place.editable("zoe", "alpha")
    time.sleep(LATER)
    assert place.offered() == ["ann-model", "bob-model", "alpha"]
    assert place.examined == ["ann", "bob", "zoe"]
    place.hooks("zoe", place.src, "gamma")
    time.sleep(LATER)
    assert place.offered()[-1] == "gamma"
    place.kept()
    assert place.examined == []


def test_a_plugin_that_was_disabled_is_the_only_one_to_be_loaded_when_it_is_wanted_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.install("ann", "alpha")
    place.install("bob", "gamma")
    time.sleep(LATER)
    monkeypatch.setenv("RHEOBASE_DISABLE", "bob")
    assert place.offered() == ["alpha"]
    assert place.examined == ["ann"]
    monkeypatch.delenv("RHEOBASE_DISABLE")
    assert place.offered() == ["alpha", "gamma"]
    assert place.examined == ["bob"]


@pytest.mark.parametrize("first", ["ann", "zed"])
def test_a_module_that_two_plugins_share_changes_both(
    place: Place, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    place.write(place.src / "plug_shared.py", "NAME = 'alpha'\n")
    for plugin in ("ann", "zed"):
        place.editable(plugin, "", "sharing")
    time.sleep(LATER)
    # Whichever is loaded first: the other finds the module imported, so nothing says that it uses it.
    together = Here.examine_all
    order = {"ann": 1, "zed": -1}[first]
    monkeypatch.setattr(Here, "examine_all", lambda self, found: together(self, found[::order])[::order])
    assert place.offered() == ["alpha", "alpha"]
    place.write(place.src / "plug_shared.py", "NAME = 'gamma'\n")
    assert place.offered() == ["gamma", "gamma"]


@pytest.mark.parametrize("kind", ["needs", "optional"])
def test_a_dependency_that_appears_as_a_plain_module_is_noticed(place: Place, kind: str) -> None:
    place.install("ann", "alpha", kind)
    time.sleep(LATER)
    before = place.offered()
    assert "alpha" not in before
    assert place.offered() == before
    assert place.examined == []
    (place.root / "two" / "plug_aid.py").write_text("")
    assert place.offered() == ["alpha"]


def test_a_missing_module_that_is_written_within_the_plugins_package_is_noticed(place: Place) -> None:
    place.editable("ann", "alpha")
    package = place.src / "plug_inner"
    package.mkdir()
    (package / "__init__.py").write_text("")
    text = HOOKS.format(before="import plug_inner.rest", name="'alpha'", module="plug_inner.model")
    place.write(place.src / "plug_ann.py", text.replace("model_model", "model"))
    time.sleep(LATER)
    assert place.offered() == []
    (package / "rest.py").write_text("")
    time.sleep(LATER)
    assert place.offered() == []  # the model is missing still
    assert "no module 'plug_inner.model'" in place.kept().problems[0].cause
    (package / "model.py").write_text("class Model: pass\n")
    assert place.offered() == ["alpha"]


def test_an_optional_part_that_is_written_within_the_plugins_package_is_noticed(place: Place) -> None:
    place.editable("ann", "alpha")
    package = place.src / "plug_inner"
    package.mkdir()
    (package / "__init__.py").write_text("")
    before = "try:\n    from plug_inner.more import NAME\nexcept ImportError:\n    NAME = 'alpha'"
    place.write(place.src / "plug_ann.py", HOOKS.format(before=before, name="NAME", module="plug_ann"))
    time.sleep(LATER)
    assert place.offered() == ["alpha"]
    (package / "more.py").write_text("NAME = 'gamma'\n")
    assert place.offered() == ["gamma"]


def test_a_file_that_changes_while_it_is_loaded_is_looked_at_again(place: Place) -> None:
    place.editable("ann", "alpha")
    source = place.src / "plug_ann.py"
    edit = "file.write_text(file.read_text().replace('alpha', 'gamma'))"
    place.write(source, f"{source.read_text()}import pathlib\nfile = pathlib.Path(__file__)\n{edit}\n")
    time.sleep(LATER)
    assert place.offered() == ["alpha"]
    time.sleep(LATER)
    assert place.offered() == ["gamma"]


def test_code_that_the_user_imported_before_it_was_edited_is_not_kept_for_others(place: Place) -> None:
    place.editable("ann", "alpha")
    with place.on_path():
        importlib.import_module("plug_ann")
    place.hooks("ann", place.src, "gamma")
    time.sleep(LATER)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(place, "forget", lambda: None)
        assert place.offered() == ["alpha"]  # that is what this process has
    assert place.offered() == ["gamma"]


def test_a_plugin_that_overran_its_time_is_tried_again_only_with_more_time(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.install("ann", "alpha")
    slow = Outcome(failure="it did not end", limit=5.0)
    monkeypatch.setattr(Here, "examine_all", lambda self, entries: [slow for _ in entries])
    for limit, again in (("5", ["ann"]), ("5", []), ("4", []), ("6", ["ann"])):
        monkeypatch.setenv("RHEOBASE_TIMEOUT", limit)
        assert place.offered() == []
        assert place.examined == again


def test_every_file_of_the_core_that_judges_plugins_is_in_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Path(index._ROOT)
    names = [
        "specs.py",
        "hookspecs.py",
        "builtin.py",
        *(f"plugins/{each}.py" for each in ("offers", "discovery")),
    ]
    for name in names:
        copy = tmp_path / name
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(root / name, copy)
    monkeypatch.setattr(index, "_ROOT", str(tmp_path))
    key = index.Key.take(Host())
    assert index.Key.take(Host()) == key
    assert index.Key.take(Host(spec=Host().spec + 1)) != key
    for name in names:
        time.sleep(LATER)
        (tmp_path / name).touch()
        before, key = key, index.Key.take(Host())
        assert key != before


def test_an_index_made_by_another_core_is_not_used(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.install("ann", "alpha")
    copy = place.root / "rheobase"
    shutil.copytree(
        index._ROOT, copy, ignore=shutil.ignore_patterns("__pycache__", "engine", "pipeline", "cli")
    )
    monkeypatch.setattr(index, "_ROOT", str(copy))
    time.sleep(LATER)
    place.kept()
    place.kept()
    assert place.examined == []
    (copy / "specs.py").write_text((copy / "specs.py").read_text())
    place.kept()
    assert place.examined == ["ann"]


def test_a_path_whose_distributions_are_found_by_a_stranger_is_never_kept(place: Place) -> None:
    class Finder:
        def find_spec(self, *_: object) -> None: ...
        def find_distributions(self, *_: object) -> list[object]:
            return []

    place.install("ann", "alpha")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "meta_path", [*sys.meta_path, Finder()])
        for _ in range(2):
            assert place.offered() == ["alpha"]
            assert place.examined == ["ann"]
        said = index.save(index.Index(Scan(), Outcome(), {}), index.Key.take(Host()))
    assert "finders of distributions" in said
    assert not [*place.root.glob("cache/plugins/*")]


def test_metadata_that_are_rewritten_in_place_are_read_again(place: Place) -> None:
    place.install("ann", "alpha")
    time.sleep(LATER)
    assert place.offered() == ["alpha"]
    info = place.root / "one" / "ann-1.0.dist-info"
    for name, old, new in (
        ("METADATA", "Version: 1.0", "Version: 1.5"),
        ("entry_points.txt", "ann =", "amy ="),
        ("METADATA", "Name: ann", "Name: amy"),
    ):
        place.write(info / name, (info / name).read_text().replace(old, new))
        assert place.agrees(), name
    [part] = [part for part in place.kept().components if part.spec.name == "alpha"]
    assert (part.provenance.distribution, part.provenance.version, part.plugin) == ("amy", "1.5", "amy")


@pytest.mark.parametrize("name", ["ann.egg-info", "ann-1.0.EGG-INFO", "ann.egg/EGG-INFO"])
def test_eggs_are_seen_to_change(place: Place, name: str) -> None:
    place.hooks("ann", place.root / "one", "alpha")
    info = place.root / "one" / name
    time.sleep(LATER)
    place.kept()
    info.mkdir(parents=True)
    (info / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: ann\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[rheobase]\nann = plug_ann\n")
    if name.endswith("egg/EGG-INFO"):
        place.path.append(info.parent)
    assert place.agrees()
    assert place.offered() == ["alpha"]
    for file, old, new in (("PKG-INFO", "1.0", "1.1"), ("entry_points.txt", "ann =", "amy =")):
        place.write(info / file, (info / file).read_text().replace(old, new))
        assert place.agrees(), file
    assert place.kept().components[-1].plugin == "amy"


@pytest.mark.parametrize(
    "shadow", ["plug_ann.py", "plug_ann_model.py", "plug_ann/__init__.py", "plug_aid.py"]
)
def test_a_module_that_comes_to_lie_before_a_plugins_own_is_noticed(place: Place, shadow: str) -> None:
    place.install("ann", "alpha", "needs", site=1)
    (place.root / "two" / "plug_aid.py").write_text("")
    time.sleep(LATER)
    assert place.offered() == ["alpha"]
    path = place.root / "one" / shadow
    path.parent.mkdir(exist_ok=True)
    path.write_text("raise RuntimeError('not this one')\n")
    assert place.agrees()
    assert place.offered() == []
    path.unlink()
    assert place.agrees()


def test_what_else_happens_in_the_folders_of_the_path_does_not_matter(place: Place) -> None:
    place.install("ann", "alpha", "optional")
    place.install("bob", "gamma", "needs")  # it is broken: what it needs is missing
    time.sleep(LATER)
    place.kept()
    for name in ("result.csv", "other.py", "folder"):
        (place.root / "one" / name).mkdir() if name == "folder" else (place.root / "one" / name).write_text(
            ""
        )
        assert place.offered() == ["none"]
        assert place.examined == []


def test_the_working_folder_counts_where_the_path_has_it(place: Place) -> None:
    place.install("ann", "alpha")
    place.install("bob", "gamma", site=1)
    time.sleep(LATER)
    with place.on_path(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", ["", *sys.path[2:]])
        for name, offered in itertools.islice(itertools.cycle([("one", "alpha"), ("two", "gamma")]), 4):
            patch.chdir(place.root / name)
            found = [component.spec.name for component in installed.load().components]
            assert ("alpha" in found, "gamma" in found) == (offered == "alpha", offered == "gamma")


def test_an_outcome_says_which_limit_it_overran(place: Place) -> None:
    (place.src / "plug_slow.py").write_text("import time\ntime.sleep(60)\n")
    (place.src / "plug_dead.py").write_text("import os\nos._exit(3)\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(place.src))
        with Examiner(limit=0.4) as hasty:
            slow = hasty.examine(Entry("slow", "1", "slow", "plug_slow"))
        # A limit that a busy machine does not reach: what ends the process must not be taken for slowness.
        with Examiner(limit=60.0) as patient:
            dead = patient.examine(Entry("dead", "1", "dead", "plug_dead"))
    assert (slow.limit, dead.limit) == (0.4, 0.0)
    assert "0.4 s" in slow.failure
    assert "exit status 3" in dead.failure
    # Both are looked at again when their source changes.
    assert [Path(path).name for path, _ in (*slow.files, *dead.files)] == ["plug_slow.py", "plug_dead.py"]


def wrong_contents(content: bytes) -> dict[str, bytes]:
    """What may lie where the index should be."""
    check, _, body = content.partition(b"\n")
    kept = json.loads(body)

    def signed(value: object) -> bytes:
        text = json.dumps(value).encode()
        return b"%08x\n" % zlib.crc32(text) + text

    wrong = {
        "nothing": b"",
        "half of it": content[: len(content) // 2],
        "no checksum": body,
        "another checksum": b"%08x\n" % (int(check, 16) ^ 1) + body,
        "no text": b"\xff\xfe\x00" * 100,
        "no JSON": b"%08x\n{" % zlib.crc32(b"{"),
        "an older format": signed(kept | {"key": kept["key"] | {"format": index.FORMAT - 1}}),
        "a newer format": signed(kept | {"key": kept["key"] | {"format": index.FORMAT + 1}}),
        "too few outcomes": signed(kept | {"outcomes": []}),
    }
    wrong |= {f"JSON: {value!r}": signed(value) for value in (None, 3, "text", [], {}, [kept])}
    for field in kept:
        wrong[f"without {field}"] = signed({key: value for key, value in kept.items() if key != field})
    for field in ("key", "entries", "problems", "core", "outcomes", "modules"):
        wrong |= {
            f"{field}: {value!r}": signed(kept | {field: value}) for value in (7, "text", [3], {"a": 1})
        }
    return wrong


def test_a_damaged_index_is_made_again(place: Place) -> None:
    place.install("ann", "alpha")
    place.install("bob", "gamma", "needs")
    time.sleep(LATER)
    fresh = place.fresh()
    place.kept()
    [path] = place.root.glob("cache/plugins/*")
    good = path.read_bytes()
    for what, content in wrong_contents(good).items():
        path.write_bytes(content)
        assert place.kept() == fresh, what
        assert place.examined == ["ann", "bob"], what
        assert path.read_bytes().partition(b"\n")[2][:1] == b"{", what
        assert place.kept() == fresh, what
        assert place.examined == [], what


@pytest.mark.parametrize("where", ["cache", "cache/plugins"])
def test_where_no_index_can_be_written_all_works_without(place: Place, where: str) -> None:
    path = place.root / where
    path.parent.mkdir(exist_ok=True)
    path.write_text("a file, not a folder")
    place.install("ann", "alpha")
    for _ in range(2):
        assert place.kept() == place.fresh()
        assert place.offered() == ["alpha"]
        assert place.examined == ["ann"]
    with place.on_path():
        said = index.save(index.Index(Scan(), Outcome(), {}), index.Key.take(Host()))
    assert str(path) in said
    assert "cannot be written" in said
    assert path.read_text() == "a file, not a folder"


def test_a_folder_where_the_index_should_be_is_left_alone(place: Place) -> None:
    place.install("ann", "alpha")
    with place.on_path():
        path = Path(index.path_of_index())
    (path / "inner").mkdir(parents=True)
    assert place.offered() == ["alpha"]
    assert [each.name for each in path.parent.iterdir()] == [path.name]  # no part of a file stays behind


@pytest.mark.skipif(os.name != "posix", reason="permissions are a file system's own elsewhere")
@pytest.mark.parametrize("mode", [0o666, 0o620, 0o602])
def test_an_index_that_another_user_could_write_is_not_trusted(place: Place, mode: int) -> None:
    place.install("ann", "alpha")
    time.sleep(LATER)
    place.kept()
    [path] = place.root.glob("cache/plugins/*")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o077 == 0
    path.chmod(mode)
    assert place.offered() == ["alpha"]
    assert place.examined == ["ann"]
    assert path.stat().st_mode & 0o777 == 0o600  # it was made anew
    path.chmod(0o644)
    place.kept()
    assert place.examined == []  # others may read it


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file away")
def test_an_index_that_belongs_to_another_user_is_not_trusted(place: Place) -> None:
    place.install("ann", "alpha")
    time.sleep(LATER)
    place.kept()
    [path] = place.root.glob("cache/plugins/*")
    os.chown(path, 12345, -1)
    place.kept()
    assert place.examined == ["ann"]


@pytest.mark.parametrize("age", [0, 1])
def test_where_the_clock_counts_seconds_what_changed_within_two_of_them_is_not_settled(
    age: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "plug_coarse.py"
    path.write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    entry, second = Entry("coarse", "1", "coarse", "plug_coarse"), 1_000_000_000
    known = {}
    for name, part in (("seconds", 0), ("finer", 1)):
        when = (time.time_ns() // second - age - 1) * second + part
        os.utime(path, ns=(when, when))
        time.sleep(LATER)  # the time of that change itself is finer here
        [(_, known[name])], _ = evidence.rests_on(entry, since=time.time_ns())
    assert known["finer"] != evidence.UNSURE
    assert (known["seconds"] == evidence.UNSURE) == (age == 0)

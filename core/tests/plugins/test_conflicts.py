"""Two that offer one name, and one that is there twice: loud where it matters, and the same in any order."""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import rheobase as rb
from hypothesis import given, settings
from hypothesis import strategies as st
from rheobase.errors import ComponentError, PluginWarning
from rheobase.plugins import installed
from rheobase.plugins.discovery import scan
from rheobase.plugins.entry import Entry
from rheobase.plugins.examiner import Here
from rheobase.plugins.outcome import Outcome
from rheobase.plugins.registry import Registry

Publish = Callable[..., Path]
Listed = Callable[..., dict[str, Any]]
Seen = Callable[..., Registry]

HOOKS = """
from rheobase.hookspecs import hookimpl
from rheobase.specs import {spec}
@hookimpl
def {hook}():
    return [{spec}(name, "collections:OrderedDict") for name in {names!r}]
"""


def hooks(*names: str, kind: str = "neuron") -> str:
    """The source of a hook module."""
    return HOOKS.format(spec=f"{kind.title()}Spec", hook=f"rheobase_{kind}s", names=list(names))


# Distribution -> version, hook module, entry points and metadata. They conflict in every way there is.
SET: dict[str, tuple[str, str, str, str]] = {
    "odd-zeta": ("1.0", hooks("twin", "adex"), "", ""),
    "odd-alpha": ("2.0", hooks("twin", "fhn"), "", ""),
    "odd-mid": ("0.3", hooks("twin") + "\n@hookimpl\ndef rheobase_neuron(): return []\n", "", ""),
    "odd-broken": ("1.0", "raise RuntimeError('no')", "", ""),
    "odd-adder": ("1.0", hooks("sum", "most", kind="aggregator"), "", ""),
    "odd-two": ("1.0", hooks("adex"), "second = odd_two\nfirst = odd_two\n", ""),
    "odd-future": ("1.0", hooks("later"), "toy = odd_future\n[rheobase.spec]\ntoy = v99\n", ""),
    "odd-unread": ("1.0", hooks("never"), "", "no metadata"),
}


STANDARD = [path for path in sys.path if Path(path or ".", "os.py").exists()]
"""The path of the standard library; without the rest of the environment, a scan takes a few milliseconds."""


def write(distribution: str, folder: Path, about: tuple[str, str, str, str]) -> None:
    """Install a distribution."""
    version, text, points, metadata = about
    module = distribution.replace("-", "_")
    info = folder / f"{module}-{version}.dist-info"
    info.mkdir(parents=True)
    (folder / f"{module}.py").write_text(text)
    (info / "METADATA").write_text(
        metadata or f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
    )
    (info / "entry_points.txt").write_text(f"[rheobase]\n{points or f'toy = {module}'}\n")


class Watching(Here):
    """Loads plugins in this process, and remembers in which order."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[str] = []

    def examine_all(self, entries: Sequence[Entry]) -> list[Outcome]:
        self.order += [f"{entry.distribution}:{entry.name}" for entry in entries]
        return super().examine_all(entries)


def observe(folders: Sequence[Path], shuffle: random.Random) -> dict[str, Any]:
    """All that a user can see of what lies in folders, whatever order their files have."""
    listdir = os.listdir

    def in_any_order(path: Any = ".") -> list[str]:
        found = sorted(listdir(path))
        shuffle.shuffle(found)
        return found

    watching = Watching()
    registry = Registry(load=lambda: installed.load(watching))
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        patch.setattr(os, "listdir", in_any_order)
        patch.setattr(sys, "path", [*map(str, folders), *STANDARD])
        patch.chdir(folders[0])
        found = [c for c in registry.components() if "odd" in c.qualified]
        resolved = {
            (kind, name): told(registry, kind, name)
            for kind, name in sorted(
                {(c.spec.kind, ask) for c in found for ask in (c.spec.name, c.qualified)}
            )
        }
    said = [str(each.message) for each in caught]
    for folder in folders:
        said = [text.replace(str(folder), "FOLDER") for text in said]
    return {
        "listed": [(c.qualified, c.provenance.version, c.plugin) for c in found],
        "resolved": resolved,
        "warnings": [text for text in said if "odd" in text],
        "loaded": [name for name in watching.order if name.startswith("odd")],
    }


def told(registry: Registry, kind: str, name: str) -> str:
    """What a name means, or why that cannot be told."""
    try:
        found = registry.resolve(kind, name)
    except ComponentError as error:
        return str(error)
    return f"{found.qualified} {found.provenance.version}"


@settings(max_examples=15, deadline=None)
@given(
    order=st.permutations(sorted(SET)),
    folders=st.lists(st.integers(0, 3), min_size=len(SET), max_size=len(SET)),
    path=st.permutations(range(4)),
    shuffle=st.randoms(use_true_random=False),
)
def test_all_is_the_same_for_every_order_of_installation_and_of_the_path(
    order: list[str], folders: list[int], path: list[int], shuffle: random.Random
) -> None:
    installed.load(Here())  # imports what it takes, while the path has it
    root = Path(tempfile.mkdtemp())
    try:
        sites = [root / f"site-{number}" for number in range(4)]
        for site in sites:
            site.mkdir()
        for distribution, number in zip(order, folders, strict=True):
            write(distribution, sites[number], SET[distribution])
        seen = observe([sites[number] for number in path], shuffle)
    finally:
        shutil.rmtree(root)
        for name in [name for name in sys.modules if name.startswith("odd_")]:
            del sys.modules[name]
    assert seen["listed"] == [
        ("odd-two:adex", "1.0", "first"),
        ("odd-two:adex", "1.0", "second"),
        ("odd-zeta:adex", "1.0", "toy"),
        ("odd-alpha:fhn", "2.0", "toy"),
        ("odd-alpha:twin", "2.0", "toy"),
        ("odd-mid:twin", "0.3", "toy"),
        ("odd-zeta:twin", "1.0", "toy"),
        ("odd-adder:most", "1.0", "toy"),
        ("odd-adder:sum", "1.0", "toy"),
    ]
    assert seen["loaded"] == [
        *("odd-adder:toy", "odd-alpha:toy", "odd-broken:toy", "odd-mid:toy"),
        *("odd-two:first", "odd-two:second", "odd-zeta:toy"),
    ]
    resolved = seen["resolved"]
    assert resolved["neuron", "twin"] == (
        "neuron model 'twin' is offered by odd-alpha 2.0 and odd-mid 0.3 and odd-zeta 1.0; "
        "say which: 'odd-alpha:twin' or 'odd-mid:twin' or 'odd-zeta:twin'"
    )
    assert resolved["neuron", "adex"].startswith(
        "neuron model 'adex' is offered by odd-two 1.0 and odd-zeta 1.0"
    )
    assert resolved["neuron", "fhn"] == "odd-alpha:fhn 2.0"
    assert resolved["aggregator", "sum"].startswith("rheobase:sum")
    assert resolved["aggregator", "most"] == "odd-adder:most 1.0"
    for (_, name), meaning in resolved.items():
        assert ":" not in name or meaning.startswith(f"{name} ")
    # First what metadata tell, then what loading tells; each in the order of the distributions' names.
    parts = [("odd_unread", "Name"), ("odd-future", "99"), ("odd-adder", "core's"), ("odd-broken", "Runtime")]
    parts.append(("odd-mid", "no hook 'rheobase_neuron'"))
    assert len(seen["warnings"]) == len(parts)
    for text, (distribution, cause) in zip(seen["warnings"], parts, strict=True):
        assert distribution in text
        assert cause in text


LOADING = """
import os, pathlib
with open(os.environ["LOADED"], "a") as file:
    file.write(__name__ + "\\n")
"""


def test_all_is_the_same_for_every_hash_seed(publish: Publish, listed: Listed, tmp_path: Path) -> None:
    names = {"toy-z": ("same", "z"), "toy-a": ("same", "a"), "toy-m": ("m",), "toy-b": ("same", "m")}
    sites = [publish(name, hooks(*offers) + LOADING, folder=name) for name, offers in names.items()]
    sites += [publish(f"bad-{letter}", "1 / 0" + LOADING, folder=letter) for letter in "zay"]
    results = []
    for number, seed in enumerate(["0", "1", "31337"]):
        path = random.Random(number).sample(sites, len(sites))
        result = listed(*path, seed=seed, cache=seed, env={"LOADED": str(tmp_path / f"loaded-{seed}")})
        results.append((result["found"], result["warnings"]))
        assert sorted((tmp_path / f"loaded-{seed}").read_text().split()) == [
            "toy_a",
            "toy_b",
            "toy_m",
            "toy_z",
        ]
    assert results[1:] == results[:-1]
    assert [row[2] for row in results[0][0] if row[1] == "same"] == ["toy-a", "toy-b", "toy-z"]
    assert [text.split()[3] for text in results[0][1] if "ZeroDivision" in text] == [
        "bad-a",
        "bad-y",
        "bad-z",
    ]


# What is there twice.


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Seen]:
    """A registry that sees what lies in these folders, first on the path."""

    def look(*folders: Path, env: Mapping[str, str] | None = None) -> Registry:
        monkeypatch.chdir(tmp_path)
        for name, value in (env or {}).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "path", [*map(str, folders), *sys.path])
        return Registry(load=lambda: installed.load(Here()))

    yield look
    for name in [name for name in sys.modules if name.startswith("toy_")]:
        del sys.modules[name]


def toys(registry: Registry) -> list[tuple[str, str | None]]:
    """The components of distributions whose names begin with ``toy``."""
    found = [c for c in registry.components() if str(c.provenance.distribution).startswith("toy")]
    return [(c.qualified, c.provenance.version) for c in found]


def test_a_distribution_that_is_on_the_path_twice_counts_once(publish: Publish, seen: Seen) -> None:
    one, two = (publish("toy-models", hooks("toy"), folder=folder) for folder in ("one", "two"))
    (one.parent / "lib64").symlink_to(one)
    assert toys(seen(one, two, one, one.parent / "lib64")) == [("toy-models:toy", "1.0")]


@pytest.mark.parametrize("version", ["1.0", "0.9"])
@pytest.mark.parametrize(
    "name", ["toy_models.egg-info", "toy_models-{}.egg-info", "toy_models-{}-py3.11.egg-info"]
)
def test_an_editable_install_that_left_an_egg_info_beside_its_source_counts_once(
    publish: Publish, seen: Seen, name: str, version: str
) -> None:
    site = publish("toy-models", hooks("toy"), requires=["rheobase>=0.1"])
    source = publish("toy-models", hooks("toy"), version=version, folder="src")
    (source / f"toy_models-{version}.dist-info" / "METADATA").rename(
        source / f"toy_models-{version}.dist-info" / "PKG-INFO"
    )
    (source / f"toy_models-{version}.dist-info").rename(source / name.format(version))
    assert toys(seen(site, source)) == [("toy-models:toy", "1.0")]
    assert toys(seen(source, site)) == [("toy-models:toy", version)]


def test_of_two_versions_the_one_that_python_imports_counts(publish: Publish, seen: Seen) -> None:
    new = publish("toy-models", hooks("toy"), version="2.0", folder="new")
    old = publish("toy_models", hooks("toy"), version="1.0", folder="old", entry="older = toy_models")
    assert toys(seen(new, old)) == [("toy-models:toy", "2.0")]
    assert toys(seen(old, new)) == [("toy_models:toy", "1.0")]


def test_a_version_without_plugins_that_comes_first_hides_one_that_has_some(
    publish: Publish, seen: Seen
) -> None:
    old = publish("toy-models", hooks("toy"), version="1.0", folder="old")
    new = publish("toy-models", hooks("toy"), version="2.0", folder="new")
    (new / "toy_models-2.0.dist-info" / "entry_points.txt").write_text(
        "[console_scripts]\ntoy = toy_models:main\n"
    )
    assert toys(seen(new, old)) == []
    assert toys(seen(old, new)) == [("toy-models:toy", "1.0")]


def test_two_components_that_differ_in_nothing_but_their_spec_are_listed_in_one_order() -> None:
    def plugin(target: str) -> object:
        module = SimpleNamespace(__name__="toys")
        module.rheobase_neurons = rb.hookimpl(lambda: [rb.NeuronSpec("toy", target)])
        return module

    listings = []
    targets = [f"toys.models:Model{number}" for number in range(8)]
    for order in (targets, targets[::-1]):
        registry = Registry(load=installed.core)
        for target in order:
            registry.register(plugin(target))
        listings.append([c.spec.target for c in registry.components("neuron") if c.spec.name == "toy"])
    assert listings == [targets, targets]


# Core's names, and overrides.


def test_cores_name_stays_cores_unless_an_override_says_otherwise(publish: Publish, seen: Seen) -> None:
    site = publish("Toy_Fast", hooks("rk4", "heun", kind="integrator"))
    plain = seen(site)
    with pytest.warns(PluginWarning, match="integrator 'rk4' is core's and stays so.*'Toy_Fast:rk4'"):
        assert plain.resolve("integrator", "rk4").provenance.distribution == "rheobase"
    assert plain.resolve("integrator", "toy-fast:rk4").provenance.overrides is None
    changed = seen(site, env={"RHEOBASE_OVERRIDE": "integrator:rk4=toy.fast"})
    found = changed.resolve("integrator", "rk4")
    assert found.provenance.as_dict() == {
        "name": "rk4",
        "distribution": "Toy_Fast",
        "version": "1.0",
        "overrides": "rheobase:rk4",
    }
    assert found.load() is not None
    assert changed.resolve("integrator", "rheobase:rk4").provenance.distribution == "rheobase"
    assert changed.resolve("integrator", "toy-fast:rk4") == found
    assert changed.resolve("integrator", "heun").provenance.overrides is None


def test_an_override_may_stand_in_the_projects_settings(publish: Publish, seen: Seen, tmp_path: Path) -> None:
    (tmp_path / "rheobase.toml").write_text('[plugins.override]\n"aggregator:sum" = "toy-adder"\n')
    found = seen(publish("toy-adder", hooks("sum", kind="aggregator"))).resolve("aggregator", "sum")
    assert (found.provenance.distribution, found.provenance.overrides) == ("toy-adder", "rheobase:sum")


def test_an_override_settles_a_conflict_between_two_and_overrides_nothing_of_cores(
    publish: Publish, seen: Seen
) -> None:
    sites = [publish(f"toy-{letter}", hooks("twin"), folder=letter) for letter in "ab"]
    with pytest.raises(ComponentError, match=r"toy-a 1\.0 and toy-b 1\.0"):
        seen(*sites).resolve("neuron", "twin")
    found = seen(*sites, env={"RHEOBASE_OVERRIDE": "neuron:twin=toy-b"}).resolve("neuron", "twin")
    assert (found.provenance.distribution, found.provenance.overrides) == ("toy-b", None)
    assert "overrides" not in found.provenance.as_dict()


@pytest.mark.parametrize("source", ["toy-fast", "no-such-distribution"])
def test_an_override_without_effect_is_told_and_core_stays(publish: Publish, seen: Seen, source: str) -> None:
    site = publish("toy-fast", hooks("heun", kind="integrator"))
    registry = seen(site, env={"RHEOBASE_OVERRIDE": f"integrator:rk4={source}"})
    with pytest.warns(PluginWarning, match=f"override integrator:rk4 = {source} has no effect"):
        assert registry.resolve("integrator", "rk4").provenance.distribution == "rheobase"


def test_an_override_is_for_its_kind_and_its_name_only(publish: Publish, seen: Seen) -> None:
    site = publish("toy-fast", hooks("rk3", "rk4", kind="integrator"))
    registry = seen(site, env={"RHEOBASE_OVERRIDE": "integrator:rk4=toy-fast"})
    with pytest.warns(PluginWarning, match="integrator 'rk3' is core's") as caught:
        assert registry.resolve("integrator", "rk3").provenance.distribution == "rheobase"
    assert len(caught) == 1
    assert registry.resolve("integrator", "rk4").provenance.distribution == "toy-fast"


def test_the_scan_is_sorted(publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    for letter in "tbhzqam":
        site = publish(f"toy-{letter}", entry=f"second = toy_{letter}\nfirst = toy_{letter}")
        (site / f"toy_{letter}x-1.dist-info").mkdir()  # without metadata
    monkeypatch.setattr(sys, "path", [str(site), *sys.path])
    found = scan()
    assert list(found.entries) == sorted(found.entries)
    own = [entry for entry in found.entries if entry.distribution.startswith("toy-")]
    assert [(e.distribution[-1], e.name) for e in own] == [
        (x, n) for x in "abhmqtz" for n in ("first", "second")
    ]
    assert [p.message for p in found.problems] == sorted(p.message for p in found.problems)
    assert len(found.problems) == 7

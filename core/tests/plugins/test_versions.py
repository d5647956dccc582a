"""For which hosts a plugin was made: judged from its metadata, before anything of it is imported."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import rheobase as rb
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from rheobase import hookspecs
from rheobase.errors import PluginError
from rheobase.plugins import discovery, installed, offers
from rheobase.plugins.compatibility import about_core, judge
from rheobase.plugins.discovery import scan
from rheobase.plugins.examiner import Here
from rheobase.plugins.host import Host
from rheobase.plugins.installed import Installed

Publish = Callable[..., Path]
Listed = Callable[..., dict[str, Any]]
Judged = Callable[..., Installed]

# A hook module that leaves a mark where it is imported.
MARKING = """
import pathlib
pathlib.Path(__file__).with_suffix(".imported").touch()
from rheobase.hookspecs import hookimpl
from rheobase.specs import NeuronSpec

@hookimpl
def rheobase_neurons():
    return [NeuronSpec({name!r}, "collections:OrderedDict")]
"""


def imported(site: Path) -> set[str]:
    """The hook modules in a folder that were imported."""
    return {path.stem for path in site.glob("*.imported")}


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Judged]:
    """What a host finds in a folder, whose core may be of any version; the names begin with ``made_``."""

    def find(site: Path, *, host: Host | None = None, core: str = "") -> Installed:
        if core:
            monkeypatch.setattr(discovery, "VERSION", core)
        monkeypatch.syspath_prepend(str(site))
        monkeypatch.chdir(tmp_path)
        return installed.load(Here(lambda: scan(host)))

    yield find
    for name in [name for name in sys.modules if name.startswith("made_")]:
        del sys.modules[name]


def made(found: Installed) -> list[str]:
    """The models of those plugins that can be used."""
    return [c.spec.name for c in found.components if str(c.provenance.distribution).startswith("made-")]


def causes(found: Installed) -> dict[str, str]:
    """Distribution -> why it is left out."""
    return {problem.entry.distribution: problem.message for problem in found.problems if problem.entry}


# Plugin's spec version, host's -> whether they go together; each host understands the version before its own.
MATRIX = {
    (1, 1): "works",
    (2, 1): "upgrade the host",
    (3, 1): "upgrade the host",
    (1, 2): "works",
    (2, 2): "works",
    (3, 2): "upgrade the host",
    (1, 3): "upgrade the plugin",
    (2, 3): "works",
    (3, 3): "works",
}


@pytest.mark.parametrize("host", [1, 2, 3])
def test_each_host_uses_plugins_of_its_own_spec_and_the_one_before_and_imports_no_other(
    publish: Publish, judged: Judged, host: int
) -> None:
    for spec in (1, 2, 3):
        site = publish(f"made-for-{spec}", MARKING.format(name=f"made-for-{spec}"), spec=f"v{spec}")
    found = judged(site, host=Host(spec=host, oldest=host - 1))
    understood = f"this host understands {host - 1} to {host}"
    works = [spec for spec in (1, 2, 3) if MATRIX[spec, host] == "works"]
    assert made(found) == [f"made-for-{spec}" for spec in works]
    assert imported(site) == {f"made_for_{spec}" for spec in works}
    messages = causes(found)
    assert len(messages) == 3 - len(works)
    for spec in {1, 2, 3} - set(works):
        message = messages[f"made-for-{spec}"]
        assert f"it was made for spec version {spec}, and {understood}" in message
        right = "rheobase" if MATRIX[spec, host] == "upgrade the host" else f"made-for-{spec}"
        assert f"pip install --upgrade {right}," in message


@pytest.mark.parametrize(
    ("spec", "host", "cause"),
    [
        ("v1:v2", Host(3, 2), ""),
        ("v1:v2", Host(2, 1), ""),
        ("v2:v5", Host(2, 1), ""),
        ("v3:v5", Host(2, 1), "made for spec version 3 to 5, and this host understands 1 to 2"),
        ("v1:v2", Host(4, 3), "made for spec version 1 to 2, and this host understands 3 to 4"),
        ("v2", Host(1, 1), "made for spec version 2, and this host understands 1"),
        ("1", Host(1, 1), ""),
        ("1:2", Host(3, 2), ""),
        ("", Host(9, 8), ""),
        ("v2:v1", Host(2, 1), "'v2:v1' is not of the form"),
        ("v1.5", Host(2, 1), "'v1.5' is not of the form"),
        ("version1", Host(2, 1), "'version1' is not of the form"),
        ("v1:", Host(2, 1), "'v1:' is not of the form"),
        ("v1:v2:v3", Host(2, 1), "is not of the form"),
    ],
)
def test_a_range_of_specs_goes_with_every_host_that_understands_one_of_them(
    spec: str, host: Host, cause: str
) -> None:
    said, mend = judge("toy", [], spec, "1.0", host)
    assert cause in said
    assert bool(said) == bool(mend) == bool(cause)


@given(
    plugin=st.tuples(st.integers(0, 9), st.integers(0, 9)).map(sorted),
    host=st.tuples(st.integers(0, 9), st.integers(0, 9)).map(sorted),
)
def test_a_plugin_is_refused_exactly_where_no_version_is_common(plugin: list[int], host: list[int]) -> None:
    common = set(range(plugin[0], plugin[1] + 1)) & set(range(host[0], host[1] + 1))
    cause, _ = judge("toy", [], f"v{plugin[0]}:v{plugin[1]}", "1.0", Host(host[1], host[0]))
    assert bool(common) == (cause == "")


def test_the_command_judges_the_specs_before_it_imports_anything(publish: Publish, listed: Listed) -> None:
    for spec in (rb.specs.SPEC_VERSION - 1, rb.specs.SPEC_VERSION, rb.specs.SPEC_VERSION + 1):
        site = publish(f"made-for-{spec}", MARKING.format(name=f"made-for-{spec}"), spec=f"v{spec}")
    fit = {f"made-for-{spec}" for spec in range(rb.specs.OLDEST_SPEC_VERSION, rb.specs.SPEC_VERSION + 1)}
    for _ in range(2):  # with an index too
        result = listed(site)
        assert {row[1] for row in result["found"] if row[1].startswith("made")} == fit
        assert imported(site) == {name.replace("-", "_") for name in fit}
        assert len([text for text in result["warnings"] if "made for spec version" in text]) == 3 - len(fit)


# Requires-Dist lines, the core's version, and what the message says; empty: the plugin works.
REQUIREMENTS = [
    (["rheobase"], "0.1.0", ""),
    (["rheobase>=0.1,<0.2"], "0.1.7", ""),
    (["rheobase>=0.1,<0.2"], "0.2.0", "it needs rheobase>=0.1,<0.2, and this is rheobase 0.2.0"),
    (["rheobase (>=0.1,<0.2)"], "0.2.0", "it needs rheobase (>=0.1,<0.2), and this is rheobase 0.2.0"),
    (["Rheobase >= 0.3"], "0.2.0", "it needs Rheobase >= 0.3"),
    (["rheobase[plot]>=0.3"], "0.2.0", "it needs rheobase[plot]>=0.3"),
    (["rheobase>=0.1", "rheobase!=0.2.0"], "0.2.0", "it needs rheobase!=0.2.0"),
    (["rheobase~=0.1.3"], "0.1.9", ""),
    (["rheobase===0.1.9"], "0.1.8", "it needs rheobase===0.1.9"),
    (["rheobase @ https://example.org/rheobase.whl"], "0.1", ""),
    # Markers and extras.
    (["rheobase>=9; python_version < '3'"], "0.1", ""),
    (["rheobase>=9; python_version >= '3'"], "0.1", "it needs rheobase>=9"),
    (["rheobase>=9; extra == 'next'"], "0.1", ""),
    (["rheobase>=9; extra == 'next' or python_version >= '3'"], "0.1", "it needs rheobase>=9"),
    # Pre-releases of the core: PEP 440 puts them before the release.
    (["rheobase>=0.1"], "0.2.0rc1", ""),
    (["rheobase>=0.2"], "0.2.0rc1", "it needs rheobase>=0.2, and this is rheobase 0.2.0rc1"),
    (["rheobase>=0.2.0rc1"], "0.2.0rc2", ""),
    (["rheobase<0.2"], "0.2.0.dev1", "it needs rheobase<0.2"),
    (["rheobase>=0.1"], "0.1.0+local", ""),
    # What cannot be read is no permission.
    (["rheobase>>1"], "0.1", "its requirement 'rheobase>>1' cannot be read"),
    (["rheobase>=one"], "0.1", "its requirement 'rheobase>=one' cannot be read"),
    (["rheobase>=0.1; no_such_marker == '1'"], "0.1", "cannot be read"),
    (["rheobase>=0.1; python_version ~= 'x'"], "0.1", "cannot be read"),
    # Others whose names only begin so.
    (["rheobase-lif>=9", "rheobase_lif>=9", "rheobase.lif>=9", "rheobases>=9", "rheobase2>=9"], "0.1", ""),
    (["my-rheobase>=9", "torch>=99"], "0.1", ""),
]


@pytest.mark.parametrize(("requires", "core", "cause"), REQUIREMENTS)
def test_what_a_plugin_requires_of_the_core_is_judged_before_it_is_imported(
    publish: Publish, judged: Judged, requires: list[str], core: str, cause: str
) -> None:
    publish("made-well", MARKING.format(name="made-well"), requires=["rheobase"])
    site = publish("made-toys", MARKING.format(name="made-toy"), requires=requires)
    found = judged(site, core=core)
    assert made(found) == (["made-well"] if cause else ["made-toy", "made-well"])
    assert ("made_toys" in imported(site)) == (cause == "")
    said = [problem.message for problem in found.problems if "made-" in problem.message]
    assert len(said) == bool(cause)
    for message in said:
        assert cause in message
        assert "made-toys" in message
        assert "pip install" in message


@given(
    clauses=st.lists(
        st.tuples(
            st.sampled_from([">=", "<", "==", "<=", ">", "~=", "!="]),
            st.sampled_from(["0", "0.1", "0.1.0", "0.1.1", "0.2", "1.0rc1", "0.10", "1!0.1"]),
        ).map("".join),
        max_size=3,
    ),
    version=st.sampled_from(
        ["0", "0.1", "0.1.0", "0.1.1", "0.1.1.0", "0.2a1", "0.9", "0.10", "0.1+x", "1!0"]
    ),
    form=st.sampled_from(["rheobase{}", "rheobase ({})", "rheobase {}", "Rheobase{}", " rheobase{} "]),
    comma=st.sampled_from([",", ", ", " , "]),
)
def test_requirements_mean_what_pip_means_by_them(
    clauses: list[str], version: str, form: str, comma: str
) -> None:
    line = form.format(comma.join(clauses))
    try:
        truth = Requirement(line.strip()).specifier.contains(version, prereleases=True)
    except ValueError:  # ~= needs two parts
        truth = False
    cause, _ = judge("toy", [line], "", version, Host())
    assert truth == (cause == "")


def test_without_the_cores_metadata_no_requirement_is_judged() -> None:
    assert judge("toy", ["rheobase>=99"], "v1", "", Host(1, 1)) == ("", "")


def test_only_the_lines_that_name_the_core_are_about_it() -> None:
    lines = ["rheobase", "rheobase>=1", "RHEOBASE [plot]", "rheobase;extra=='x'", "rheobase@ https://x"]
    others = ["rheobase-lif", "rheobase_lif>1", "rheobase.x", "rheobase1", "torch; extra == 'rheobase'"]
    assert about_core([*others, *lines, *others]) == tuple(lines)


# A hook argument that a later host gives, and plugins that take it or not.


class Later:
    """What a later host declares: a hook with an argument."""

    @staticmethod
    @hookspecs.hookspec
    def rheobase_neurons(precision: str) -> list[rb.NeuronSpec]:
        """Offer models for a precision."""
        raise NotImplementedError

    rheobase_integrators = staticmethod(hookspecs.rheobase_integrators)
    rheobase_aggregators = staticmethod(hookspecs.rheobase_aggregators)
    rheobase_backends = staticmethod(hookspecs.rheobase_backends)
    rheobase_synapses = staticmethod(hookspecs.rheobase_synapses)
    rheobase_rules = staticmethod(hookspecs.rheobase_rules)
    rheobase_surrogates = staticmethod(hookspecs.rheobase_surrogates)


def plugins() -> dict[str, Any]:
    """Plugins that say which argument they were given, in the summary of their model."""

    def spec(said: object) -> list[rb.NeuronSpec]:
        return [rb.NeuronSpec("toy", "a:b", str(said))]

    @rb.hookimpl
    def without() -> list[rb.NeuronSpec]:
        return spec("nothing")

    @rb.hookimpl
    def with_default(precision: str = "double") -> list[rb.NeuronSpec]:
        return spec(precision)

    @rb.hookimpl
    def with_keyword(*, precision: str = "double") -> list[rb.NeuronSpec]:
        return spec(precision)

    @rb.hookimpl
    def with_all(**given: Any) -> list[rb.NeuronSpec]:
        return spec(sorted(given.items()))

    @rb.hookimpl
    def needing(precision: str) -> list[rb.NeuronSpec]:
        return spec(precision)

    return {name: SimpleNamespace(rheobase_neurons=hook) for name, hook in locals().items() if name != "spec"}


@pytest.mark.parametrize(
    ("plugin", "today", "later"),
    [
        ("without", "nothing", "nothing"),
        ("with_default", "double", "single"),
        ("with_keyword", "double", "single"),
        ("with_all", "[]", "[('precision', 'single')]"),
        ("needing", None, "single"),
    ],
)
def test_an_argument_that_is_added_later_works_both_ways(plugin: str, today: str | None, later: str) -> None:
    toy = plugins()[plugin]
    assert (
        offers.collect(toy, "toy", declared=Later, values={"precision": "single"}).specs[0].summary == later
    )
    if today is not None:
        assert offers.collect(toy, "toy").specs[0].summary == today
        return
    with pytest.raises(
        PluginError, match="needs the argument 'precision', which this host does not give"
    ) as e:
        offers.collect(toy, "toy")
    assert "it is rheobase_neurons(precision: str) -> list[rb.NeuronSpec]" in str(e.value)
    assert "must be rheobase_neurons() -> Sequence[NeuronSpec]" in str(e.value)

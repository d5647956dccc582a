"""Finding plugins: entry points are read without imports, and no plugin harms another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rheobase.errors import PluginError
from rheobase.plugins import discovery

GOOD = """
from rheobase.hookspecs import hookimpl
from rheobase.specs import NeuronSpec

@hookimpl
def rheobase_neurons():
    return [NeuronSpec({name!r}, "{module}.no_model_is_imported:Model", "a toy")]
"""

# What a stranger may publish, and what the message about it must say.
BROKEN = {
    "import_error": ("import no_such_module_at_all", "ModuleNotFoundError"),
    "syntax_error": ("def f(:", "SyntaxError"),
    "leaves": ("import sys; sys.exit(3)", "SystemExit: 3"),
    "base_exception": ("class Odd(BaseException): pass\nraise Odd('odd')", "Odd: odd"),
    "raises_nothing_said": ("raise RuntimeError", "RuntimeError"),
    "no_hook": ("x = 1", "no hook was found"),
    "hook_raises": (
        "from rheobase.hookspecs import hookimpl\n@hookimpl\ndef rheobase_neurons(): return 1 / 0",
        "hook rheobase_neurons raised ZeroDivisionError",
    ),
    "hook_leaves": (
        "import sys\nfrom rheobase.hookspecs import hookimpl\n@hookimpl\ndef rheobase_neurons(): sys.exit(0)",
        "hook rheobase_neurons raised SystemExit",
    ),
    "forgets_return": (
        "from rheobase.hookspecs import hookimpl\n@hookimpl\ndef rheobase_neurons(): pass",
        "returned None",
    ),
    "wrong_argument": (
        "from rheobase.hookspecs import hookimpl\n@hookimpl\ndef rheobase_neurons(config): return []",
        "config",
    ),
    "wrong_spec": (
        "from rheobase.hookspecs import hookimpl\nfrom rheobase.specs import BackendSpec\n"
        "@hookimpl\ndef rheobase_neurons(): return [BackendSpec('b', 'a:b')]",
        "must be a NeuronSpec",
    ),
    "one_spec": (
        "from rheobase.hookspecs import hookimpl\nfrom rheobase.specs import NeuronSpec\n"
        "@hookimpl\ndef rheobase_neurons(): return NeuronSpec('b', 'a:b')",
        "must return a list of NeuronSpec",
    ),
    "bad_name": (
        "from rheobase.hookspecs import hookimpl\nfrom rheobase.specs import NeuronSpec\n"
        "@hookimpl\ndef rheobase_neurons(): return [NeuronSpec('Bad Name', 'a:b')]",
        "the name 'Bad Name' cannot be used",
    ),
    "unhashable": (
        "from rheobase.hookspecs import hookimpl\nfrom rheobase.specs import IntegratorSpec\n"
        "@hookimpl\ndef rheobase_integrators(): return [IntegratorSpec('b', 'a:b', order=[4])]",
        "not a plain value",
    ),
    "summary_none": (
        "from rheobase.hookspecs import hookimpl\nfrom rheobase.specs import NeuronSpec\n"
        "@hookimpl\ndef rheobase_neurons(): return [NeuronSpec('b', 'a:b', None)]",
        "not a string",
    ),
}

Publish = Callable[..., Path]


@pytest.fixture
def publish(tmp_path: Path) -> Publish:
    """Writes a distribution with one entry point, as an installer would, into a folder."""

    def write(
        distribution: str,
        text: str,
        *,
        version: str = "1.0",
        entry: str | None = None,
        folder: str = "site",
        metadata: str | None = None,
    ) -> Path:
        module = distribution.replace("-", "_")
        site = tmp_path / folder
        info = site / f"{module}-{version}.dist-info"
        info.mkdir(parents=True)
        (site / f"{module}.py").write_text(text)
        plain = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        (info / "METADATA").write_text(plain if metadata is None else metadata)
        (info / "entry_points.txt").write_text(f"[rheobase]\n{entry or f'toy = {module}'}\n")
        return site

    return write


def listed(*sites: Path, seed: str = "0") -> dict[str, Any]:
    """What a fresh process lists and warns of, with these folders first on its path."""
    script = (
        "import json, sys, warnings\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    import rheobase\n"
        "    found = rheobase.list_components()\n"
        "print(json.dumps({'found': [[c.spec.kind, c.spec.name, c.provenance.distribution,\n"
        "    c.provenance.version] for c in found], 'warnings': [str(w.message) for w in caught],\n"
        "    'modules': sorted(sys.modules)}))"
    )
    path = os.pathsep.join([*map(str, sites), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_a_plugin_is_listed_with_its_distribution_and_without_torch_or_model_code(publish: Publish) -> None:
    site = publish("toy-models", GOOD.format(name="toy", module="toy_models"), version="2.7")
    result = listed(site)
    assert ["neuron", "toy", "toy-models", "2.7"] in result["found"]
    assert "toy_models" in result["modules"]
    assert not {"torch", "numpy", "rheobase.engine.component"} & set(result["modules"])


def test_every_broken_plugin_is_named_with_the_command_that_removes_it_and_harms_no_other(
    publish: Publish,
) -> None:
    publish("a-good", GOOD.format(name="first", module="a_good"))
    for kind, (text, _) in BROKEN.items():
        publish(f"broken-{kind.replace('_', '-')}", text, version="0.3")
    publish("broken-entry", "", version="0.3", entry="toy = not a module!")
    publish("broken-attribute", "", version="0.3", entry="toy = broken_attribute:missing")
    site = publish("z-good", GOOD.format(name="last", module="z_good"))
    result = listed(site)
    names = {name for _, name, _, _ in result["found"]}
    assert {"first", "last", "analog", "rk4"} <= names
    said = {f"broken-{kind.replace('_', '-')}": text for kind, (_, text) in BROKEN.items()} | {
        "broken-entry": "package.module:object",
        "broken-attribute": "AttributeError",
    }
    for distribution, cause in said.items():
        [warning] = [text for text in result["warnings"] if f"of {distribution} 0.3" in text]
        assert cause in warning
        assert f"pip uninstall {distribution}" in warning
        assert "entry point toy = " in warning


def test_a_misspelt_hook_is_told_the_nearest_and_the_other_hooks_work(publish: Publish) -> None:
    text = GOOD.format(name="toy", module="toy_models")
    text += "\n@hookimpl\ndef rheobase_integrator(): return []\n"
    result = listed(publish("toy-models", text))
    assert ["neuron", "toy", "toy-models", "1.0"] in result["found"]
    [warning] = [text for text in result["warnings"] if "toy-models" in text]
    assert "no hook 'rheobase_integrator'; did you mean 'rheobase_integrators'" in warning


def test_the_same_distribution_twice_on_the_path_counts_once(publish: Publish) -> None:
    text = GOOD.format(name="toy", module="toy_models")
    sites = [publish("toy-models", text, folder=folder) for folder in ("one", "two")]
    linked = sites[0].parent / "linked"
    linked.symlink_to(sites[0])
    result = listed(*sites, linked)
    assert [row for row in result["found"] if row[1] == "toy"] == [["neuron", "toy", "toy-models", "1.0"]]
    assert not [text for text in result["warnings"] if "toy" in text]


def test_of_two_versions_the_one_that_python_imports_counts(publish: Publish) -> None:
    text = GOOD.format(name="toy", module="toy_models")
    new = publish("toy-models", text, version="2.0", folder="new")
    old = publish("toy_models", text, version="1.0", folder="old", entry="older = toy_models")
    for path, version in ([new, old], "2.0"), ([old, new], "1.0"):
        rows = [row for row in listed(*path)["found"] if row[1] == "toy"]
        assert [row[3] for row in rows] == [version]


@pytest.mark.parametrize("metadata", ["", "Metadata-Version: 2.1\nName:\n"])
def test_a_distribution_without_metadata_is_reported_and_the_others_work(
    publish: Publish, metadata: str
) -> None:
    publish("hollow", GOOD.format(name="hollow", module="hollow"), metadata=metadata)
    site = publish("z-good", GOOD.format(name="last", module="z_good"))
    result = listed(site)
    assert ["neuron", "last", "z-good", "1.0"] in result["found"]
    assert any("hollow" in text or str(site) in text for text in result["warnings"])


def test_undecodable_entry_points_are_reported_and_the_others_work(publish: Publish) -> None:
    publish("garbled", "")
    site = publish("z-good", GOOD.format(name="last", module="z_good"))
    (site / "garbled-1.0.dist-info" / "entry_points.txt").write_bytes(b"[rheobase]\n\xff\xfe = x\n")
    result = listed(site)
    assert ["neuron", "last", "z-good", "1.0"] in result["found"]
    assert any("cannot be read" in text for text in result["warnings"])


def test_the_listing_depends_neither_on_hash_seed_nor_on_path_order(publish: Publish) -> None:
    sites = [
        publish(f"toy-{letter}", GOOD.format(name=name, module=f"toy_{letter}"), folder=letter)
        for letter, name in (("a", "same"), ("b", "same"), ("c", "other"))
    ]
    first = listed(*sites, seed="1")
    for seed, order in ("2", [2, 1, 0]), ("3", [1, 2, 0]):
        assert listed(*(sites[i] for i in order), seed=seed)["found"] == first["found"]
    assert [row[2] for row in first["found"] if row[1] == "same"] == ["toy-a", "toy-b"]


def test_only_the_users_own_interrupt_goes_through_the_isolation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "interrupted_module.py").write_text("raise KeyboardInterrupt")
    (tmp_path / "leaving_module.py").write_text("raise SystemExit")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        discovery.load(discovery.Entry("d", "1", "e", "interrupted_module"))
    with pytest.raises(PluginError, match="SystemExit"):
        discovery.load(discovery.Entry("d", "1", "e", "leaving_module"))


@pytest.mark.parametrize("value", ["os.path:join", "os : path.join", "os:path.join [extra]"])
def test_an_entry_point_may_name_an_object_within_a_module(value: str) -> None:
    assert discovery.load(discovery.Entry("d", "1", "e", value)) is os.path.join

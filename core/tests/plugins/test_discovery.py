"""Finding plugins: entry points are read without imports, and no plugin harms another."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rheobase.plugins.entry import Entry
from rheobase.plugins.evidence import ImportLog
from rheobase.plugins.examine import examine
from rheobase.plugins.examiner import Examiner

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
Listed = Callable[..., dict[str, Any]]


def test_a_plugin_is_listed_with_its_distribution_and_without_torch_or_model_code(
    publish: Publish, listed: Listed
) -> None:
    site = publish("toy-models", names=["toy"], version="2.7")
    result = listed(site)
    assert ["neuron", "toy", "toy-models", "2.7"] in result["found"]
    loaded = {"torch", "numpy", "rheobase.engine.component", "toy_models", "toy_models_model"}
    assert not loaded & set(result["modules"])


def test_every_broken_plugin_is_named_with_the_command_that_removes_it_and_harms_no_other(
    publish: Publish, listed: Listed
) -> None:
    publish("a-good", names=["first"])
    for kind, (text, _) in BROKEN.items():
        publish(f"broken-{kind.replace('_', '-')}", text, version="0.3")
    publish("broken-entry", "", version="0.3", entry="toy = not a module!")
    publish("broken-attribute", "", version="0.3", entry="toy = broken_attribute:missing")
    site = publish("z-good", names=["last"])
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


def test_a_misspelt_hook_is_told_the_nearest_and_the_other_hooks_work(
    publish: Publish, listed: Listed
) -> None:
    site = publish("toy-models")
    with (site / "toy_models.py").open("a") as file:
        file.write("\n@hookimpl\ndef rheobase_integrator(): return []\n")
    result = listed(site)
    assert ["neuron", "toy", "toy-models", "1.0"] in result["found"]
    [warning] = [text for text in result["warnings"] if "toy-models" in text]
    assert "no hook 'rheobase_integrator'; did you mean 'rheobase_integrators'" in warning


@pytest.mark.parametrize("metadata", ["", "Metadata-Version: 2.1\nName:\n"])
def test_a_distribution_without_metadata_is_reported_and_the_others_work(
    publish: Publish, listed: Listed, metadata: str
) -> None:
    publish("hollow", names=["hollow"], metadata=metadata)
    site = publish("z-good", names=["last"])
    result = listed(site)
    assert ["neuron", "last", "z-good", "1.0"] in result["found"]
    assert any("hollow" in text or str(site) in text for text in result["warnings"])


def test_undecodable_entry_points_are_reported_and_the_others_work(publish: Publish, listed: Listed) -> None:
    publish("garbled", "")
    site = publish("z-good", names=["last"])
    (site / "garbled-1.0.dist-info" / "entry_points.txt").write_bytes(b"[rheobase]\n\xff\xfe = x\n")
    result = listed(site)
    assert ["neuron", "last", "z-good", "1.0"] in result["found"]
    assert any("cannot be read" in text for text in result["warnings"])


def test_only_the_users_own_interrupt_goes_through_the_isolation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "interrupted_module.py").write_text("raise KeyboardInterrupt")
    (tmp_path / "leaving_module.py").write_text("raise SystemExit")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        examine(Entry("d", "1", "e", "interrupted_module"))
    assert examine(Entry("d", "1", "e", "leaving_module")).failure == "SystemExit"
    # In the process that is there for plugins, the user's interrupt cannot arrive.
    with Examiner(limit=30.0) as examiner:
        assert examiner.examine(Entry("d", "1", "e", "interrupted_module")).failure == "KeyboardInterrupt"


@pytest.mark.parametrize("value", ["toys:Plugin.inner", "toys : Plugin.inner", "toys:Plugin.inner [extra]"])
def test_an_entry_point_may_name_an_object_within_a_module(
    value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "toys.py").write_text(
        "import rheobase as rb\n"
        "class Hooks:\n"
        "    @rb.hookimpl\n"
        "    def rheobase_aggregators(self): return [rb.AggregatorSpec('largest', 'builtins:max')]\n"
        "class Plugin:\n"
        "    inner = Hooks()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "toys", raising=False)
    assert [spec.name for spec in examine(Entry("d", "1", "e", value)).specs] == ["largest"]


def test_a_thread_that_imports_while_another_plugin_is_done_misses_no_finder() -> None:
    before = list(sys.meta_path)
    with ImportLog():
        finders = iter(sys.meta_path)  # as in the middle of an import of another thread
        next(finders)
    assert list(finders) == before
    assert sys.meta_path == before

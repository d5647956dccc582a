"""Resolving names: errors that help, conflicts that harm one name only, registrations that undo."""

from __future__ import annotations

import gc
import sys
import threading
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pluggy
import pytest
import rheobase as rb
from rheobase.errors import ArgumentError, ComponentError, PluginError, PluginWarning
from rheobase.kinds import KINDS
from rheobase.plugins import installed
from rheobase.plugins.discovery import Scan
from rheobase.plugins.entry import Entry
from rheobase.plugins.examiner import Here
from rheobase.plugins.registry import Registry

Install = Callable[..., Entry]

SPEC: dict[str, Any] = {
    "neuron": rb.NeuronSpec,
    "integrator": rb.IntegratorSpec,
    "aggregator": rb.AggregatorSpec,
}


def plugin(*names: str, kind: str = "neuron", target: str = "collections:OrderedDict") -> types.ModuleType:
    """A plugin module that offers components of these names."""
    module = types.ModuleType("toy_plugin")

    def hook() -> list[Any]:
        return [SPEC[kind](name, target) for name in names]

    setattr(module, f"rheobase_{kind}s", rb.hookimpl(hook))
    return module


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Makes an entry point of a distribution whose hook module offers components of these names."""

    def entry(
        distribution: str, *names: str, kind: str = "neuron", version: str = "1.0", point: str = "toy"
    ) -> Entry:
        name = f"installed_{distribution.replace('-', '_')}_{point}"
        monkeypatch.setitem(sys.modules, name, plugin(*names, kind=kind))
        return Entry(distribution, version, point, name)

    return entry


def registry(*entries: Entry) -> Registry:
    """A registry that sees core and these entry points only, and loads them in this process."""
    return Registry(load=lambda: installed.load(Here(lambda: Scan(entries))))


def test_components_are_sorted_by_kind_then_name(install: Install) -> None:
    on_offer = registry(install("toys", "zeta", "alpha"), install("b", "alpha")).components()
    kinds = [component.spec.kind for component in on_offer]
    assert kinds == sorted(kinds, key=list(KINDS).index)
    assert [component.qualified for component in on_offer if component.spec.kind == "neuron"] == [
        "b:alpha",
        "toys:alpha",
        "rheobase:analog",
        "toys:zeta",
    ]


def test_an_unknown_kind_is_an_error_that_names_the_kinds() -> None:
    with pytest.raises(ArgumentError, match=r"'neurons'; it must be one of neuron, integrator.*did you mean"):
        registry().components("neurons")


def test_an_unknown_name_is_told_the_nearest_and_what_is_installed(install: Install) -> None:
    toys = registry(install("toys", "adex", "hodgkin", version="3.1"))
    with pytest.raises(ComponentError) as caught:
        toys.resolve("neuron", "adx")
    said = str(caught.value)
    assert "no neuron model 'adx'" in said
    assert "did you mean 'adex'?" in said
    assert "adex (toys 3.1)" in said
    assert "hodgkin (toys 3.1)" in said


def test_a_name_of_another_kind_is_told_so() -> None:
    with pytest.raises(ComponentError, match="of kind 'integrator'"):
        registry().resolve("neuron", "rk4")


def test_a_name_that_a_broken_plugin_may_have_offered_is_told_which_is_broken() -> None:
    broken = registry(Entry("bad-models", "0.3", "bad", "no_such_module_here"))
    with pytest.warns(PluginWarning, match="pip uninstall bad-models"):
        broken.components()
    with pytest.raises(ComponentError, match=r"Left out: bad-models 0\.3 \(broken\)"):
        broken.resolve("neuron", "bad")


def test_a_name_that_is_no_string_is_an_error() -> None:
    with pytest.raises(ComponentError, match="must be a string, not 3"):
        registry().resolve("neuron", 3)  # type: ignore[arg-type]


def test_two_distributions_with_one_name_conflict_in_that_name_only(install: Install) -> None:
    entries = [install("toys-a", "lif", "adex"), install("toys-b", "lif", "fhn", version="2.0")]
    for order in (entries, entries[::-1]):
        both = registry(*order)
        with pytest.raises(ComponentError) as caught:
            both.resolve("neuron", "lif")
        said = str(caught.value)
        assert "toys-a 1.0 and toys-b 2.0" in said
        assert "'toys-a:lif' or 'toys-b:lif'" in said
        assert both.resolve("neuron", "toys-b:lif").provenance.version == "2.0"
        assert both.resolve("neuron", "Toys_A:lif").provenance.version == "1.0"
        assert both.resolve("neuron", "adex").provenance.distribution == "toys-a"
        assert both.resolve("neuron", "fhn").provenance.distribution == "toys-b"


def test_two_plugins_of_one_distribution_with_one_name_are_told_apart(install: Install) -> None:
    twice = registry(install("toys", "lif", point="p"), install("toys", "lif", point="q"))
    assert twice.resolve("neuron", "lif").provenance.distribution == "toys"  # the same spec: one component
    other = install("toys", kind="neuron", point="r")
    sys.modules[other.value].rheobase_neurons = rb.hookimpl(  # type: ignore[attr-defined]
        lambda: [rb.NeuronSpec("lif", "collections:Counter")]
    )
    with pytest.raises(ComponentError, match="the plugins 'p', 'r' must give them different names"):
        registry(install("toys", "lif", point="p"), other).resolve("neuron", "toys:lif")


def test_cores_names_always_mean_cores(install: Install) -> None:
    shadowing = registry(install("toys", "sum", "most", kind="aggregator"))
    with pytest.warns(PluginWarning, match="aggregator 'sum' is core's.*'toys:sum'"):
        found = shadowing.resolve("aggregator", "sum")
    assert found.provenance.distribution == "rheobase"
    assert shadowing.resolve("aggregator", "toys:sum").provenance.distribution == "toys"
    assert shadowing.resolve("aggregator", "most").provenance.distribution == "toys"


def test_a_registration_at_run_time_cannot_take_cores_name() -> None:
    toys = registry()
    with pytest.raises(PluginError, match="integrator 'rk4' is core's"):
        toys.register(plugin("rk4", kind="integrator"))
    assert toys.resolve("integrator", "rk4").provenance.distribution == "rheobase"


def test_an_unknown_distribution_before_the_colon_is_an_error(install: Install) -> None:
    with pytest.raises(ComponentError, match=r"no neuron model 'other:lif'.*did you mean 'lif'"):
        registry(install("toys", "lif")).resolve("neuron", "other:lif")


def test_a_registration_lasts_until_it_is_undone() -> None:
    toys = registry()
    undo = toys.register(plugin("toy"))
    assert toys.resolve("neuron", "toy").provenance.as_dict() == {
        "name": "toy",
        "distribution": None,
        "version": None,
    }
    assert toys.resolve("neuron", "toy_plugin:toy") == toys.resolve("neuron", "toy")
    undo()
    undo()
    with pytest.raises(ComponentError):
        toys.resolve("neuron", "toy")


def test_a_registration_in_a_with_statement_ends_with_it_also_on_an_error() -> None:
    toys = registry()

    def fail() -> None:
        with toys.register(plugin("toy")):
            assert toys.resolve("neuron", "toy").spec.name == "toy"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with pytest.raises(ComponentError):
        toys.resolve("neuron", "toy")


def test_an_old_undo_leaves_a_later_registration_of_the_same_plugin_alone() -> None:
    toys = registry()
    module = plugin("toy")
    old = toys.register(module)
    old()
    toys.register(module)
    old()
    assert toys.resolve("neuron", "toy").spec.name == "toy"


def test_the_same_plugin_cannot_be_registered_twice() -> None:
    toys = registry()
    module = plugin("toy")
    toys.register(module)
    with pytest.raises(PluginError, match="registered already"):
        toys.register(module)
    assert toys.resolve("neuron", "toy").spec.name == "toy"


def test_a_cell_that_is_run_again_is_no_conflict() -> None:
    toys = registry()
    toys.register(plugin("toy"))
    toys.register(plugin("toy"))  # a new object that says the same
    assert toys.resolve("neuron", "toy").spec.name == "toy"


def test_a_registration_conflicts_with_an_installed_plugin_of_that_name(install: Install) -> None:
    toys = registry(install("toys", "lif"))
    with toys.register(plugin("lif")):
        with pytest.raises(ComponentError, match=r"toy_plugin .registered at run time. and toys 1.0"):
            toys.resolve("neuron", "lif")
        assert toys.resolve("neuron", "toy_plugin:lif").provenance.distribution is None
    assert toys.resolve("neuron", "lif").provenance.distribution == "toys"


def broken_plugins() -> dict[str, tuple[object, str]]:
    """Plugins that break the contract, and what the error must say."""

    class Raises:
        @rb.hookimpl
        def rheobase_neurons(self) -> list[rb.NeuronSpec]:
            raise OSError("disk on fire")

    class Wrong:
        @rb.hookimpl
        def rheobase_neurons(self) -> Any:
            return ["lif"]

    class Text:
        @rb.hookimpl
        def rheobase_neurons(self) -> Any:
            return "lif"

    class Twice:
        @rb.hookimpl
        def rheobase_neurons(self) -> list[rb.NeuronSpec]:
            return [rb.NeuronSpec("toy", "a:b"), rb.NeuronSpec("toy", "a:c")]

    class Half:
        @rb.hookimpl
        def rheobase_neurons(self) -> list[rb.NeuronSpec]:
            return [rb.NeuronSpec("toy", "a:b")]

        @rb.hookimpl
        def rheobase_integrators(self) -> Any:
            return 3

    class Argument:
        @rb.hookimpl
        def rheobase_neurons(self, config: object) -> list[rb.NeuronSpec]:
            return []

    return {
        "raises": (Raises(), "plugin .*Raises: hook rheobase_neurons raised OSError: disk on fire"),
        "wrong": (Wrong(), "'lif' in it; each element must be a NeuronSpec"),
        "text": (Text(), "returned 'lif'; it must return a list"),
        "twice": (Twice(), "offers 'toy' twice"),
        "half": (Half(), "rheobase_integrators returned 3; it must return a list of IntegratorSpec"),
        "argument": (Argument(), r"rheobase_neurons\(config"),
        "nothing": (types.ModuleType("nothing"), "plugin nothing: no hook was found"),
        "no plugin": ("lif", "no hook was found"),
    }


@pytest.mark.parametrize("case", broken_plugins())
def test_a_registration_that_fails_leaves_nothing_behind(case: str) -> None:
    toys = registry()
    before = toys.components()
    broken, said = broken_plugins()[case]
    with pytest.raises(PluginError, match=said):
        toys.register(broken)
    assert toys.components() == before


def test_a_misspelt_hook_is_warned_of_and_an_optional_one_is_not() -> None:
    class Toy:
        @rb.hookimpl
        def rheobase_neurons(self) -> list[rb.NeuronSpec]:
            return [rb.NeuronSpec("toy", "a:b")]

        @rb.hookimpl
        def rheobase_neuron(self) -> list[rb.NeuronSpec]:
            return []

        @rb.hookimpl(optionalhook=True)
        def rheobase_channels(self) -> list[object]:
            return []

    toys = registry()
    before = toys.components()
    with pytest.warns(PluginWarning, match="no hook 'rheobase_neuron'; did you mean") as caught:
        undo = toys.register(Toy())
    undo()
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(PluginWarning):
            toys.register(Toy())
    assert toys.components() == before


def live(*kinds: type) -> int:
    """How many objects of these types are alive."""
    gc.collect()
    return sum(type(each) in kinds for each in gc.get_objects())


def test_thousands_of_registrations_leave_memory_and_hooks_as_they_were() -> None:
    toys = registry()
    module = plugin("toy")
    before = toys.components()
    for _ in range(100):  # fills the caches of the interpreter
        toys.register(module)()
    hooks = live(pluggy.PluginManager, pluggy.HookCaller, pluggy.HookImpl)
    start = sys.getallocatedblocks()
    for _ in range(3000):
        toys.register(module)()
    gc.collect()
    # What the interpreter keeps for itself differs by some tens; one object left by each would be 3000.
    assert sys.getallocatedblocks() - start < 1000
    assert live(pluggy.PluginManager, pluggy.HookCaller, pluggy.HookImpl) == hooks
    assert toys.components() == before
    assert vars(module).keys() == vars(plugin("toy")).keys()
    with toys.register(module):  # a hook that was left somewhere would offer it twice
        assert [c.spec.name for c in toys.components("neuron")] == ["analog", "toy"]


def together(work: Callable[[], Any]) -> list[Any]:
    """What eight threads get that begin at the same moment."""
    barrier = threading.Barrier(8)
    found: list[Any] = []

    def run() -> None:
        barrier.wait()
        found.append(work())

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    return found


def test_threads_that_resolve_at_once_scan_once_and_get_the_same(install: Install) -> None:
    entry = install("toys", "toy")
    scans: list[int] = []
    started = threading.Event()

    def scan() -> Scan:
        scans.append(1)
        started.wait(0.2)  # long enough for all threads to arrive
        return Scan((entry,))

    toys = Registry(load=lambda: installed.load(Here(scan)))
    found = together(lambda: toys.resolve("neuron", "toy").load())
    assert scans == [1]
    assert len({id(item) for item in found}) == 1


@pytest.mark.parametrize("indexed", [False, True])
def test_threads_that_resolve_at_once_through_all_of_discovery_get_the_same(
    indexed: bool, publish: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = publish("threaded-toys", names=[f"toy-{number}" for number in range(8)])
    (site / "threaded_toys_model.py").write_text(
        "import time\nfrom pathlib import Path\n"
        "with Path(__file__).with_suffix('.log').open('a') as file: file.write('imported ')\n"
        "time.sleep(0.05)\nclass Model: pass\n"
    )
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("RHEOBASE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    if indexed:
        Registry().components()
    toys = Registry()
    monkeypatch.delitem(sys.modules, "threaded_toys_model", raising=False)
    try:
        parts = together(lambda: [toys.resolve("neuron", f"toy-{number}") for number in range(8)])
        models = together(lambda: [part.load() for part in parts[0]])
    finally:
        sys.modules.pop("threaded_toys_model", None)
    assert parts == [parts[0]] * 8
    assert {part.provenance.distribution for part in parts[0]} == {"threaded-toys"}
    assert len({id(model) for group in models for model in group}) == 1
    assert (site / "threaded_toys_model.log").read_text() == "imported "


def test_a_plugin_that_asks_for_components_while_it_is_loaded_gets_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "asking_plugin.py").write_text(
        "import rheobase as rb\nimport asking_twice\n"
        "NAMES = [c.spec.name for c in asking_twice.registry.components()]\n"
        "@rb.hookimpl\ndef rheobase_neurons(): return []\n"
    )
    toys = registry(Entry("asking", "1", "a", "asking_plugin"))
    helper = types.ModuleType("asking_twice")
    helper.registry = toys  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "asking_twice", helper)
    monkeypatch.syspath_prepend(str(tmp_path))
    toys.components()
    assert "rk4" in sys.modules.pop("asking_plugin").NAMES


def test_a_warning_that_a_filter_makes_an_error_leaves_the_registry_whole(install: Install) -> None:
    toys = registry(Entry("bad", "1", "b", "no_such_module_here"), install("toys", "toy"))
    with pytest.raises(PluginWarning):
        toys.components()  # the tests' filters make warnings errors
    assert toys.resolve("neuron", "toy").provenance.distribution == "toys"


@pytest.mark.parametrize(
    ("target", "kind", "said"),
    [
        ("no_such_module_here:Model", "neuron", "ModuleNotFoundError"),
        ("collections:NoSuchModel", "neuron", "AttributeError"),
        ("os.path:join", "neuron", "not a class"),
        ("os:sep", "integrator", "not a class or a function"),
    ],
)
def test_a_target_that_cannot_be_used_is_an_error_with_its_origin(target: str, kind: str, said: str) -> None:
    toys = registry()
    with toys.register(plugin("toy", kind=kind, target=target)):
        found = toys.resolve(kind, "toy")
        with pytest.raises(PluginError, match=said) as caught:
            found.load()
        assert repr(target) in str(caught.value)
        assert "toy_plugin" in str(caught.value)


def test_every_load_gives_the_same_object() -> None:
    toys = registry()
    with toys.register(plugin("toy", target="os.path:join", kind="aggregator")):
        import os

        assert toys.resolve("aggregator", "toy").load() is os.path.join

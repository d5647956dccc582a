"""Registrations at run time: whole or not at all, whatever is registered, and from many threads."""

from __future__ import annotations

import gc
import inspect
import threading
import types
import warnings
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pluggy
import pytest
import rheobase as rb
from rheobase.errors import ComponentError, PluginError, PluginWarning
from rheobase.plugins import installed
from rheobase.plugins import registry as registries
from rheobase.plugins.component import Registered
from rheobase.plugins.installed import Installed
from rheobase.plugins.registry import Registry
from rheobase.specs import Provenance


def plugin(name: str = "toy", kind: str = "neuron", module: str = "toy_plugin") -> types.ModuleType:
    """A plugin module that offers one component, from a target of its own."""
    spec = {"neuron": rb.NeuronSpec, "integrator": rb.IntegratorSpec}[kind](name, f"{module}.part:Part")
    made = types.ModuleType(module)
    setattr(made, f"rheobase_{kind}s", rb.hookimpl(lambda: [spec]))  # type: ignore[call-overload]
    return made


@pytest.fixture
def toys() -> Registry:
    """A registry that sees core only."""
    return Registry(load=installed.core)


@pytest.fixture
def offering() -> Callable[..., Registry]:
    """Makes a registry that sees core and a neuron model of this name from a distribution."""

    def make(distribution: str, name: str, point: str = "toy") -> Registry:
        part = Registered(
            rb.NeuronSpec(name, "collections:Counter"),
            Provenance("neuron", name, distribution, "1.0"),
            point,
        )
        return Registry(load=lambda: Installed((*installed.core().components, part)))

    return make


# Whole or not at all


class Nameless:
    """Raises when it is asked for its name."""

    @property
    def __name__(self) -> str:
        raise SystemExit("no name")

    @rb.hookimpl
    def rheobase_neurons(self) -> list[rb.NeuronSpec]:
        return []


class Unsearchable:
    """Raises when it is searched."""

    def __dir__(self) -> list[str]:
        raise GeneratorExit("no entry")


class Dead:
    """Ends the interpreter when its hook is called."""

    @rb.hookimpl
    def rheobase_neurons(self) -> list[rb.NeuronSpec]:
        raise SystemExit(3)


class Half:
    """Its second hook returns what cannot be read."""

    @rb.hookimpl
    def rheobase_neurons(self) -> list[rb.NeuronSpec]:
        return [rb.NeuronSpec("toy", "toy.neuron:Toy")]

    @rb.hookimpl
    def rheobase_integrators(self) -> Any:
        class Trap(list):  # type: ignore[type-arg]
            def __iter__(self) -> Iterator[Any]:
                raise SystemExit("items")

        return Trap()


class TakesCores:
    """Its second component has a name of core's."""

    @rb.hookimpl
    def rheobase_integrators(self) -> list[rb.IntegratorSpec]:
        return [rb.IntegratorSpec("mine", "toy:Toy"), rb.IntegratorSpec("rk4", "toy:Toy")]


class Misspelt:
    """Its hook is misspelt, of which it is warned."""

    @rb.hookimpl
    def rheobase_neuron(self) -> list[rb.NeuronSpec]:
        return []


@pytest.mark.parametrize("broken", [Nameless, Unsearchable, Dead, Half, TakesCores], ids=lambda c: c.__name__)
def test_a_registration_that_fails_leaves_nothing_behind(broken: type, toys: Registry) -> None:
    before = toys.components()
    with pytest.raises(PluginError):
        toys.register(broken())
    assert toys.components() == before
    assert not toys._at_run_time


def test_a_warning_made_an_error_comes_before_anything_is_registered(
    toys: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another thread that lists in that moment must not see it either.
    seen: list[int] = []

    def warn(*args: object, **kwargs: object) -> None:
        seen.append(len(toys._at_run_time))
        raise PluginWarning("made an error")

    monkeypatch.setattr(warnings, "warn", warn)
    with pytest.raises(PluginWarning, match="made an error"):
        toys.register(Misspelt())
    assert seen == [0]
    assert not toys._at_run_time


def test_a_ctrl_c_while_hooks_are_called_leaves_nothing_behind(toys: Registry) -> None:
    class Slow:
        @rb.hookimpl
        def rheobase_neurons(self) -> list[rb.NeuronSpec]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        toys.register(Slow())
    assert not toys._at_run_time


def test_strictness_about_what_is_installed_leaves_nothing_behind() -> None:
    def load() -> Installed:
        raise PluginError("strict")

    toys = Registry(load=load)
    with pytest.raises(PluginError, match="strict"):
        toys.register(plugin())
    assert not toys._at_run_time


def test_a_plugin_whose_equality_and_hash_raise_is_registered_and_undone(toys: Registry) -> None:
    class Name(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            raise SystemExit("==")

        def __hash__(self) -> int:
            raise SystemExit("hash")

    class Spec(rb.NeuronSpec):
        __eq__ = Name.__eq__
        __hash__ = Name.__hash__

    class Awkward:
        __eq__ = Name.__eq__
        __hash__ = Name.__hash__

        @property
        def __name__(self) -> str:
            return Name("awkward")

        @rb.hookimpl
        def rheobase_neurons(self) -> list[rb.NeuronSpec]:
            return [Spec(Name("toy"), "toy.neuron:Toy")]

    given = Awkward()
    before = toys.components()
    with toys.register(given) as undo:
        assert toys.resolve("neuron", "awkward:toy") == undo.components[0]
        with toys.register(Awkward()):  # says the same, and is another object
            assert len(toys.components()) == len(before) + 1
        with pytest.raises(PluginError, match="registered already"):
            toys.register(given)
    assert toys.components() == before


def test_the_undo_knows_what_it_undoes(toys: Registry) -> None:
    with toys.register(plugin()) as undo:
        assert [part.qualified for part in undo.components] == ["toy_plugin:toy"]
        assert set(undo.components) < set(toys.components())


# From many threads


def run_together(*work: Callable[[], None]) -> None:
    """Run functions in threads that start at once; what one raises is raised here."""
    barrier = threading.Barrier(len(work))
    raised: list[BaseException] = []

    def guarded(function: Callable[[], None]) -> None:
        barrier.wait()
        try:
            function()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=guarded, args=(each,)) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]


def test_of_eight_threads_that_register_one_plugin_exactly_one_does(toys: Registry) -> None:
    given = plugin()
    undos: list[Any] = []
    refused: list[str] = []

    def register() -> None:
        try:
            undos.append(toys.register(given))
        except PluginError as error:
            refused.append(str(error))

    run_together(*[register] * 8)
    assert (len(undos), len(refused)) == (1, 7)
    assert all("registered already" in said for said in refused)
    undos[0]()
    assert not toys._at_run_time


def test_a_thread_that_lists_sees_all_of_a_plugin_or_nothing(toys: Registry) -> None:
    class Two:
        @rb.hookimpl
        def rheobase_neurons(self) -> list[rb.NeuronSpec]:
            return [rb.NeuronSpec("one", "toy:One"), rb.NeuronSpec("two", "toy:Two")]

    done = threading.Event()
    seen: set[frozenset[str]] = set()

    def register() -> None:
        try:
            for _ in range(200):
                toys.register(Two())()
        finally:
            done.set()

    def look() -> None:
        while not done.is_set():
            names = {part.spec.name for part in toys.components("neuron")}
            seen.add(frozenset(names & {"one", "two"}))

    run_together(register, look, look)
    assert seen <= {frozenset(), frozenset({"one", "two"})}


# In place of core's, and beside what is installed


def test_an_override_means_the_plugins_and_says_so_until_it_is_undone(toys: Registry) -> None:
    cores = toys.resolve("integrator", "rk4")
    with toys.register(plugin("rk4", "integrator"), override=True):
        mine = toys.resolve("integrator", "rk4")
        assert mine.plugin == "toy_plugin"
        assert mine.provenance.overrides == "rheobase:rk4"
        assert mine.provenance.as_dict()["overrides"] == "rheobase:rk4"
        assert toys.resolve("integrator", "rheobase:rk4") == cores
        assert toys.resolve("integrator", "toy_plugin:rk4") == mine
    assert toys.resolve("integrator", "rk4") == cores


def test_two_overrides_of_one_name_conflict_in_that_name_only(toys: Registry) -> None:
    other = plugin("rk4", "integrator", "other_plugin")
    with (
        toys.register(plugin("rk4", "integrator"), override=True),
        toys.register(other, override=True),
    ):
        with pytest.raises(ComponentError, match="'other_plugin:rk4' or 'toy_plugin:rk4'"):
            toys.resolve("integrator", "rk4")
        assert toys.resolve("integrator", "rk3").provenance.distribution == "rheobase"


def test_an_override_of_nothing_overrides_nothing(toys: Registry) -> None:
    with toys.register(plugin(), override=True):
        assert toys.resolve("neuron", "toy").provenance.overrides is None


def test_a_plugin_that_is_called_like_core_is_not_core(offering: Callable[..., Registry]) -> None:
    toys = offering("toys", "lif")
    with (
        toys.register(plugin("lif", module="rheobase")),
        pytest.raises(ComponentError, match=r"registered at run time. and toys 1\.0"),
    ):
        toys.resolve("neuron", "lif")


def test_a_plugin_that_is_called_like_a_distribution_does_not_pass_for_it(
    offering: Callable[..., Registry],
) -> None:
    toys = offering("toys", "lif")
    with toys.register(plugin("lif", module="toys")):
        assert toys.resolve("neuron", "toys:lif").provenance.version == "1.0"


def test_an_entry_point_that_is_called_core_is_not_core(offering: Callable[..., Registry]) -> None:
    toys = offering("toys", "lif", point="core")
    with toys.register(plugin("lif")):  # a conflict when it is resolved, but not core's name
        assert toys.resolve("neuron", "toy_plugin:lif").plugin == "toy_plugin"


def test_a_warning_points_at_the_line_that_registered(toys: Registry) -> None:
    with registries.use(toys):
        for register in (rb.register, toys.register):
            line = inspect.currentframe().f_lineno + 2  # type: ignore[union-attr]
            with pytest.warns(PluginWarning, match="rheobase_neuron'") as caught:
                register(Misspelt())
            assert (caught[0].filename, caught[0].lineno) == (__file__, line)


# Another registry in place of the process's own


def test_another_registry_answers_while_it_is_used() -> None:
    before = registries.current()
    alone = Registry(load=installed.core)
    with registries.use(alone):
        undo = rb.register(plugin())
        assert registries.resolve("neuron", "toy").spec.name == "toy"
        assert "toy" in {part.spec.name for part in rb.list_components("neuron")}
        with registries.use(Registry(load=installed.core)):
            assert "toy" not in {part.spec.name for part in rb.list_components("neuron")}
        assert registries.resolve("neuron", "toy").spec.name == "toy"
    assert registries.current() is before
    undo()  # belongs to the registry in which it was made
    assert not alone._at_run_time


def test_the_processs_own_registry_answers_again_after_an_error() -> None:
    before = registries.current()

    def fail() -> None:
        with registries.use(Registry(load=installed.core)):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert registries.current() is before


def test_registries_may_be_left_in_another_order_than_they_were_taken() -> None:
    before = registries.current()
    first, second = Registry(load=installed.core), Registry(load=installed.core)
    one, two = registries.use(first), registries.use(second)
    one.__enter__()
    two.__enter__()
    one.__exit__(None, None, None)
    assert registries.current() is second
    two.__exit__(None, None, None)
    assert registries.current() is before


def test_threads_see_the_registry_that_is_used() -> None:
    found: list[Registry] = []
    alone = Registry(load=installed.core)
    with registries.use(alone):
        run_together(lambda: found.append(registries.current()))
    assert found == [alone]


def test_a_registration_keeps_no_plugin_manager(toys: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[weakref.ref[pluggy.PluginManager]] = []

    class Watched(pluggy.PluginManager):
        def __init__(self, name: str) -> None:
            super().__init__(name)
            made.append(weakref.ref(self))

    monkeypatch.setattr(pluggy, "PluginManager", Watched)
    with toys.register(plugin()):
        gc.collect()
        assert made
        assert not [manager for manager in made if manager() is not None]

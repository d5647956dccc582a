"""What a plugin's hooks may look like, and what is said of those that are wrong: both signatures."""

from __future__ import annotations

import functools
import subprocess
import sys
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pluggy
import pytest
import rheobase as rb
from rheobase import AggregatorSpec, IntegratorSpec, NeuronSpec, hookimpl
from rheobase.errors import PluginError
from rheobase.plugins.offers import HOOKS, collect

TOY = NeuronSpec("toy", "toy.neuron:Toy")
RIGHT = "and must be rheobase_neurons() -> Sequence[NeuronSpec]"


def module(**hooks: Any) -> types.ModuleType:
    """A plugin module with these hooks."""
    made = types.ModuleType("toy_plugin")
    vars(made).update(hooks)
    return made


def refused(plugin: object) -> str:
    """What is said of a plugin that cannot be used."""
    with pytest.raises(PluginError) as caught:
        collect(plugin, "toys 1.0")
    said = str(caught.value)
    assert said.startswith("toys 1.0: ")
    return said


# What the marker sets


@pytest.mark.parametrize("given", [{}, {"specname": "rheobase_neurons"}, {"optionalhook": True}], ids=str)
def test_the_marker_sets_what_pluggys_own_sets(given: dict[str, Any]) -> None:
    ours = hookimpl(**given)(lambda: [])
    pluggys = pluggy.HookimplMarker("rheobase")(**given)(lambda: [])
    assert vars(ours) == vars(pluggys)


def test_a_plugin_that_uses_pluggys_own_marker_is_understood() -> None:
    plugin = module(rheobase_neurons=pluggy.HookimplMarker("rheobase")(lambda: [TOY]))
    assert collect(plugin, "toys 1.0").specs == (TOY,)


def test_a_marked_function_is_the_function_itself() -> None:
    def rheobase_neurons() -> list[NeuronSpec]:
        return [TOY]

    assert hookimpl(rheobase_neurons) is rheobase_neurons
    assert hookimpl(specname="rheobase_neurons")(rheobase_neurons) is rheobase_neurons


def test_a_hook_module_is_imported_without_pluggy_and_without_torch() -> None:
    code = (
        "import sys\nfrom rheobase import NeuronSpec, hookimpl\n"
        "@hookimpl\ndef rheobase_neurons(): return [NeuronSpec('toy', 'toy.neuron:Toy')]\n"
        "print([name for name in ('pluggy', 'torch', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


class Marked:
    """Marked as a whole, by mistake."""

    def rheobase_neurons(self) -> list[NeuronSpec]:
        return [TOY]


@pytest.mark.parametrize(
    "given",
    [Marked, Marked().rheobase_neurons, len, "rheobase_neurons", 3],
    ids=["a class", "a method", "a built-in function", "a string", "a number"],
)
def test_what_cannot_be_marked_is_refused_at_once(given: Any) -> None:
    with pytest.raises(PluginError, match="marks functions: write @hookimpl directly above each"):
        hookimpl(given)


def test_the_name_of_a_hook_must_be_a_string() -> None:
    with pytest.raises(PluginError, match="specname is 3; give the name of a hook, as a string"):
        hookimpl(specname=3)  # type: ignore[call-overload]


# Implementations that are right


def forms() -> dict[str, object]:
    """Plugins whose one hook is written in each of the ways that Python has."""

    class Methods:
        @hookimpl
        def rheobase_neurons(self) -> list[NeuronSpec]:
            return [TOY]

    class Static:
        @staticmethod
        @hookimpl
        def rheobase_neurons() -> list[NeuronSpec]:
            return [TOY]

    class MarkedStatic:
        @hookimpl
        @staticmethod
        def rheobase_neurons() -> list[NeuronSpec]:
            return [TOY]

    class OfTheClass:
        @classmethod
        @hookimpl
        def rheobase_neurons(cls) -> list[NeuronSpec]:
            return [TOY]

    class MarkedOfTheClass:
        @hookimpl
        @classmethod
        def rheobase_neurons(cls) -> list[NeuronSpec]:
            return [TOY]

    class Slots:
        __slots__ = ("rheobase_neurons",)

    class Called:
        def __call__(self) -> list[NeuronSpec]:
            return [TOY]

    def offers(specs: list[NeuronSpec]) -> list[NeuronSpec]:
        return specs

    def neurons() -> list[NeuronSpec]:
        return [TOY]

    slots = Slots()
    slots.rheobase_neurons = hookimpl(lambda: [TOY])
    on_the_object = types.SimpleNamespace(rheobase_neurons=hookimpl(lambda: [TOY]))
    return {
        "function": module(rheobase_neurons=hookimpl(neurons)),
        "named": module(anything=hookimpl(specname="rheobase_neurons")(lambda: [TOY])),
        "method": Methods(),
        "inherited method": type("Child", (Methods,), {})(),
        "bound method": module(rheobase_neurons=Methods().rheobase_neurons),
        "static method": Static(),
        "static method of a class": Static,
        "marked static method": MarkedStatic(),
        "class method": OfTheClass(),
        "class method of a class": OfTheClass,
        "marked class method": MarkedOfTheClass(),
        "on the object": on_the_object,
        "in a slot": slots,
        "lambda": module(rheobase_neurons=hookimpl(lambda: [TOY])),
        "partial": module(rheobase_neurons=hookimpl(functools.partial(offers, [TOY]))),
        "callable object": module(rheobase_neurons=hookimpl(Called())),
        "callable object of a class": type("Plugin", (), {"rheobase_neurons": hookimpl(Called())})(),
        "wrapped": module(rheobase_neurons=functools.wraps(hookimpl(neurons))(lambda: neurons())),
        "any arguments": module(rheobase_neurons=hookimpl(lambda *args, **kwargs: [TOY])),
        "tuple": module(rheobase_neurons=hookimpl(lambda: (TOY,))),
    }


@pytest.mark.parametrize("form", forms())
def test_a_hook_may_be_written_in_any_of_pythons_ways(form: str) -> None:
    assert collect(forms()[form], "toys 1.0").specs == (TOY,)


def test_all_functions_of_one_hook_are_asked() -> None:
    plugin = module(
        rheobase_neurons=hookimpl(lambda: [TOY]),
        more=hookimpl(specname="rheobase_neurons")(lambda: [NeuronSpec("more", "toy.neuron:More")]),
        none=hookimpl(specname="rheobase_neurons")(lambda: []),
    )
    assert sorted(spec.name for spec in collect(plugin, "toys 1.0").specs) == ["more", "toy"]


def test_properties_of_a_plugin_are_not_run() -> None:
    class Toy:
        @property
        def trap(self) -> object:
            raise SystemExit("run")

        @hookimpl
        def rheobase_neurons(self) -> list[NeuronSpec]:
            return [TOY]

    assert collect(Toy(), "toys 1.0").specs == (TOY,)


def test_an_argument_with_a_default_works_on_hosts_that_give_it_and_on_those_that_do_not() -> None:
    given: list[object] = []

    @hookimpl
    def rheobase_neurons(count: int = 1, *, other: str = "none", **more: object) -> list[NeuronSpec]:
        given.append((count, other, more))
        return [TOY]

    plugin = module(rheobase_neurons=rheobase_neurons)
    collect(plugin, "toys 1.0")
    collect(plugin, "toys 1.0", values={"count": 2, "new": 3})
    assert given == [(1, "none", {}), (2, "none", {"new": 3})]


# Implementations that are wrong


def wrong_arguments() -> dict[str, tuple[Callable[..., Any], str]]:
    """Hooks that need what the host does not give, and their signatures as they are printed."""

    def needs(settings: dict[str, int]) -> list[NeuronSpec]:
        return []

    def keyword(*, settings: int) -> list[NeuronSpec]:
        return []

    def positional(settings: int, /) -> list[NeuronSpec]:
        return []

    def among_any(settings: int, **kwargs: object) -> list[NeuronSpec]:
        return []

    return {
        "needs": (needs, "rheobase_neurons(settings: dict[str, int]) -> list[NeuronSpec]"),
        "keyword": (keyword, "rheobase_neurons(*, settings: int) -> list[NeuronSpec]"),
        "positional": (positional, "rheobase_neurons(settings: int, /) -> list[NeuronSpec]"),
        "among any": (among_any, "rheobase_neurons(settings: int, **kwargs: object) -> list[NeuronSpec]"),
        "partial": (functools.partial(lambda a, settings: [], 1), "rheobase_neurons(settings)"),
    }


@pytest.mark.parametrize("case", wrong_arguments())
def test_an_argument_that_must_be_given_is_refused_with_both_signatures(case: str) -> None:
    function, printed = wrong_arguments()[case]
    said = refused(module(rheobase_neurons=hookimpl(function)))
    assert "hook rheobase_neurons needs the argument 'settings', which this host does not give" in said
    assert f"it is {printed}, {RIGHT}" in said


def test_a_positional_argument_is_refused_even_where_the_host_has_one_of_that_name() -> None:
    # The host gives its arguments by name.
    def rheobase_neurons(settings: int, /) -> list[NeuronSpec]:
        return []

    with pytest.raises(PluginError, match="needs the argument 'settings'"):
        collect(module(rheobase_neurons=hookimpl(rheobase_neurons)), "toys 1.0", values={"settings": 1})


def test_a_class_in_place_of_its_object_is_told_so() -> None:
    class Toy:
        @hookimpl
        def rheobase_neurons(self) -> list[NeuronSpec]:
            return [TOY]

    said = refused(Toy)
    assert "register an object of the class, not the class" in said
    assert f"it is rheobase_neurons(self) -> list[NeuronSpec], {RIGHT}" in said


def wrong_results() -> dict[str, tuple[Callable[[], Any], str]]:
    """Hooks that return the wrong thing, and what is said of each."""

    def nothing() -> None:
        return None

    def one() -> NeuronSpec:
        return TOY

    def text() -> str:
        return "toy"

    def in_a_set() -> set[NeuronSpec]:
        return {TOY}

    def generator() -> Iterator[NeuronSpec]:
        yield TOY

    def element() -> list[str]:
        return ["toy"]

    def kind() -> list[IntegratorSpec]:
        return [IntegratorSpec("toy", "toy.integrator:Toy")]

    def second() -> Sequence[object]:
        return (TOY, AggregatorSpec("most", "toy.most:most"))

    def octets() -> bytes:
        return b"toy"

    listed = "it must return a list of NeuronSpec: it is rheobase_neurons() -> "
    each = "in it; each element must be a NeuronSpec: it is rheobase_neurons() -> "
    return {
        "nothing": (nothing, f"returned None; {listed}None, {RIGHT}"),
        "one": (one, f"{listed}NeuronSpec, {RIGHT}"),
        "text": (text, f"returned 'toy'; {listed}str, {RIGHT}"),
        "set": (in_a_set, f"{listed}set[NeuronSpec], {RIGHT}"),
        "generator": (generator, f"{listed}Iterator[NeuronSpec], {RIGHT}"),
        "element": (element, f"returned a list with 'toy' {each}list[str], {RIGHT}"),
        "kind": (kind, f"{each}list[IntegratorSpec], {RIGHT}"),
        "second": (second, "returned a list with AggregatorSpec(name='most', "),
        "bytes": (octets, f"returned a list with 116 {each}bytes, {RIGHT}"),
    }


@pytest.mark.parametrize("case", wrong_results())
def test_a_wrong_result_is_refused_with_both_signatures(case: str) -> None:
    function, printed = wrong_results()[case]
    said = refused(module(rheobase_neurons=hookimpl(function)))
    assert said.startswith("toys 1.0: hook rheobase_neurons returned")
    assert printed in said
    assert RIGHT in said


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_held_against_its_own_signature(hook: str) -> None:
    other = NeuronSpec if HOOKS[hook].spec is not NeuronSpec else IntegratorSpec
    said = refused(module(offers=hookimpl(specname=hook)(lambda: [other("toy", "toy:Toy")])))  # type: ignore[call-overload]
    wanted = HOOKS[hook].spec.__name__
    a = "an" if wanted.startswith(("A", "I")) else "a"
    assert f"each element must be {a} {wanted}: it is {hook}()" in said
    assert said.endswith(f"and must be {hook}() -> Sequence[{wanted}]")


def test_signatures_are_printed_alike_whether_annotations_are_strings_or_classes() -> None:
    def strings(settings: list[NeuronSpec]) -> list[NeuronSpec]:
        return settings

    def classes(settings):
        return settings

    classes.__annotations__ = {"settings": list[NeuronSpec], "return": list[NeuronSpec]}
    said = [refused(module(rheobase_neurons=hookimpl(each))) for each in (strings, classes)]
    assert said[0] == said[1]


def test_an_asynchronous_hook_is_refused_and_leaves_no_warning() -> None:
    async def rheobase_neurons() -> list[NeuronSpec]:
        return [TOY]

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of a coroutine that nobody awaited
        said = refused(module(rheobase_neurons=hookimpl(rheobase_neurons)))
    assert f"it is async rheobase_neurons() -> list[NeuronSpec], {RIGHT}" in said


@pytest.mark.parametrize("option", ["wrapper", "hookwrapper"])
def test_a_wrapper_is_refused(option: str) -> None:
    with pytest.raises(TypeError, match=option):
        hookimpl(**{option: True})
    marked = pluggy.HookimplMarker("rheobase")(**{option: True})(lambda: [TOY])
    said = refused(module(rheobase_neurons=marked))
    assert "hook rheobase_neurons is marked as a wrapper; hooks of Rheobase have none" in said


def test_a_hook_that_raises_is_refused_with_what_it_raised() -> None:
    class Unprintable(BaseException):
        def __str__(self) -> str:
            raise SystemExit

    def raising(error: BaseException) -> types.ModuleType:
        def rheobase_neurons() -> list[NeuronSpec]:
            raise error

        return module(rheobase_neurons=hookimpl(rheobase_neurons))

    assert refused(raising(OSError("disk on fire"))).endswith("raised OSError: disk on fire")
    assert refused(raising(SystemExit(3))).endswith("raised SystemExit: 3")
    assert refused(raising(Unprintable())).endswith("raised Unprintable")


# Objects that fight back


class Trap:
    """Raises whatever is done with it."""

    def __repr__(self) -> str:
        raise SystemExit("repr")

    def __eq__(self, other: object) -> bool:
        raise SystemExit("==")

    def __hash__(self) -> int:
        raise SystemExit("hash")

    def __bool__(self) -> bool:
        raise SystemExit("bool")


class LyingTrap(Trap):
    """Does not even tell its class."""

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        raise SystemExit("class")


class TrapSequence(Sequence[Any]):
    """A sequence that cannot be read."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: Any) -> Any:
        raise GeneratorExit("item")


class TrapName(str):
    """A string whose == and hash raise."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        raise SystemExit("==")

    def __hash__(self) -> int:
        raise SystemExit("hash")


class TrapSpec(NeuronSpec):
    """A spec whose == and hash raise, and which checks nothing."""

    def __post_init__(self) -> None:
        pass

    def __eq__(self, other: object) -> bool:
        raise SystemExit("==")

    def __hash__(self) -> int:
        raise SystemExit("hash")


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (Trap(), "returned an object of class Trap; it must return a list of NeuronSpec"),
        (LyingTrap(), "returned what cannot be read, SystemExit: class; it must return a list"),
        ([TOY, Trap()], "returned a list with an object of class Trap in it; each element must be"),
        ([LyingTrap()], "returned what cannot be read, SystemExit: class"),
        (TrapSequence(), "returned what cannot be read, GeneratorExit: item"),
        (["x" * 100_000], "returned a list with 'xxxx"),
    ],
    ids=["object", "class", "element", "class of an element", "items", "long"],
)
def test_a_result_that_fights_back_is_refused_with_both_signatures(result: Any, said: str) -> None:
    def rheobase_neurons() -> Any:
        return result

    message = refused(module(rheobase_neurons=hookimpl(rheobase_neurons)))
    assert said in message
    assert f"it is rheobase_neurons() -> Any, {RIGHT}" in message
    assert len(message) < 1000


def test_specs_are_the_hosts_own_whatever_the_plugin_made_of_them() -> None:
    plugin = module(rheobase_neurons=hookimpl(lambda: [TrapSpec(TrapName("toy"), "toy.neuron:Toy")]))
    (spec,) = collect(plugin, "toys 1.0").specs
    assert type(spec) is NeuronSpec
    assert type(spec.name) is str
    assert spec == TOY
    assert hash(spec) == hash(TOY)


def test_numbers_of_a_spec_are_plain() -> None:
    class Order(int):
        pass

    class Real(float):
        pass

    given = IntegratorSpec("toy", "toy:Toy", order=Order(2), adaptive=True)
    unit = AggregatorSpec("most", "toy:most", identity=Real(0.5))
    plugin = module(
        rheobase_integrators=hookimpl(lambda: [given]), rheobase_aggregators=hookimpl(lambda: [unit])
    )
    first, second = collect(plugin, "toys 1.0").specs
    assert (type(first.order), first.order, first.adaptive) == (int, 2, True)  # type: ignore[attr-defined]
    assert (type(second.identity), second.identity) == (float, 0.5)  # type: ignore[attr-defined]


def test_a_spec_that_evaded_its_own_checks_is_checked() -> None:
    plugin = module(rheobase_neurons=hookimpl(lambda: [TrapSpec("Bad Name", "toy.neuron:Toy")]))
    assert "hook rheobase_neurons: NeuronSpec: the name 'Bad Name' cannot be used" in refused(plugin)


@pytest.mark.parametrize("method", ["__dir__", "__getattribute__"])
def test_a_plugin_that_cannot_be_searched_is_refused(method: str) -> None:
    def trap(self: object, *args: object) -> Any:
        raise GeneratorExit("no entry")

    plugin = type("Plugin", (), {method: trap, "rheobase_neurons": hookimpl(lambda self: [TOY])})()
    assert "GeneratorExit: no entry; it cannot be searched for hooks" in refused(plugin)


@pytest.mark.parametrize("where", ["dir", "hook"])
def test_the_users_own_ctrl_c_goes_through(where: str) -> None:
    class Plugin:
        def __dir__(self) -> list[str]:
            if where == "dir":
                raise KeyboardInterrupt
            return ["rheobase_neurons"]

        @hookimpl
        def rheobase_neurons(self) -> list[NeuronSpec]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        collect(Plugin(), "toys 1.0")


def test_a_function_of_the_wrong_name_is_found_out_when_it_is_asked() -> None:
    # Type checkers see no names through a decorator; with specname= they would have seen this one.
    @rb.hookimpl
    def rheobase_neurons() -> list[IntegratorSpec]:
        return [IntegratorSpec("toy", "toy.integrator:Toy")]

    said = refused(module(rheobase_neurons=rheobase_neurons))
    assert f"it is rheobase_neurons() -> list[IntegratorSpec], {RIGHT}" in said

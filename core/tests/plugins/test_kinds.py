"""A kind of component is one row: its hook, its types and its class are where the row says."""

from __future__ import annotations

import ast
import inspect
from pkgutil import resolve_name

import pytest
from rheobase import errors, hookspecs, marker, specs
from rheobase.kinds import HOOKS, KINDS, Kind
from rheobase.plugins.offers import collect


@pytest.mark.parametrize("kind", KINDS.values(), ids=str)
def test_a_kind_has_a_hook_that_returns_its_spec(kind: Kind) -> None:
    hook = getattr(hookspecs, kind.hook)
    assert inspect.signature(hook).return_annotation == f"Sequence[{kind.spec.__name__}]"
    assert ">>>" in hook.__doc__
    assert kind.hook in hookspecs.__all__


def test_there_is_no_hook_and_no_spec_without_a_kind() -> None:
    declared = {name for name in vars(hookspecs) if name.startswith("rheobase_")}
    assert declared == set(HOOKS)
    assert [kind.name for kind in HOOKS.values()] == list(KINDS)
    described = {each for each in vars(specs).values() if isinstance(each, type)}
    subclasses = {each for each in described if issubclass(each, specs.ComponentSpec)}
    assert subclasses - {specs.ComponentSpec} == {kind.spec for kind in KINDS.values()}


def test_the_marker_tells_type_checkers_of_each_hook() -> None:
    tree = ast.parse(inspect.getsource(marker))
    told = {
        ast.literal_eval(node.slice)
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Literal"
    }
    assert {name for name in told if isinstance(name, str)} == set(HOOKS)


def test_the_class_of_a_kind_is_a_public_name() -> None:
    for kind in KINDS.values():
        assert not kind.base or isinstance(resolve_name(kind.base), type)


def test_messages_name_the_hooks_of_the_table() -> None:
    class Toy:
        @marker.hookimpl(optionalhook=True, specname="rheobase_neuron")
        def models(self) -> list[str]:
            return []

    assert collect(Toy(), "plugin Toy") == ((), ())
    with pytest.raises(errors.PluginError, match=", ".join(HOOKS)):
        collect(object(), "plugin Toy")

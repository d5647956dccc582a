"""Mutants as classes, each in a module of its own, and as subjects that the kit judges."""

from __future__ import annotations

import sys
import types
import warnings
from functools import cached_property

from rheobase import Neuron

from ..neurons.subject import NeuronSubject
from .making import Mutant


class MutantSubject(NeuronSubject):
    """A mutant under judgement: found by nothing but itself, and loaded where it is first asked for.

    So what a module does while it is loaded, such as to loop, it does in the process in which it is judged.

    Args:
        subject: The model.
        mutant: The mutant.
    """

    def __init__(self, subject: NeuronSubject, mutant: Mutant) -> None:
        super().__init__(subject.name, f"mutant {mutant.number} of {subject.target}", None)
        self.mutant = mutant

    @cached_property
    def model(self) -> type[Neuron]:
        """Its class."""
        return loaded(self.mutant)


def loaded(mutant: Mutant) -> type[Neuron]:
    """The class of a mutant. Its module stays where Python keeps modules, until :func:`forget`.

    Args:
        mutant: The mutant.

    Raises:
        Exception: Whatever the module raises.
    """
    home = mutant.home
    module = types.ModuleType(_name(mutant))
    module.__file__, module.__package__ = home.path, home.package
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # those of the author's text, each time again
        code = compile(mutant.text, home.path, "exec", dont_inherit=True)
    sys.modules[module.__name__] = module
    exec(code, vars(module))
    found: object = module
    for part in home.qualname.split("."):
        found = getattr(found, part)
    if not (isinstance(found, type) and issubclass(found, Neuron)):
        raise TypeError(f"{home.qualname} is {found!r}, and no neuron's class")
    return found


def forget(mutant: Mutant) -> None:
    """Leave nothing of a mutant behind.

    Args:
        mutant: The mutant.
    """
    sys.modules.pop(_name(mutant), None)


def same_code(mutant: Mutant) -> bool:
    """Whether Python makes the same code of a mutant as of the model, whose slip means nothing then.

    Args:
        mutant: The mutant.
    """
    own, other = (
        compile(text, mutant.file, "exec", dont_inherit=True) for text in (mutant.home.text, mutant.text)
    )
    return _alike(own, other)


def _alike(own: types.CodeType, other: types.CodeType) -> bool:
    parts = ("co_code", "co_names", "co_varnames", "co_freevars", "co_cellvars")
    if any(getattr(own, part) != getattr(other, part) for part in parts):
        return False
    if len(own.co_consts) != len(other.co_consts):
        return False
    pairs = zip(own.co_consts, other.co_consts, strict=True)
    # 1, 1.0 and True are equal, and not the same; 0.0 and -0.0 too.
    return all(
        _alike(a, b)
        if isinstance(a, types.CodeType) and isinstance(b, types.CodeType)
        else repr(a) == repr(b)
        for a, b in pairs
    )


def _name(mutant: Mutant) -> str:
    return f"{mutant.home.module}_mutant_{mutant.number}"

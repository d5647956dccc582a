"""Subjects: what the kit judges, and what it has declared."""

from __future__ import annotations

import copy
import inspect
import math
import re
from functools import cached_property
from typing import Any

import torch
from rheobase import AggregatorSpec, Integrator, IntegratorSpec, Provenance
from rheobase.spi import ComponentSpec
from torch import Tensor

from .violation import violated


class Subject:
    """A component under judgement.

    Args:
        name: What reports call it.
        target: How :func:`find` finds it again: a name, ``"module:Object"`` or a path.
        obj: The object.
        spec: What its plugin says of it, or None where it is judged without one.
        provenance: Where it comes from, where it is installed.
        hook_module: The hook module that offers it, importable by this name; empty where none is known.
        folder: A folder that must be on the path for that, or empty.
    """

    kind = ""

    def __init__(
        self,
        name: str,
        target: str,
        obj: Any,
        spec: ComponentSpec | None = None,
        *,
        provenance: Provenance | None = None,
        hook_module: str = "",
        folder: str = "",
    ) -> None:
        self.name = name
        self.target = target
        self.obj = obj
        self.spec = spec
        self.provenance = provenance
        self.hook_module = hook_module
        self.folder = folder
        self.strongest = math.inf
        """The strongest input under which it is measured; less where a stronger one ended its process."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


class IntegratorSubject(Subject):
    """An integrator under judgement. What it claims is in :attr:`claims`."""

    kind = "integrator"

    @cached_property
    def claims(self) -> IntegratorSpec:
        """Its spec; without one, what the object says of its own order, steps and fields."""
        if isinstance(self.spec, IntegratorSpec):
            return self.spec
        source = self.make()
        return IntegratorSpec(
            "unnamed",
            "unnamed:unnamed",
            order=source.order,
            adaptive=source.adaptive,
            field=source.field,  # type: ignore[arg-type]
            events="located" if _locates(source) else "base",
        )

    @property
    def is_object(self) -> bool:
        """Whether it was given as an object, which takes no settings, and not as what makes one."""
        return isinstance(self.obj, Integrator)

    @cached_property
    def settings(self) -> frozenset[str]:
        """The names of the settings that it says it takes."""
        if self.is_object:
            return frozenset()
        try:
            taken = inspect.signature(self.obj).parameters.values()
        except (TypeError, ValueError):
            return frozenset()
        return frozenset(
            each.name for each in taken if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)
        )

    def make(self, **settings: Any) -> Integrator:
        """A new integrator. One given as an object is copied, and takes no settings."""
        made = copy.deepcopy(self.obj) if self.is_object else self.obj(**settings)
        if not isinstance(made, Integrator):
            violated(f"it made an object of type {type(made).__name__}, and must make a rheobase.Integrator")
        return made

    def with_step(self, step: float) -> Integrator:
        """One whose steps are so long: where it chooses its own, by the setting ``fixed_step``, ms."""
        if not self.claims.adaptive:
            return self.make()
        if "fixed_step" not in self.settings:
            violated(
                "it claims adaptive=True and an order, and takes no setting fixed_step (ms), at which an "
                "order can be seen; take one, or claim order=0"
            )
        return self.make(fixed_step=step)

    def quick(self) -> Integrator:
        """One for properties that are not about its error: with a loose tolerance."""
        return self.with_tolerance(1e-4) if self.claims.adaptive else self.make()

    def with_tolerance(self, tolerance: float) -> Integrator:
        """One that controls its error by this relative and absolute tolerance, as far as it takes them."""
        return self.make(**{name: tolerance for name in ("rtol", "atol") if name in self.settings})


def _locates(integrator: Integrator) -> bool:
    from rheobase import EventIntegrator

    return isinstance(integrator, EventIntegrator)


class AggregatorSubject(Subject):
    """An aggregator under judgement. What it claims is in :attr:`claims`."""

    kind = "aggregator"

    @cached_property
    def claims(self) -> AggregatorSpec:
        """Its spec; without one, nothing is claimed."""
        if isinstance(self.spec, AggregatorSpec):
            return self.spec
        return AggregatorSpec("unnamed", "unnamed:unnamed")

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The short words of its code, among which are the identifiers that mean something to it."""
        return tuple(sorted(_words_of(self.obj)))


class SurrogateSubject(Subject):
    """A surrogate under judgement: a function S of a tensor."""

    kind = "surrogate"

    def slope(self, z: Tensor) -> Tensor:
        """S' at numbers that require a gradient; zero where S hangs on none of them."""
        value = self.obj(z)
        if not value.requires_grad:
            return torch.zeros_like(z)
        (found,) = torch.autograd.grad(value.sum(), z, allow_unused=True)
        return torch.zeros_like(z) if found is None else found


_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,15}")


def _words_of(obj: Any) -> set[str]:
    """Strings that could be identifiers: constants of a function's code, and what a callable object holds."""
    found: set[str] = set()
    for holder in (obj, vars(type(obj)).get("__call__")):
        code = getattr(holder, "__code__", None)
        names: tuple[str, ...] = ()
        if code is not None:
            found |= _texts(code.co_consts)
            names = code.co_names
        # Tables that the code looks into, such as {"exc": 1.0, "inh": -1.0}.
        for name in names:
            found |= _texts(getattr(holder, "__globals__", {}).get(name))
    found |= _texts(getattr(obj, "__dict__", None))
    return {word for word in found if _WORD.fullmatch(word)}


def _texts(value: Any, depth: int = 3) -> set[str]:
    if isinstance(value, str):
        return {value.rstrip("*")}
    if hasattr(value, "co_consts"):
        return _texts(value.co_consts, depth - 1) if depth else set()
    if isinstance(value, dict) and depth:
        return {text for pair in value.items() for each in pair for text in _texts(each, depth - 1)}
    if isinstance(value, (tuple, list, set, frozenset)) and depth:
        return {text for each in value for text in _texts(each, depth - 1)}
    return set()

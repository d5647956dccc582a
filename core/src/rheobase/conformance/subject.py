"""Subjects: what the kit judges, and what it has declared."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from ..engine.integrator import Integrator
from ..specs import AggregatorSpec, ComponentSpec, IntegratorSpec, Provenance


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
        )

    def make(self, **settings: Any) -> Integrator:
        """A new integrator. One given as an object is copied, and takes no settings."""
        import copy

        made = copy.deepcopy(self.obj) if isinstance(self.obj, Integrator) else self.obj(**settings)
        if not isinstance(made, Integrator):
            from .violation import violated

            violated(f"it made an object of type {type(made).__name__}, and must make a rheobase.Integrator")
        return made


class AggregatorSubject(Subject):
    """An aggregator under judgement. What it claims is in :attr:`claims`."""

    kind = "aggregator"

    @cached_property
    def claims(self) -> AggregatorSpec:
        """Its spec; without one, nothing is claimed."""
        if isinstance(self.spec, AggregatorSpec):
            return self.spec
        return AggregatorSpec("unnamed", "unnamed:unnamed")

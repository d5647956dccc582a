"""Synapses under judgement, and a target that has what they read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
from rheobase import Plasticity, SynapseSpec
from rheobase.spi import called

from ..subject import Subject
from .host import Clock, target_of


class SynapseSubject(Subject):
    """A synapse under judgement. What it claims is in :attr:`claims`."""

    kind = "synapse"

    @cached_property
    def claims(self) -> SynapseSpec:
        """Its spec; without one, nothing is claimed."""
        if isinstance(self.spec, SynapseSpec):
            return self.spec
        return SynapseSpec("unnamed", "unnamed:unnamed")

    @property
    def schema(self) -> Any:
        """What it declares."""
        return self.obj.schema

    @property
    def plastic(self) -> bool:
        """Whether it changes weights, and says nothing of what a spike does."""
        return issubclass(self.obj, Plasticity)

    @property
    def bounds(self) -> tuple[str, ...]:
        """Those bounds of weights that a plasticity declares."""
        names = ("low", "high") if self.plastic else ()
        return tuple(name for name in names if name in self.schema.parameters)

    @property
    def traces(self) -> tuple[str, ...]:
        """The states of a plasticity that it declares to be at rest where they begin."""
        return tuple(name for name, each in self.schema.states.items() if self.plastic and each.at_rest)

    @property
    def own(self) -> Any:
        """What it declares, with the states that are kept for each target alone."""
        return self.obj.kinetics.schema

    @property
    def of_source(self) -> tuple[str, ...]:
        """The states that are kept for each source."""
        return () if self.plastic else tuple(self.obj.kinetics.of_source)

    @property
    def has_states(self) -> bool:
        """Whether it has states, and functions of them; else it adds to a state of its target."""
        return not self.plastic and not self.obj.into

    @property
    def at_rest(self) -> tuple[str, ...]:
        """The states of a target that it declares to be at rest where they begin."""
        return tuple(name for name, each in self.own.states.items() if each.at_rest)

    @property
    def signed(self) -> bool:
        """Whether weights below zero have a meaning: where they are of what is sent, and no conductances."""
        return bool(self.obj.weight_unit == self.obj.unit)

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The states of the target that its output asks for."""
        if not self.has_states:
            return ()
        from .bench import start

        state, params, _ = start(self, self.target_class(("voltage",)))
        post = _Asked()
        called(f"{self.obj.__name__}.output", self.obj.output, state, params, post)
        return tuple(dict.fromkeys(post.names))

    @cached_property
    def host(self) -> Any:
        """The class of a target that it can be connected to."""
        if self.plastic:
            return Clock
        return self.target_class(("voltage", *self.reads))

    def target_class(self, names: Sequence[str]) -> Any:
        """A target with these states, and that which spikes are added to."""
        into = self.obj.into
        return target_of(
            tuple(dict.fromkeys([*names, *([into] if into else [])])), into, self.obj.weight_unit
        )


class _Asked:
    """Any state of a target, and which were asked for."""

    def __init__(self) -> None:
        self.__dict__["names"] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self.__dict__["names"].append(name)
        return torch.full((2,), -60.0 if name == "voltage" else 0.5, dtype=torch.float64)

"""A case for a rule: populations, a key, and values of its parameters."""

from __future__ import annotations

import inspect
import itertools
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

import torch
from rheobase.spi import key_of
from torch import Tensor

from ..violation import violated
from .subject import RuleSubject

Places = tuple[Tensor, Tensor]
"""Where sources and targets are, float64 ``[units, dimensions]``."""


class Rows(NamedTuple):
    """What a rule gave: where the row of each target begins, and the sources in it."""

    indptr: Tensor
    indices: Tensor

    def lists(self) -> list[list[int]]:
        """The sources of each target."""
        ends = self.indptr.tolist()
        return [self.indices[a:b].tolist() for a, b in itertools.pairwise(ends)]

    def targets(self) -> Tensor:
        """The target of each synapse, counted from the first that was asked for."""
        return torch.repeat_interleave(self.indptr.diff())

    def equal(self, other: Rows) -> bool:
        """Whether both are the same, bit for bit."""
        return torch.equal(self.indptr, other.indptr) and torch.equal(self.indices, other.indices)


@dataclass(frozen=True)
class RuleCase:
    """Two populations, a key, and values of the parameters of a rule.

    Args:
        sources: The number of units that send.
        targets: The number that receive.
        same: Whether they are one population.
        seed: Of the key, and of positions.
        located: Whether both have positions, in a plane.
        parameters: The values.

    Example:
        >>> RuleCase(seed=1).key == RuleCase(seed=2).key
        False
    """

    sources: int = 7
    targets: int = 5
    same: bool = False
    seed: int = 0
    located: bool = False
    parameters: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        usual = RuleCase()
        told = [
            f"{each.name}={getattr(self, each.name)!r}"
            for each in fields(self)
            if each.name in ("sources", "targets") or getattr(self, each.name) != getattr(usual, each.name)
        ]
        return f"RuleCase({', '.join(told)})"

    @property
    def key(self) -> int:
        """An integer of 128 bits, as a network gives it."""
        return key_of(self.seed, "E->I", "rule")

    def positions(self) -> Places | None:
        """Where both are, float64 ``[units, 2]`` in the unit square."""
        return self.places() if self.located else None

    def places(self) -> Places:
        """As :meth:`positions`, whether or not the rule is given them."""
        generator = torch.Generator().manual_seed(self.seed)
        where = torch.rand(self.sources, 2, generator=generator, dtype=torch.float64)
        if self.same:
            return where, where
        return where, torch.rand(self.targets, 2, generator=generator, dtype=torch.float64)


def asked(
    subject: RuleSubject,
    case: RuleCase,
    first: int = 0,
    last: int | None = None,
    *,
    key: int | None = None,
    positions: Places | None = None,
) -> Rows:
    """What a rule gives for some targets; all by default.

    Args:
        subject: The rule.
        case: What it is given.
        first: The first target.
        last: One more than the last.
        key: Another key than that of the case.
        positions: Others than those of the case.
    """
    places = (first, case.targets if last is None else last, case.sources, case.targets)
    by_place = (*places, case.key if key is None else key)
    by_name = {"same": case.same, "positions": case.positions() if positions is None else positions}
    _require_call(subject, by_place, {**by_name, **case.parameters})
    given = subject.obj(*by_place, **by_name, **case.parameters)
    if not (isinstance(given, tuple) and len(given) == 2 and all(isinstance(each, Tensor) for each in given)):
        told = [type(each).__name__ for each in given] if isinstance(given, tuple) else type(given).__name__
        violated(f"it gave {told}; it must give two tensors, (indptr, indices)")
    return Rows(*given)


def _require_call(subject: RuleSubject, by_place: tuple[Any, ...], by_name: dict[str, Any]) -> None:
    try:
        signature = inspect.signature(subject.obj)
    except (TypeError, ValueError):  # of C, or the like: the call itself will tell
        return
    try:
        signature.bind(*by_place, **by_name)
    except TypeError as error:
        violated(
            f"it takes {signature}: {error}; a rule is called with (first, last, sources, targets, key), and "
            "same and positions by name, beside parameters of its own"
        )

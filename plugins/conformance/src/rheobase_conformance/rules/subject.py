"""Rules under judgement, and the values that their parameters are given."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from rheobase import RuleSpec
from rheobase.errors import RheobaseError

from ..subject import Subject
from ..violation import Violation, violated

GIVEN = ("first", "last", "sources", "targets", "key", "same", "positions")
"""What every rule is called with."""
CHOICES = ("autapses", "multapses")
"""What many rules take, true or false."""

_SHARES, _COUNTS = (0.3, 0.6, 1.0, 0.05), (2, 3, 1, 12)
_TRIED = 64
_KEPT = 3

Settings = dict[str, Any]


class RuleSubject(Subject):
    """A connection rule under judgement. What it claims is in :attr:`claims`."""

    kind = "rule"

    @cached_property
    def claims(self) -> RuleSpec:
        """Its spec; without one, nothing is claimed."""
        if isinstance(self.spec, RuleSpec):
            return self.spec
        return RuleSpec("unnamed", "unnamed:unnamed")

    @cached_property
    def parameters(self) -> dict[str, inspect.Parameter]:
        """The parameters of its own, by name; empty where it cannot be looked at."""
        try:
            taken = inspect.signature(self.obj).parameters.values()
        except (TypeError, ValueError):
            return {}
        named = (each for each in taken if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL))
        return {each.name: each for each in named if each.name not in GIVEN}

    def takes(self, name: str) -> bool:
        """Whether it takes such a parameter."""
        return name in self.parameters

    def settings(self) -> Iterator[Settings]:
        """Values for the parameters that have no default, likely ones first.

        By the annotation, ``int`` or ``float``; where there is none, shares and then counts.
        """
        needed = {
            name: _candidates(each)
            for name, each in self.parameters.items()
            if each.default is each.empty and name not in CHOICES
        }
        together = itertools.islice(itertools.product(*needed.values()), _TRIED)
        return (dict(zip(needed, values, strict=True)) for values in together)

    def fitting(self, key: Any, call: Any) -> Sequence[Settings]:
        """Those with which a call goes through: some, or none; known from then on.

        Args:
            key: What the call hangs on.
            call: It, of settings.
        """
        known: dict[Any, list[Settings]] = self.__dict__.setdefault("_fitting", {})
        if key not in known:
            known[key] = list(
                itertools.islice(filter(lambda each: self._accepts(call, each), self.settings()), _KEPT)
            )
        return known[key]

    def _accepts(self, call: Any, settings: Settings) -> bool:
        try:
            call(settings)
        except Violation:
            raise
        except RheobaseError as error:
            self.__dict__["_refused"] = f"{settings}: {error}"
            return False
        except (TypeError, ValueError) as error:
            # Of a value that only the search gave it; without any it is an error of its own.
            if not settings:
                raise
            self.__dict__["_refused"] = f"{settings}: {type(error).__name__}: {error}"
            return False
        return True

    def refuses_all(self) -> None:
        """Say that nothing goes through."""
        violated(
            f"it refused all values that were tried, at last {self.__dict__.get('_refused', 'none')}; "
            "give its "
            "parameters defaults, or annotate them as int or float, so that it can be tried"
        )


def _candidates(parameter: inspect.Parameter) -> tuple[Any, ...]:
    told = parameter.annotation
    name = told if isinstance(told, str) else getattr(told, "__name__", "")
    if name == "bool":
        return True, False
    if name == "int":
        return _COUNTS
    return _SHARES if name == "float" else (*_SHARES, *_COUNTS)

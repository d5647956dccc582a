"""Declarations of choices: the options and presets of a neuron model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, overload

from ...errors import DeclarationError, ParameterError, nearest, shown
from .declaration import Declaration
from .expect import Expect

if TYPE_CHECKING:
    from typing_extensions import Self


class Option(Declaration):
    """A choice between names, such as the numerical scheme of a model.

    On a neuron it is the name that was chosen, a string; so is ``params.NAME`` in the model's functions.

    Args:
        *choices: The names; the first is the default.
        doc: A line on what is chosen.

    Raises:
        DeclarationError: If there are fewer than two names, or one of them twice.

    Example:
        >>> Option("converged", "published", doc="numerical scheme").default
        'converged'
    """

    kind = "option"

    def __init__(self, *choices: str, doc: str = "") -> None:
        super().__init__(doc)
        if (
            len(choices) < 2
            or len(set(choices)) < len(choices)
            or not all(isinstance(c, str) for c in choices)
        ):
            raise DeclarationError(f"Option{choices!r}: give two or more different names")
        self.choices = choices
        self.default = choices[0]

    def check(self, owner: str, name: str, value: Any) -> None:
        """Refuse what is none of the names.

        Args:
            owner: Whose option it is, for the message.
            name: What it is called there.
            value: What was given.

        Raises:
            ParameterError: If it is none of them.
        """
        if value not in self.choices:
            raise ParameterError(
                f"{owner}: the option {name!r} is {value!r}; it must be one of {', '.join(self.choices)}"
                f"{nearest(str(value), self.choices)}"
            )

    def __repr__(self) -> str:
        doc = f": {self.doc}" if self.doc else ""
        return f"Option({', '.join(map(repr, self.choices))}{doc})"

    @overload
    def __get__(self, neuron: None, owner: type) -> Self: ...

    @overload
    def __get__(self, neuron: object, owner: type) -> str: ...

    def __get__(self, neuron: object | None, owner: type) -> Any:
        if neuron is None:
            return self
        return neuron.__dict__.get("_options", {}).get(self.name, self.default)

    def __set__(self, neuron: object, value: str) -> None:
        raise AttributeError(f"{self.name!r} is set through the neuron that declares it")


class Preset(Declaration):
    """A named set of values from the literature: ``create("izhikevich", preset="RS")``.

    Args:
        doc: A line on what it shows.
        params: Parameter or option -> value. Others keep their defaults.
        state: State -> initial value. Others keep their defaults.
        dt: The time step of the source, ms.
        stimulus: The stimulus of the source, one of ``rheobase.stimulus``.
        duration: The duration of the source, ms.
        citation: Where the values come from.
        expect: What it does then, by its source: needs a stimulus and a duration.

    Raises:
        DeclarationError: If a time is no positive number, or what is expected cannot be run.

    Example:
        >>> fast = Preset("fast spiking", params={"a": 0.1, "d": 2.0}, citation="Izhikevich 2003")
        >>> fast.params["a"]
        0.1
    """

    kind = "preset"

    def __init__(
        self,
        doc: str = "",
        *,
        params: Mapping[str, Any] | None = None,
        state: Mapping[str, float] | None = None,
        dt: float | None = None,
        stimulus: Any = None,
        duration: float | None = None,
        citation: str = "",
        expect: Expect | None = None,
    ) -> None:
        super().__init__(doc)
        self.params: Mapping[str, Any] = MappingProxyType(dict(params or {}))
        self.state: Mapping[str, float] = MappingProxyType(dict(state or {}))
        for what, value in (("dt", dt), ("duration", duration)):
            if value is not None and not (isinstance(value, (int, float)) and 0 < value < math.inf):
                raise DeclarationError(f"Preset: {what} is {value!r}; give a positive number of ms")
        self.dt = dt
        self.stimulus = stimulus
        self.duration = duration
        self.citation = citation
        if expect is not None and (not isinstance(expect, Expect) or stimulus is None or duration is None):
            given = "no duration" if stimulus is not None else "no stimulus"
            given = given if isinstance(expect, Expect) else f"expect={shown(expect)}"
            raise DeclarationError(
                f"Preset: {given}; what it does is expected of a run: give stimulus=..., duration=... in ms "
                'and expect=rheobase.Expect(..., source="...")'
            )
        self.expect = expect

    def __repr__(self) -> str:
        values = {**self.params, **self.state}
        sets = ", ".join(f"{name}={shown(value)}" for name, value in values.items())
        doc = f": {self.doc}" if self.doc else ""
        return f"Preset({sets}{doc})"

    def __getstate__(self) -> dict[str, Any]:
        # A view of a mapping cannot be pickled.
        return {**vars(self), "params": dict(self.params), "state": dict(self.state)}

    def __setstate__(self, kept: dict[str, Any]) -> None:
        views = {name: MappingProxyType(kept[name]) for name in ("params", "state")}
        vars(self).update({**kept, **views})

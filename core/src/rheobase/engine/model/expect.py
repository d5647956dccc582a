"""The published result of a preset: what its source says that it does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ...errors import DeclarationError, shown

TIMES, RELATIVE = 0.1, 1e-3
"""How far a time, ms, and any other figure, relative to it, may be off where nobody says."""


class Expect:
    """What a preset does, by a paper or another program; judged by the kit as ``published-results``.

    It is said of unit 0 in a run of the preset from 0 ms, with its stimulus and for its duration. Where
    nothing else is said, spikes are at their own times (``event="located"``), states are float64, and the
    integrator is ``rk45`` at a tolerance of 1e-10. A figure that the model itself gave, in Rheobase, proves
    nothing: take it from outside.

    Args:
        spikes: The number of spikes.
        first: The time of the first spike, ms, or of the first ones.
        isi: The last interval between spikes, ms, or the last ones, in order.
        rate: Spikes per second, Hz, once it has settled: by the mean of the intervals in the second half.
        period: The time of one period, ms, once it has settled: between spikes likewise, or, of a model that
            is no spiking neuron, between upward crossings of the middle of its range by its first state.
        peak: The largest value of the first state, in its unit.
        within: How far it may be off: ms for ``first`` and ``isi``, relative for ``rate``, ``period`` and
            ``peak``. By default 0.1 ms, and 1e-3. The number of spikes is exact.
        source: Paper with figure or table, or program with version and tolerance. Required.
        event: "crossing", "step" or "located": how spikes are found.
        integrator: The name of one.
        dt: The time step, ms. By default the preset's, or the model's.

    Raises:
        DeclarationError: If the source is missing, nothing is expected, or a figure cannot be used.

    Example:
        >>> Expect(spikes=62, first=(14.2229, 23.1518), source="Naud et al. 2008, figure 4a").claims
        {'spikes': (62.0,), 'first': (14.2229, 23.1518)}
    """

    def __init__(
        self,
        *,
        spikes: int | None = None,
        first: float | Sequence[float] | None = None,
        isi: float | Sequence[float] | None = None,
        rate: float | None = None,
        period: float | None = None,
        peak: float | None = None,
        within: float | None = None,
        source: str = "",
        event: str | None = None,
        integrator: str | None = None,
        dt: float | None = None,
    ) -> None:
        if not isinstance(source, str) or not source.strip():
            raise DeclarationError(
                "Expect: no source is given; say which paper, with its figure or table, or which other "
                'program has this result: source="Naud et al. 2008, figure 4a"'
            )
        given = {"spikes": spikes, "first": first, "isi": isi, "rate": rate, "period": period, "peak": peak}
        self.claims = {name: _figures(name, value) for name, value in given.items() if value is not None}
        """Name -> its figures, for what is expected."""
        if not self.claims:
            raise DeclarationError(f"Expect: nothing is expected; give one or more of {', '.join(given)}")
        for name, number in (("within", within), ("dt", dt)):
            if number is not None and not (_is_number(number) and number > 0):
                raise DeclarationError(f"Expect: {name} is {shown(number)}; give a positive number")
        self.within = within
        self.source = source
        self.event = event
        self.integrator = integrator
        self.dt = dt

    def allowed(self, name: str, figure: float) -> float:
        """How far a figure may be off, in its own unit.

        Args:
            name: What it is of: "spikes", "first", ...
            figure: The figure.

        Example:
            >>> Expect(rate=50.0, within=0.01, source="a paper").allowed("rate", 50.0)
            0.5
        """
        if name == "spikes":
            return 0.0
        if name in ("first", "isi"):
            return TIMES if self.within is None else self.within
        return abs(figure) * (RELATIVE if self.within is None else self.within)

    def __repr__(self) -> str:
        said = ", ".join(
            f"{name}={figures[0] if len(figures) == 1 else figures!r}"
            for name, figures in self.claims.items()
        )
        return f"Expect({said}: {self.source})"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _figures(name: str, value: Any) -> tuple[float, ...]:
    """The figures of one claim."""
    several = name in ("first", "isi") and isinstance(value, Sequence) and not isinstance(value, str)
    figures = tuple(value) if several else (value,)
    if not figures or not all(_is_number(figure) for figure in figures):
        accepted = "a time in ms, or several" if name in ("first", "isi") else "a number"
        raise DeclarationError(f"Expect: {name} is {shown(value)}; give {accepted}")
    if name == "spikes" and (figures[0] < 0 or figures[0] != int(figures[0])):
        raise DeclarationError(f"Expect: spikes is {shown(value)}; give the number of spikes")
    if name == "first" and any(late <= early for early, late in zip((0.0, *figures), figures, strict=False)):
        raise DeclarationError(f"Expect: first is {shown(value)}; give times above 0 ms, in order")
    if name in ("isi", "period") and min(figures) <= 0:
        raise DeclarationError(f"Expect: {name} is {shown(value)}; it must be above 0")
    if name == "rate" and min(figures) < 0:
        raise DeclarationError(f"Expect: rate is {shown(value)}; it must be 0 or above")
    return tuple(float(figure) for figure in figures)

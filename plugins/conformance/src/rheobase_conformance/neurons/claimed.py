"""What a source claims of a preset, and what was seen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """One claim of one preset, and what was seen.

    Attributes:
        model: The model's name.
        preset: The preset's.
        claim: Which figure: "spikes", "first", ...
        source: Who has it.
        claimed: The figures of the source.
        seen: Those of the run; may be fewer.
        allowed: How far each may be off, in their unit.
        unit: Their unit; empty: a number.
        problem: Why there was no run; empty: there was one.
        decided: Whether it could be run.
    """

    model: str
    preset: str
    claim: str
    source: str
    claimed: tuple[float, ...]
    seen: tuple[float, ...] = ()
    allowed: float = 0.0
    unit: str = ""
    problem: str = ""
    decided: bool = True

    def meets(self, part: float = 1.0) -> bool:
        """Whether each figure lies within a part of what is allowed."""
        return (
            not self.problem
            and len(self.seen) == len(self.claimed)
            and all(
                abs(seen - claimed) <= part * self.allowed
                for seen, claimed in zip(self.seen, self.claimed, strict=True)
            )
        )

    @property
    def verdict(self) -> str:
        """What came of it, in a word or two."""
        if not self.decided:
            return "not run"
        return "holds" if self.meets() else "does not hold"

    @property
    def told(self) -> str:
        """What was claimed and seen, in a line."""
        what = f"the preset {self.preset!r}: {self.claim} "
        within = f", within {self.allowed:.3g}{self.unit and ' '}{self.unit}" if self.allowed else ""
        says = f"{self.source} says {numbers(self.claimed)}{self.unit and ' '}{self.unit}{within}"
        return what + (f"cannot be had: {self.problem}; " if self.problem else f"is {self.result}; ") + says

    @property
    def result(self) -> str:
        """What was seen."""
        return f"{numbers(self.seen)}{self.unit and ' '}{self.unit}" if self.seen else "nothing"


def numbers(figures: tuple[float, ...]) -> str:
    """Figures, with the digits that tables of papers have and two more."""
    return ", ".join(f"{figure:.9g}" for figure in figures)

"""The ledger: every published result that installed models declare, beside what they do."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from .finding import find, installed
from .neurons.claimed import Outcome, numbers
from .neurons.needs import EXPECTS
from .neurons.published import outcomes
from .neurons.subject import NeuronSubject

COLUMNS = ("model", "preset", "claim", "source", "claimed", "within", "result", "verdict")
"""What a row has."""


def ledger(names: Sequence[str] = ()) -> Iterator[Outcome]:
    """The claims of models and what came of them, model after model, as they are run; in this process.

    Args:
        names: What :func:`find` takes. Default: every installed neuron model.

    Raises:
        ComponentError: If there is no such model, or it cannot be loaded.
    """
    for name in names or [name for name, _ in installed("neuron")]:
        for subject in find(name, kind="neuron"):
            if isinstance(subject, NeuronSubject) and EXPECTS.has(subject):
                yield from outcomes(subject)


def row(outcome: Outcome) -> tuple[str, ...]:
    """One claim by :data:`COLUMNS`."""
    unit = f" {outcome.unit}" if outcome.unit else ""
    return (
        outcome.model,
        outcome.preset,
        outcome.claim,
        outcome.source,
        numbers(outcome.claimed) + unit,
        f"{outcome.allowed:.3g}{unit}" if outcome.allowed else "exact",
        ", ".join(_in_digits(figure, outcome.allowed) for figure in outcome.seen) + unit
        if outcome.seen
        else "-",
        outcome.verdict,
    )


def _in_digits(figure: float, allowed: float) -> str:
    """A result with a digit more than it is judged by: the others are those of a machine."""
    places = 0 if not allowed else max(0, 1 - math.floor(math.log10(allowed)))
    return f"{figure:.{places}f}"


def plain(outcome: Outcome) -> dict[str, Any]:
    """One claim for JSON."""
    return {
        "model": outcome.model,
        "preset": outcome.preset,
        "claim": outcome.claim,
        "source": outcome.source,
        "claimed": list(outcome.claimed),
        "within": outcome.allowed,
        "unit": outcome.unit,
        "result": list(outcome.seen),
        "verdict": outcome.verdict,
        "problem": outcome.problem,
    }


def markdown(rows: Sequence[Outcome]) -> str:
    """A table in Markdown."""
    cells = [COLUMNS, ("---",) * len(COLUMNS), *(row(each) for each in rows)]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in cells)


def text(rows: Sequence[Outcome]) -> str:
    """A table for a terminal: columns but for the source, which stands below each preset."""
    shown = [name for name in COLUMNS if name not in ("model", "preset", "source")]
    places = [COLUMNS.index(name) for name in shown]
    cells = [tuple(row(each)[place] for place in places) for each in rows]
    widths = [max(len(cell[k]) for cell in (tuple(shown), *cells)) for k in range(len(shown))]
    lines, above = ["  " + _line(tuple(shown), widths)], None
    for each, cell in zip(rows, cells, strict=True):
        if above != (above := (each.model, each.preset)):
            lines.append(f"{each.model} {each.preset}: {each.source}")
        lines.append("  " + _line(cell, widths))
    return "\n".join(lines)


def _line(cells: tuple[str, ...], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()

"""Whose number it was that is none: the projection by which it came to a population."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from ...errors import RheobaseError
from ..model.functions import ask
from .projection import Projection


@torch.no_grad()
def source_of_nan(projections: Iterable[Projection], post: Any) -> str:
    """What makes a number that is none, as the end of a message; empty where no synapse does.

    Args:
        projections: Those that reach a population, as they were when the step began.
        post: The states of the population, then.
    """
    for projection in projections:
        kinetics: Any = projection.kinetics
        states = {name: projection._buffers[name] for name in kinetics.schema.states}
        for name, value in states.items():
            if value is not None and (told := _told(value)):
                return _of(projection, f"the state {name!r}", told)
        params = projection.schema.pack_params(
            *(projection._buffers[name] for name in projection.schema.parameters),
            *projection.options.values(),
        )
        rows = tuple(states.values())
        for function, more in (("output", (post,)), ("derivatives", ())):
            if getattr(kinetics, function) is None:
                continue
            try:
                given = ask(kinetics, function, rows, params, *more)
            except RheobaseError:
                continue  # it is not this function that failed
            parts: Mapping[str, Any] = given if isinstance(given, Mapping) else {"": given}
            for name, value in parts.items():
                if isinstance(value, Tensor) and (told := _told(value)):
                    return _of(projection, f"its {function}{f' of {name!r}' if name else ''}", told)
    return ""


def _told(value: Tensor) -> str:
    wrong = (~value.isfinite()).reshape(-1, value.shape[-1] if value.ndim else 1).nonzero()
    if not len(wrong):
        return ""
    row, unit = wrong[0].tolist()
    number = float(value.reshape(-1, value.shape[-1] if value.ndim else 1)[row, unit])
    return f"{number} for unit {unit}"


def _of(projection: Projection, what: str, told: str) -> str:
    return (
        f"; it comes by the projection {projection.identifier!r}: {what} of {projection.recipe!r} is {told}"
    )

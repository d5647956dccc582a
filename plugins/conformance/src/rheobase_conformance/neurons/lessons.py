"""How a model becomes a layer, and what it is given there: inputs with which it spikes, for long enough."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import rheobase as rb
import torch
from rheobase.errors import NonFiniteStateError
from torch import Tensor

from ..vacuous import vacuous
from .case import inside
from .needs import DIFFERENTIABLE, NO_DRAWS, THRESHOLD
from .subject import NeuronSubject

TRAINABLE = (DIFFERENTIABLE, THRESHOLD, NO_DRAWS)
UNITS = 3
STEPS, MOST = 40, 400
"""The fewest and the most steps of a run."""
STRONG = 5.0
"""The drive of most runs, in sizes of the model: many spikes come within a few steps."""


def layer_of(subject: NeuronSubject, **how: Any) -> rb.Layer:
    """A layer of the model, in its own unit."""
    settings = {"dt": subject.dt, "input": "native", "dtype": torch.float64, **how}
    return rb.layer(subject.model, UNITS, **settings)


def size_of(subject: NeuronSubject) -> float:
    """What its inputs are multiples of: its rheobase; for a model that spikes without input what moves it.

    Raises:
        Vacuous: If nothing was found that makes it spike.
    """
    sizes = subject.sizes
    return sizes.scale[sizes.main] if sizes.alone else subject.rheobase()


def drive_of(
    subject: NeuronSubject, times: float = STRONG, *, batch: int = 2, seed: int = 0, steps: int | None = None
) -> Tensor:
    """An input ``[steps, batch, UNITS]`` as :func:`drawn` gives it, by default long enough for spikes."""
    return drawn(subject, steps_of(subject) if steps is None else steps, times, (batch,), seed)


def drawn(subject: NeuronSubject, steps: int, times: float, batch: tuple[int, ...], seed: int) -> Tensor:
    """An input ``[steps, *batch, UNITS]`` of so many sizes on average, another one in each step."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.rand(steps, *batch, UNITS, dtype=torch.float64, generator=generator)
    # Within the domain of the input, and a little away from its bounds, where differences are taken.
    return 0.9 * inside_input(subject, times * size_of(subject) * (0.5 + drawn) / 0.9)


@lru_cache(maxsize=4)
def steps_of(subject: NeuronSubject) -> int:
    """How many steps are long enough for spikes, see :func:`enough`, from :data:`STEPS` to :data:`MOST`."""
    layer, state = layer_of(subject), None

    def spiked(part: Tensor) -> Tensor:
        nonlocal state
        out, state = layer(given_to(subject, part), state=state, return_state=True)
        total: Tensor = out.sum(dim=0)
        return total

    return enough(subject, spiked, drawn(subject, MOST, STRONG, (2,), 0), STEPS)


def enough(subject: NeuronSubject, spiked: Callable[[Tensor], Tensor], x: Tensor, piece: int) -> int:
    """For how long an input goes on until each unit has spiked, and once more where a spike resets.

    One that does not spike again goes on for a while.

    Args:
        subject: The model.
        spiked: How many spikes each unit has under the next steps of an input.
        x: The input, ``[most, ...]``.
        piece: How many steps are taken between two looks, and the fewest.
    """
    count, length, taken = torch.zeros(()), 0, 0
    most = 2 if subject.has_reset else 1
    with torch.no_grad():
        for part in x.split(piece):
            try:
                count = count + spiked(part)
            except NonFiniteStateError:
                break  # What comes before it can be asked for.
            taken += len(part)
            if bool((count >= most).all()):
                return taken
            if not length and bool((count >= 1).all()):
                length = taken + piece
    return max(piece, min(length, taken))


def given_to(subject: NeuronSubject, x: Tensor) -> Any:
    """An input as a layer of the model takes it."""
    return {subject.sizes.main: x} if subject.schema.inputs else x


def learnable(subject: NeuronSubject) -> list[str]:
    """The parameters that can learn from their defaults on."""
    return [
        name
        for name, declared in subject.schema.parameters.items()
        if name != "tau_ref"
        and subject.defaults[name] not in (declared.domain.lowest, declared.domain.highest)
    ]


def inside_input(subject: NeuronSubject, x: Tensor) -> Tensor:
    """An input within the domain that the model declares for it."""
    declared = subject.schema.inputs.get(subject.sizes.main)
    return x if declared is None else inside(x, declared.domain)


def through(layer: rb.Layer, subject: NeuronSubject, x: Tensor) -> Tensor:
    """What a layer of the model gives for an input; vacuous where that is an error with a name."""
    try:
        out: Tensor = layer(given_to(subject, x))
    except NonFiniteStateError as error:
        vacuous(f"the run ends in a named error: {error}")
    return out

"""How a sequence lies in memory: lanes in blocks, steps in segments, and what is kept of each segment."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .source import SEGMENT

SMALL = 400_000
"""Unit-steps below which a second thread costs more than it saves."""
LARGE = 4 * 1024 * 1024
"""Bytes of a sequence that goes by the caches: nothing of it would be there when it is looked at."""
LINE = 64
"""Bytes of a line of the cache, and the lanes of the smallest block."""
_PARTS = 16
"""Blocks that there are at least, if they do not become small."""


class Layout(NamedTuple):
    """What follows from the shape of a sequence alone.

    Attributes:
        steps: How many.
        shape: ``[*batch, N]``.
        lanes: The units of all rows.
        block: Lanes that are taken through all steps together.
        large: Whether the sequence goes by the caches, if it lies well.
        rows: Bytes from the first state that is a number to each.
        room: Bytes for the states at the start of each segment.
        kept: Where in these the states begin, each.
        threads: The limits to the number of threads.
    """

    steps: int
    shape: torch.Size
    lanes: int
    block: int
    large: bool
    rows: list[int]
    room: int
    kept: list[int]
    threads: tuple[int, int]


def layout_of(steps: int, states: Sequence[Tensor], segment: int, largest: int) -> Layout:
    """The layout of so many steps.

    Args:
        steps: How many.
        states: States like those of the sequence: the numbers ``[D, *batch, N]``, and those beside them.
        segment: The steps of a segment.
        largest: The lanes of the largest block.
    """
    numbers, shape = states[0].shape[0], states[0].shape[1:]
    lanes = shape.numel()
    row = lanes * states[0].element_size()
    # The same whatever the number of threads is: sums are of blocks, in their order.
    block = max(LINE, min(largest, -(-lanes // (_PARTS * LINE)) * LINE))
    room, kept = room_for(states, -(-steps // segment))
    return Layout(
        steps,
        shape,
        lanes,
        block,
        row * steps >= LARGE and not row % LINE,
        [number * row for number in range(numbers)],
        room,
        kept,
        (-(-lanes // block), lanes * steps // SMALL),
    )


def room_for(like: Sequence[Tensor], segments: Any) -> tuple[Any, list[Any]]:
    """Bytes for the states at the starts of segments, and where each state's begin."""
    offsets, size = [], 0
    for index, each in enumerate(like):
        rows = each.shape[0] if index == 0 else 1
        lanes = math.prod(each.shape[1:] if index == 0 else each.shape)
        for _ in range(rows):
            offsets.append(size)
            size = size + (segments * lanes * each.element_size() + 63) // 64 * 64
    return size, offsets


def segment_of(*, store: bool) -> int:
    """The steps of a segment."""
    return 1 if store else SEGMENT

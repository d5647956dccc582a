"""Memory: what a neuron holds does not grow with the steps that it takes, nor with the neurons before it."""

from __future__ import annotations

import gc
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from rheobase.errors import RheobaseError

from ..property import prop
from ..vacuous import vacuous
from ..violation import violated
from .case import NeuronCase
from .driven import double_neurons
from .probing import feed
from .subject import NeuronSubject

UNITS, STRONG = 2, 3.0
BEGINNING, FEW = 30, 50
"""The first steps, of which something may stay, and those that are looked at."""

WINDOWS, LEAST, MOST, LASTING = 4, 500, 4000, 50.0
"""Where those grow: so many windows, the steps of each at least and at most, and its length, ms.

A history of a bounded length, as of a delay, is full after them.
"""
MADE = (5, 150)
"""Neurons that are made and dropped; and those of a window, where something stays of each."""


class Held(NamedTuple):
    """What lives, of what was made since :func:`only_new` began.

    Attributes:
        tensors: Their number.
        size: The memory of their storages, bytes.
        blocks: The number of small blocks that Python has, of whatever age: one for each number and object.
    """

    tensors: int
    size: int
    blocks: int

    def grown(self, since: Held, blocks: float) -> str:
        """By how much it has grown, in words; empty: it has not.

        Python's own tables take a block now and then, so blocks count where they are so many at least.
        """
        if self.tensors - since.tensors >= 1 and self.size > since.size:
            return f"{self.tensors - since.tensors} more tensors of {self.size - since.size} bytes"
        if self.size > since.size:
            return f"{self.size - since.size} bytes more in as many tensors"
        if self.blocks - since.blocks >= blocks:
            return f"{self.blocks - since.blocks} more objects of Python"
        return ""


@contextmanager
def only_new() -> Iterator[None]:
    """Leave out of sight, and of the collector's work, all objects that are there already."""
    # Whoever has frozen the heap before keeps it so; what came since is left out likewise.
    ours = gc.get_freeze_count() == 0
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        if ours:
            gc.unfreeze()


def held() -> Held:
    """What lives now."""
    gc.collect()
    # type(), not isinstance(), which would ask lazy objects for their class.
    tensors = [each for each in gc.get_objects() if issubclass(type(each), torch.Tensor)]
    storages = [each.untyped_storage() for each in tensors if each.device.type == "cpu"]
    sizes = {each.data_ptr(): each.nbytes() for each in storages}
    found = len(tensors), sum(sizes.values())
    del tensors, storages, sizes
    return Held(*found, sys.getallocatedblocks())


@prop(
    "neuron",
    "memory-does-not-grow",
    "state",
    cases=double_neurons,
    why="a step that leaves something behind fills the memory in a run of a million",
)
def steps_and_neurons_leave_nothing_behind(subject: NeuronSubject, case: NeuronCase) -> None:
    """What lives in memory does not grow with the number of steps, nor with the neurons that were made."""
    neuron = case.neuron(subject.model, num_units=UNITS)
    data = feed(subject, neuron, torch.full((UNITS,), STRONG))
    long = min(max(round(LASTING / neuron.dt), LEAST), MOST)

    def made() -> None:
        case.neuron(subject.model, num_units=UNITS)(data)

    with only_new():
        try:
            neuron = case.neuron(subject.model, num_units=UNITS)
            for _ in range(BEGINNING):
                neuron(data)
            grown = _grows(lambda: neuron(data), FEW, long, each=0.8)
            ran = BEGINNING + FEW + WINDOWS * long
            told = f"the last {long} of {ran} steps"
            if not grown:
                made()
                grown = _grows(made, *MADE, each=math.inf)  # a neuron has tensors
                total = 1 + MADE[0] + WINDOWS * MADE[1]
                told = f"the last {MADE[1]} of {total} neurons, each dropped after a step,"
        except RheobaseError:
            vacuous("the run ends early, of which others tell")
    if grown:
        violated(
            f"{told} left {grown}; keep what the next step needs in declared states, and nothing of the class"
        )


def _grows(do: Callable[[], Any], few: int, many: int, *, each: float) -> str:
    """How much more is held after the last of the windows, where each of them added to it.

    Args:
        do: What may leave something behind.
        few: How often that is done at first.
        many: How often in each window, where something was left.
        each: Python's blocks that count, for each time.
    """
    grown, before = "", held()
    for count in (few, *(many for _ in range(WINDOWS))):
        for _ in range(count):
            do()
        now = held()
        grown = now.grown(before, each * count)
        if not grown:
            return ""
        before = now
    return grown

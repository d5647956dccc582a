"""One thread at a time: a neuron changes as it runs, and two threads would mix their steps.

The mark of the thread that runs a neuron lies among the neuron's attributes. Nobody waits for it: another
thread is refused. A thread that has it may enter again, as a forward that calls its base class does.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import Any, TypeVar

import torch

from ...errors import BusyError

MARK = "_thread"
"""The attribute that holds the identifier of the thread; absent while the neuron is idle."""

Method = TypeVar("Method", bound=Callable[..., Any])


def occupy(neuron: Any) -> bool:
    """Mark a neuron as run by this thread; True where this call did so, and :func:`vacate` is to follow."""
    here = get_ident()
    attributes = neuron.__dict__
    # This thread runs it already, and the call that began it takes the mark away.
    if attributes.get(MARK) == here:
        return False
    # One operation of the interpreter, between whose halves no other thread comes.
    owner = attributes.setdefault(MARK, here)
    if owner == here:
        return True
    if owner not in sys._current_frames():  # its thread ended, or stayed behind in a fork
        attributes[MARK] = here
        return True
    raise BusyError(
        f"{neuron.identifier}: this neuron is running in another thread; give each thread a neuron of its "
        "own, such as copy.deepcopy(neuron), or let one thread wait for the other"
    )


def vacate(neuron: Any) -> None:
    """Take the mark away."""
    neuron.__dict__.pop(MARK, None)


@contextmanager
def occupied(neuron: Any) -> Iterator[None]:
    """Keep other threads from a neuron for a while."""
    begun = occupy(neuron)
    try:
        yield
    finally:
        if begun:
            vacate(neuron)


def alone(method: Method) -> Method:
    """A method of a neuron that no two threads may be in at once, nor in a step or a run."""

    @functools.wraps(method)
    def guarded(neuron: Any, *args: Any, **kwargs: Any) -> Any:
        if torch.compiler.is_compiling():
            return method(neuron, *args, **kwargs)
        with occupied(neuron):
            return method(neuron, *args, **kwargs)

    return guarded  # type: ignore[return-value]

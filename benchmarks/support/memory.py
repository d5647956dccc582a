"""Bytes: what tensors hold, and what a step of a simulation has alive at its peak.

How it is measured. Every byte of a tensor on the CPU comes from torch's allocator, which reports each
allocation and release to the profiler (``profile_memory``). What is held when a step begins is read off
the tensors themselves, and the running sum of the reports is added to it. The profiler knows nothing of
memory that was taken before it started and so misses its release; therefore a first step, which replaces
every state, is taken before counting begins. A TorchDispatchMode could not do this: it sees the results
of operations and not the temporaries inside them, and Rheobase takes another path under one. What is not
counted: Python objects, and arrays of numpy, which no step makes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile, record_function

_MARK = "counting begins"


def held_bytes(tensors: Iterable[Tensor]) -> int:
    """The bytes of the storages behind some tensors; a storage that several share counts once."""
    storages = (tensor.untyped_storage() for tensor in tensors)
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


def peak_bytes(step: Callable[[], object], held: Callable[[], Iterable[Tensor]], steps: int) -> int:
    """The most bytes alive at any moment of some steps.

    Args:
        step: Takes one step. What it returns is dropped at once.
        held: The tensors that the simulator holds between steps, without the caller's inputs.
        steps: The number of steps.
    """
    with _quiet(), profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        step()
        at_first = held_bytes(held())
        with record_function(_MARK):
            pass
        for _ in range(steps):
            step()
    events = profiler.profiler.kineto_results.events()  # type: ignore[union-attr]
    begin = next(event.start_ns() for event in events if event.name() == _MARK)
    changes = [
        (event.start_ns(), event.nbytes())
        for event in events
        if event.name() == "[memory]"
        and event.device_type() == torch.autograd.DeviceType.CPU
        and event.start_ns() > begin
    ]
    if not changes:
        raise RuntimeError("the profiler saw no allocation in a step; the peak cannot be measured")
    alive = peak = at_first
    for _, change in sorted(changes, key=lambda entry: entry[0]):
        alive += change
        peak = max(peak, alive)
    return peak


@contextmanager
def _quiet() -> Iterator[None]:
    """Without standard error, where the profiler logs its starts and stops. Exceptions pass."""
    kept = os.dup(2)
    with open(os.devnull, "w", encoding="utf-8") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)

"""A whole network: many steps of its populations, and of what they send to each other, in one call."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple, final

import numpy as np
import torch
from torch import Tensor

from .population_step import Opened, PopulationStep
from .short import pointers
from .store import library

_FUNCTION = "rheobase_network"


class _Line(ctypes.Structure):
    """``Line`` of ``network.cpp``."""

    _fields_ = [
        *((name, ctypes.c_int64) for name in ("sender", "place", "targets", "rows")),
        *((name, ctypes.c_int64) for name in ("delay", "narrow", "single")),
        *((name, ctypes.c_void_p) for name in ("indptr", "target", "delays", "weight", "ring", "sums")),
    ]


class _Population(ctypes.Structure):
    """``Population``, likewise."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("resident", "step", "inputs")),
        *((name, ctypes.c_int64) for name in ("states", "first", "last")),
        *((name, ctypes.c_void_p) for name in ("traces", "row")),
        ("units", ctypes.c_int64),
        *((name, ctypes.POINTER(ctypes.c_int64)) for name in ("when", "who")),
        *((name, ctypes.c_int64) for name in ("count", "room")),
    ]


class _Net(ctypes.Structure):
    """``Net``, likewise."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("populations", "lines")),
        *((name, ctypes.c_int64) for name in ("several", "many", "steps", "label", "every", "since")),
        ("short_of_memory", ctypes.c_int64),
    ]


class Taken(NamedTuple):
    """What happened in many steps of a network.

    Attributes:
        steps: How many they were.
        spikes: Population -> the step of each spike, from 0, ascending, and its unit, ascending within a
            step, int64 ``[n]``.
        traces: Population -> state -> its rows, ``[rows, units]``.
    """

    steps: int
    spikes: Mapping[str, tuple[np.ndarray, np.ndarray]]
    traces: Mapping[str, Mapping[str, Tensor]]


@final
class NetworkSteps:
    """Takes many steps of a network, all of whose populations a kernel steps.

    Args:
        steppers: Population -> what takes its steps, in the order of a step.
    """

    def __init__(self, steppers: Mapping[str, PopulationStep]) -> None:
        self._steppers = dict(steppers)
        single = any(each.dtype == torch.float32 for each in steppers.values())
        text = files(__package__).joinpath("network.cpp").read_text(encoding="utf-8")
        self._function = getattr(library(f"#define SINGLE {int(single)}\n{text}", (_FUNCTION,)), _FUNCTION)
        self._function.argtypes, self._function.restype = [ctypes.POINTER(_Net)], ctypes.c_int64
        self._free = ctypes.CDLL(None).free
        self._free.argtypes, self._free.restype = [ctypes.c_void_p], None

    def __call__(self, block: Any) -> Taken | None:
        """Take steps, and leave the populations and their synapses there.

        Args:
            block: Which, as ``rheobase`` describes them.

        Returns:
            What happened; None, with nothing changed, where not one step is taken, which ``eager`` may do.
        """
        rings = [line.ring for line in block.lines]
        begun = [ring.clone() for ring in rings]
        taken = self._taken(block, rings)
        if isinstance(taken, int) and taken:
            # Something is not finite after the next: up to there, and that one to eager, which says why.
            for ring, before in zip(rings, begun, strict=True):
                ring.copy_(before)
            taken = self._taken(block._replace(steps=taken), rings)
        return None if isinstance(taken, int) else taken

    def _taken(self, block: Any, rings: Sequence[Tensor]) -> Taken | int:
        """What happened in these steps; or how many can be taken, where all cannot."""
        steppers, lines, steps = self._steppers, block.lines, block.steps
        opened: dict[str, Opened] = {}
        for name, stepper in steppers.items():
            found = stepper.opened(block.data[name])
            if found is None:
                return 0
            opened[name] = found
        rows = (block.since + steps) // block.every
        traces = {
            name: {state: stepper.rows(rows) for state in block.traced.get(name, ())}
            for name, stepper in steppers.items()
        }
        # Alive as long as the call.
        alive: list[Any] = [opened, traces]
        joined = (_Line * max(1, len(lines)))(*self._lines(lines, rings, alive))
        populations = (_Population * len(opened))()
        for place, (name, stepper) in enumerate(steppers.items()):
            mine = [k for k, line in enumerate(lines) if line.receiver == name]
            row, table = pointers(len(stepper.states)), pointers(len(stepper.states))
            for k, state in enumerate(stepper.states):
                table[k] = traces[name][state].data_ptr() if state in traces[name] and rows else None
            alive += [row, table]
            one = populations[place]
            one.resident, one.step = opened[name].resident.address, opened[name].resident.step
            one.inputs, one.states = ctypes.addressof(stepper.table), len(stepper.states)
            one.first, one.last = (mine[0], mine[-1] + 1) if mine else (0, 0)
            one.traces, one.row = ctypes.addressof(table), ctypes.addressof(row)
            one.units = stepper.units
        net = _Net(
            *(ctypes.addressof(populations), ctypes.addressof(joined), len(opened), len(lines)),
            *(steps, block.label, block.every, block.since, 0),
        )
        try:
            done: int = self._function(ctypes.byref(net))
            if net.short_of_memory:
                raise MemoryError("not enough memory for the spikes of this run")
            if done < steps:
                return done
            spikes = {
                name: (_array(one.when, one.count), _array(one.who, one.count))
                for name, one in zip(opened, populations, strict=True)
            }
        finally:
            for one in populations:
                self._free(one.when)
                self._free(one.who)
        for name, each in opened.items():
            when, who = spikes[name]
            spiked = torch.zeros(steppers[name].units, dtype=torch.int8)
            spiked.numpy()[who[np.searchsorted(when, steps - 1) :]] = 1
            each.leave(spiked, steps)
        return Taken(steps, spikes, traces)

    def _lines(self, lines: Sequence[Any], rings: Sequence[Tensor], alive: list[Any]) -> list[_Line]:
        names, found = list(self._steppers), []
        for line, ring in zip(lines, rings, strict=True):
            each = line.steps if isinstance(line.steps, Tensor) else None
            if each is not None:
                each = each.to(torch.int32).expand(len(line.target)).contiguous()
            sums = torch.empty_like(ring[0])
            alive += [each, sums]
            found.append(
                _Line(
                    *(names.index(line.sender), self._steppers[line.receiver].places + line.place),
                    *(ring.shape[1], ring.shape[0], 0 if each is not None else line.steps),
                    *(line.target.dtype == torch.int16, line.weight.ndim == 0, line.indptr.data_ptr()),
                    *(line.target.data_ptr(), None if each is None else each.data_ptr()),
                    *(line.weight.data_ptr(), ring.data_ptr(), sums.data_ptr()),
                )
            )
        return found


def _array(values: Any, count: int) -> np.ndarray:
    """A copy of so many numbers."""
    if not count:
        return np.empty(0, dtype=np.int64)
    found: np.ndarray = np.ctypeslib.as_array(values, (count,)).copy()
    return found

"""Noise that a kernel makes for itself, step by step, in place of rows that are made for it."""

from __future__ import annotations

import ctypes
import functools
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import rheobase as rb
import torch
from torch import Tensor

from .refusal import Amiss
from .store import library


@dataclass(frozen=True)
class Noise:
    """An Ornstein-Uhlenbeck process over some steps.

    Args:
        stimulus: What the user gave.
        dt: The time step in ms.
        first: The first step, on the neuron's clock.
        path: The standard path at the step before, float64 ``[batch * units]``; a kernel takes it on.
    """

    stimulus: rb.stimulus.OrnsteinUhlenbeck
    dt: float
    first: int
    path: np.ndarray

    @property
    def row(self) -> Tensor:
        """What the last step received, float64 ``[batch * units]``."""
        rows = torch.from_numpy(self.path).reshape(-1, max(self.mean.numel(), self.deviation.numel()))
        return (self.mean + self.deviation * rows).reshape(-1)

    @property
    def mean(self) -> Tensor:
        """The mean in pA, float64 ``[1]`` or ``[units]``."""
        return _numbers(self.stimulus.mean)

    @property
    def deviation(self) -> Tensor:
        """The standard deviation in pA, likewise."""
        return _numbers(self.stimulus.std)


class NoiseStruct(ctypes.Structure):
    """The structure of ``noise.h``."""

    _fields_ = [
        ("key", ctypes.c_void_p),
        *((name, ctypes.c_double) for name in ("decay", "spread")),
        ("first", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("mean", "deviation")),
        *((name, ctypes.c_int64) for name in ("mean_stride", "deviation_stride")),
        ("path", ctypes.c_void_p),
    ]


def noise_structs(given: list[Noise | None]) -> tuple[ctypes.Array[NoiseStruct], list[object]]:
    """The structures of a kernel's inputs, and what must live as long as they do."""
    structs, alive = (NoiseStruct * len(given))(), list[object]()
    for struct, noise in zip(structs, given, strict=True):
        if noise is None:
            continue
        seed = int(noise.stimulus.seed)
        key = np.array([seed % 2**64, seed >> 64], dtype=np.uint64)
        mean, deviation = noise.mean, noise.deviation
        struct.key, struct.path, struct.first = key.ctypes.data, noise.path.ctypes.data, noise.first
        struct.decay, struct.spread = noise.stimulus.coefficients(noise.dt)
        struct.mean, struct.mean_stride = mean.data_ptr(), int(mean.numel() > 1)
        struct.deviation, struct.deviation_stride = deviation.data_ptr(), int(deviation.numel() > 1)
        alive += [key, mean, deviation, noise.path]
    return structs, alive


@functools.cache
def normals() -> int:
    """The address of the function that makes normal numbers.

    Raises:
        Refusal: If there is no compiler.
    """
    folder = files(__package__)
    texts = [folder.joinpath(name).read_text(encoding="utf-8") for name in ("support.h", "noise.cpp")]
    loaded = library("\n".join(["#define SINGLE 0", *texts]), ["rheobase_normals"])
    address = ctypes.cast(loaded.rheobase_normals, ctypes.c_void_p).value
    if address is None:
        raise Amiss("the library of noise has lost its function")
    return address


def _numbers(value: float | Tensor) -> Tensor:
    if isinstance(value, Tensor):
        return value.detach().double().cpu().reshape(-1).contiguous()
    return torch.tensor([float(value)], dtype=torch.float64)

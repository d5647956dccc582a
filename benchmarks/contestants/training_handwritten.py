"""The layer of benchmarks/training.py by hand in C++, kernels/layer.cpp, as a function of torch."""

from __future__ import annotations

import ctypes
import functools
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

SOURCE = Path(__file__).resolve().parents[1] / "kernels" / "layer.cpp"
SEGMENT = 20
"""As in the source."""


@functools.cache
def library() -> Any:
    """The compiled layer."""
    folder = tempfile.mkdtemp()
    made = Path(folder) / "layer.so"
    options = ("-O3", "-std=c++17", "-march=native", "-fPIC", "-shared", "-pthread", "-fno-trapping-math")
    subprocess.run([os.environ.get("CXX", "g++"), *options, str(SOURCE), "-o", str(made)], check=True)
    return ctypes.CDLL(str(made))


class Handwritten(torch.autograd.Function):
    """A sequence ``[T, *batch, N]`` in float32 to spikes."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, decay: float) -> Tensor:
        """The spikes."""
        out, lanes = torch.empty_like(x), x[0].numel()
        kept = x.new_empty(-(-len(x) // SEGMENT), lanes)
        library().layer_forward(ctypes.c_float(decay), *sizes(lanes, x), *pointers(x, out, kept), threads())
        ctx.save_for_backward(x, kept)
        ctx.decay = decay
        return out

    @staticmethod
    def backward(ctx: Any, ds: Tensor) -> Any:
        """The gradient of x."""
        x, kept = ctx.saved_tensors
        ds, dx, lanes = ds.contiguous(), torch.empty_like(x), x[0].numel()
        library().layer_backward(
            ctypes.c_float(ctx.decay), *sizes(lanes, x), *pointers(x, ds, dx, kept), threads()
        )
        return dx, None


def sizes(lanes: int, x: Tensor) -> tuple[Any, Any]:
    """How many lanes, and steps."""
    return ctypes.c_int64(lanes), ctypes.c_int64(len(x))


def pointers(*tensors: Tensor) -> list[Any]:
    """Where they are."""
    return [ctypes.c_void_p(each.data_ptr()) for each in tensors]


def threads() -> Any:
    """As many as torch has."""
    return ctypes.c_int64(torch.get_num_threads())

"""NVIDIA's functions, where Triton's interpreter runs a kernel on the CPU.

The interpreter (``TRITON_INTERPRET=1``) keeps a block as a NumPy array, and refuses the functions of
``triton.language.extra.libdevice``, which are machine code for the GPU. Here are those that the table of
operations names, as torch computes them on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch


def _form(function: Any) -> Callable[..., Any]:
    """A function of torch's tensors, for blocks of the interpreter."""

    def form(*parts: Any) -> Any:
        # Copies: the interpreter spreads a number as an array that cannot be written to.
        found = function(*(torch.from_numpy(np.array(part.handle.data)) for part in parts))
        block, handle = parts[0], parts[0].handle
        return type(block)(type(handle)(found.numpy(), handle.dtype), block.type)

    return form


div_rn, sqrt_rn = _form(torch.div), _form(torch.sqrt)
floor, ceil, trunc, rint = map(_form, (torch.floor, torch.ceil, torch.trunc, torch.round))
exp, expm1, log, log1p = map(_form, (torch.exp, torch.expm1, torch.log, torch.log1p))
sin, cos, tan, tanh = map(_form, (torch.sin, torch.cos, torch.tan, torch.tanh))
asin, acos, atan, atan2 = map(_form, (torch.asin, torch.acos, torch.atan, torch.atan2))
sinh, cosh, erf, erfc = map(_form, (torch.sinh, torch.cosh, torch.erf, torch.erfc))
pow, fmod = _form(torch.pow), _form(torch.fmod)  # noqa: A001

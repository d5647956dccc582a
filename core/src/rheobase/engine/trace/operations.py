"""The table of operations: what is known of each function of torch and Python, by column."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch

from . import affinity, shapes
from .graph import constant, entry


class Operation(NamedTuple):
    """What is known of an operation.

    Attributes:
        affine: Its rule in :mod:`.affinity`: what it does to coefficients. None: it bends in all that it
            depends on.
        unitwise: Whether it works on one element at a time, so that its value can wait and it goes row by row
            through a packed state.
        shaping: Its rule in :mod:`.shapes`, for packed states; None where there is none.
        shapely: Whether it looks at the shape, dtype and device alone.
        title: How it is called in a reason, with a gap for what it is of; empty: its name, "of" that.
    """

    affine: affinity.Rule | None = None
    unitwise: bool = False
    shaping: Callable[..., Any] | None = None
    shapely: bool = False
    title: str = ""


_HOMES = (torch, torch.Tensor, torch.special, torch.nn.functional, operator)
_UNITWISE = Operation(unitwise=True)
_COMPARISON = Operation(unitwise=True, title="a comparison of {}")
_AFFINE: Mapping[affinity.Rule, str] = {
    affinity.add: "add __add__ __radd__",
    affinity.sub: "sub subtract __sub__",
    affinity.rsub: "rsub __rsub__",
    affinity.mul: "mul multiply __mul__ __rmul__",
    affinity.div: "div divide true_divide truediv __truediv__",
    affinity.neg: "neg negative __neg__",
    affinity.addcmul: "addcmul",
    affinity.addcdiv: "addcdiv",
    affinity.lerp: "lerp",
    affinity.masked_fill: "masked_fill",
    affinity.same: "positive pos clone detach contiguous broadcast_to expand",
    affinity.to: "to float double",
}
_ROWS: tuple[tuple[str, Operation], ...] = (
    (
        "zeros_like ones_like full_like empty_like rand_like randn_like new_zeros new_ones new_full "
        "new_empty new_tensor size dim numel nelement element_size is_floating_point is_complex is_signed "
        "result_type is_contiguous stride get_device",
        Operation(shapely=True),
    ),
    (
        "exp exp2 expm1 log log2 log10 log1p sin cos tan sinh cosh tanh asin acos atan atan2 sigmoid logit "
        "sqrt rsqrt reciprocal abs sign sgn relu elu selu gelu silu softplus logsigmoid tanhshrink erf erfc "
        "expit exprel sinc clamp clip clamp_min clamp_max maximum minimum fmax fmin floor ceil round trunc "
        "frac fmod remainder floor_divide hypot logaddexp xlogy nan_to_num heaviside logical_and logical_or "
        "logical_not logical_xor bitwise_and bitwise_or bitwise_not bitwise_xor isfinite isnan isinf bool "
        "__and__ __or__ __xor__ __invert__ __abs__ __mod__ __rtruediv__ __floordiv__ mod floordiv and_ or_ "
        "xor invert inv hardtanh",
        _UNITWISE,
    ),
    ("square", Operation(unitwise=True, title="a square of {}")),
    ("pow __pow__ __rpow__", Operation(unitwise=True, title="a power of {}")),
    ("pow __pow__", Operation(affinity.power, unitwise=True, title="a power of {}")),
    ("lt le gt ge eq ne __lt__ __le__ __gt__ __ge__ __eq__ __ne__", _COMPARISON),
    ("less less_equal greater greater_equal not_equal", _COMPARISON),
    *((names, Operation(rule, unitwise=True)) for rule, names in _AFFINE.items()),
    ("expand_as", Operation(shaping=shapes.expand_as)),
    ("stack", Operation(shaping=shapes.stack)),
    ("cat", Operation(shaping=shapes.cat)),
    ("unsqueeze", Operation(shaping=shapes.unsqueeze)),
    ("unbind", Operation(shaping=shapes.unbind)),
    ("select", Operation(shaping=shapes.select)),
    ("sum", Operation(shaping=shapes.total)),
    ("matmul", Operation(shaping=shapes.matmul)),
    ("getitem __getitem__", Operation(shaping=shapes.getitem)),
)


def _table() -> dict[Any, Operation]:
    table: dict[Any, Operation] = {}
    for names, operation in _ROWS:
        for home in _HOMES:
            table |= {getattr(home, name): operation for name in names.split() if hasattr(home, name)}
    table[torch.where] = Operation(affinity.where, unitwise=True)
    table[torch.Tensor.where] = Operation(affinity.kept_where, unitwise=True)
    # What is made here, of what an operation gives and of rows.
    table[entry] = table[constant] = Operation(affinity.same)
    table[shapes.pack] = Operation(affinity.pack)
    return table


OPERATIONS: Mapping[Any, Operation] = _table()
"""The function -> what is known of it."""

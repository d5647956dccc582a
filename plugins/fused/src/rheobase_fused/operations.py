"""The table of operations: what kernels do, and how each is written in C++ and in Triton.

Numbers that stand in a formula are rounded to the run's type before they meet a tensor, as torch does it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Operation:
    """An operation on the numbers of one unit.

    Args:
        c: How it is written for vectors in C++, ``{0}``, ``{1}``, ... being its parts; ``support.h``,
            ``conditions.h`` and ``rates.h`` have what starts with ``rb_``.
        triton: How it is written for blocks in Triton; empty if it cannot be. ``libdevice`` is the library of
            functions that CUDA's own compiler takes, so torch's numbers come from it, too; Triton's division,
            square root and ``exp`` are approximations in float32.
        cost: How long it takes, in additions.
    """

    c: str
    triton: str
    cost: int = 1


OPERATIONS: dict[str, Operation] = {
    "add": Operation("({0} + {1})", "({0} + {1})"),
    "sub": Operation("({0} - {1})", "({0} - {1})"),
    "mul": Operation("({0} * {1})", "({0} * {1})"),
    "div": Operation("({0} / {1})", "libdevice.div_rn({0}, {1})", 8),
    "fma": Operation("rb_fma({0}, {1}, {2})", "tl.fma({0}, {1}, {2})"),
    "neg": Operation("(-{0})", "({0} * -1)"),
    "abs": Operation("rb_abs({0})", "tl.abs({0})"),
    "absi": Operation("rb_absi({0})", "tl.abs({0})"),
    "sqrt": Operation("rb_sqrt({0})", "libdevice.sqrt_rn({0})", 8),
    "floor": Operation("rb_floor({0})", "libdevice.floor({0})"),
    "ceil": Operation("rb_ceil({0})", "libdevice.ceil({0})"),
    "trunc": Operation("rb_trunc({0})", "libdevice.trunc({0})"),
    "round": Operation("rb_round({0})", "libdevice.rint({0})"),
    "minimum": Operation("rb_min({0}, {1})", "tl.where(({0} != {0}) | ({0} < {1}), {0}, {1})", 3),
    "maximum": Operation("rb_max({0}, {1})", "tl.where(({0} != {0}) | ({0} > {1}), {0}, {1})", 3),
    "exp": Operation("rb_exp({0})", "libdevice.exp({0})", 20),
    "expm1": Operation("rb_expm1({0})", "libdevice.expm1({0})", 24),
    "log": Operation("rb_log({0})", "libdevice.log({0})", 30),
    "log1p": Operation("rb_log1p({0})", "libdevice.log1p({0})", 40),
    "tanh": Operation("rb_tanh({0})", "libdevice.tanh({0})", 35),
    "sigmoid": Operation(
        "rb_sigmoid({0})",
        "libdevice.div_rn(tl.full({0}.shape, 1, {0}.dtype), 1 + libdevice.exp({0} * -1))",
        28,
    ),
    # x / (e^x - 1), and its derivative: of layers, which have no kernels in Triton.
    "rate": Operation("rb_rate({0})", "", 35),
    "rate_slope": Operation("rb_rate_slope({0})", "", 35),
    "sin": Operation("rb_sin({0})", "libdevice.sin({0})", 200),
    "cos": Operation("rb_cos({0})", "libdevice.cos({0})", 200),
    "tan": Operation("rb_tan({0})", "libdevice.tan({0})", 200),
    "asin": Operation("rb_asin({0})", "libdevice.asin({0})", 200),
    "acos": Operation("rb_acos({0})", "libdevice.acos({0})", 200),
    "atan": Operation("rb_atan({0})", "libdevice.atan({0})", 200),
    "sinh": Operation("rb_sinh({0})", "libdevice.sinh({0})", 200),
    "cosh": Operation("rb_cosh({0})", "libdevice.cosh({0})", 200),
    "erf": Operation("rb_erf({0})", "libdevice.erf({0})", 200),
    "erfc": Operation("rb_erfc({0})", "libdevice.erfc({0})", 200),
    "pow": Operation("rb_pow({0}, {1})", "libdevice.pow({0}, {1})", 300),
    "atan2": Operation("rb_atan2({0}, {1})", "libdevice.atan2({0}, {1})", 200),
    "fmod": Operation("rb_fmod({0}, {1})", "libdevice.fmod({0}, {1})", 200),
    "lt": Operation("rb_lt({0}, {1})", "({0} < {1})"),
    "le": Operation("rb_le({0}, {1})", "({0} <= {1})"),
    "gt": Operation("rb_gt({0}, {1})", "({0} > {1})"),
    "ge": Operation("rb_ge({0}, {1})", "({0} >= {1})"),
    "eq": Operation("rb_eq({0}, {1})", "({0} == {1})"),
    "ne": Operation("rb_ne({0}, {1})", "({0} != {1})"),
    "and": Operation("({0} & {1})", "({0} & {1})"),
    "or": Operation("({0} | {1})", "({0} | {1})"),
    "xor": Operation("({0} ^ {1})", "({0} ^ {1})"),
    "not": Operation("rb_not({0})", "(~{0})"),
    "where": Operation("rb_where({0}, {1}, {2})", "tl.where({0}, {1}, {2})"),
    # A cotangent and a derivative: 0 where the first is, whatever the other is there.
    "times": Operation("rb_times({0}, {1})", "tl.where({0} == 0, {0}, {0} * {1})", 2),
    # The same, added to another.
    "times_add": Operation(
        "rb_times_add({0}, {1}, {2})", "tl.where({0} == 0, {2}, tl.fma({0}, {1}, {2}))", 2
    ),
    "isfinite": Operation("rb_isfinite({0})", "(tl.abs({0}) < float('inf'))", 2),
}
"""Name -> operation. Beside them are ``cast``, which changes a type, ``read`` and ``constant``."""

_SAME = (
    *("mul", "div", "neg", "sqrt", "floor", "ceil", "trunc", "round", "minimum", "maximum"),
    *("exp", "expm1", "log", "log1p", "tanh", "sigmoid", "sin", "cos", "tan", "asin", "acos", "atan"),
    *("sinh", "cosh", "erf", "erfc", "atan2", "fmod", "lt", "le", "gt", "ge", "eq", "ne"),
)

ALIKE: dict[str, str] = {
    **{name: name for name in _SAME},
    **{"bitwise_and": "and", "logical_and": "and", "bitwise_or": "or", "logical_or": "or"},
    **{"bitwise_xor": "xor", "logical_xor": "xor", "bitwise_not": "not", "logical_not": "not"},
}
"""torch's operations that are one of the table."""

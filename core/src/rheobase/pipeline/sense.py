"""What a recording's parts must be, each and together: one table, which every file is held against.

With N units, a batch of B rows, and n steps of dt from step m on::

    m dt < spike times <= (m + n) dt, in order;  0 <= units < N;  0 <= batch < B
    traces  [n // every, *batch, N], or of as many units as trace_indices has
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..errors import shown

_TYPES = {
    **{name: name for name in ("float16", "float32", "float64", "complex64", "complex128", "bool")},
    **{name: name for name in ("int8", "int16", "int32", "int64", "uint8")},
    "bfloat16": "float32",  # which numpy has not
}
"""Torch's type of a trace -> the type of its array."""
_MOST = 2**53
"""Steps that a clock in float64 can tell apart."""


class Rule(NamedTuple):
    """What one part must be: its key, the rule in words, its predicate, and a default for old files."""

    part: str
    says: str
    holds: Callable[[Any, Mapping[str, Any]], bool]
    default: Any = None


def _is_count(value: Any, least: int = 0) -> bool:
    # type() and not isinstance(): JSON has true, which Python counts as 1.
    return type(value) is int and least <= value <= _MOST


def _is_number(value: Any) -> bool:
    # An int of JSON may be larger than any float.
    return type(value) in (int, float) and 0 < value <= sys.float_info.max


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_texts(values: Any) -> bool:
    return isinstance(values, dict) and all(map(_is_text, [*values, *values.values()]))


def _is_origin(value: Any) -> bool:
    if not isinstance(value, dict) or not _is_text(value.get("kind")) or not _is_text(value.get("name")):
        return False
    known = value.keys() <= {"kind", "name", "distribution", "version", "overrides", "note"}
    return known and all(each is None or _is_text(each) for each in value.values())


ABOUT = (
    Rule("dt_ms", "a finite number above 0", lambda it, all_: _is_number(it)),
    Rule("steps", "an integer from 0 up", lambda it, all_: _is_count(it)),
    Rule("first_step", "an integer from 0 up", lambda it, all_: _is_count(it)),
    Rule("units", "an integer from 1 up", lambda it, all_: _is_count(it, 1)),
    Rule("every", "an integer from 1 up", lambda it, all_: _is_count(it, 1), default=1),
    Rule("batch_shape", "a list of integers from 1 up", lambda it, all_: _is_shape(it, all_)),
    Rule("model", "a text", lambda it, all_: _is_text(it)),
    Rule("complete", "true or false", lambda it, all_: isinstance(it, bool)),
    Rule("warnings", "a list of texts", lambda it, all_: isinstance(it, list) and all(map(_is_text, it))),
    Rule(
        "trace_types",
        f"a mapping of names to {', '.join(_TYPES)}",
        lambda it, all_: _are_texts(it) and all(each in _TYPES for each in it.values()),
    ),
    Rule(
        "trace_units",
        "a mapping of the names of traces to texts",
        lambda it, all_: _are_texts(it) and it.keys() <= all_["trace_types"].keys(),
    ),
    Rule(
        "trace_widths",
        "a mapping of the names of traces to integers from 0 up",
        lambda it, all_: (
            isinstance(it, dict)
            and it.keys() <= all_["trace_types"].keys()
            and all(map(_is_count, it.values()))
        ),
        default={},
    ),
    Rule(
        "trace_indices",
        "a mapping of the names of traces, or spikes, to units, each once",
        lambda it, all_: _are_units(it, all_),
        default={},
    ),
    Rule(
        "provenance",
        "a mapping of parts to kind, name, distribution and version",
        lambda it, all_: isinstance(it, dict) and all(map(_is_origin, it.values())),
    ),
    Rule("settings", "an object", lambda it, all_: isinstance(it, dict), default={}),
    Rule("digests", "a mapping of names to texts", lambda it, all_: _are_texts(it), default={}),
    Rule(
        "dt_ms",
        "small enough for the end of the run to be finite",
        lambda it, all_: math.isfinite(it * (all_["first_step"] + all_["steps"])),
    ),
)
"""What ``about`` must be; later rules rely on earlier ones."""

ARRAYS = (
    Rule("spike_times_ms", "finite", lambda it, all_: bool(np.isfinite(it).all())),
    Rule("spike_times_ms", "in order", lambda it, all_: bool((np.diff(it) >= 0).all())),
    Rule("spike_times_ms", "within the run", lambda it, all_: _is_within(it, all_)),
    Rule("spike_units", "of the units", lambda it, all_: _are_indices(it, all_["units"])),
    Rule("spike_units", "of the units whose spikes were recorded", lambda it, all_: _are_chosen(it, all_)),
    Rule("spike_batch", "of the batch", lambda it, all_: _are_indices(it, math.prod(all_["batch_shape"]))),
)
"""What the arrays of spikes must be, beside their types and lengths."""

_COLUMNS = {"spike_times_ms": "float64", "spike_units": "int64", "spike_batch": "int64"}


def check_about(about: Any) -> dict[str, Any]:
    """What a file says about itself, checked, with the defaults of what it leaves out."""
    if not isinstance(about, dict):
        raise ValueError(f"about is {shown(about)}; it must be an object")
    whole = {rule.part: rule.default for rule in ABOUT if rule.default is not None} | about
    for rule in ABOUT:
        if rule.part not in whole:
            raise ValueError(f"about has no {rule.part}; it must be {rule.says}")
        value = whole[rule.part]
        if not rule.holds(value, whole):
            raise ValueError(f"{rule.part} is {shown(value)}; it must be {rule.says}")
    return whole


def check_arrays(about: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Hold a file's arrays, by member, against the table and against ``about``; ValueError if they differ."""
    shapes: dict[str, tuple[str, tuple[int, ...]]] = {}
    # Either all three columns or none: spikes may not have been recorded.
    if any(name in arrays for name in _COLUMNS):
        length = arrays["spike_times_ms"].size
        shapes = {name: (kind, (length,)) for name, kind in _COLUMNS.items()}
    rows = about["steps"] // about["every"]
    some = about["trace_indices"]
    for name, kind in about["trace_types"].items():
        width = len(some[name]) if name in some else about["trace_widths"].get(name, about["units"])
        shapes[f"trace_{name}"] = _TYPES[kind], (rows, *about["batch_shape"], width)
    for name, (kind, shape) in shapes.items():
        array = arrays[name]
        if array.dtype != np.dtype(kind) or array.shape != shape:
            raise ValueError(
                f"{shown(name)} is {array.dtype} {list(array.shape)}; it must be {kind} {list(shape)}"
            )
    for rule in ARRAYS:
        if rule.part in shapes and not rule.holds(arrays[rule.part], about):
            raise ValueError(f"{rule.part} are not {rule.says}")


def _is_shape(value: Any, about: Mapping[str, Any]) -> bool:
    if not isinstance(value, list) or not all(_is_count(each, 1) for each in value):
        return False
    return bool(math.prod(value) * about["units"] <= _MOST)


def _are_units(value: Any, about: Mapping[str, Any]) -> bool:
    if not isinstance(value, dict) or not value.keys() <= {*about["trace_types"], "spikes"}:
        return False
    return all(
        isinstance(units, list)
        and all(_is_count(unit) and unit < about["trace_widths"].get(name, about["units"]) for unit in units)
        and len(units) == len(set(units)) > 0
        for name, units in value.items()
    )


def _are_chosen(units: np.ndarray, about: Mapping[str, Any]) -> bool:
    chosen = about["trace_indices"].get("spikes")
    return chosen is None or bool(np.isin(units, chosen).all())


def _is_within(times: np.ndarray, about: Mapping[str, Any]) -> bool:
    dt, first = about["dt_ms"], about["first_step"]
    end = (first + about["steps"]) * dt
    slack = 1e-6 * dt + 1e-12 * end  # the rounding of sums and products
    return not times.size or bool(times[0] > first * dt - slack and times[-1] <= end + slack)


def _are_indices(values: np.ndarray, count: int) -> bool:
    return not values.size or bool(values.min() >= 0 and values.max() < count)

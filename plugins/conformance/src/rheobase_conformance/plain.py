"""Plain values: what JSON knows, of cases and what they are made of."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any


def plain(value: Any) -> Any:
    """A value as JSON has it: dataclasses with their fields, numbers that JSON does not know as words.

    Args:
        value: Of a case; what is of no plain type is told by its ``repr``.

    Example:
        >>> plain({"tau": (10.0, float("inf")), "batch": ()})
        {'tau': [10.0, 'inf'], 'batch': []}
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(each) for each in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {each.name: plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
        return {"type": type(value).__name__, **fields}
    return repr(value)

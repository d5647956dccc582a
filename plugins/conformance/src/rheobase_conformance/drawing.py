"""Strategies that are made from functions, as often as properties are tried."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


@st.composite
def drawn_by(draw: st.DrawFn, function: Callable[[st.DrawFn], T]) -> T:
    """What a function draws.

    ``st.composite`` reads the source of each function that it decorates, which takes milliseconds; so it
    is given this one alone.

    Args:
        draw: Given by hypothesis.
        function: It is given the function by which it draws.

    Example:
        >>> import hypothesis
        >>> def draw_pair(draw):
        ...     return draw(st.just(1)), draw(st.just(2))
        >>> hypothesis.find(drawn_by(draw_pair), lambda pair: True)
        (1, 2)
    """
    return function(draw)

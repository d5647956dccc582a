"""Where in a step the threshold is crossed: the method's own shorter steps, and a bracketed root search.

The state at the crossing is that of a step of the method that ends there, not of an interpolant, so a
spike costs no order of convergence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from .event import Event

Step = Callable[[Tensor], Tensor]
"""``step(s)``: the state ``[D, n]`` after ``s`` ms, ``[n]``, from the start of the step."""

TOPS = 8
"""How many shorter steps look for the top of a path that shows the same side of zero at both ends."""

ROUNDS = 200
"""The most shorter steps of the root search. Bisection alone needs 53 in float64; where g is as small as its
own rounding, every second step is one."""


class Located(NamedTuple):
    """Where the crossings of some units are.

    Attributes:
        found: Whether there is one, bool ``[n]``. Where not, the report was a false alarm.
        s: When, in ms from the start of the step, ``[n]``.
        y: The state there, ``[D, n]``, on the upper side: g >= 0. Where none was found: ``y1``.
        converged: Whether the search came to an end, bool ``[n]``.
    """

    found: Tensor
    s: Tensor
    y: Tensor
    converged: Tensor


class Bracket(NamedTuple):
    """g < 0 at ``low`` and g >= 0 at ``high``, ms."""

    low: Tensor
    high: Tensor
    g_low: Tensor
    g_high: Tensor


def locate(
    step: Step,
    event: Event,
    y0: Tensor,
    y1: Tensor,
    h: Tensor,
    *,
    guess: Tensor | None = None,
    still: Step | None = None,
) -> Located:
    """The first crossing of units that :meth:`Event.check` reported.

    Args:
        step: The state after s ms, by a step of the method itself.
        event: The event, for these units only; its ``armed`` is that of the start of this step.
        y0: The state at the start, ``[D, n]``.
        y1: The state at the end.
        h: The step, ms, ``[n]``.
        guess: Where the crossing is expected, ms, ``[n]``; where it lies outside ``(0, h)`` it is not used.
            From an interpolant; a good one saves shorter steps. Default None.
        still: The same as ``step`` from a start without a graph: by it dg/ds is taken, so that all that led
            to the start need not be gone through at each crossing. Default ``step`` itself.

    Returns:
        Where the crossings are, to 2 eps of ``h``. With autograd on, ``s`` has the gradient of the
        implicit function g(y(s)) = 0, and ``y`` that of the state there.

    Example:
        A fall from 1 at unit speed with g = y^2 - 1/4 upside down: the crossing is at half the way.

        >>> import torch
        >>> start, end = torch.ones(1, 1), torch.zeros(1, 1)
        >>> event = Event(lambda y: 0.5 - y[0], armed=torch.tensor([True]))
        >>> locate(lambda s: start - s, event, start, end, torch.ones(1)).s
        tensor([0.5000])
    """
    with torch.no_grad():
        y0_, y1_, h_ = y0.detach(), y1.detach(), h.detach()
        found, bracket = _enclose(step, event, y0_, y1_, h_)
        s, y, converged = _search(step, event.gap, bracket, y1_, h_, found, guess)
        s, y = torch.where(found, s, h_), torch.where(found, y, y1_)
    if torch.is_grad_enabled() and (y1.requires_grad or event.gap(y1).requires_grad):
        s, y = _attach(step, still or step, event.gap, s, y1, h, found)
    return Located(found, s, y, converged | ~found)


def _enclose(step: Step, event: Event, y0: Tensor, y1: Tensor, h: Tensor) -> tuple[Tensor, Bracket]:
    g0, g1 = event.gap(y0), _finite(event.gap(y1))
    armed = event.armed
    plain = armed & (g1 >= 0)
    low, high, g_low, g_high = torch.zeros_like(h), h, g0, g1
    # An armed unit is below at the start by definition, whatever rounding says.
    g_low = torch.where(armed & (g_low >= 0), -torch.finfo(g0.dtype).tiny, g_low)
    if bool(plain.all()):
        return plain, Bracket(low, high, g_low, g_high)
    # Both ends on one side: look for the top of the path (of the path upside down, for a dip).
    sign = torch.where(armed, 1.0, -1.0).to(g0.dtype)
    a, b = torch.zeros_like(h), h
    g_a, g_b = sign * g0, sign * g1
    m = 0.5 * h
    g_m = sign * _finite(event.gap(step(m)))
    for _ in range(TOPS):
        if bool((plain | (g_m > 0)).all()):
            break
        next_ = _vertex(a, m, b, g_a, g_m, g_b)
        g_next = sign * _finite(event.gap(step(next_)))
        left = next_ < m
        better = g_next > g_m
        # The triple closes in on the higher of the two inner points.
        old, new = (m, g_m), (next_, g_next)
        m, g_m = _choose(better, new, old)
        a, g_a = _choose(better & ~left, old, _choose(~better & left, new, (a, g_a)))
        b, g_b = _choose(better & left, old, _choose(~better & ~left, new, (b, g_b)))
    # A dip must go below zero to count, as does the low end of a bracket; a top may touch it.
    top = ~plain & torch.where(armed, g_m >= 0, g_m > 0)
    up, dip = top & armed, top & ~armed
    g_top = sign * g_m
    high, g_high = torch.where(up, m, high), torch.where(up, g_top, g_high)
    low, g_low = torch.where(dip, m, low), torch.where(dip, g_top, g_low)
    return plain | top, Bracket(low, high, g_low, g_high)


def _vertex(a: Tensor, m: Tensor, b: Tensor, g_a: Tensor, g_m: Tensor, g_b: Tensor) -> Tensor:
    """The vertex of the parabola through three points; the middle of the longer side where it is no use."""
    left, right = (m - a) * (g_m - g_b), (m - b) * (g_m - g_a)
    vertex = m - 0.5 * ((m - a) * left - (m - b) * right) / (left - right)
    middle = torch.where(m - a > b - m, 0.5 * (a + m), 0.5 * (m + b))
    # Too near to a point that is known, it would teach nothing, and the triple would stand still.
    away = 1e-3 * (b - a)
    usable = (vertex > a + away) & (vertex < b - away) & ((vertex - m).abs() > 1e-3 * away)
    return torch.where(usable, vertex, middle)


_Point = tuple[Tensor, Tensor]
"""A time, and g there."""


def _choose(which: Tensor, yes: _Point, no: _Point) -> _Point:
    return torch.where(which, yes[0], no[0]), torch.where(which, yes[1], no[1])


def _search(
    step: Step,
    gap: Callable[[Tensor], Tensor],
    bracket: Bracket,
    y1: Tensor,
    h: Tensor,
    found: Tensor,
    guess: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:
    """The time and the state of the root in each bracket, and whether the search came to an end."""
    # The method of Chandrupatla (1997): inverse quadratic interpolation where it is sure to help, else
    # bisection. Advances in Engineering Software 28(3), 145-149, doi:10.1016/S0965-9978(96)00051-8.
    tolerance = 2.0 * torch.finfo(h.dtype).eps * h
    # x1 is the newest point, x2 the end on the other side of zero, x3 the point that was left.
    x1, x2, f1, f2 = bracket.high, bracket.low, bracket.g_high, bracket.g_low
    x3, f3 = x1, f1
    y_high = y1 if bool((bracket.high == h).all()) else step(bracket.high)
    active = found & ((x1 - x2).abs() > tolerance)
    part = torch.full_like(h, 0.5)
    if guess is not None:
        at = (guess.detach() - x1) / (x2 - x1)
        part = torch.where((at > 0) & (at < 1), at, part)
    for _ in range(ROUNDS):
        if not bool(active.any()):
            break
        width = (x1 - x2).abs()
        least = (0.5 * tolerance / width).clamp(max=0.5)
        # Never nearer to an end than half the tolerance, so that each step narrows the bracket.
        x = x1 + torch.minimum(torch.maximum(part, least), 1.0 - least) * (x2 - x1)
        y = step(x)
        f = _finite(gap(y))
        # The state at the upper end is kept with it, so that no step is taken again.
        y_high = torch.where(active & (f >= 0), y, y_high)
        same = (f >= 0) == (f1 >= 0)
        old, other = (x1, f1), (x2, f2)
        x3, f3 = _choose(active, _choose(same, old, other), (x3, f3))
        x2, f2 = _choose(active & ~same, old, other)
        x1, f1 = _choose(active, (x, f), old)
        # A zero is as good as g can tell.
        active = active & (f1 != 0) & ((x1 - x2).abs() > tolerance)
        part = _next_part(x1, x2, x3, f1, f2, f3)
    # The upper end, where g >= 0: a unit that spikes is at its threshold or past it.
    high = torch.where(f1 >= 0, x1, x2)
    return high, y_high, ~active


def _next_part(x1: Tensor, x2: Tensor, x3: Tensor, f1: Tensor, f2: Tensor, f3: Tensor) -> Tensor:
    xi, phi = (x1 - x2) / (x3 - x2), (f1 - f2) / (f3 - f2)
    # Chandrupatla's condition: the inverse quadratic through the three points is monotonic in between.
    trusted = (phi * phi < xi) & ((1.0 - phi) * (1.0 - phi) < 1.0 - xi)
    bend = (x3 - x1) / (x2 - x1)
    quadratic = f1 / (f2 - f1) * f3 / (f2 - f3) + bend * f1 / (f3 - f1) * f2 / (f3 - f2)
    return torch.where(trusted & quadratic.isfinite(), quadratic, 0.5)


def _finite(g: Tensor) -> Tensor:
    """g where it is a number; what exploded is far beyond the threshold."""
    return torch.nan_to_num(g, nan=1e30, posinf=1e30, neginf=-1e30)


def _attach(
    step: Step,
    still: Step,
    gap: Callable[[Tensor], Tensor],
    s: Tensor,
    y1: Tensor,
    h: Tensor,
    found: Tensor,
) -> tuple[Tensor, Tensor]:
    """Give the crossing its gradient: ds = -dg / (dg/ds), and then that of the state at s."""
    # Newton's step at the root: zero in value, and its gradient is that of the implicit function.
    free = s.detach().clone().requires_grad_()
    g = gap(step(free))
    # Units do not interact, so the gradient of the sum is for each unit its own dg/ds.
    (speed,) = torch.autograd.grad((g if still is step else gap(still(free))).sum(), free, retain_graph=True)
    # Where nothing was found s is the end of the step.
    correction = torch.where(found, (g - g.detach()) / torch.where(found, speed, 1.0), 0.0)
    attached = torch.where(found, s - correction, h)
    return attached, torch.where(found, step(attached), y1)

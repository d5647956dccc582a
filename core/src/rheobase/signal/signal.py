"""Signals: input that changes within a step, with the times at which it jumps."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, final

import torch
from torch import Tensor

from ..errors import InputError
from ..torch_state import all_finite, values_visible
from .given import as_increasing, as_number, as_table
from .levels import Levels
from .waveform import Combined, FunctionWaveform, UnitSubset, Waveform, as_value


@final
class Signal:
    """An input over time, I(t), that integrators see at their own times and not once for each dt.

    Between breakpoints the signal is smooth. No step of an integrator goes across a breakpoint: a step of
    dt is taken in pieces, each of which ends exactly on the next breakpoint. At the end of a piece the
    integrator sees the limit from the left, at the start of the next one the value there. So a short pulse
    is never skipped, and a method keeps its order. A jump that is not declared may be missed.

    Args:
        function: ``function(t)``, the value at time t (ms), in the unit of the input (pA). ``t`` is a
            float64 tensor, 0-dimensional or, where units have times of their own, ``[*batch, units]``;
            what is returned is a number, or a tensor that broadcasts to ``[*batch, units]``. It must be
            pure: an integrator may ask for any time, in any order. Give it tensors of float64: beside one
            of float32 torch makes a 0-dimensional time float32, which tells no tenths of a ms after minutes.
        breakpoints: The times (ms) at which value or slope jump, increasing. At a breakpoint the function
            gives the value that holds from there on. Default: none.

    Raises:
        InputError: If the function cannot be called, or the breakpoints are not finite and increasing.

    Example:
        >>> import torch
        >>> from rheobase import RungeKutta, Signal
        >>> pulse = Signal(lambda t: torch.where((t >= 40.0) & (t < 41.0), 2.0, 0.0), [40.0, 41.0])
        >>> pulse.breakpoints, float(pulse(40.0)), float(pulse(41.0))
        ((40.0, 41.0), 2.0, 0.0)

        The integral of a pulse of 1 ms, in one call over 100 ms:

        >>> RungeKutta()(torch.zeros(1), lambda x, current: current + 0 * x, dt=100.0, current=pulse)
        tensor([2.])
    """

    __slots__ = ("_waveform", "_within_step")

    def __init__(
        self, function: Callable[[Tensor], Tensor | float], breakpoints: Iterable[float] = ()
    ) -> None:
        if isinstance(function, Signal) or not callable(function):
            raise InputError(
                f"Signal(function={function!r}) cannot be used; give a function of the time in ms, "
                "for instance torch.sin"
            )
        self._waveform: Waveform = FunctionWaveform(function, as_increasing("breakpoints", breakpoints))
        self._within_step = False

    @staticmethod
    def of(waveform: Waveform, *, within_step: bool = False) -> Signal:
        """A signal of a waveform; see :mod:`rheobase.signal.waveform`, and :meth:`in_step`."""
        # Past ``__init__``, which checks what users give.
        signal = object.__new__(Signal)
        signal._waveform, signal._within_step = waveform, within_step
        return signal

    @staticmethod
    def levels(
        times: Iterable[float],
        values: Iterable[float | Tensor],
        *,
        before: float | Tensor = 0.0,
        until: float = math.inf,
    ) -> Signal:
        """A signal that is constant between its breakpoints: values[k] from times[k] on.

        Args:
            times: When the levels begin, ms, increasing.
            values: As many levels, pA: each a number, or a tensor ``[units]``; or all in one tensor
                ``[levels]`` or ``[levels, units]``.
            before: The level before the first time. Default 0.
            until: The end, ms: to ask for a later value is an error. Default: it has no end.

        Raises:
            InputError: If times and values are not equally many, or one of them cannot be used.

        Example:
            >>> from rheobase import Signal
            >>> two = Signal.levels([1.0, 2.5], [10.0, -5.0])
            >>> [float(two(t)) for t in (0.0, 1.0, 2.4, 2.5, 100.0)]
            [0.0, 10.0, 10.0, -5.0, -5.0]
        """
        begins = as_increasing("times", times)
        table = as_table(before, values)
        if len(table) != len(begins) + 1:
            raise InputError(
                f"Signal.levels: {len(begins)} times and {len(table) - 1} values were given; give a value "
                "for each time"
            )
        until = as_number("until", until, infinite=True)
        if begins and not until > begins[-1]:
            raise InputError(
                f"Signal.levels: until={until!r} is not after the last of the times, {begins[-1]!r}"
            )
        ends = begins if until == math.inf else (*begins, until)
        return Signal.of(FunctionWaveform(Levels(begins, table, until), ends, steady=True))

    @property
    def breakpoints(self) -> tuple[float, ...]:
        """The times at which value or slope jump, ms, increasing."""
        return self._waveform.breakpoints

    @property
    def piecewise_constant(self) -> bool:
        """Whether it is known to be constant between breakpoints, as those of :meth:`levels` are."""
        return self._waveform.steady

    def __call__(self, t: float | Tensor) -> Tensor:
        """The value at a time.

        Args:
            t: The time, ms: a number, or a tensor ``[*batch, units]`` of a time for each unit.

        Returns:
            A tensor that broadcasts to ``[*batch, units]``.

        Raises:
            InputError: If the function gives no floating-point numbers, or takes no tensor of times.
        """
        return self._waveform.value(t)

    def shifted(self, t0: float | Tensor) -> Signal:
        """The same signal on a clock that starts at ``t0``: its value at t is that of this one at t0 + t.

        Args:
            t0: ms. The sum t0 + t is made in float64, whatever the type of t.

        Example:
            >>> from rheobase import Signal
            >>> late = Signal.levels([1e7 + 0.25], [3.0]).shifted(1e7)
            >>> late.breakpoints, float(late(0.2)), float(late(0.3))
            ((0.25,), 0.0, 3.0)
        """
        start = as_number("t0", t0)
        return self if start == 0.0 else self._like(self._waveform.shifted(start))

    def in_step(self, t0: float) -> Signal:
        """The same signal on the clock of a step that begins at ``t0``; itself if it is on one."""
        return self if self._within_step else Signal.of(self._waveform.shifted(t0), within_step=True)

    def out_of_step(self, t0: float) -> Signal:
        """The same signal on the clock on which its step begins at ``t0``; itself if on no step's."""
        return Signal.of(self._waveform.shifted(-t0)) if self._within_step else self

    def as_levels(self) -> Levels | None:
        """What :meth:`levels` made it of; None where it was made otherwise, or is on another clock."""
        made = self._waveform
        if self._within_step or not isinstance(made, FunctionWaveform) or made.origin != 0.0:
            return None
        return made.function if isinstance(made.function, Levels) else None

    def _like(self, waveform: Waveform) -> Signal:
        return Signal.of(waveform, within_step=self._within_step)

    def around(self, t: float) -> Signal:
        """The signal as it is on the segment between two breakpoints that holds ``t``.

        Before the segment it keeps the value at its start, after it the limit at its end. So it is
        smooth, and a time that rounding put beyond a breakpoint does no harm.

        Example:
            >>> from rheobase import Signal
            >>> first = Signal.levels([1.0, 2.0], [10.0, -5.0]).around(1.5)
            >>> float(first(0.0)), float(first(2.0)), first.breakpoints
            (10.0, 10.0, ())
        """
        smooth = self._waveform.segment_at(t)
        return self if smooth is self._waveform else self._like(smooth)

    def cuts(self, t0: float, t1: float) -> list[float]:
        """The breakpoints between two times, without those that are one of the two but for rounding."""
        return self._waveform.cuts(t0, t1)

    def slack(self, t0: float, t1: float) -> float:
        """By how much two times within t0 to t1 may differ by rounding and mean the same instant, ms."""
        return self._waveform.slack(t0, t1)

    def take(self, who: Any, shape: torch.Size) -> Signal:
        """The signal for some units.

        Args:
            who: Their places in the flattened ``[*batch, units]``: int64 ``[n]``, or a slice.
            shape: ``[*batch, units]``.

        Returns:
            A signal whose values broadcast to ``[n]``, as do the times that it is asked for.
        """
        return self._like(UnitSubset((self._waveform,), who, shape))

    def joined(self, others: Sequence[Signal], rule: Callable[[list[Tensor], Any], Tensor]) -> Signal:
        """One signal made of several: ``rule(values, t)`` of their values at each time."""
        if any(other._within_step != self._within_step for other in others):
            raise InputError(
                "Signal: one of those that are combined is on the clock of a step, as prepare() gives it, "
                "and another is not; prepare both, or take the other.in_step(neuron.time)"
            )
        return self._like(Combined((self._waveform, *[other._waveform for other in others]), rule))

    def __add__(self, other: Any) -> Signal:
        """The sum with a signal, a number, or a tensor that broadcasts to ``[*batch, units]``."""
        return self._with(other, operator.add)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Signal:
        """The difference; see :meth:`__add__`."""
        return self._with(other, operator.sub)

    def __rsub__(self, other: Any) -> Signal:
        return (-self)._with(other, operator.add)

    def __mul__(self, other: Any) -> Signal:
        """The product; see :meth:`__add__`."""
        return self._with(other, operator.mul)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Signal:
        """The quotient; see :meth:`__add__`."""
        return self._with(other, operator.truediv)

    def __rtruediv__(self, other: Any) -> Signal:
        return self._with(other, _divide_by)

    def __neg__(self) -> Signal:
        return self.joined([], _negative)

    def _with(self, other: Any, rule: Callable[[Tensor, Any], Tensor]) -> Signal:
        if isinstance(other, Signal):
            return self.joined([other], partial(_of_both, rule))
        if isinstance(other, bool) or not isinstance(other, (int, float, Tensor)):
            return NotImplemented  # type: ignore[no-any-return]  # as Python asks of operators
        constant = as_value(other)
        if values_visible(constant) and not all_finite(constant):
            raise InputError(f"Signal: it was combined with {constant.detach()}; give finite numbers")
        return self.joined([], partial(_of_one, rule, constant))

    def __getattr__(self, name: str) -> Any:
        # Asked only for what a signal has not: by somebody who takes it for a tensor of its values.
        if hasattr(Tensor, name):
            raise AttributeError(
                f"a Signal is an input over time, and has no {name!r} of a tensor; signal(t) is the tensor "
                "of its values at t ms: within a step signal(0.0) is that at its start",
                name=name,
                obj=self,
            )
        raise AttributeError(f"'Signal' object has no attribute {name!r}", name=name, obj=self)

    def __repr__(self) -> str:
        times = self.breakpoints
        shown = ", ".join(f"{time:g}" for time in times[:4]) + (", ..." if len(times) > 4 else "")
        return f"<Signal with {len(times)} breakpoints{': ' if times else ''}{shown}>"


# The functions of signals stand by themselves, with their data as arguments: so they can be pickled.


def _of_both(rule: Callable[[Tensor, Any], Tensor], values: list[Tensor], t: Any) -> Tensor:
    return rule(values[0], values[1])


def _of_one(rule: Callable[[Tensor, Any], Tensor], constant: Tensor, values: list[Tensor], t: Any) -> Tensor:
    return rule(values[0], constant)


def _negative(values: list[Tensor], t: Any) -> Tensor:
    return -values[0]


def _divide_by(value: Tensor, constant: Any) -> Tensor:
    return torch.div(constant, value)

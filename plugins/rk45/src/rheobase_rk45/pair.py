"""The engine of the embedded pairs: steps of each unit's own size, for any tableau."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from rheobase import Advance, Integrator, errors
from torch import Tensor

from . import control, failure
from .tableau import EmbeddedTableau
from .trial import Field, try_step

RTOL = 1e-6
"""The relative tolerance where none is given, or 10 eps of the state's dtype where that is more."""


class EmbeddedPair(Integrator):
    """An explicit method that controls its error by a second one of lower order, as its tableau says.

    The steps, what is carried, the arguments and the errors are told at
    :class:`~rheobase_rk45.integrator.DormandPrince`. A subclass gives the tableau, and claims its order.

    Attributes:
        table: The pair. The exponent of the step control follows from its order.

    Example:
        Heun's method beside Euler's, with the slope at the end as a third stage:

        >>> import torch
        >>> from rheobase_rk45.pair import EmbeddedPair
        >>> from rheobase_rk45.tableau import EmbeddedTableau
        >>> class Heun(EmbeddedPair):
        ...     table = EmbeddedTableau((0, 1, 1), ((), (1.0,), (0.5, 0.5)), (-0.5, 0.5, 0.0), order=2)
        ...     order = 2
        >>> Heun(rtol=1e-4)(torch.ones(1), lambda y: -y, dt=1.0)
        tensor([0.3679])
    """

    table: ClassVar[EmbeddedTableau]
    adaptive = True

    def __init__(
        self,
        rtol: float | None = None,
        atol: float = 1e-9,
        max_steps: int = 10_000,
        *,
        fixed_step: float | None = None,
    ) -> None:
        self.rtol = None if rtol is None else self._positive("rtol", rtol)
        self.atol = self._positive("atol", atol)
        if isinstance(max_steps, bool) or not isinstance(max_steps, int) or max_steps < 1:
            raise errors.ArgumentError(
                f"{type(self).__name__}: max_steps={max_steps!r} cannot be used; "
                "give a whole number of at least 1"
            )
        self.max_steps = max_steps
        self.fixed_step = None if fixed_step is None else self._positive("fixed_step", fixed_step)
        self.adaptive = fixed_step is None

    def __repr__(self) -> str:
        if self.fixed_step is not None:
            return f"{type(self).__name__}(fixed_step={self.fixed_step})"
        rtol = "" if self.rtol is None else f"rtol={self.rtol}, "
        return f"{type(self).__name__}({rtol}atol={self.atol})"

    def advance(
        self,
        field: Field,
        y: Tensor,
        t0: float | Tensor,
        t1: float | Tensor,
        *,
        carry: Mapping[str, Tensor] | None = None,
    ) -> Advance:
        """See :meth:`rheobase.Integrator.advance`."""
        if not y.is_floating_point():
            raise errors.ArgumentError(
                f"{self}: a state of {y.dtype} cannot be integrated; give float32 or float64"
            )
        span = torch.as_tensor(t1 - t0, dtype=y.dtype, device=y.device).expand(y.shape[1:])
        if not bool((span >= 0).all()):
            raise errors.ArgumentError(
                f"{self}: the time to go, t1 - t0, is {span.min().item()} ms; t1 must not be before t0"
            )
        if self.fixed_step is not None:
            return Advance(_equal_steps(self.table, field, y, t0, span, self.fixed_step))
        return self._controlled(field, y, t0, span, carry)

    def _controlled(
        self, field: Field, y: Tensor, t0: Any, span: Tensor, carry: Mapping[str, Tensor] | None
    ) -> Advance:
        rtol = self._tolerance(y.dtype)
        shortest = 4.0 * torch.finfo(y.dtype).eps * span
        elapsed = torch.zeros_like(span)
        slope = field(t0 + elapsed, y)
        finite = torch.isfinite(y).all(dim=0) & torch.isfinite(slope).all(dim=0)
        if not bool((finite | (span == 0)).all()):
            raise failure.not_finite(self, ~finite & (span > 0), t0, y, slope)
        # A guess of zero would never grow.
        wanted = torch.maximum(self._first(field, t0, y, slope, span, rtol, carry), shortest)
        active = span > 0
        # The number of rounds, not of steps: in each, every unit that is not there yet tries one step.
        for _ in range(self.max_steps):
            if not bool(active.any()):
                return Advance(y, {"h": wanted})
            left = span - elapsed
            # A step that would leave a sliver takes it along.
            last = 1.01 * wanted >= left
            h = torch.where(active, torch.where(last, left, wanted), 0.0)
            trial = try_step(self.table, field, t0 + elapsed, y, h, slope)
            ratio = control.error_ratio(trial.error.detach(), y.detach(), trial.y.detach(), rtol, self.atol)
            accepted = active & (ratio <= 1.0)
            y = torch.where(accepted, trial.y, y)
            slope = torch.where(accepted, trial.slope, slope)
            elapsed = torch.where(accepted, torch.where(last, span, elapsed + h), elapsed)

            change = h * control.factor(ratio, self.table.order)
            # A step that t1 cut short says nothing against the longer one that was wanted.
            change = torch.where(accepted & (h < wanted), torch.maximum(change, wanted), change)
            wanted = torch.where(active, change, wanted)
            stuck = active & ~accepted & (wanted < shortest)
            if bool(stuck.any()):
                raise failure.step_underflow(self, stuck, t0 + elapsed, ratio)
            active = elapsed < span
        if bool(active.any()):
            raise failure.too_many_steps(self, active, t0 + elapsed, self.max_steps)
        return Advance(y, {"h": wanted})

    def _tolerance(self, dtype: torch.dtype) -> float:
        least = 10.0 * torch.finfo(dtype).eps
        if self.rtol is None:
            return max(RTOL, least)
        if self.rtol < least:
            raise errors.ArgumentError(
                f"{self}: rtol is below what {dtype} resolves; give rtol >= {least:.2g}, 10 eps of the "
                "dtype, or use dtype=torch.float64"
            )
        return self.rtol

    def _first(
        self,
        field: Field,
        t0: Any,
        y: Tensor,
        slope: Tensor,
        span: Tensor,
        rtol: float,
        carry: Mapping[str, Tensor] | None,
    ) -> Tensor:
        if carry is None:
            with torch.no_grad():
                return control.first_step(field, t0, y, slope, span, rtol, self.atol, self.table.order)
        h = torch.broadcast_to(carry["h"].detach().to(span), span.shape)
        return torch.where((h > 0) & torch.isfinite(h), h, span)

    def _positive(self, name: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
            raise errors.ArgumentError(
                f"{type(self).__name__}: {name}={value!r} cannot be used; give a number > 0"
            )
        return float(value)


def _equal_steps(
    table: EmbeddedTableau, field: Field, y: Tensor, t0: Any, span: Tensor, longest: float
) -> Tensor:
    # A span of 0.3 ms is three steps of 0.1 ms, though 0.3 / 0.1 > 3 may come out of the division.
    count = max(1, math.ceil(float(span.max()) / longest - 1e-6))
    h = span / count
    slope = field(t0 + 0.0 * h, y)
    for index in range(count):
        y, _, slope = try_step(table, field, t0 + index * h, y, h, slope)
    return y

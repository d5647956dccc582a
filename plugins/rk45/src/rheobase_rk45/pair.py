"""The contract of the embedded pairs: what comes in is cut into parts, and what comes out put together."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import ClassVar

import torch
from rheobase import Advance, Event, EventIntegrator, errors
from rheobase.spi import Field
from torch import Tensor

from .course import Plan, Watch, run
from .failure import refusal
from .lanes import CLOCK, Lanes
from .parts import Problem, is_flattening, is_pure, parts_of
from .results import put_together
from .tableau import EmbeddedTableau
from .tolerance import Tolerance, checked, shown
from .trajectory import Recorder, checked_times


class EmbeddedPair(EventIntegrator):
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
        rtol: float | Tensor | None = None,
        atol: float | Tensor = 1e-9,
        max_steps: int = 10_000,
        *,
        fixed_step: float | None = None,
    ) -> None:
        name = type(self).__name__
        self.rtol = None if rtol is None else checked(name, "rtol", rtol)
        self.atol = checked(name, "atol", atol)
        if isinstance(max_steps, bool) or not isinstance(max_steps, int) or max_steps < 1:
            raise errors.ArgumentError(
                f"{name}: max_steps={max_steps!r} cannot be used; give a whole number of at least 1"
            )
        self.max_steps = max_steps
        if isinstance(fixed_step, Tensor):
            raise errors.ArgumentError(f"{name}: fixed_step={fixed_step!r} cannot be used; give a number > 0")
        self.fixed_step = None if fixed_step is None else float(checked(name, "fixed_step", fixed_step))
        self.adaptive = fixed_step is None

    def __repr__(self) -> str:
        if self.fixed_step is not None:
            return f"{type(self).__name__}(fixed_step={self.fixed_step})"
        rtol = "" if self.rtol is None else f"rtol={shown(self.rtol)}, "
        return f"{type(self).__name__}({rtol}atol={shown(self.atol)})"

    def advance(
        self,
        field: Field,
        y: Tensor,
        t0: float | Tensor,
        t1: float | Tensor,
        *,
        event: Event | None = None,
        carry: Mapping[str, Tensor] | None = None,
    ) -> Advance:
        """See :meth:`rheobase.EventIntegrator.advance`."""
        problem = self._problem(field, y, t0, t1, event, carry)
        done = [self._solve(part, y.shape[1:]) for part in parts_of(problem)]
        return put_together(done, y, t1, keeps=self.fixed_step is None)

    def trajectory(
        self, field: Field, y: Tensor, times: Tensor, *, t0: float | Tensor | None = None
    ) -> Tensor:
        """The states at the times given, from steps that do not stop at them.

        The values between the ends of a step cost no further evaluations. They are of the order that the
        tableau claims: 4 for Dormand-Prince and Tsitouras, 3 for Bogacki-Shampine.

        Args:
            field: ``field(t, y)``, the derivatives per ms.
            y: The state at ``t0``, ``[D, *batch, units]``.
            times: When, ms, ``[T]``; none before another.
            t0: The time of ``y``, ms: a number; by default the first of the times.

        Returns:
            The states, ``[T, D, *batch, units]``. With ``on_failure="mark"`` a unit that fails has NaN from
            its failure on.

        Raises:
            ArgumentError: If the times fall, are not finite or are before ``t0``.
            IntegrationError: As of :meth:`advance`.

        Example:
            >>> import torch
            >>> from rheobase_rk45 import DormandPrince
            >>> times = torch.linspace(0.0, 1.0, 3)
            >>> DormandPrince().trajectory(lambda t, y: -y, torch.ones(1, 1), times).squeeze()
            tensor([1.0000, 0.6065, 0.3679])
        """
        start, ends = checked_times(self, times, t0, y)
        problem = self._problem(field, y, start, float(ends[-1]), None, None)
        recorders = []
        for part in parts_of(problem):
            recorder = Recorder(self.table, part, ends)
            lanes = self._solve(part, y.shape[1:], recorder.watch)
            recorders.append(recorder.finish(lanes))
        return torch.cat(recorders, dim=-1).reshape(len(ends), *y.shape)

    def _problem(
        self,
        field: Field,
        y: Tensor,
        t0: float | Tensor,
        t1: float | Tensor,
        event: Event | None,
        carry: Mapping[str, Tensor] | None,
    ) -> Problem:
        if not y.is_floating_point():
            raise errors.ArgumentError(
                f"{self}: a state of {y.dtype} cannot be integrated; give float32 or float64"
            )
        shape = y.shape[1:]
        begin, end = (torch.as_tensor(t, dtype=CLOCK, device=y.device) for t in (t0, t1))
        span = (end - begin).expand(shape)
        if not bool((span >= 0).all()):
            raise errors.ArgumentError(
                f"{self}: the time to go, t1 - t0, is {span.min().item()} ms; t1 must not be before t0"
            )
        tolerance = Tolerance.of(self, self.rtol, self.atol, y)
        if event is not None:
            tolerance = tolerance.for_spikes(y.dtype)
        start = begin.expand(shape) if isinstance(t0, Tensor) else t0
        problem = Problem(field, y, start, span, tolerance, event, carry or {})
        return problem.flattened() if is_flattening(problem) else problem

    def _solve(self, part: Problem, whole: torch.Size, watch: Watch | None = None) -> Lanes:
        def refuse(lanes: Lanes, within: bool) -> None:
            if self.on_failure == "raise" and part.event is None:
                raise refusal(self, self.max_steps, lanes, within, whole, part.offset)

        plan = Plan(self.max_steps, self.fixed_step, refuse, watch)
        if is_pure(part):
            # Without autograd's book-keeping, a fifth of the time. A model that uses autograd for its own
            # ends cannot do so here: then it is all done again, in the usual way.
            with contextlib.suppress(RuntimeError), torch.inference_mode():
                return self._run(part, plan)
        return self._run(part, plan)

    def _run(self, part: Problem, plan: Plan) -> Lanes:
        state = part.y, part.start, part.span
        lanes = Lanes(self.table, part.field, *state, part.tolerance, part.event)
        lanes.begin(part.slope(), self._first(part))
        run(lanes, plan)
        lanes.gather()
        return lanes

    def _first(self, part: Problem) -> Tensor | None:
        if self.fixed_step is not None:
            return part.span.detach()
        h = part.carry.get("h")
        return None if h is None else h.detach().to(CLOCK)

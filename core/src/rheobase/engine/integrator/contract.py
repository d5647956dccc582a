"""Integrators: how a state gets from one time to another.

An integrator has one method to write, :meth:`Integrator.advance`. The call of the reference API,
``integrator(x, equation, dt=dt, **kwargs)``, follows from it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, overload

import torch
from torch import Tensor

from ...errors import IntegrationError
from ...signal.segments import Segment, segments_between
from ...signal.signal import Signal
from ...specs import Provenance
from ...torch_state import all_finite, values_visible
from ..model.constants import DT
from .equation import Equation, EquationField
from .event import Event
from .status import Status, failure

Field: TypeAlias = Callable[[Any, Tensor], Tensor]
"""``field(t, y)``: the derivatives of ``y``, per ms, in the same shape ``[D, *batch, units]``."""

Time: TypeAlias = "float | Tensor"
"""A time in ms: a number, or a tensor ``[units]`` where each unit has its own."""


class Advance(NamedTuple):
    """What :meth:`Integrator.advance` gives.

    Attributes:
        y: The state at ``t``, in the shape of the state at ``t0``.
        carry: What the integrator wants back at the next call: a mapping of tensors
            ``[*batch, units]``, or None. An adaptive method keeps its step size here. The entry
            ``slope``, in the shape of ``y``, holds the derivatives at the end of the call; NaN where they are
            not known. It comes back for units whose field and state are still those of that moment; the
            slopes of the others are evaluated anew, or it is left out for all. Nothing else that is carried
            may be taken for the derivatives at the start: a refractory period that ends changes the field,
            and no state.
        t: The time that each unit reached, ms, ``[*batch, units]``, in the type of the state or in float64;
            None, the default: ``t1``.
        crossed: Who stands at a crossing of the threshold, bool ``[*batch, units]``, where an event was
            given; None, the default: nobody.
        status: How it ended, a :class:`Status` for each unit, int8 ``[*batch, units]``; None, the default:
            well. The state of a unit that failed is NaN.
    """

    y: Tensor
    carry: Mapping[str, Tensor] | None = None
    t: Tensor | None = None
    crossed: Tensor | None = None
    status: Tensor | None = None

    @property
    def hints(self) -> Mapping[str, Tensor] | None:
        """The carry for a call with another field: without ``slope``."""
        if self.carry is None or "slope" not in self.carry:
            return self.carry
        return {name: value for name, value in self.carry.items() if name != "slope"}

    def then(self, after: Advance) -> Advance:
        """This, and what came after it: a unit that failed before has failed."""
        if self.status is None:
            return after
        if after.status is None:
            return after._replace(status=self.status)
        # The first failure is the cause of those that come after it.
        return after._replace(status=torch.where(self.status != 0, self.status, after.status))


class Integrator(ABC):
    """The contract of an integrator.

    Attributes:
        order: The order of convergence that the method claims on smooth coupled problems.
        adaptive: Whether the method chooses its own sub-steps between ``t0`` and ``t1``.
        field: Which fields it takes: ``"general"``, the default; ``"linear"``; or
            ``"conditionally_linear"``, where each derivative is linear in its own variable. It refuses
            all others.
        on_failure: What a neuron does about units whose integration failed: ``"raise"``, the default, an
            error, or ``"mark"`` them: their states are NaN, and ``status`` says why.
        fresh: Whether the state that it gives is always a tensor of its own, which nobody keeps and which is
            contiguous, so that it need not be copied. Default False.
        provenance: The plugin that offered it, where it was made by name; else None.
        made_with: What it was made with, where it was made by name; else None.

    Example:
        Heun's method, as a plugin would write it:

        >>> import torch
        >>> from rheobase import Advance, Integrator
        >>> class Heun(Integrator):
        ...     order = 2
        ...     def advance(self, field, y, t0, t1, *, carry=None):
        ...         h = t1 - t0
        ...         k1 = field(t0, y)
        ...         k2 = field(t1, y + h * k1)
        ...         return Advance(y + h / 2 * (k1 + k2))
        >>> Heun()(torch.tensor([1.0]), lambda x: -x, dt=0.1)
        tensor([0.9050])
    """

    order: int = 0
    adaptive: bool = False
    field: str = "general"
    on_failure: str = "raise"
    fresh: bool = False
    provenance: Provenance | None = None
    made_with: Mapping[str, Any] | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # A promise about one ``advance`` is none about another's.
        if "advance" in vars(cls) and "fresh" not in vars(cls):
            cls.fresh = False

    @abstractmethod
    def advance(
        self,
        field: Field,
        y: Tensor,
        t0: Time,
        t1: Time,
        *,
        carry: Mapping[str, Tensor] | None = None,
    ) -> Advance:
        """Take the state from ``t0`` to ``t1``. Pure: ``y`` and ``carry`` are not changed.

        Args:
            field: ``field(t, y)``, the derivatives per ms. One that does not grow beyond a threshold has an
                attribute ``event``, its :class:`Event`: for a unit that is too fast there for any step, a
                method that controls its error may give a state at the threshold in place of that at ``t1``.
            y: The state, ``[D, *batch, units]``: D variables, solved together.
            t0: The time of ``y``, ms.
            t1: The time asked for, ms; a number, or ``[units]``.
            carry: What the last call gave back; None at the first call. A hint: since then a unit may
                have been reset or kicked. Only ``slope`` is that of the state and the field as they are.

        Returns:
            The state at ``t1`` and what to carry to the next call.
        """

    @overload
    def __call__(
        self, x: Tensor, equation: Equation, *, dt: Time = DT, t: Time = 0.0, **kwargs: Any
    ) -> Tensor: ...

    @overload
    def __call__(
        self, x: Sequence[Tensor], equation: Equation, *, dt: Time = DT, t: Time = 0.0, **kwargs: Any
    ) -> tuple[Tensor, ...]: ...

    def __call__(
        self, x: Tensor | Sequence[Tensor], equation: Equation, *, dt: Time = DT, t: Time = 0.0, **kwargs: Any
    ) -> Tensor | tuple[Tensor, ...]:
        """The state one step later.

        Args:
            x: The present state: a tensor, or a sequence of tensors of one shape, solved together.
            equation: The right-hand side, ``equation(x, **kwargs)``: it gives a tensor for a tensor
                and a sequence for a sequence. Or a sequence of right-hand sides, one for each
                tensor of ``x``; each receives the whole of ``x``. One that has a parameter ``t`` beside
                the state is given the time, ms: a float64 tensor, 0-dimensional or of a time for each unit.
            dt: The step, ms.
            t: The time of ``x``, ms. Default 0.
            **kwargs: What the equation depends on. A :class:`Signal` is evaluated at the times at which
                the method evaluates the equation, and no step of the method goes across its breakpoints;
                anything else is handed on as it is.

        Returns:
            The state at t + dt, of the kind of ``x``.

        Raises:
            ArgumentError: If ``x``, the equations and what they return do not fit each other.
            IntegrationError: If the integration fails; a NonFiniteStateError if the new state is not
                finite. With ``on_failure="mark"`` it is NaN instead.

        Example:
            >>> import torch
            >>> from rheobase import RungeKutta
            >>> decay = lambda x, tau: -x / tau
            >>> RungeKutta(order=4)(torch.tensor([1.0]), decay, dt=0.1, tau=10.0)
            tensor([0.9900])
            >>> x, y = RungeKutta()((torch.ones(1), torch.zeros(1)), (lambda s: -s[1], lambda s: s[0]))
            >>> bool((x**2 + y**2 - 1).abs() < 1e-6)
            True

            Input that changes within the step, and time itself:

            >>> from rheobase import Signal
            >>> ramp = Signal(lambda t: 2.0 * t)
            >>> RungeKutta()(torch.zeros(1), lambda x, data: data + 0 * x, dt=3.0, data=ramp)
            tensor([9.])
            >>> RungeKutta()(torch.zeros(1), lambda x, t: 2.0 * t + 0 * x, dt=3.0, t=1.0)
            tensor([15.])
        """
        result = self.solve(x, equation, dt=dt, t=t, **kwargs)
        y = result.y.detach()
        if self.on_failure != "mark" and values_visible(y) and not all_finite(y):
            status = torch.where(y.isfinite().all(dim=0), Status.OK, Status.NOT_FINITE)
            raise failure(self, status, t + dt)
        return result.y[0] if isinstance(x, Tensor) else tuple(result.y.unbind(0))

    def solve(
        self, x: Tensor | Sequence[Tensor], equation: Equation, *, dt: Time = DT, t: Time = 0.0, **kwargs: Any
    ) -> Advance:
        """What calling the integrator does, without its check of the result: see there.

        Returns:
            The state at t + dt, packed as ``[D, *batch, units]``, and how it went for each unit.
        """
        single = isinstance(x, Tensor)
        y = x.unsqueeze(0) if isinstance(x, Tensor) else torch.stack(torch.broadcast_tensors(*x))
        signals = {name: value for name, value in kwargs.items() if isinstance(value, Signal)}
        # A step has a clock of its own, which stands at zero where it begins: times stay small and exact.
        inputs = {**kwargs, **{name: signal.shifted(t) for name, signal in signals.items()}}
        field = EquationField(equation, 0 if single else len(y), inputs, t, y)
        return self.advance_segments(
            segments_between(tuple(field.signals.values()), 0.0, dt), field.on_segment, y
        )

    def refuse_failed(self, after: Advance, t1: Time) -> None:
        """Refuse what :meth:`advance` gave where units failed, unless they are to be marked.

        Args:
            after: What it gave, with its status.
            t1: The time asked for, ms.

        Raises:
            IntegrationError: If a unit failed.
        """
        if after.status is not None and self.on_failure != "mark" and bool((after.status != 0).any()):
            raise failure(self, after.status, t1 if after.t is None else after.t)

    def advance_segments(
        self,
        steps: Sequence[Segment],
        field_of: Callable[[Segment], Field],
        y: Tensor,
        carry: Mapping[str, Tensor] | None = None,
    ) -> Advance:
        """Take the state through the segments of a step, in each of which its field is smooth.

        Args:
            steps: The segments, in order.
            field_of: The field in a segment, on the segment's clock.
            y: The state at the start, ``[D, *batch, units]``.
            carry: What the last call gave back.

        Returns:
            The state at the end, what to carry on, and how it went.

        Raises:
            IntegrationError: If units fail, unless they are to be marked.
        """
        result = Advance(y, carry)
        for place, segment in enumerate(steps):
            # Beyond a breakpoint the field is another one: the step size is a hint, the slopes are none.
            hints = result.hints if place else carry
            try:
                after = self.advance(field_of(segment), result.y, segment.t0, segment.t1, carry=hints)
                if after.status is not None:
                    self.refuse_failed(after, segment.t1)
            except IntegrationError as error:
                if not place:
                    raise
                raise type(error)(f"from a breakpoint at t = {segment.start:.10g} ms on: {error}") from error
            result = result.then(after)
        return result

    through = advance_segments  # as it was called before


class EventIntegrator(Integrator):
    """An integrator that finds crossings of a threshold by itself, within its own steps.

    Any other :class:`Integrator` gets this from the base, which judges the whole of ``t0`` to ``t1`` as
    one step of the method and takes it again, shorter, up to the crossing.
    """

    @abstractmethod
    def advance(
        self,
        field: Field,
        y: Tensor,
        t0: Time,
        t1: Time,
        *,
        event: Event | None = None,
        carry: Mapping[str, Tensor] | None = None,
    ) -> Advance:
        """Take the state from ``t0`` to ``t1``, or each unit to its first crossing.

        Args:
            field: ``field(t, y)``, the derivatives per ms.
            y: The state, ``[D, *batch, units]``.
            t0: The time of ``y``, ms; a number, or ``[*batch, units]``.
            t1: The time asked for, ms, likewise. A unit whose two times are one stays as it is.
            event: Where to stop. Each step that is taken is shown to :meth:`Event.check`, and a hit is
                looked into by :func:`locate`. None, the default: nowhere.
            carry: What the last call gave back.

        Returns:
            The state of each unit at the time that it reached, and who stands at a crossing. With an
            event nothing is raised for units: they have a status.
        """

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

from ...errors import ArgumentError
from ...specs import Provenance
from ..constants import DT
from .event import Event

Field: TypeAlias = Callable[[Any, Tensor], Tensor]
"""``field(t, y)``: the derivatives of ``y``, per ms, in the same shape ``[D, *batch, units]``."""

Time: TypeAlias = "float | Tensor"
"""A time in ms: a number, or a tensor ``[units]`` where each unit has its own."""

Equation: TypeAlias = "Callable[..., Any] | Sequence[Callable[..., Any]]"


class Advance(NamedTuple):
    """What :meth:`Integrator.advance` gives.

    Attributes:
        y: The state at ``t``, in the shape of the state at ``t0``.
        carry: What the integrator wants back at the next call: a mapping of tensors
            ``[*batch, units]``, or None. An adaptive method keeps its step size here. The entry
            ``slope``, in the shape of ``y``, holds the derivatives at the end of the call: it comes back
            only where the field and the state are still those of that moment.
        t: The time that each unit reached, ms, ``[*batch, units]``; None, the default: ``t1``.
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


class Integrator(ABC):
    """The contract of an integrator.

    Attributes:
        order: The order of convergence that the method claims on smooth coupled problems.
        adaptive: Whether the method chooses its own sub-steps between ``t0`` and ``t1``.
        on_failure: What a neuron does about units whose integration failed: ``"raise"``, the default, an
            error, or ``"mark"`` them: their states are NaN, and ``status`` says why.
        provenance: The plugin that offered it, where it was made by name; else None.

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
    on_failure: str = "raise"
    provenance: Provenance | None = None

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
            field: ``field(t, y)``, the derivatives per ms.
            y: The state, ``[D, *batch, units]``: D variables, solved together.
            t0: The time of ``y``, ms.
            t1: The time asked for, ms; a number, or ``[units]``.
            carry: What the last call gave back; None at the first call. A hint: since then a unit may
                have been reset or kicked. Only ``slope`` is left out as soon as that is so.

        Returns:
            The state at ``t1`` and what to carry to the next call.
        """

    @overload
    def __call__(self, x: Tensor, equation: Equation, *, dt: Time = DT, **kwargs: Any) -> Tensor: ...

    @overload
    def __call__(
        self, x: Sequence[Tensor], equation: Equation, *, dt: Time = DT, **kwargs: Any
    ) -> tuple[Tensor, ...]: ...

    def __call__(
        self, x: Tensor | Sequence[Tensor], equation: Equation, *, dt: Time = DT, **kwargs: Any
    ) -> Tensor | tuple[Tensor, ...]:
        """The state one step later.

        Args:
            x: The present state: a tensor, or a sequence of tensors of one shape, solved together.
            equation: The right-hand side, ``equation(x, **kwargs)``: it gives a tensor for a tensor
                and a sequence for a sequence. Or a sequence of right-hand sides, one for each
                tensor of ``x``; each receives the whole of ``x``.
            dt: The step, ms.
            **kwargs: What the equation depends on.

        Returns:
            The state at t + dt, of the kind of ``x``.

        Raises:
            ArgumentError: If ``x``, the equations and what they return do not fit each other.

        Example:
            >>> import torch
            >>> from rheobase import RungeKutta
            >>> decay = lambda x, tau: -x / tau
            >>> RungeKutta(order=4)(torch.tensor([1.0]), decay, dt=0.1, tau=10.0)
            tensor([0.9900])
            >>> x, y = RungeKutta()((torch.ones(1), torch.zeros(1)), (lambda s: -s[1], lambda s: s[0]))
            >>> bool((x**2 + y**2 - 1).abs() < 1e-6)
            True
        """
        if isinstance(x, Tensor):
            right_hand_side = _one(equation)

            def single(t: Any, y: Tensor) -> Tensor:
                return _same_kind(right_hand_side(y[0], **kwargs)).unsqueeze(0)

            return self.advance(single, x.unsqueeze(0), 0.0, dt).y[0]

        parts = tuple(x)

        def coupled(t: Any, y: Tensor) -> Tensor:
            slopes = _evaluate(equation, tuple(y.unbind(0)), kwargs)
            if len(slopes) != len(parts):
                raise ArgumentError(
                    f"the equations gave {len(slopes)} derivatives for {len(parts)} states; give one for each"
                )
            return torch.stack([torch.broadcast_to(slope, y.shape[1:]) for slope in slopes])

        y0 = torch.stack(torch.broadcast_tensors(*parts))
        return tuple(self.advance(coupled, y0, 0.0, dt).y.unbind(0))


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


def _one(equation: Equation) -> Callable[..., Any]:
    if callable(equation):
        return equation
    raise ArgumentError(
        f"{len(equation)} equations were given for a state of one tensor; "
        "give one equation, or a tuple of as many tensors"
    )


def _same_kind(slope: Any) -> Tensor:
    if isinstance(slope, Tensor):
        return slope
    raise ArgumentError(
        f"the equation of a state of one tensor gave {type(slope).__name__}; it must give a tensor"
    )


def _evaluate(equation: Equation, x: tuple[Tensor, ...], kwargs: dict[str, Any]) -> tuple[Tensor, ...]:
    if callable(equation):
        return tuple(equation(x, **kwargs))
    return tuple(each(x, **kwargs) for each in equation)

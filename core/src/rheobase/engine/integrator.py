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

from ..errors import ArgumentError
from ..specs import Provenance
from .constants import DT

Field: TypeAlias = Callable[[Any, Tensor], Tensor]
"""``field(t, y)``: the derivatives of ``y``, per ms, in the same shape ``[D, *batch, units]``."""

Time: TypeAlias = "float | Tensor"
"""A time in ms: a number, or a tensor ``[units]`` where each unit has its own."""

Equation: TypeAlias = "Callable[..., Any] | Sequence[Callable[..., Any]]"


class Advance(NamedTuple):
    """What :meth:`Integrator.advance` gives.

    Attributes:
        y: The state at ``t1``, in the shape of the state at ``t0``.
        carry: What the integrator wants back at the next call: a mapping of tensors
            ``[*batch, units]``, or None. An adaptive method keeps its step size here.
    """

    y: Tensor
    carry: Mapping[str, Tensor] | None = None


class Integrator(ABC):
    """The contract of an integrator.

    Attributes:
        order: The order of convergence that the method claims on smooth coupled problems.
        adaptive: Whether the method chooses its own sub-steps between ``t0`` and ``t1``.
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
                have been reset or kicked.

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


class Tableau(NamedTuple):
    """A Butcher tableau of an explicit method: nodes c, rows of a, weights b."""

    c: tuple[float, ...]
    a: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]


# Euler; the midpoint rule; Kutta's third-order rule; the classical rule. Kutta (1901), and
# Hairer, Norsett & Wanner, Solving Ordinary Differential Equations I, section II.1.
TABLEAUS: Mapping[int, Tableau] = {
    1: Tableau((0.0,), ((),), (1.0,)),
    2: Tableau((0.0, 1 / 2), ((), (1 / 2,)), (0.0, 1.0)),
    3: Tableau((0.0, 1 / 2, 1.0), ((), (1 / 2,), (-1.0, 2.0)), (1 / 6, 2 / 3, 1 / 6)),
    4: Tableau(
        (0.0, 1 / 2, 1 / 2, 1.0),
        ((), (1 / 2,), (0.0, 1 / 2), (0.0, 0.0, 1.0)),
        (1 / 6, 1 / 3, 1 / 3, 1 / 6),
    ),
}


# After each stage, the slopes that a later stage still needs.
_KEPT: Mapping[int, tuple[frozenset[int], ...]] = {
    order: tuple(
        frozenset(index for row in table.a[stage + 1 :] for index, weight in enumerate(row) if weight)
        for stage in range(len(table.b))
    )
    for order, table in TABLEAUS.items()
}


class RungeKutta(Integrator):
    """Explicit Runge-Kutta methods of order 1 to 4, at the fixed step ``t1 - t0``.

    Args:
        order: 1 (Euler), 2 (midpoint), 3 (Kutta) or 4 (classical; the default).

    Raises:
        ArgumentError: A ValueError, if the order is another.

    Example:
        >>> from rheobase import RungeKutta
        >>> RungeKutta(order=3)
        RungeKutta(order=3)
    """

    def __init__(self, order: int = 4) -> None:
        if isinstance(order, bool) or not isinstance(order, int) or order not in TABLEAUS:
            raise ArgumentError(
                f"RungeKutta: order {order!r} is not implemented; the orders are "
                f"{', '.join(map(str, TABLEAUS))}"
            )
        self.order = order

    def __repr__(self) -> str:
        return f"RungeKutta(order={self.order})"

    def advance(
        self,
        field: Field,
        y: Tensor,
        t0: Time,
        t1: Time,
        *,
        carry: Mapping[str, Tensor] | None = None,
    ) -> Advance:
        table, kept = TABLEAUS[self.order], _KEPT[self.order]
        h = t1 - t0
        # The slopes are summed in units of the last weight, and each is kept only as long as a later
        # stage needs it: at most three arrays are alive beside the state.
        unit = table.b[-1]
        slopes: dict[int, Tensor] = {}
        total = y  # replaced by the first slope that has a weight
        weighted = False
        for stage, weight in enumerate(table.b):
            point = y
            for index, slope in slopes.items():
                if table.a[stage][index]:
                    point = axpy(table.a[stage][index] * h, slope, point)
            slopes[stage] = field(t0 + table.c[stage] * h, point)
            if weight:
                share = weight / unit
                if weighted:
                    total = axpy(share, slopes[stage], total)
                else:
                    total = slopes[stage] if share == 1 else slopes[stage] * share
                weighted = True
            slopes = {index: slope for index, slope in slopes.items() if index in kept[stage]}
        return Advance(axpy(unit * h, total, y))


def axpy(a: Time, x: Tensor, y: Tensor) -> Tensor:
    """``a x + y``, in one operation where ``a`` is a number."""
    return y + a * x if isinstance(a, Tensor) else torch.add(y, x, alpha=a)


def rk1() -> RungeKutta:
    """Euler's method."""
    return RungeKutta(order=1)


def rk2() -> RungeKutta:
    """The midpoint rule."""
    return RungeKutta(order=2)


def rk3() -> RungeKutta:
    """Kutta's third-order rule."""
    return RungeKutta(order=3)


def rk4() -> RungeKutta:
    """The classical fourth-order rule; the default integrator."""
    return RungeKutta(order=4)

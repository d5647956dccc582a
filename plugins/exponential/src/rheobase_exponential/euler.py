"""Exponential Euler, the method of Rush and Larsen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import rheobase as rb
from rheobase import Advance, Integrator
from torch import Tensor

from .phi import relaxed


class ExponentialEuler(Integrator):
    r"""Exponential Euler (Rush-Larsen): each variable by the exact solution of its own linear equation.

    The derivative of each variable must be affine in that variable, with the others as given:
    f_i = a_i(others) + b_i(others) y_i. With the others held for the step h,

    .. math::

        y_i(t + h) = y_i + h \varphi_1(b_i h) f_i, \qquad \varphi_1(x) = (e^x - 1) / x

    Of first order. However long the step, a variable with b_i < 0 goes no further than to its present
    goal, -a_i / b_i: a gate stays between 0 and 1. That is why the method serves Hodgkin-Huxley models at
    steps at which explicit methods explode. At equal cost :class:`~rheobase_exponential.strang.Strang` is
    far closer.

    The slopes and rates b_i come from :func:`rheobase.conditionally_linear`: they are exact. A field that
    depends on time is taken at the start of the step.

    Paper: S. Rush & H. Larsen (1978), A practical algorithm for solving dynamic membrane equations, IEEE
    Transactions on Biomedical Engineering 25(4), 389-392, doi:10.1109/TBME.1978.326270.

    Raises:
        StructureError: At a call, if the field is not conditionally linear.

    Example:
        A linear equation alone is solved exactly.

        >>> import torch
        >>> from rheobase_exponential import ExponentialEuler
        >>> ExponentialEuler().advance(lambda t, y: -y, torch.ones(1, 1), 0.0, 1.0).y
        tensor([[0.3679]])
    """

    order = 1
    field = "conditionally_linear"

    def __repr__(self) -> str:
        return "ExponentialEuler()"

    def advance(
        self,
        field: Callable[[Any, Tensor], Tensor],
        y: Tensor,
        t0: float | Tensor,
        t1: float | Tensor,
        *,
        carry: Mapping[str, Tensor] | None = None,
    ) -> Advance:
        """See :meth:`rheobase.Integrator.advance`."""
        h = t1 - t0
        split = rb.conditionally_linear(field, t0, y)
        return Advance(relaxed(y, split.slopes, split.rates, h))

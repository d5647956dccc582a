"""The integrators: a tableau each, and what it is good for."""

from __future__ import annotations

from .pair import EmbeddedPair
from .tableau import BOGACKI_SHAMPINE, DORMAND_PRINCE, TSITOURAS


class DormandPrince(EmbeddedPair):
    """The Dormand-Prince 5(4) pair: a method of order 5 that controls its error.

    Between ``t0`` and ``t1`` each unit takes steps of its own, as long as its error stays below
    ``atol + rtol max(|y before|, |y after|)`` for every one of its variables. No unit sees another: where
    the field is element by element, the result of a unit is the same, bit for bit, alone and beside any
    others. ``t1`` is reached exactly. Where the error, or a slope, is not finite, the step shrinks.

    Between calls it carries ``h``, the step size of each unit ``[*batch, units]`` (ms), and ``slope``, the
    derivatives at the end ``[D, *batch, units]``, which save the next call its first evaluation. A call ends
    with a whole number of steps of equal length, up to 8% longer than wanted. So where dt is seven steps or
    more, a thousand calls take about 5% more evaluations than one; where dt is shorter than a step, each call
    is one step.

    A step that crosses a threshold is taken again up to the crossing (:func:`rheobase.locate`), at the full
    order. Where spikes are located, a step may err by a hundredth of the tolerance only, since the error of
    a spike stays with all later ones: with rtol 1e-10 the spikes of a second are right to 1e-9 ms. Times
    are float64, whatever the states are; a unit that races to its threshold faster than that resolves,
    since there is a pole beyond it, stops at the threshold. Gradients flow through the steps that were
    taken, the last of which keeps the gradient of ``t1``; the lengths of the others are constants.

    Fields that can be had for some units (``take``, as those of declared models) are solved in parts that
    stay in the cache, without the units that have arrived. Without gradients, those of declared models run
    in inference mode.

    Paper: J. R. Dormand & P. J. Prince (1980), A family of embedded Runge-Kutta formulae, Journal of
    Computational and Applied Mathematics 6(1), 19-26, doi:10.1016/0771-050X(80)90013-3.

    Args:
        rtol: Relative tolerance, without unit: a number, or a tensor that broadcasts to
            ``[D, *batch, units]``. By default 1e-6, or 10 eps of the state's dtype where that is more (1.2e-6
            in float32).
        atol: Absolute tolerance, in the units of the states, likewise. Default 1e-9.
        max_steps: The most steps, refused ones included, that one call may take. Default 10,000.
        fixed_step: Instead of error control: equal steps of at most this many ms. Default None.

    Attributes:
        on_failure: ``"raise"``, the default, or ``"mark"``: units that fail become NaN, with a
            :class:`rheobase.Status` and the time they reached, and no error is raised.

    Raises:
        ArgumentError: If one of them cannot be used.
        ToleranceError: At a call, if rtol is below 10 eps of the dtype.
        StepUnderflowError: At a call, if a step becomes shorter than time resolves, and no threshold is near.
        MaxStepsError: At a call, if max_steps do not suffice.
        NonFiniteStateError: At a call, if a state or a derivative is NaN or infinite.

    Example:
        >>> import torch
        >>> from rheobase_rk45 import DormandPrince
        >>> y = DormandPrince(rtol=1e-10)(torch.ones(1, dtype=torch.float64), lambda y: -y, dt=1.0)
        >>> bool((y - torch.exp(torch.tensor(-1.0, dtype=torch.float64))).abs() < 1e-9)
        True
    """

    table = DORMAND_PRINCE
    order = DORMAND_PRINCE.order


class Tsitouras(EmbeddedPair):
    """The Tsitouras 5(4) pair: the order and the stages of Dormand-Prince, with other coefficients.

    On FitzHugh-Nagumo, and where a sine drives a leaky membrane, it needs about 20% fewer evaluations for the
    same error.

    The steps, the control of the error, what is carried, the arguments and the errors are those of
    :class:`DormandPrince`.

    Paper: Ch. Tsitouras (2011), Runge-Kutta pairs of order 5(4) satisfying only the first column
    simplifying assumption, Computers & Mathematics with Applications 62(2), 770-775,
    doi:10.1016/j.camwa.2011.06.002.

    Example:
        >>> import torch
        >>> from rheobase_rk45 import Tsitouras
        >>> y = Tsitouras(rtol=1e-10)(torch.ones(1, dtype=torch.float64), lambda y: -y, dt=1.0)
        >>> bool((y - torch.exp(torch.tensor(-1.0, dtype=torch.float64))).abs() < 1e-9)
        True
    """

    table = TSITOURAS
    order = TSITOURAS.order


class BogackiShampine(EmbeddedPair):
    """The Bogacki-Shampine 3(2) pair: a method of order 3 that controls its error, for loose tolerances.

    It evaluates three slopes for each step where the pairs of order 5 evaluate six. So it pays where dt, and
    not the tolerance, bounds the steps: FitzHugh-Nagumo with dt = 0.1 ms takes half the evaluations, and
    is right to 2e-5. For errors below 1e-2 on long steps the pairs of order 5 are cheaper.

    The steps, the control of the error, what is carried, the arguments and the errors are those of
    :class:`DormandPrince`.

    Paper: P. Bogacki & L. F. Shampine (1989), A 3(2) pair of Runge-Kutta formulas, Applied Mathematics
    Letters 2(4), 321-325, doi:10.1016/0893-9659(89)90079-7.

    Example:
        >>> import torch
        >>> from rheobase_rk45 import BogackiShampine
        >>> y = BogackiShampine(rtol=1e-4)(torch.ones(1, dtype=torch.float64), lambda y: -y, dt=1.0)
        >>> bool((y - torch.exp(torch.tensor(-1.0, dtype=torch.float64))).abs() < 1e-4)
        True
    """

    table = BOGACKI_SHAMPINE
    order = BOGACKI_SHAMPINE.order

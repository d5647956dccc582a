"""The errors of an integration that failed: which units, when, why, and what to do."""

from __future__ import annotations

from typing import Any

import torch
from rheobase import errors
from torch import Tensor

SHOWN = 5
"""How many units a message names."""


def not_finite(who: object, failed: Tensor, time: Any, y: Tensor, slope: Tensor) -> Exception:
    """The error for a state or derivatives that are not finite where a step would start.

    Args:
        who: The integrator.
        failed: Which units, ``[*batch, units]``.
        time: The time, ms: a number or ``[*batch, units]``.
        y: The state, ``[D, *batch, units]``.
        slope: The derivatives.
    """
    # The variables of the first unit that failed: its column.
    values, slopes = y[:, failed][:, 0], slope[:, failed][:, 0]
    bad_state = not bool(torch.isfinite(values).all())
    numbers = values if bad_state else slopes
    index = int(torch.nonzero(~torch.isfinite(numbers))[0, 0])
    what = "state" if bad_state else "derivative of state"
    return errors.NonFiniteStateError(
        f"{who}: the {what} {index} is {numbers[index].item()} for {name_units(failed)} at "
        f"t = {name_time(failed, time)} ms; states and derivatives must be finite: "
        "check the parameters, the initial state and the input of these units"
    )


def step_underflow(who: object, failed: Tensor, time: Any, ratio: Tensor) -> Exception:
    """The error for a step that became too short to go on."""
    where = f"for {name_units(failed)} at t = {name_time(failed, time)} ms"
    if bool(torch.isfinite(ratio[failed][0])):
        return errors.StepUnderflowError(
            f"{who}: the step fell below the precision of time {where}; the state changes faster than any "
            "step can follow, or the tolerance is below what the dtype resolves: check these units for a "
            "pole, raise rtol and atol, or use float64"
        )
    return errors.NonFiniteStateError(
        f"{who}: the state or its derivatives are not finite however short the step is, {where}; the model "
        "leaves the range in which it is defined: check the parameters and the input of these units"
    )


def too_many_steps(who: object, failed: Tensor, time: Any, max_steps: int) -> Exception:
    """The error for a call that took too many steps."""
    return errors.MaxStepsError(
        f"{who}: {max_steps} steps did not suffice for {name_units(failed)}, which reached "
        f"t = {name_time(failed, time)} ms; raise max_steps, rtol or atol, or use a method for stiff models"
    )


def name_units(failed: Tensor) -> str:
    """The first of the units that failed, in words.

    Example:
        >>> import torch
        >>> name_units(torch.tensor([False, True, False, True]))
        'units 1, 3'
        >>> name_units(torch.ones(2, 8, dtype=torch.bool))
        'units [0, 0], [0, 1], [0, 2], [0, 3], [0, 4] and 11 more'
    """
    indices = torch.nonzero(failed).tolist()
    if failed.ndim == 0:
        return "the unit"
    names = [str(index[0] if len(index) == 1 else index) for index in indices[:SHOWN]]
    more = f" and {len(indices) - SHOWN} more" if len(indices) > SHOWN else ""
    return f"unit{'s' if len(indices) > 1 else ''} {', '.join(names)}{more}"


def name_time(failed: Tensor, time: Any) -> str:
    """The time of the first of the units that failed."""
    times = torch.as_tensor(time, dtype=torch.float64).expand(failed.shape)
    return f"{times[failed][0].item():.10g}"

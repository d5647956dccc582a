"""How an integration ended, for each unit: one table of codes, errors, causes and remedies."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ...errors import (
    EventError,
    IntegrationError,
    MaxStepsError,
    NonFiniteStateError,
    StepUnderflowError,
    ZenoError,
)

SHOWN = 5
"""How many units a message names."""


class Status(IntEnum):
    """How the integration of a unit ended; an int8 in tensors.

    Example:
        >>> Status.OK == 0, Status(1).name
        (True, 'NOT_FINITE')
    """

    OK = 0
    NOT_FINITE = 1
    UNDERFLOW = 2
    MAX_STEPS = 3
    NOT_CONVERGED = 4
    ZENO = 5


class Failure(NamedTuple):
    """What a code means: its error, the cause and what to do."""

    error: type[IntegrationError]
    cause: str
    remedy: str


FAILURES: Mapping[Status, Failure] = {
    Status.NOT_FINITE: Failure(
        NonFiniteStateError,
        "the state, or its derivative, is not finite",
        "try a smaller dt or an adaptive integrator, and check the parameters and the input of these units",
    ),
    Status.UNDERFLOW: Failure(
        StepUnderflowError,
        "the step fell below the precision of time",
        "check these units for a pole, raise rtol and atol, or use float64",
    ),
    Status.MAX_STEPS: Failure(
        MaxStepsError,
        "more steps were needed than the integrator may take",
        "raise max_steps, rtol or atol, or use a method for stiff models",
    ),
    Status.NOT_CONVERGED: Failure(
        EventError,
        "the crossing of the threshold could not be located",
        "check that threshold and derivatives are continuous, or use event='crossing'",
    ),
    Status.ZENO: Failure(
        ZenoError,
        "spikes follow each other without end",
        "check the reset and tau_ref, lower the input, or choose a smaller dt",
    ),
}


def failure(who: object, status: Tensor, time: Any) -> IntegrationError:
    """The error for units whose integration failed; it is about the first code that occurs.

    Args:
        who: The integrator.
        status: A :class:`Status` for each unit, ``[*batch, units]``; not all OK.
        time: The time that each unit reached, ms: a number or ``[*batch, units]``.

    Returns:
        The error, to be raised.

    Example:
        >>> str(failure("rk4", torch.tensor([0, 1, 1]), 2.5)).split(";")[0]
        'rk4: the state, or its derivative, is not finite for units 1, 2 at t = 2.5 ms'
    """
    code = Status(int(status[status != 0][0]))
    failed = status == code
    error, cause, remedy = FAILURES[code]
    return error(f"{who}: {cause} for {name_units(failed)} at t = {name_time(failed, time)} ms; {remedy}")


def name_units(failed: Tensor) -> str:
    """The first of the units that failed, in words.

    Example:
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

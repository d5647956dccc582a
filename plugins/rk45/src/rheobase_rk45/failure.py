"""The errors of an integration that failed: which units, when, why, and what to do."""

from __future__ import annotations

import torch
from rheobase import Status, errors
from rheobase.spi import name_units
from torch import Tensor

from .lanes import Lanes


def refusal(
    who: object, max_steps: int, lanes: Lanes, within: bool, whole: torch.Size, offset: int
) -> Exception:
    """The error for units that failed; it is about the first code that occurs.

    Args:
        who: The integrator.
        max_steps: How many steps it may take.
        lanes: The units; some have a status.
        within: Whether they failed within a step; else where they stood.
        whole: ``[*batch, units]`` of all units that were given.
        offset: Where the lanes lie among all of them, flattened.
    """
    status, reached = lanes.status, lanes.reached
    if status is None or reached is None:
        raise RuntimeError("no unit has failed")  # a mistake of ours
    code = int(status[status != 0][0])
    failed = status == code
    where = failed.reshape(-1).nonzero().squeeze(1)
    places = offset + (where if lanes.places is None else lanes.places.index_select(0, where))
    mask = torch.zeros(whole.numel(), dtype=torch.bool, device=places.device).index_fill_(0, places, True)
    units, first = name_units(mask.view(whole)), where[0]
    time = f"{reached.detach().reshape(-1)[first].item():.10g}"
    step = f"a step of {lanes.wanted.reshape(-1)[first].item():.2g} ms"
    if code == Status.MAX_STEPS:
        return errors.MaxStepsError(
            f"{who}: {max_steps} steps did not suffice for {units}, which reached t = {time} ms with {step}; "
            "raise max_steps, rtol or atol, or use a method for stiff models"
        )
    if code == Status.UNDERFLOW:
        return errors.StepUnderflowError(
            f"{who}: the step fell below the precision of time for {units} at t = {time} ms, with {step}; "
            "the state changes faster than any step can follow, or the tolerance is below what the dtype "
            "resolves: check these units for a pole, raise rtol and atol, or use float64"
        )
    if not within:
        return _not_finite(who, units, time, _of_unit(lanes.y, first), _of_unit(lanes.slope, first))
    return errors.NonFiniteStateError(
        f"{who}: the state or its derivatives are not finite however short the step is, for {units} at "
        f"t = {time} ms, with {step}; the model leaves the range in which it is defined: check the "
        "parameters and the input of these units"
    )


def _of_unit(value: Tensor, place: Tensor) -> Tensor:
    return value.detach().reshape(len(value), -1)[:, place]


def _not_finite(who: object, units: str, time: str, y: Tensor, slope: Tensor) -> Exception:
    """The error for a state or derivatives that are not finite where a step would start."""
    bad_state = not bool(torch.isfinite(y).all())
    numbers = y if bad_state else slope
    index = int(torch.nonzero(~torch.isfinite(numbers))[0, 0])
    what = "state" if bad_state else "derivative of state"
    return errors.NonFiniteStateError(
        f"{who}: the {what} {index} is {numbers[index].item()} for {units} at t = {time} ms; states and "
        "derivatives must be finite: check the parameters, the initial state and the input of these units"
    )

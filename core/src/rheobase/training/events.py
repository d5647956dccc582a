"""Events that reach a layer: spikes of others at their own times, with weights, sorted into its steps."""

from __future__ import annotations

import math
from typing import Any, final

import torch
from torch import Tensor

from ..engine.neuron.base import Neuron
from ..engine.step.arrivals import Arrivals, Jump
from ..engine.step.moments import Moments
from ..errors import InputError
from ..pipeline.durations import steps_of
from ..torch_state import all_finite

_CLOSE = 1e-9
"""Steps by which a length may miss a whole number of them."""


@final
class Events:
    """What reaches the units of a layer in a call.

    Args:
        neuron: The neuron of the layer.
        x: ``(times, weights)``: ms since the call begins, ``[*batch, inputs, K]``, with NaN in places left
            over; and ``[*units, inputs]``, how much each of them is for each unit.
        units: The shape of the units.
        size: What a weight of 1 stands for, ``[N]``.

    Attributes:
        batch: The shape of the batch.
        leaves: The times and weights as they were given.

    Raises:
        InputError: If shapes, types or values cannot be used.
    """

    def __init__(self, neuron: Neuron, x: Any, units: torch.Size, size: Tensor) -> None:
        times, weights = x
        said = neuron.identifier
        for what, value in (("times", times), ("weights", weights)):
            if not isinstance(value, Tensor) or not value.is_floating_point():
                given = value.dtype if isinstance(value, Tensor) else type(value).__name__
                raise InputError(f"{said}: the {what} of events are {given}; give floating-point numbers")
            if value.device != size.device:
                raise InputError(
                    f"{said}: the {what} of events are on {value.device}, and the layer on {size.device}; "
                    "move one of them"
                )
        if times.ndim < 2:
            raise InputError(
                f"{said}: the times of events have shape {list(times.shape)}; it must be [*batch, inputs, "
                "K], with NaN in places left over"
            )
        if weights.shape != (*units, times.shape[-2]):
            raise InputError(
                f"{said}: the weights of events have shape {list(weights.shape)}; it must be "
                f"[*units, inputs] = {[*units, times.shape[-2]]}"
            )
        if torch.promote_types(weights.dtype, size.dtype) != size.dtype:
            raise InputError(
                f"{said}: the weights of events are {weights.dtype}, and the layer has {size.dtype}; convert "
                "one of them"
            )
        if not all_finite(weights):
            unit, source = (~weights.isfinite()).flatten(0, -2).nonzero()[0].tolist()
            raise InputError(
                f"{said}: the weight of input {source} to unit {unit} is no finite number; give "
                "finite numbers"
            )
        early = (times.detach() < 0).nonzero()
        if len(early):
            *row, source, place = at = early[0].tolist()
            raise InputError(
                f"{said}: event {place} of input {source}{f', row {row}' if row else ''} is at "
                f"{float(times[tuple(at)].detach()):g} ms, before the call begins; give times from "
                "0 up"
            )
        self.batch, self.leaves = times.shape[:-2], (times, weights)
        self._dt, self._units = neuron.dt, neuron.num_units
        inputs, places = times.shape[-2:]
        # What is no time never comes, and whatever is multiplied with its gradient is 0.
        never = times.isnan() | times.isinf()
        flat = torch.where(never, math.inf, times).to(torch.float64).reshape(-1, inputs * places)
        self._times = flat.flatten()
        event = torch.arange(len(self._times), device=flat.device)
        self._row = event.div(max(1, inputs * places), rounding_mode="floor")
        self._source = event.remainder(max(1, inputs * places)).div(max(1, places), rounding_mode="floor")
        # [inputs, N], to be picked from by source.
        self._weights = (weights.reshape(-1, inputs).to(size.dtype) * size[:, None]).T

    def steps(self, until: float | None) -> int:
        """How many steps go on until then, ms; None: to the end of the step of the last event."""
        if until is not None:
            return steps_of(until, self._dt, "until")
        seen = self._times.detach()
        seen = seen[seen < math.inf]
        last = float(seen.max()) if len(seen) else 0.0
        return max(1, math.ceil(last / self._dt - _CLOSE))

    def of_step(self, t: int, jump: Jump) -> Arrivals | None:
        """What arrives in step ``t``, counted from 0; None: nothing."""
        seen, dt = self._times.detach(), self._dt
        # What arrives just when the call begins does so in its first step.
        who = ((seen > t * dt) if t else (seen >= 0)) & (seen <= (t + 1) * dt)
        some = who.nonzero()[:, 0]
        if not len(some):
            return None
        since = self._times[some] - t * dt
        # A difference may be rounded to the other side of the end.
        since = torch.where(since.detach() > dt, dt + (since - since.detach()), since)
        units = self._row[some, None] * self._units + torch.arange(self._units, device=seen.device)
        weights = self._weights[self._source[some]]
        times = since[:, None].expand(-1, self._units)
        found = Moments(times.flatten(), units.flatten(), weights.flatten(), self.batch, alone=True)
        return Arrivals(jump, moments=[found])

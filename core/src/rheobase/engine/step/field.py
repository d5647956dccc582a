"""The field of a declared model: its derivatives with parameters and input filled in."""

from __future__ import annotations

from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from ...signal.segments import Segment, at_time, each_input, on_segment, segments_between, signals_in
from ...signal.signal import Signal
from ...torch_state import values_visible
from ..integrator.event import pick
from ..model.functions import Model, ask, gap, held_mask, slopes, spread


@final
class ModelField:
    """``field(t, y)``: a model's derivatives, per ms, at a state ``[D, *batch, units]``.

    Args:
        model: The model.
        params: Its parameters and options, by name.
        data: Its input: a tensor or a signal, or several of these by name.
        shape: ``[*batch, units]``.
        resting: Whose held states stand still, bool ``[*batch, units]``; None: nobody's.
        begin: The input at time 0, where it is known. A signal is asked once for each time.

    Attributes:
        autonomous: Whether the time is not looked at, so that none needs to be given.
    """

    autonomous = True

    def __init__(
        self,
        model: Model,
        params: Any,
        data: Any,
        shape: torch.Size,
        resting: Tensor | None = None,
        begin: Any = None,
    ) -> None:
        self.model, self.params, self.data = model, params, data
        self.shape, self.resting = shape, resting
        # Their places in the flattened ``[*batch, units]``, where the field looks at values.
        self._still: np.ndarray | None = None
        self._known = {} if begin is None else {0.0: begin}
        self.autonomous = isinstance(data, Tensor) or not signals_in(data)

    def look(self) -> None:
        """Look at who is at rest, so that the slopes of these few are all that is worked on."""
        if self.resting is not None and self.resting.shape == self.shape:
            self._still = np.flatnonzero(self.resting.numpy())

    def segments(self, t0: Any, t1: Any) -> list[Segment]:
        """The segments of a step, in each of which its input is smooth."""
        return segments_between(signals_in(self.data), t0, t1)

    def on_segment(self, segment: Segment) -> ModelField:
        """The field with its input as it is in a segment of a step."""
        if self.autonomous:
            return self
        # A segment has a clock of its own: only on the first one's is zero the start of the step.
        begin = self._known.get(0.0) if segment.start == 0.0 else None
        data = on_segment(self.data, segment)
        part = ModelField(self.model, self.params, data, self.shape, self.resting, begin)
        part._still = self._still
        return part

    def __call__(self, t: Any, y: Tensor) -> Tensor:
        data = self.data
        if not self.autonomous:
            # Two stages of a method may be at one time, and the first one is where the step began.
            data = self._known.get(t) if type(t) is float else None
            if data is None:
                data = self._at(t)
        slope = slopes(self.model, y, self.params, data)
        if self.resting is None:
            return slope
        # Of several rows the slope is a new tensor, which nobody else has.
        looks = self._still is not None and len(slope) > 1 and slope.shape[1:] == self.shape
        if looks and not slope.requires_grad and values_visible(slope):
            rows, schema = slope.numpy().reshape(len(slope), -1), self.model.schema
            for row, name in enumerate(schema.states):
                if name in schema.held:
                    rows[row][self._still] = 0.0
            return slope
        # Selected, not multiplied: 0 times an infinite slope is no number.
        return torch.where(self.resting & held_mask(self.model.schema, y), 0.0, slope)

    def _at(self, t: Any) -> Any:
        data = at_time(self.data, t)
        if type(t) is float:
            self._known[t] = data
        return data

    def rows(self, t: Any, parts: tuple[Any, ...]) -> tuple[Any, ...]:
        """The derivatives of each state, for states that need not be tensors.

        Args:
            t: The time, ms.
            parts: A value for each state, in their order.

        Returns:
            What the model gives for each of them.
        """
        schema = self.model.schema
        values = ask(self.model, "derivatives", parts, self.params, at_time(self.data, t))
        parts = tuple(values[name] for name in schema.states)
        if self.resting is None:
            return parts
        return tuple(
            torch.where(self.resting, 0.0, slope) if name in schema.held else slope
            for name, slope in zip(schema.states, parts, strict=True)
        )

    def take(self, who: Any) -> ModelField:
        """The same field for some units.

        Args:
            who: Their places in the flattened ``[*batch, units]``: int64 ``[n]``, or a slice.

        Returns:
            A field for states ``[D, n]``.
        """
        units = _count(who, self.shape.numel())
        data = each_input(self.data, lambda part: _signal_of(part, who, self.shape))
        return ModelField(
            self.model,
            params_of(self.params, who, self.shape),
            data,
            torch.Size([units]),
            None if self.resting is None else pick(self.resting, who),
        )

    def at_rest(self, resting: Tensor | None) -> ModelField:
        """The same field with the held states of other units standing still."""
        return ModelField(self.model, self.params, self.data, self.shape, resting)


@final
class ModelGap:
    """``gap(y)``: a model's threshold function g at a state ``[D, *batch, units]``.

    Args:
        model: The model.
        params: Its parameters and options, by name.
        shape: ``[*batch, units]``.
    """

    def __init__(self, model: Model, params: Any, shape: torch.Size) -> None:
        self.model, self.params, self.shape = model, params, shape

    def __call__(self, y: Tensor) -> Tensor:
        return gap(self.model, y, self.params)

    def row(self, parts: tuple[Any, ...]) -> Any:
        """g, for states that need not be tensors."""
        return ask(self.model, "threshold", parts, self.params)

    def take(self, who: Any) -> ModelGap:
        """The same function for some units; see :meth:`ModelField.take`."""
        units = _count(who, self.shape.numel())
        return ModelGap(self.model, params_of(self.params, who, self.shape), torch.Size([units]))


def params_of(params: Any, who: Any, shape: torch.Size) -> Any:
    """The parameters of some units: places in the flattened ``[*batch, units]``, int64 ``[n]`` or a slice."""
    by_unit = {
        name: value
        for name, value in zip(params._fields, params, strict=True)
        if isinstance(value, Tensor) and value.ndim == 1
    }
    if not by_unit:
        return params
    # A parameter has one value for each unit, ``[units]``, which all rows of the batch share.
    if len(shape) > 1:
        if isinstance(who, slice):
            who = torch.arange(shape.numel(), device=next(iter(by_unit.values())).device)[who]
        who = who % shape[-1]
    return params._replace(**{name: pick(value, who) for name, value in by_unit.items()})


def _signal_of(value: Tensor | Signal, who: Any, shape: torch.Size) -> Tensor | Signal:
    if isinstance(value, Signal):
        return value.take(who, shape)
    # One value for all stays one, and broadcasts as before.
    return value.reshape(1) if value.numel() == 1 else pick(spread(value, shape), who)


def _count(who: Any, units: int) -> int:
    return len(range(units)[who]) if isinstance(who, slice) else len(who)

"""What a call of a layer begins with: the values of now, and the state at the start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..engine.model.functions import Model, gap
from ..engine.model.values import initial_value
from ..engine.neuron.base import Neuron
from ..engine.step.table import StepState
from .holding import Holding
from .making import model_of
from .reception import Reception


class Begun(NamedTuple):
    """What a call began with.

    Attributes:
        batch: Its batch.
        stamps: The tensors from which that follows, and how often each had been changed.
        values: The values of all parameters, by name; empty where they learn.
        params: The same, as the model's functions take them.
        starts: What each state of the model begins with, ``[]`` or ``[N]``.
        row: The states of a row of the batch, ``[D, *ones, N]``.
        state: The state at the start.
    """

    batch: torch.Size
    stamps: list[tuple[Tensor, int]]
    values: dict[str, Tensor]
    params: Any
    starts: list[Tensor]
    row: Tensor
    state: StepState


class Beginning(Holding):
    """Says what a call begins with; what of it stays from call to call is worked out once.

    Abstract; :class:`~.module.Layer` is made of it.

    Args:
        neuron: See :class:`~.holding.Holding`, as of the others but the last.
        units: See there.
        learn: See there.
        shapes: See there.
        choices: See there.
        synapse: What hears events, with ``gradient="times"``.
    """

    _last: Begun | None

    def __init__(
        self,
        neuron: Neuron,
        units: torch.Size,
        *,
        learn: Iterable[str] | str,
        shapes: Mapping[str, torch.Size],
        choices: Mapping[str, str],
        synapse: Any,
    ) -> None:
        super().__init__(neuron, units, learn=learn, shapes=shapes, choices=choices)
        self._timed, self.reception = choices["gradient"] == "times", None
        if self._timed:
            main = tuple(neuron.schema.inputs)[self._main] if neuron.schema.inputs else ""
            self.reception = Reception(neuron, synapse, main)
        self.__dict__["_last"] = None

    @property
    def _model(self) -> Model:
        """What is integrated: the model, with the synapse that reaches it."""
        return model_of(self._neuron) if self.reception is None else self.reception.model

    @property
    def _names(self) -> tuple[str, ...]:
        own = tuple(self._neuron.schema.states)
        return own if self.reception is None else (*own, *self.reception.names)

    def _params(self, values: Mapping[str, Tensor]) -> Any:
        schema = self._neuron.schema
        options = (getattr(self._neuron, name) for name in schema.options)
        own = schema.pack_params(*values.values(), *options)
        return own if self.reception is None else self.reception.params(own)

    def _starts(self, params: Any) -> list[Tensor]:
        """What each state of the model begins with, with the values of now, ``[]`` or ``[N]``."""
        neuron, like, parts = self._neuron, self.scale, []
        for name, declared in neuron.schema.states.items():
            value = (
                neuron._initial[name] if name in neuron._initial else initial_value(neuron, declared, params)
            )
            parts.append(torch.as_tensor(value, dtype=like.dtype, device=like.device))
        return parts

    def _beginning(
        self, batch: torch.Size, *, steady: bool
    ) -> tuple[dict[str, Tensor], Any, list[Tensor], StepState]:
        """The values of now, also as functions take them, what states begin with, and the state at the start.

        Where nothing learns they are those of the last call, unless someone changed a value since; ``steady``
        says whether that may be looked at.
        """
        looks = not (torch.compiler.is_compiling() or torch.is_inference_mode_enabled())
        steady = steady and looks and not self.scale.is_inference()
        if not steady or self.learn:
            values = self._values_at_once() if steady else self.values
            params = self._params(values)
            starts = self._starts(params)
            last = self._same(starts, batch) if steady else None
            if last is not None:
                return values, params, starts, self._armed_anew(last, params)
            row, begun = self._begun(starts, params, batch)
            if steady and not begun.y.requires_grad:
                self._remember(Begun(batch, _stamps(starts), {}, None, starts, row, begun))
            return values, params, starts, begun
        held = [each for each in self._buffers.values() if each is not None]
        last = self._same(held, batch)
        if last is None:
            values = self.values
            params = self._params(values)
            starts = self._starts(params)
            row, begun = self._begun(starts, params, batch)
            last = Begun(batch, _stamps(held), values, params, starts, row, begun)
            self._remember(last)
        return last.values, last.params, last.starts, last.state

    def _remember(self, begun: Begun | None) -> None:
        # Past torch, which would look whether it is a parameter.
        self.__dict__["_last"] = begun

    def _same(self, tensors: Sequence[Tensor], batch: torch.Size) -> Begun | None:
        """What the last call began with, if it had this batch, and these tensors as they are."""
        last = self._last
        if last is None or last.batch != batch or len(last.stamps) != len(tensors):
            return None
        for (one, version), other in zip(last.stamps, tensors, strict=True):
            if one is not other or other._version != version:
                return None
        return last

    def _begun(self, starts: list[Tensor], params: Any, batch: torch.Size) -> tuple[Tensor, StepState]:
        """The states of a row of the batch, and the state at the start."""
        neuron = self._neuron
        shape, like = torch.Size((*batch, neuron.num_units)), self.scale
        if self.reception is None:
            # All rows begin alike.
            row = torch.stack([value.expand(shape[-1:]) for value in starts])
            row = row.view(len(starts), *[1] * len(batch), shape[-1])
        else:
            row = torch.stack(
                [*(value.expand(shape) for value in starts), *self.reception.begun(shape, like)]
            )
        y = row.expand(len(row), *shape)
        if not self._spiking:
            return row, StepState(y)
        steps = None
        if neuron.schema.refractory:
            steps = torch.zeros((), dtype=torch.int32, device=like.device).expand(shape)
        left = None if steps is None or not self._timed else steps.to(torch.float64)
        return row, StepState(y, self._armed(row, params).expand(shape), steps, left)

    def _armed_anew(self, last: Begun, params: Any) -> StepState:
        """The start of another call, with those armed who are with the values of now."""
        if not self._spiking:
            return last.state
        return last.state._replace(armed=self._armed(last.row, params).expand(last.state.y.shape[1:]))

    def _armed(self, row: Tensor, params: Any) -> Tensor:
        """Who begins below threshold."""
        with torch.no_grad():
            return gap(self._model, row, params) < 0


def _stamps(tensors: Sequence[Tensor]) -> list[tuple[Tensor, int]]:
    """By which it is seen that tensors are others, or were changed."""
    return [(each, each._version) for each in tensors]

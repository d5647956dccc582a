"""A model as a layer: a module of torch that takes a sequence and gives one, with a derivative."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any, final

import torch
from torch import Tensor, nn

from ..engine.neuron.base import Neuron
from ..errors import ArgumentError, InputError, shown
from .choices import DEFAULTS
from .making import model_of
from .receiving import flat_input, scaled
from .remarks import Remarks
from .state import named, packed
from .stepping import Stepping
from .times import anchored, check_seen, check_timed, gathered


@final
class Layer(Stepping):
    """A model as a layer; made by :func:`rheobase.layer`.

    It keeps no state between calls. ``state_dict`` has the values of all parameters by name; of those that
    learn also ``raw.name`` and ``start.name``, from which they follow; ``scale``, the distance from threshold
    or the size of the output; and ``rheobase``, what x = 1 stands for, for each input.

    Attributes:
        units: The shape of its units.
        learn: The names of the parameters that learn.
        recurrent: The module by which the last output adds to the input, or None.
        scale: ``[N]`` for N units in all.
        rheobase: ``[inputs, N]``.
    """

    _remarks: Remarks

    def __init__(
        self,
        neuron: Neuron,
        units: torch.Size,
        *,
        learn: Iterable[str] | str,
        shapes: Mapping[str, torch.Size],
        surrogate: Any,
        recurrent: nn.Module | None,
        synapse: Any,
        choices: Mapping[str, str],
    ) -> None:
        spiking, timed = model_of(neuron).threshold is not None, choices["gradient"] == "times"
        if not spiking and choices["output"] == "spikes":
            raise ArgumentError(
                f"layer: {neuron.identifier} has no threshold and emits no spikes; give output='voltage'"
            )
        if timed:
            check_timed(neuron, choices, recurrent)
        elif synapse is not None:
            raise ArgumentError(
                f"layer: synapse={shown(synapse)} is for events, which a layer with gradient='times' hears; "
                "give gradient='times', or put a layer of its own before this one"
            )
        super().__init__(
            neuron,
            units,
            surrogate=surrogate,
            recurrent=recurrent,
            learn=learn,
            shapes=shapes,
            choices=choices,
            synapse=synapse,
        )
        # Past torch, which would look for it among its own at each call.
        self.__dict__["_remarks"] = Remarks(
            neuron, timed=timed, spikes=choices["output"] == "spikes", learns=bool(self.learn)
        )

    def smoothed(self) -> Layer:
        """A copy whose spikes are S(u) in value too: a function of which differences can be taken.

        With ``reset="attached"`` its resets are (1 - s) y + s reset(y). It is there for checks of
        gradients, not for training.
        """
        twin = copy.deepcopy(self)
        twin._smooth, twin.__dict__["_trainer"] = True, None
        return twin

    def forward(
        self,
        x: Any,
        *,
        state: Mapping[str, Tensor] | None = None,
        return_state: bool = False,
        until: float | None = None,
    ) -> Any:
        """The output for a sequence of inputs.

        Args:
            x: ``[T, *batch, *units]``, or ``[batch, T, *units]`` with ``time="second"``; for a model with
                several inputs a mapping of these by name. With ``gradient="times"`` also events,
                ``(times, weights)`` or ``(times, weights, x)``: ms ``[*batch, inputs, K]`` with NaN in places
                left over, such as another layer gives, and ``[*units, inputs]``.
            state: Where to go on from, as an earlier call gave it; the initial state by default.
            return_state: Whether to give the state at the end too.
            until: How long a call with events alone goes on, ms, rounded up to whole steps. By default to the
                end of the step of the last event.

        Returns:
            The output in the shape of x; times ``[*batch, *units, K]`` with ``gradient="times"``; with
            ``return_state`` also the state, name -> ``[*batch, *units]``.

        Raises:
            InputError: If x or the state has another shape or type, or is not finite.
            NonFiniteStateError: If a state is not finite at the end.
            EventModeError: If values cannot be seen, where times are to be found.
        """
        if self._timed:
            if torch.compiler.is_dynamo_compiling():
                from .uncompiled import as_it_is

                return as_it_is(self, x, {"state": state, "return_state": return_state, "until": until})
            check_seen(self._neuron, x)
        second = self._choices["time"] == "second"
        neuron, trainer, events = self._neuron, self._trainer, None
        if self.reception is not None and isinstance(x, (tuple, list)):
            # What is heard of itself beside them has its steps first.
            second = second and len(x) == 3
            events, x = self._heard(x, until)
        elif until is not None:
            raise InputError(
                f"{neuron.identifier}: until={until!r} says when a call with events alone ends; an "
                "input of T rows ends with them: leave until out"
            )
        if trainer is not None and not self._goes_in_one(x):
            trainer = None
        look, main = trainer is None, self._main
        raw, shape = flat_input(neuron, x, self.units, self.rheobase, main=main, second=second, look=look)
        if events is not None and events.batch != shape[1:-1]:
            raise InputError(
                f"{neuron.identifier}: the events have the batch {list(events.batch)}, and x "
                f"{list(shape[1:-1])}; give both alike"
            )
        values, params, starts, begun = self._beginning(shape[1:-1], steady=trainer is not None)
        now, last, sound = begun, None, False
        if state is not None:
            now, back = packed(neuron, self._names, state, begun, self.units, spikes=not self._timed)
            last = back
        if last is None and (trainer is None or self.recurrent is not None or not shape[0]):
            last = torch.zeros_like(begun.y[0])
        if trainer is not None and shape.numel():
            outputs, now, last, sound = self._in_one(trainer, raw, shape, now, last, values, starts[0])
        else:
            given = scaled(neuron, raw, self.rheobase, shape)
            begin = begun.y[0] if self._choices["output"] == "voltage" else None
            leaves = (*values.values(), *given.values(), now.y, *(() if events is None else events.leaves))
            rows, now, last = self._unrolled(given, shape[0], now, last, params, begin, events)
            if self._timed:
                outputs = gathered(rows, shape[1:], neuron.dt, self.scale.device)
                outputs = anchored(outputs, leaves).to(self.scale.dtype)
            else:
                outputs = torch.stack(rows) if rows else self.scale.new_zeros(shape)
        seen = ~outputs.detach().isnan() if self._timed else outputs
        self._remarks.look(seen, shape[0], now, begun, self._names, sound=sound)
        self._remarks.heed(raw, self.rheobase, params, begun)
        if self._timed:
            outputs = outputs.unflatten(-2, self.units)
        else:
            last = outputs[-1] if return_state and last is None else last
            outputs = outputs.unflatten(-1, self.units) if len(self.units) > 1 else outputs
            outputs = outputs.movedim(0, 1) if second else outputs
        if return_state:
            return outputs, named(self._names, now, None if self._timed else last, self.units)
        return outputs

    def extra_repr(self) -> str:
        neuron, chosen = self._neuron, self._choices
        told = [f"{neuron.identifier}, {list(self.units)}, dt={neuron.dt}, event={neuron.event!r}"]
        told += [f"learn={self.learn}"] if self.learn else []
        told += [f"{name}={value!r}" for name, value in chosen.items() if value != DEFAULTS[name]]
        return ", ".join(told)

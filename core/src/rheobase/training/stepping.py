"""All steps of a call of a layer: one by one, or at once by a backend."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..engine.neuron.base import Neuron
from ..engine.step.arrivals import Arrivals
from ..engine.step.table import StepState
from ..errors import ArgumentError, BackendError, InputError, shown
from ..pipeline.backends import AUTO, EAGER
from ..torch_state import values_visible
from .backends import trainer_of
from .beginning import Beginning
from .events import Events
from .receiving import check_finite, unscaled
from .surrogate import as_surrogate
from .unrolling import Trainer, Trains, Unrolling


class Stepping(Beginning):
    """Takes the steps of a layer.

    Abstract; :class:`~.module.Layer` is made of it.

    Args:
        neuron: See :class:`~.beginning.Beginning`, as of the others but the last two.
        units: See there.
        surrogate: What stands for the derivative of a spike.
        recurrent: The module by which the last output adds to the input.
    """

    _trainer: Trainer | None

    def __init__(
        self, neuron: Neuron, units: torch.Size, *, surrogate: Any, recurrent: nn.Module | None, **given: Any
    ) -> None:
        if recurrent is not None and not isinstance(recurrent, nn.Module):
            raise ArgumentError(
                f"layer: recurrent={shown(recurrent)}; give a torch module, such as nn.Linear"
            )
        super().__init__(neuron, units, **given)
        self.recurrent = recurrent
        self._surrogate = as_surrogate(surrogate)
        self._smooth = False
        self.__dict__["_trainer"] = self._new_trainer()

    def _unrolled(
        self,
        given: Mapping[str, Tensor],
        steps: int,
        now: StepState,
        last: Tensor | None,
        params: Any,
        begin: Tensor | None,
        events: Events | None,
    ) -> tuple[list[Tensor], StepState, Tensor | None]:
        unrolling, main = self._unrolling(), list(given)[self._main]
        # Without a graph there is nothing that it would stand for.
        asked = not self._timed and (torch.is_grad_enabled() or self._smooth)
        surrogate = unrolling.surrogate(self.scale, smooth=self._smooth) if asked else None
        rows: list[Tensor] = []
        for t in range(steps):
            data = {name: value[t] for name, value in given.items()}
            if self.recurrent is not None and last is not None:
                data[main] = data[main] + self._returned(last) * self.rheobase[self._main]
            arriving = self._arriving(events, t)
            now, report, output = unrolling(now, params, data, self.scale, begin, surrogate, arriving)
            if report.times is not None:
                rows.append(report.times)
                continue
            last = output
            rows.append(last)
        return rows, now, last

    def _unrolling(self) -> Unrolling:
        """What is done in a step."""
        return Unrolling(
            self._neuron,
            self._model,
            self._surrogate,
            self._choices["reset"] == "attached",
            self._choices["output"] == "voltage",
            (*self.learn, *self._tied),
            self._choices["memory"] == "store",
        )

    def _new_trainer(self) -> Trainer | None:
        """What takes the steps at once; None: they are taken one by one, here."""
        if self._timed:
            if self._choices["backend"] not in (AUTO, EAGER):
                raise BackendError(
                    f"layer: gradient='times' with backend={self._choices['backend']!r}: times are found "
                    "step by step; give backend='auto' or 'eager'"
                )
            return None
        unrolling = self._unrolling()

        def made(run: Trains) -> Trainer:
            with torch.no_grad():
                values = self.values
                params = self._params(values)
                starts = self._starts(params)
                begin = starts[0] if self._choices["output"] == "voltage" else None
                begun = self._begun(starts, params, torch.Size())[1]
                return run.train(unrolling, self.rheobase, values, self.scale, begin, begun)

        return trainer_of(self._choices["backend"], unrolling, made)

    def _goes_in_one(self, x: Any) -> bool:
        """Whether a backend may take the steps: it needs values, which function transforms do not show."""
        parts = tuple(x.values()) if isinstance(x, Mapping) else (x,)
        if torch.compiler.is_compiling():
            return True
        seen = all(values_visible(each) for each in parts if isinstance(each, Tensor))
        if not seen and self._choices["backend"] != AUTO:
            raise BackendError(
                f"{self._neuron.identifier}: within a function transform, or on meta, values cannot be seen, "
                f"and backend={self._choices['backend']!r} needs them; give backend='auto' or 'eager'"
            )
        return seen

    def _in_one(
        self,
        trainer: Trainer,
        raw: Mapping[str, Tensor],
        shape: torch.Size,
        now: StepState,
        last: Tensor | None,
        values: Mapping[str, Tensor],
        start: Tensor,
    ) -> tuple[Tensor, StepState, Tensor | None, bool]:
        """All steps by a backend; one by one where what comes out goes in again."""
        given = unscaled(self._neuron, raw, self.rheobase, shape)
        begin = start if self._choices["output"] == "voltage" else None
        if self.recurrent is None or last is None:
            outputs, now, sound = trainer(given, self.rheobase, values, self.scale, begin, now)
            last = None
        else:
            main, rows, sound = list(given)[self._main], [], True
            for t in range(shape[0]):
                data = {name: value[t : t + 1] for name, value in given.items()}
                data[main] = data[main] + self._returned(last)
                row, now, fine = trainer(data, self.rheobase, values, self.scale, begin, now)
                last, sound = row[0], sound and fine
                rows.append(last)
            outputs = torch.stack(rows)
        if not sound:
            check_finite(self._neuron, raw, self.units)
        return outputs, now, last, sound

    def _returned(self, last: Tensor) -> Tensor:
        """What the last output ``[*batch, N]`` adds to x."""
        given = last.unflatten(-1, self.units)
        more: Tensor = self.recurrent(given) if self.recurrent is not None else torch.zeros_like(given)
        if more.shape != given.shape:
            raise InputError(
                f"{self._neuron.identifier}: recurrent gave shape {list(more.shape)}; it must be "
                f"{list(given.shape)}, that of its input"
            )
        return more.flatten(-len(self.units))

    def _heard(self, x: Sequence[Any], until: float | None) -> tuple[Events, Any]:
        """Events, and what is heard beside them."""
        neuron, reception = self._neuron, self.reception
        if (
            reception is None
            or len(x) not in (2, 3)
            or (until is not None and (len(x) == 3 or not 0 < until < math.inf))
        ):
            raise InputError(
                f"{neuron.identifier}: {len(x)} parts of an input, until={until!r}; give (times, weights), "
                "with until > 0 if you like, or (times, weights, x) without"
            )
        native = self._choices["input"] == "native"
        size = reception.size(self.scale, self.rheobase[self._main], native)
        events = Events(neuron, x[:2], self.units, size)
        if len(x) == 3:
            return events, x[2]
        # What no input is to a model with several is the default of each.
        sizes, names = self.rheobase, tuple(neuron.schema.inputs)
        rest = neuron.schema.inputs[names[self._main]].default if names else 0.0
        try:
            steps = events.steps(until)
        except ArgumentError as error:
            raise InputError(f"{neuron.identifier}: {error}") from error
        shape = (steps, *events.batch)
        still = (torch.full_like(sizes[self._main], rest) / sizes[self._main]).unflatten(0, self.units)
        still = still.expand(*shape, *self.units)
        return events, still

    def _arriving(self, events: Events | None, t: int) -> Arrivals | None:
        if events is None or self.reception is None:
            return None
        return events.of_step(t, self.reception.composite.arrive)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self._neuron._apply(fn, recurse)
        self._remember(None)
        self.__dict__["_trainer"] = self._new_trainer()
        return self

    def __getstate__(self) -> dict[str, Any]:
        # A kernel is of this process, and of this layer.
        return {**self.__dict__, "_trainer": None, "_last": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self.__dict__["_trainer"] = self._new_trainer()

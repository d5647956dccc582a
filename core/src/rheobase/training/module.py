"""A model as a layer: a module of torch that takes a sequence and gives one, with a derivative."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, final

import torch
from torch import Tensor, nn

from ..engine.model.functions import Model, gap
from ..engine.model.values import initial_value
from ..engine.neuron.base import Neuron
from ..engine.step.arrivals import Arrivals
from ..engine.step.table import StepState
from ..errors import ArgumentError, BackendError, InputError, shown
from ..pipeline.backends import AUTO, EAGER
from ..torch_state import values_visible
from .backends import trainer_of
from .events import Events
from .learning import Course, Moved, check_learn, tied_to, value_of
from .making import model_of
from .receiving import check_finite, flat_input, scaled, unscaled
from .reception import Reception
from .remarks import Remarks
from .scales import INPUTS, check_size, displacement, distance, input_size
from .state import named, packed
from .surrogate import as_surrogate
from .times import anchored, check_seen, check_timed, gathered
from .unrolling import Trainer, Trains, Unrolling

CHOICES = {
    "reset": ("detached", "attached"),
    "input": INPUTS,
    "output": ("spikes", "voltage"),
    "gradient": ("surrogate", "times"),
    "memory": ("recompute", "store"),
    "time": ("first", "second"),
}
"""What each choice of a layer may be; the first is the default."""
DEFAULTS = {**{name: values[0] for name, values in CHOICES.items()}, "backend": AUTO}
"""What each choice is by default; a backend is one of those installed."""


@final
class Layer(nn.Module):
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

    scale: Tensor
    rheobase: Tensor
    _neuron: Neuron
    _trainer: Trainer | None
    _remarks: Remarks
    _last: Any

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
        super().__init__()
        model = model_of(neuron)
        # Not a submodule: what of it counts is here.
        self.__dict__["_neuron"] = neuron
        self.units, self._choices = units, dict(choices)
        self._spiking, self._timed = model.threshold is not None, choices["gradient"] == "times"
        if not self._spiking and choices["output"] == "spikes":
            raise ArgumentError(
                f"layer: {neuron.identifier} has no threshold and emits no spikes; give output='voltage'"
            )
        if self._timed:
            check_timed(neuron, choices, recurrent)
        elif synapse is not None:
            raise ArgumentError(
                f"layer: synapse={shown(synapse)} is for events, which a layer with gradient='times' hears; "
                "give gradient='times', or put a layer of its own before this one"
            )
        if recurrent is not None and not isinstance(recurrent, nn.Module):
            raise ArgumentError(
                f"layer: recurrent={shown(recurrent)}; give a torch module, such as nn.Linear"
            )
        self.recurrent = recurrent
        self._surrogate = as_surrogate(surrogate)
        self.learn = check_learn(neuron, learn)
        self._tied = tied_to(neuron, self.learn)
        self.register_buffer("scale", distance(neuron) if self._spiking else displacement(neuron))
        sizes, self._main = self._sizes(neuron)
        self.register_buffer("rheobase", sizes)
        self.reception = None
        if self._timed:
            main = tuple(neuron.schema.inputs)[self._main] if neuron.schema.inputs else ""
            self.reception = Reception(neuron, synapse, main)
        self.raw, self.start, self.size = nn.Module(), nn.Module(), nn.Module()
        for name, declared in neuron.schema.parameters.items():
            value = neuron._of(name).detach().clone()
            if name in self.learn:
                value = value.view(shapes.get(name, units)) if value.ndim and name not in shapes else value
                self._begin_learning(name, value, declared.unit, shapes.get(name))
            elif name not in self._tied:
                self._hold(name, value)
        self._smooth = False
        self.__dict__["_trainer"] = self._new_trainer()
        # What the last call began with.
        self.__dict__["_last"] = None
        # Past torch, which would look for it among its own at each call.
        self.__dict__["_remarks"] = Remarks(
            neuron,
            timed=self._timed,
            spikes=choices["output"] == "spikes",
            learns=bool(self.learn),
        )

    def _hold(self, name: str, value: Tensor) -> None:
        if hasattr(self, name):
            raise ArgumentError(
                f"layer: {self._neuron.identifier} has a parameter {name!r}, and a layer has something else "
                "of that name; rename the parameter"
            )
        self.register_buffer(name, value)

    def _begin_learning(self, name: str, value: Tensor, unit: str, shape: torch.Size | None) -> None:
        if shape is not None and value.shape != shape:
            # As it was given: one value for each channel, say. The others are copies of these.
            value = value.view(self.units)
            value = value[tuple(slice(0, 1) if n == 1 else slice(None) for n in _padded(shape, self.units))]
            value = value.reshape(shape)
        self.raw.register_parameter(name, nn.Parameter(torch.zeros_like(value)))
        self.start.register_buffer(name, value)
        domain = self._neuron.schema.parameters[name].domain
        if domain.lowest is None and domain.highest is None:
            other = self.scale.mean() if unit == "mV" and self._spiking else torch.ones_like(self.scale[0])
            if unit == "pA" and bool((value == 0).any()):  # for others it is not asked: it takes long
                sizes = input_size(self._neuron, "rheobase", None) if self._spiking else self.scale
                usable = sizes[sizes.isfinite() & (sizes > 0)]
                other = usable.mean() if len(usable) else other
            self.size.register_buffer(name, torch.where(value == 0, other, value.abs()))

    def _sizes(self, neuron: Neuron) -> tuple[Tensor, int]:
        """What x = 1 stands for, ``[inputs, N]``, ones for an input that fires nobody; and the main one."""
        kind = self._choices["input"] if self._spiking else "native"
        names: tuple[str | None, ...] = tuple(neuron.schema.inputs) or (None,)
        rows = [input_size(neuron, kind, name) for name in names]
        usable = [bool((row.isfinite() & (row > 0)).all()) for row in rows]
        if not any(usable):
            check_size(neuron, rows[0], kind)
        ones = torch.ones_like(rows[0])
        sizes = torch.stack([row if fine else ones for row, fine in zip(rows, usable, strict=True)])
        return sizes, usable.index(True)

    @property
    def values(self) -> dict[str, Tensor]:
        """The values of all parameters as they are now, by name: ``[]``, or one for each unit in a row."""
        return self._held({name: value_of(raw, *course) for name, raw, course in self._courses()})

    def _values_at_once(self) -> dict[str, Tensor]:
        """The same, with a derivative that costs less, and has none itself."""
        names, raw, courses = zip(*self._courses(), strict=True)
        return self._held(dict(zip(names, Moved.apply(courses, *raw), strict=True)))  # type: ignore[no-untyped-call]

    def _courses(self) -> list[tuple[str, Tensor, Course]]:
        """The names of what learns, raw numbers, and what each stands for."""
        schema = self._neuron.schema
        # Past torch's look-ups, which cost more than what they find.
        raw: Mapping[str, Any] = self.raw._parameters
        start: Mapping[str, Any] = self.start._buffers
        size: Mapping[str, Any] = self.size._buffers
        return [
            (name, raw[name], Course(start[name], size.get(name), schema.parameters[name].domain))
            for name in self.learn
        ]

    def _held(self, learnt: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """All parameters by name, in a row, from those that learn."""
        schema, now = self._neuron.schema, {}
        for name in schema.parameters:
            if name in learnt:
                value = learnt[name]
                now[name] = value.expand(self.units).flatten() if value.ndim else value
            elif name not in self._tied:
                now[name] = getattr(self, name)
        return {name: now[self._tied.get(name, name)] for name in schema.parameters}

    @property
    def neuron(self) -> Neuron:
        """The neuron with the values of now, at its initial state: to be simulated, plotted, validated."""
        twin = copy.deepcopy(self._neuron)
        for name, value in self.values.items():
            setattr(twin, name, value.detach())
        twin.reset_state()
        return twin

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
                begun = self._begun(starts, params, torch.Size())
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
            last = self._last[5] if steady and self._same(starts, batch) else None
            begun = self._begun(starts, params, batch, last)
            if steady and not begun.y.requires_grad:
                self.__dict__["_last"] = batch, _stamp(starts), {}, None, starts, begun
            return values, params, starts, begun
        held = [each for each in self._buffers.values() if each is not None]
        if not self._same(held, batch):
            values = self.values
            params = self._params(values)
            starts = self._starts(params)
            begun = self._begun(starts, params, batch)
            self.__dict__["_last"] = batch, _stamp(held), values, params, starts, begun
        _, _, values, params, starts, begun = self._last
        return values, params, starts, begun

    def _same(self, tensors: Sequence[Tensor], batch: torch.Size) -> bool:
        """Whether the last call had this batch, and these tensors as they are."""
        found = self._last
        return (
            found is not None
            and found[0] == batch
            and len(found[1]) == len(tensors)
            and all(
                one is other and other._version == version
                for (one, version), other in zip(found[1], tensors, strict=True)
            )
        )

    def _begun(
        self, starts: list[Tensor], params: Any, batch: torch.Size, last: StepState | None = None
    ) -> StepState:
        """The state at the start; with all but who is armed from the last, which began with the same."""
        neuron = self._neuron
        if last is not None and self._spiking and self.reception is None:
            first = slice(None), *[slice(0, 1)] * len(batch)
            y = last.y[first]
            return last._replace(armed=(gap(self._model, y, params) < 0).expand(last.y.shape[1:]))
        shape, like = torch.Size((*batch, neuron.num_units)), self.scale
        if self.reception is None:
            # All rows begin alike.
            y = torch.stack([value.expand(shape[-1:]) for value in starts])
            y = y.view(len(starts), *[1] * len(batch), shape[-1])
        else:
            y = torch.stack([*(value.expand(shape) for value in starts), *self.reception.begun(shape, like)])
        armed = gap(self._model, y, params) < 0 if self._spiking else None
        y = y.expand(len(y), *shape)
        if armed is None:
            return StepState(y)
        steps = None
        if neuron.schema.refractory:
            steps = torch.zeros((), dtype=torch.int32, device=like.device).expand(shape)
        left = None if steps is None or not self._timed else steps.to(torch.float64)
        return StepState(y, armed.expand(shape), steps, left)

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        # For readers: what is loaded follows from where it started, and how far it went.
        for name, value in self.values.items():
            if name in self.learn or name in self._tied:
                destination[prefix + name] = value if keep_vars else value.detach()

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        metadata: Any,
        strict: bool,
        missing: Any,
        unexpected: Any,
        errors: Any,
    ) -> None:
        super()._load_from_state_dict(state_dict, prefix, metadata, strict, missing, unexpected, errors)
        told = {prefix + name for name in (*self.learn, *self._tied)}
        unexpected[:] = [name for name in unexpected if name not in told]

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self._neuron._apply(fn, recurse)
        self.__dict__["_last"] = None
        self.__dict__["_trainer"] = self._new_trainer()
        return self

    def __getstate__(self) -> dict[str, Any]:
        # A kernel is of this process, and of this layer.
        return {**self.__dict__, "_trainer": None, "_last": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self.__dict__["_trainer"] = self._new_trainer()

    def extra_repr(self) -> str:
        neuron, chosen = self._neuron, self._choices
        told = [f"{neuron.identifier}, {list(self.units)}, dt={neuron.dt}, event={neuron.event!r}"]
        told += [f"learn={self.learn}"] if self.learn else []
        told += [f"{name}={value!r}" for name, value in chosen.items() if value != DEFAULTS[name]]
        return ", ".join(told)


def _padded(shape: torch.Size, units: torch.Size) -> tuple[int, ...]:
    return (*([1] * (len(units) - len(shape))), *shape)


def _stamp(tensors: Sequence[Tensor]) -> list[tuple[Tensor, int]]:
    """By which it is seen that tensors are others, or were changed."""
    return [(each, each._version) for each in tensors]

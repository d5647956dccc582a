"""A model as a layer: a module of torch that takes a sequence and gives one, with a derivative."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, final

import torch
from torch import Tensor, nn

from ..engine.model.functions import gap
from ..engine.model.values import initial_value
from ..engine.neuron.base import Neuron
from ..engine.step.grid import step
from ..engine.step.slopes import forgotten
from ..engine.step.spikes import Surrogate
from ..engine.step.stepsize import heed
from ..engine.step.table import StepState
from ..errors import ArgumentError, InputError, NonFiniteStateError, RheobaseWarning, shown
from ..torch_state import all_finite, first_not_finite, values_visible
from .learning import check_learn, tied_to, value_of
from .making import model_of
from .receiving import flat_input
from .scales import INPUTS, check_size, displacement, distance, input_size
from .state import named, packed
from .surrogate import as_surrogate
from .times import check_timed, gathered

CHOICES = {
    "reset": ("detached", "attached"),
    "input": INPUTS,
    "output": ("spikes", "voltage"),
    "gradient": ("surrogate", "times"),
    "backend": ("auto", "eager"),
    "memory": ("recompute", "store"),
    "time": ("first", "second"),
}
"""What each choice of a layer may be; the first is the default."""


_TELLING = 10
"""The steps in which a layer may be expected to spike, and to rest."""


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

    def __init__(
        self,
        neuron: Neuron,
        units: torch.Size,
        *,
        learn: Iterable[str] | str,
        shapes: Mapping[str, torch.Size],
        surrogate: Any,
        recurrent: nn.Module | None,
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
        self.raw, self.start, self.size = nn.Module(), nn.Module(), nn.Module()
        for name, declared in neuron.schema.parameters.items():
            value = neuron._of(name).detach().clone()
            if name in self.learn:
                value = value.view(shapes.get(name, units)) if value.ndim and name not in shapes else value
                self._begin_learning(name, value, declared.unit, shapes.get(name))
            elif name not in self._tied:
                self._hold(name, value)
        self._smooth = False
        # Whether dt was, or need not be, held against the parameters again.
        self._heeded = False
        # Whether a warning was given, and whether the next call is the first.
        self._told, self._first = False, True

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
            if unit == "pA":
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
        schema, now = self._neuron.schema, {}
        for name in schema.parameters:
            if name in self.learn:
                raw, start = getattr(self.raw, name), getattr(self.start, name)
                value = value_of(raw, start, getattr(self.size, name, None), schema.parameters[name].domain)
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
        twin._smooth = True
        return twin

    def forward(
        self, x: Any, *, state: Mapping[str, Tensor] | None = None, return_state: bool = False
    ) -> Any:
        """The output for a sequence of inputs.

        Args:
            x: ``[T, *batch, *units]``, or ``[batch, T, *units]`` with ``time="second"``; for a model with
                several inputs a mapping of these by name.
            state: Where to go on from, as an earlier call gave it; the initial state by default.
            return_state: Whether to give the state at the end too.

        Returns:
            The output in the shape of x; times ``[*batch, *units, K]`` with ``gradient="times"``; with
            ``return_state`` also the state, name -> ``[*batch, *units]``.

        Raises:
            InputError: If x or the state has another shape or type, or is not finite.
            NonFiniteStateError: If a state is not finite at the end.
        """
        second = self._choices["time"] == "second"
        given, shape = flat_input(self._neuron, x, self.units, self.rheobase, main=self._main, second=second)
        values = self.values
        params = self._params(values)
        begun = self._begun(params, shape[1:-1])
        now, last = begun, torch.zeros_like(begun.y[0])
        if state is not None:
            now, back = packed(self._neuron, state, begun, self.units, spikes=not self._timed)
            last = last if back is None else back
        begin = begun.y[0] if self._choices["output"] == "voltage" else None
        rows, now, last = self._unrolled(given, shape[0], now, last, params, begin)
        if self._timed:
            times = gathered(rows, shape[1:], self._neuron.dt, self.scale.device)
            self._look(~times.detach().isnan(), shape[0], now, begun)
            outputs = times.unflatten(-2, self.units)
        else:
            outputs = torch.stack(rows) if rows else self.scale.new_zeros(shape)
            self._look(outputs, shape[0], now, begun)
            outputs = outputs.unflatten(-1, self.units)
            outputs = outputs.movedim(0, 1) if second else outputs
        self._heed(given, params, begun)
        if return_state:
            return outputs, named(self._neuron, now, None if self._timed else last, self.units)
        return outputs

    def _unrolled(
        self,
        given: Mapping[str, Tensor],
        steps: int,
        now: StepState,
        last: Tensor,
        params: Any,
        begin: Tensor | None,
    ) -> tuple[list[Tensor], StepState, Tensor]:
        neuron = self._neuron
        model, main = model_of(neuron), list(given)[self._main]
        surrogate = None
        # Without a graph there is nothing that it would stand for.
        if self._spiking and not self._timed and (torch.is_grad_enabled() or self._smooth):
            attached = self._choices["reset"] == "attached"
            surrogate = Surrogate(self._surrogate, self.scale, attached, self._smooth)
        rows: list[Tensor] = []
        for t in range(steps):
            data: Any = {name: value[t] for name, value in given.items()}
            if self.recurrent is not None:
                data[main] = data[main] + self._returned(last) * self.rheobase[self._main]
            data = neuron.schema.pack_data(**data) if neuron.schema.inputs else data[main]
            now, report = step(
                model,
                neuron.integrator,
                neuron.event,
                now._replace(carry=forgotten(now.carry, True)),
                params,
                data,
                neuron.dt,
                surrogate=surrogate,
            )
            if report.times is not None:
                rows.append(report.times)
                continue
            if begin is not None:
                last = (now.y[0] - begin) / self.scale
            elif report.spike is not None:
                last = report.spike
            elif now.spiked is not None:
                last = now.spiked.to(self.scale.dtype)
            rows.append(last)
        return rows, now, last

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

    def _params(self, values: Mapping[str, Tensor]) -> Any:
        schema = self._neuron.schema
        options = (getattr(self._neuron, name) for name in schema.options)
        return schema.pack_params(*values.values(), *options)

    def _begun(self, params: Any, batch: torch.Size) -> StepState:
        """The state at the start, with the values of now."""
        neuron, model = self._neuron, model_of(self._neuron)
        shape, like = torch.Size((*batch, neuron.num_units)), self.scale
        parts = []
        for name, declared in neuron.schema.states.items():
            value = (
                neuron._initial[name] if name in neuron._initial else initial_value(neuron, declared, params)
            )
            value = torch.as_tensor(value, dtype=like.dtype, device=like.device)
            parts.append(value.expand(shape))
        y = torch.stack(parts)
        if not self._spiking:
            return StepState(y)
        steps = None
        if neuron.schema.refractory:
            steps = torch.zeros(shape, dtype=torch.int32, device=like.device)
        left = None if steps is None or not self._timed else steps.to(torch.float64)
        return StepState(y, gap(model, y, params) < 0, steps, left)

    def _look(self, outputs: Tensor, steps: int, now: StepState, begun: StepState) -> None:
        """What is to be said of a call, where values can be looked at."""
        if not values_visible(outputs):
            return
        name = self._neuron.identifier
        if not all_finite(now.y):
            where = first_not_finite(now.y) or (0,) * now.y.ndim
            raise NonFiniteStateError(
                f"{name}: the state {list(self._neuron.schema.states)[where[0]]!r} of unit {where[-1]}"
                f"{f', row {list(where[1:-1])}' if len(where) > 2 else ''} is not finite "
                f"after {steps} steps of {self._neuron.dt:g} ms; give a smaller input or dt, or an "
                "integrator that is stable at it"
            )
        if not self._told and self._spiking and outputs.numel():
            self._tell(outputs, steps, begun)

    def _heed(self, given: Mapping[str, Tensor], params: Any, begun: StepState) -> None:
        """Warn once where dt is too large for what the parameters have become."""
        neuron, inputs = self._neuron, self._neuron.schema.inputs
        if (
            self._heeded
            or model_of(neuron).dt_max is None
            or not values_visible(begun.y)
            or not begun.y.numel()
        ):
            return
        first = {name: value[0].detach() for name, value in given.items() if len(value)}
        if first:
            data = neuron.schema.pack_data(**first) if inputs else first[""]
            state = dict(zip(neuron.schema.states, begun.y.unbind(0), strict=True))
            # Of what does not learn the first call says all.
            self.__dict__["_heeded"] = heed(neuron, state, params, data) or not self.learn

    def _tell(self, outputs: Tensor, steps: int, begun: StepState) -> None:
        """Warn of units that cannot spike; and in the first call of a layer that says nothing."""
        said, first = "", self._first
        self.__dict__["_first"] = False
        if begun.armed is not None and not bool(begun.armed.all()):
            unit = int((~begun.armed).nonzero()[0, -1])
            said = (
                f"unit {unit} begins at or above its threshold and cannot spike before it has been below; "
                "let its initial state, or what the threshold learns, be another"
            )
        elif first and self._choices["output"] == "spikes" and steps >= (1 if self._timed else _TELLING):
            if not bool(outputs.any()):
                said = (
                    "no unit spiked in the first call, so that what follows hears nothing; give larger inputs"
                )
            elif not self._timed and bool((outputs == 1).all()):
                said = "each unit spiked in each step of the first call; give smaller inputs"
        if said:
            self.__dict__["_told"] = True
            warnings.warn(f"{self._neuron.identifier}: {said}", RheobaseWarning, stacklevel=6)

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
        return self

    def extra_repr(self) -> str:
        neuron, chosen = self._neuron, self._choices
        told = [f"{neuron.identifier}, {list(self.units)}, dt={neuron.dt}, event={neuron.event!r}"]
        told += [f"learn={self.learn}"] if self.learn else []
        told += [f"{name}={value!r}" for name, value in chosen.items() if value != CHOICES[name][0]]
        return ", ".join(told)


def _padded(shape: torch.Size, units: torch.Size) -> tuple[int, ...]:
    return (*([1] * (len(units) - len(shape))), *shape)

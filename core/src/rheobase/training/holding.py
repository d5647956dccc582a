"""The values that a layer holds: those that learn, from raw numbers, and those that stay."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..engine.neuron.base import Neuron
from ..errors import ArgumentError
from .learning import Course, Moved, check_learn, tied_to, value_of
from .making import model_of
from .scales import check_size, displacement, distance, input_size


class Holding(nn.Module):
    """The values of a layer by name, as buffers, or as raw numbers that learn; and the sizes of what it has.

    Abstract; :class:`~.module.Layer` is made of it.

    Args:
        neuron: The neuron that the layer is of. Not a submodule: what of it counts is here.
        units: The shape of the units.
        learn: The names of what learns.
        shapes: The shapes in which values were given that are fewer than the units.
        choices: What was chosen.
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
        choices: Mapping[str, str],
    ) -> None:
        super().__init__()
        self.__dict__["_neuron"] = neuron
        self.units, self._choices = units, dict(choices)
        self._spiking = model_of(neuron).threshold is not None
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
        held: Mapping[str, Any] = self._buffers
        now: dict[str, Tensor] = {}
        for name in self._neuron.schema.parameters:
            if name in learnt:
                value = learnt[name]
                now[name] = value.expand(self.units).flatten() if value.ndim else value
            elif name not in self._tied:
                now[name] = held[name]
        return {name: now[self._tied.get(name, name)] for name in self._neuron.schema.parameters}

    @property
    def neuron(self) -> Neuron:
        """The neuron with the values of now, at its initial state: to be simulated, plotted, validated."""
        twin = copy.deepcopy(self._neuron)
        for name, value in self.values.items():
            setattr(twin, name, value.detach())
        twin.reset_state()
        return twin

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


def _padded(shape: torch.Size, units: torch.Size) -> tuple[int, ...]:
    return (*([1] * (len(units) - len(shape))), *shape)

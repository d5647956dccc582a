"""From what a user gives as a stimulus to the rows that a neuron receives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..engine.network.network import Network
from ..engine.network.projection import Projection
from ..engine.neuron.base import Neuron
from ..engine.step.moments import Moments
from ..errors import ArgumentError, InputError, StimulusError, shown
from ..signal.signal import Signal
from ..signal.trains import Events, events_in
from ..signal.values import is_number
from ..stimulus import Constant, Stimulus, Sum
from ..torch_state import first_not_finite
from .sources import Source, Sources, inputs_of

Row = Tensor | Signal | dict[str, Tensor | Signal]
"""The current of one step: ``[1]``, ``[units]`` or ``[*batch, units]``; a signal, which is the same object in
every step; or one of these for each named input."""


def check_neuron(neuron: object, taker: str) -> Neuron:
    """What was given, if it is a neuron; ``taker`` is what would take its steps, for the message."""
    if isinstance(neuron, Neuron):
        return neuron
    # torch.compile gives a module around the neuron, which has it under this name.
    inner = getattr(neuron, "_orig_mod", None)
    if isinstance(inner, Neuron):
        raise ArgumentError(
            f"neuron is the compiled form of {inner.identifier}, whose steps {taker} cannot "
            "take; give the neuron itself, and backend='fused' for a compiled kernel of many steps, or "
            "call the compiled form step by step"
        )
    if isinstance(neuron, (Network, Projection)):
        kind = type(neuron).__name__
        raise ArgumentError(
            f"{taker} takes one neuron, and was given a {kind}; give one of its populations, as net['E'], or "
            "run the whole network by rheobase.simulate(net, ...), which takes up where the last run ended"
        )
    raise ArgumentError(
        f"neuron={shown(neuron)} is of type {type(neuron).__name__}; give a neuron, "
        'for instance rheobase.create("lif")'
    )


class Drive:
    """A stimulus, as :func:`rheobase.simulate` takes it, checked against the neuron that will receive it."""

    def __init__(self, stimulus: object, neuron: Neuron) -> None:
        # Stimuli and signals are functions of the neuron's clock; rows of a tensor are counted from the start
        # of the run.
        self.first_step = neuron.simulation_step
        self.dt = neuron.dt
        self.num_units = neuron.num_units
        self.dtype, self.device = neuron.dtype, neuron.device
        self._neuron = neuron
        self.parts = inputs_of(stimulus, neuron, self._source)
        self.trains = self._trains()
        # Inputs whose sources have not met the aggregator yet: their first rows are looked at.
        self._unchecked = {name for name, part in self.parts.items() if isinstance(part, Sources)}

    def check(self) -> None:
        """Look at every value of the tensors with rows; the first that is not finite is an InputError."""
        for where, source in self._sources():
            if isinstance(source, Tensor):
                _check_finite(source, where)

    def _trains(self) -> dict[str, list[Events]]:
        """Input -> the events that arrive there at times of their own; on the grid none do."""
        jumps, model, found = self._neuron.schema.jumps, self._neuron._model, {}
        located = self._neuron.event == "located" and model is not None and model.threshold is not None
        for name, part in self.parts.items():
            sources = part.parts if isinstance(part, Sources) else (part,)
            events = [each for source in sources for each in events_in(source)]
            if not events:
                continue
            if name not in jumps:
                where, what = (f"{name}: ", f"the input {name!r}") if name else ("", "the input")
                known = f"its jumps are: {', '.join(jumps)}" if jumps else "it has no input that is a jump"
                raise StimulusError(
                    f"{where}Events arrive at an input that is a jump, and {what} of "
                    f"{self._neuron.identifier} is a current over time; {known}; give a current another "
                    "stimulus, such as Pulses"
                )
            if not located:
                continue
            if len(events) < sum(len(source.parts) if isinstance(source, Sum) else 1 for source in sources):
                raise StimulusError(
                    f"{name}: Events and other stimuli are added, and spikes are located, so that only "
                    "some of what arrives has times of its own; give all of it as Events, or event='crossing'"
                )
            found[name] = events
        return found

    def moments(self, step: int) -> dict[str, Moments]:
        """Input -> what arrives at its own times in a step, which is counted from the start of the run.

        Of :attr:`trains` those to which something arrives; :meth:`rows` has their sums.
        """
        number = self.first_step + step
        each = {
            name: [event.arrivals(number, self.dt) for event in events]
            for name, events in self.trains.items()
        }
        return {name: self._moments(parts) for name, parts in each.items() if any(len(p[0]) for p in parts)}

    def _moments(self, parts: list[tuple[Tensor, Tensor | None, Tensor]]) -> Moments:
        n, found = self.num_units, []
        for times, units, weights in parts:
            if units is None:
                # The same at each unit.
                units = torch.arange(n).repeat(len(times))
                times, weights = times.repeat_interleave(n), weights.repeat_interleave(n)
            found.append((times, units, weights))
        times, units, weights = map(torch.cat, zip(*found, strict=True))
        return Moments(
            times.to(self.device),
            units.to(self.device),
            weights.to(self.device, self.dtype),
            torch.Size(),
            alone=times.requires_grad,
        )

    @property
    def constant(self) -> bool:
        """Whether every row is the same."""
        return all(isinstance(part, (Stimulus, Sources)) and part.constant for part in self.parts.values())

    @property
    def timed(self) -> bool:
        """Whether an input may change within a step: a signal, or arrivals at their own times."""
        return bool(self.trains) or any(isinstance(source, Signal) for _, source in self._sources())

    @property
    def rows_given(self) -> int | None:
        """The number of rows that tensors have; None where no tensor has rows."""
        lengths = {source.shape[0] for _, source in self._sources() if isinstance(source, Tensor)}
        if len(lengths) > 1:
            raise StimulusError(
                f"the stimuli have {' and '.join(map(str, sorted(lengths)))} rows; give them equally many"
            )
        return next(iter(lengths), None)

    @property
    def steps_left(self) -> int | None:
        """The number of steps from the neuron's clock to the end of the shortest stimulus; None: endless."""
        # In steps of the clock; a stimulus that ended before the run leaves 0, which is refused with its
        # reason.
        ends = [source.steps(self.dt) for _, source in self._sources() if isinstance(source, Stimulus)]
        left = [max(0, end - self.first_step) for end in ends if end is not None]
        return min(left, default=None)

    @property
    def width(self) -> int:
        """The size of one row, to choose how many are made at once."""
        sizes = [
            source[0].numel() if isinstance(source, Tensor) else self.num_units
            for _, source in self._sources()
        ]
        return max(sizes)

    @property
    def identifiers(self) -> Any:
        """What goes with :meth:`separate`: the sources' names, by input where inputs have names; or None."""
        named = {
            name: part.identifiers
            for name, part in self.parts.items()
            if isinstance(part, Sources) and part.identifiers is not None
        }
        return (named or None) if "" not in self.parts else named.get("")

    def rows(self, first: int, count: int) -> list[Row]:
        """The rows of so many steps, aggregated; ``first`` is counted from the start of the run."""
        return self._by_step({name: self._row(name, first, count) for name in self.parts})

    def separate(self, first: int, count: int) -> list[Any]:
        """The same, with a list where an input has several sources: for a ``forward`` of a class's own."""
        return self._by_step({name: self._separate(part, first, count) for name, part in self.parts.items()})

    def told_of(self, step: int) -> str:
        """The end of an error, where an aggregator makes of finite sources what is not finite; else nothing.

        Args:
            step: The step, counted from the start of the run.
        """
        # A forward of a class's own may do with its sources what it likes.
        for name, part in () if self._neuron._own_forward else self.parts.items():
            if isinstance(part, Sources):
                (row,) = self._separate(part, step, 1)
                if told := part.told_of(self._neuron, name, row):
                    return told
        return ""

    def _by_step(self, found: dict[str, Any]) -> list[Any]:
        if found.keys() == {""}:
            return list(found[""])
        return [dict(zip(found, values, strict=True)) for values in zip(*found.values(), strict=True)]

    def _sources(self) -> Iterator[tuple[str, Source]]:
        """Every source, and how messages about it begin."""
        for name, part in self.parts.items():
            where = f"{name}: " if name else ""
            if not isinstance(part, Sources):
                yield where, part
                continue
            for place, source in enumerate(part.parts):
                what = part.identifiers[place] if part.identifiers else f"source {place}"
                yield f"{where}{what}: ", source

    def _row(self, name: str, first: int, count: int) -> Any:
        part = self.parts[name]
        if not isinstance(part, Sources):
            return self._separate(part, first, count)
        if name in self._unchecked and count:
            (row,) = self._separate(part, first, 1)
            part.check(self._neuron, row, f"the input {name!r}" if name else "the input")
            if told := part.told_of(self._neuron, name, row):
                where = f"{self._neuron.identifier}: {name or 'the input'}"
                raise InputError(f"{where} is not finite in step {first} of the run{told}")
            self._unchecked.discard(name)
        if (added := part.added) is not None:
            return self._separate(added, first, count)
        rows = self._separate(part, first, count)
        return [part.combined(row, self.device) for row in rows]

    def _separate(self, part: Source | Sources, first: int, count: int) -> Any:
        if isinstance(part, Sources):
            columns = [self._separate(each, first, count) for each in part.parts]
            return [list(row) for row in zip(*columns, strict=True)]
        if isinstance(part, Signal):
            # The same object in every step: a signal is asked for its value at times within the step.
            return (part,) * count
        if isinstance(part, Tensor):
            # All views in one call; indexing row by row would take as many calls as there are steps.
            return part[first : first + count].unbind(0)
        rows = part.rows(
            self.first_step + first,
            count,
            self.dt,
            self.num_units,
            dtype=self.dtype,
            device=self.device,
        )
        if rows.dim() < 2 or len(rows) != count or rows.shape[-1] not in (1, self.num_units):
            raise StimulusError(
                f"{type(part).__name__}.rows gave {list(rows.shape)} for {count} steps of {self.num_units} "
                f"units; it must give [{count}, *batch, 1] or [{count}, *batch, {self.num_units}]"
            )
        return rows.unbind(0)

    def _source(self, given: Any, where: str) -> Source:
        if isinstance(given, Tensor):
            return self._tensor(given, where)
        if isinstance(given, Signal):
            return given
        if isinstance(given, Stimulus):
            if given.width not in (1, self.num_units):
                raise StimulusError(
                    f"{where}{type(given).__name__} is made for {given.width} units, the neuron has "
                    f"{self.num_units}; give it one value or column for all, or {self.num_units}"
                )
            return given
        if is_number(given):
            return Constant(float(given))
        if isinstance(given, np.ndarray):
            try:
                copied = torch.tensor(given)  # nobody is told when an array is written to
            except (TypeError, ValueError) as error:
                raise InputError(
                    f"{where}the stimulus is an array of {given.dtype}; "
                    "give real numbers, for instance float32"
                ) from error
            return self._tensor(copied, where)
        raise InputError(
            f"{where}the stimulus {shown(given)} is of type {type(given).__name__}; "
            "give one of rheobase.stimulus, a number, a tensor, or rheobase.Signal(function, breakpoints)"
        )

    def _tensor(self, given: Tensor, where: str) -> Stimulus | Tensor:
        shape = list(given.shape)
        if not given.is_floating_point():
            raise InputError(
                f"{where}the stimulus is a tensor of {given.dtype}; give a real floating-point type, "
                "for instance stimulus.float()"
            )
        if given.device != self.device:
            raise InputError(
                f"{where}the stimulus is on {given.device}, the neuron is on {self.device}; "
                f"give stimulus.to({str(self.device)!r})"
            )
        if given.numel() == 0:
            raise InputError(f"{where}the stimulus is an empty tensor {shape}; give at least one row")
        width = given.shape[-1] if given.dim() else 1
        if width not in (1, self.num_units):
            hint = "; for one row for each step give stimulus.unsqueeze(-1)" if given.dim() == 1 else ""
            raise InputError(
                f"{where}the stimulus is a tensor {shape}, the neuron has {self.num_units} units; "
                f"give a scalar or [{self.num_units}] for a constant, [steps, 1] or "
                f"[steps, *batch, {self.num_units}] for one row per step{hint}"
            )
        if given.dim() >= 2:
            return given  # its values may be many: a backend looks at them, or calls check()
        _check_finite(given, where)
        return Constant(given)


def told_of(drives: Iterable[Drive], step: int, error: InputError) -> str:
    """What an error of a step does not say yet: see :meth:`Drive.told_of`."""
    told = next((found for drive in drives if (found := drive.told_of(step))), "")
    return "" if str(error).endswith(told) else told


def _check_finite(given: Tensor, where: str) -> None:
    # The extremes are NaN where any value is; unlike isfinite() they need no memory.
    low, high = torch.aminmax(given.detach())
    if bool(torch.isfinite(low) & torch.isfinite(high)):
        return
    place = first_not_finite(given) or ()
    value = given.detach()[place].item()
    unit = f"unit {place[-1]}" if given.dim() and given.shape[-1] > 1 else "every unit"
    step = f" in step {place[0]}" if given.dim() > 1 else ""
    raise InputError(
        f"{where}the stimulus has {value} for {unit}{step} (counted from 0); give finite currents"
    )

"""The steps of a population of a network, with the synapses that reach it, by its kernel."""

from __future__ import annotations

import ctypes
import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, final

import torch
from rheobase.spi import tensors
from torch import Tensor

from .call import Call
from .resident import Resident
from .short import numbers, pointers

if TYPE_CHECKING:
    from rheobase import Neuron

ARRIVING = "arriving_"
"""What the inputs are called by which spikes arrive, beside those of the neuron."""


@final
class _End:
    """The states at the end of a step, and where their addresses are."""

    def __init__(self, tensors: list[Tensor]) -> None:
        self.tensors, self._table = tensors, pointers(len(tensors))
        for place, each in enumerate(tensors):
            self._table[place] = each.data_ptr()
        self.address = ctypes.addressof(self._table)
        self.places = frozenset(self._table)


@final
class PopulationStep:
    """Takes steps of a population by a kernel, and leaves it and its synapses as ``eager`` does.

    It is made for one run, in which nobody sets a parameter.

    Args:
        neuron: The population.
        incoming: What reaches it.
        kernel: Its kernel.
        factors: Those of its integrator, which do not change in a run.
    """

    def __init__(self, neuron: Neuron, incoming: Any, kernel: Any, factors: Mapping[str, Tensor]) -> None:
        self._neuron, self._incoming, self._kernel = neuron, incoming, kernel
        inputs = neuron.schema.inputs
        self._bounded = {name: inputs[name].domain for name in inputs if inputs[name].bounded}
        self._kinetic = tuple(incoming.states)
        self._shape = torch.Size([neuron.num_units])
        values = {**incoming.params(neuron.params)._asdict(), **factors}
        # Alive as long as their addresses are.
        self._values = [values[name].detach().contiguous() for name in kernel.params]
        states, given = len(kernel.states), len(kernel.inputs)
        self._params, self._per_unit = pointers(len(self._values)), numbers(len(self._values))
        for place, value in enumerate(self._values):
            self._params[place], self._per_unit[place] = value.data_ptr(), value.ndim
        self._inputs, self._units = pointers(given), numbers(given)
        still, traces = numbers(given), pointers(states)
        self._begin = pointers(states)
        own = {**neuron.state, **incoming.states}
        # Two of everything: a step goes from one to the other, and the next one back.
        self._ends = [_End([torch.empty_like(own[name]) for name in kernel.states]) for _ in range(2)]
        self._at: _End | None = None
        self._end = self._ends[0]
        self._alive = [still, traces]
        common = (self._params, self._per_unit, self._inputs, still, still, self._units, traces)
        self._common = [ctypes.addressof(table) for table in common]
        self.dtype = neuron.dtype
        self._nothing = torch.zeros(1, dtype=neuron.dtype)
        self._last: tuple[Any, dict[str, Tensor]] = (None, {})

    def __call__(self, data: Any) -> dict[str, Tensor] | None:
        """Take a step; None, and nothing is changed, where it is for ``eager``, which may say why."""
        kernel, shape = self._kernel, self._shape
        received = self._received(data)
        begin = None if received is None else self._ready(received)
        if received is None or begin is None:
            return None
        end, spiked = self.end, torch.zeros(shape, dtype=torch.int8)
        call = self._call(begin, end.address, spiked.data_ptr())
        if kernel.once(call) is None:
            return None
        reported = self.leave(data, received, end, spiked, 1)
        after = dict(zip(kernel.states, end.tensors, strict=True))
        kept = {name: value for name, value in after.items() if name not in self._kinetic}
        return {**self._inputs_kept(data, received), **kept, **reported}

    # --- many steps in one call ----------------------------------------------------------------------

    def opened(self, data: Any) -> Opened | None:
        """The population where a kernel works on it; None where that does not take it as it stands.

        Args:
            data: What it receives in every step, prepared.
        """
        received = self._received(data)
        begin = None if received is None else self._ready(received)
        if received is None or begin is None:
            return None
        for place, name in enumerate(received):
            # Where what arrives lies is said in every step.
            self._units[place] |= name.startswith(ARRIVING)
        return Opened(self, data, received, Resident(self._kernel, self._call(begin, None, None)))

    def rows(self, count: int) -> Tensor:
        """Room for so many rows of a state."""
        return torch.empty(count, self.units, dtype=self.dtype)

    @property
    def states(self) -> tuple[str, ...]:
        """The names of the states that the kernel has, in order."""
        names: tuple[str, ...] = self._kernel.states
        return names

    @property
    def units(self) -> int:
        """How many units there are."""
        return self._shape[0]

    @property
    def places(self) -> int:
        """Which of the inputs is the first that arrives."""
        return len(self._kernel.inputs) - len(self._incoming.groups)

    @property
    def end(self) -> _End:
        """Where the states go next: never where one of them is, so that a step can be taken back."""
        return self._end

    @property
    def table(self) -> Any:
        """Where the inputs are: a table of addresses, which the kernel reads in every step."""
        return self._inputs

    def leave(
        self, data: Any, received: Mapping[str, Tensor], end: _End, spiked: Tensor, steps: int
    ) -> dict[str, Tensor]:
        """Leave the population and its synapses with these states, so many steps on."""
        buffers: Any = tensors(self._neuron).buffers
        self._at = end
        after = dict(zip(self._kernel.states, end.tensors, strict=True))
        self._incoming.leave([after.pop(name) for name in self._kinetic], False)
        reported = {} if buffers.get("spiked") is None else {"spiked": spiked}
        given = self._inputs_kept(data, received)
        clock = {"step_count": buffers["step_count"] + steps}
        self._neuron.take_over({**after, **given, **reported, **clock})
        return reported

    # --- what both have --------------------------------------------------------------------------------

    def _ready(self, received: Mapping[str, Tensor]) -> int | None:
        """Where the addresses of the states are; those of the inputs are put down. None: not for kernels."""
        shape, buffers, kinetic = self._shape, tensors(self._neuron).buffers, self._incoming.states
        states: Any = [kinetic[name] if name in kinetic else buffers[name] for name in self._kernel.states]
        begin = self._begun(states)
        if begin is None:
            return None
        for place, values in enumerate(received.values()):
            if values.shape != shape and values.shape != (1,):
                return None
            self._inputs[place], self._units[place] = values.data_ptr(), int(values.shape == shape)
        return begin

    def _call(self, begin: int, end: int | None, spiked: int | None) -> Call:
        lanes = self._shape[0]
        return Call(
            *(lanes, 0, lanes, 1, 1, begin, end, *self._common, None, spiked, lanes, lanes.bit_length()),
            failed=-1,
        )

    def _begun(self, states: list[Tensor]) -> int | None:
        """Where the addresses of these states are; None where a kernel does not take them."""
        at = self._at
        if at is not None and all(map(operator.is_, states, at.tensors)):
            self._end = self._ends[at is self._ends[0]]
            return at.address
        self._at = None
        for place, state in enumerate(states):
            if state.shape != self._shape or not state.is_contiguous():
                return None
            self._begin[place] = state.data_ptr()
        self._end = self._free({state.data_ptr() for state in states})
        return ctypes.addressof(self._begin)

    def _free(self, taken: set[int]) -> _End:
        """An end in which no state is now, whatever object stands for it."""
        free = next((end for end in self._ends if taken.isdisjoint(end.places)), None)
        if free is None:
            # Some states in one, some in the other, which stay whose they are.
            free = self._ends[0] = _End([torch.empty_like(each) for each in self._ends[0].tensors])
        return free

    def _inputs_kept(self, data: Any, received: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the neuron keeps of its input; of the values that arrive it keeps nothing."""
        if self._last[0] is not data:
            names = tuple(self._neuron.schema.inputs) or ("input",)
            kept = {name: received[name].expand(self._shape).contiguous() for name in names}
            self._last = data, kept
        return self._last[1]

    def _received(self, data: Any) -> dict[str, Tensor] | None:
        """The inputs of the kernel by name; None where one is a signal, or outside its domain."""
        given = data._asdict() if self._neuron.schema.inputs else {"input": data}
        for name, value in given.items():
            if not isinstance(value, Tensor) or not value.is_contiguous():
                return None
            if name in self._bounded and not bool(self._bounded[name].contains(value).all()):
                return None
        weights = self._incoming.weights or [None] * len(self._incoming.groups)
        arriving = (self._nothing if weight is None else weight for weight in weights)
        return {**given, **{f"{ARRIVING}{k}": weight for k, weight in enumerate(arriving)}}


@final
class Opened:
    """A population where a kernel works on it.

    Args:
        step: What takes its steps.
        data: What it receives, prepared.
        received: The inputs of the kernel.
        resident: Where it is.
    """

    def __init__(
        self, step: PopulationStep, data: Any, received: Mapping[str, Tensor], resident: Resident
    ) -> None:
        self._step, self._data, self._received, self.resident = step, data, received, resident

    def leave(self, spiked: Tensor, steps: int) -> None:
        """Leave the population and its synapses as they are there, so many steps on."""
        end = self._step.end
        self.resident.close(end.address)
        self._step.leave(self._data, self._received, end, spiked, steps)

"""A population of a network: its step, with those of the synapses that reach it, in a kernel.

What arrives at the end of a step is an input of the kernel, one for each synapse. Spikes go their way between
two calls, as in ``eager``.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, final

import torch
from rheobase.spi import tensors
from torch import Tensor

from .call import Call
from .kernels import compiled
from .refusal import Refusal
from .setting import Setting
from .short import numbers, pointers
from .suitable import check_suitable
from .tracing import SPIKED

if TYPE_CHECKING:
    from rheobase import Neuron

ARRIVING = "arriving_"
"""What the inputs are called by which spikes arrive, beside those of the neuron."""


def population(neuron: Neuron, incoming: Any, *, grad: bool) -> PopulationStep:
    """What takes the steps of a population.

    Args:
        neuron: The population.
        incoming: What reaches it: its synapses' states and parameters, and the step of both.
        grad: Whether states keep their autograd graph: then it refuses.

    Raises:
        Refusal: If its step cannot be compiled; with the reason.
    """
    check_suitable(neuron, grad)
    if neuron.event == "located":
        raise Refusal("in a network, kernels have arrivals at the ends of steps (event='located')")
    if neuron.device.type != "cpu":
        raise Refusal(f"the neuron is on {neuron.device}, and kernels of networks are made for the CPU")
    if neuron.batch:
        raise Refusal(f"the neuron has the batch {list(neuron.batch)}, and kernels of networks have none")
    setting = PopulationSetting(neuron, incoming)
    return PopulationStep(neuron, incoming, compiled(setting, frozenset()))


@final
class PopulationSetting(Setting):
    """A few units of a population, with their synapses."""

    def __init__(self, neuron: Neuron, incoming: Any) -> None:
        own = {name: value for name, value in neuron.state.items() if isinstance(value, Tensor)}
        super().__init__(neuron, {**incoming.states, **own})
        self._incoming, self._values = incoming, incoming.params(neuron.params)
        self.take_params(self._values)
        self._own_inputs = tuple(self.data)
        ones = next(iter(self.data.values()))
        self.data |= {f"{ARRIVING}{k}": ones.clone() for k in range(len(incoming.groups))}

    def _from(
        self, states: Any, params: Mapping[str, Tensor], data: Mapping[str, Tensor], *_: Any
    ) -> dict[str, Tensor | None]:
        schema = self.neuron.schema
        own = {name: data[name] for name in self._own_inputs}
        given = schema.pack_data(**own) if schema.inputs else own["input"]
        weights = [data[f"{ARRIVING}{k}"] for k in range(len(self._incoming.groups))]
        new, spiked = self._incoming.step(
            self.neuron, self.neuron.integrator, self.states, self._values._replace(**params), given, weights
        )
        if new.get("carry"):
            raise Refusal("the integrator carries something from step to step")
        return {**{name: new[name] for name in self.states}, SPIKED: spiked}

    def _computed(self, params: Any, data: Any) -> dict[str, Tensor | None]:
        raise NotImplementedError


@final
class PopulationStep:
    """Takes steps of a population by a kernel, and leaves it and its synapses as ``eager`` does.

    Args:
        neuron: The population.
        incoming: What reaches it.
        kernel: Its kernel.
    """

    def __init__(self, neuron: Neuron, incoming: Any, kernel: Any) -> None:
        self._neuron, self._incoming, self._kernel = neuron, incoming, kernel
        inputs = neuron.schema.inputs
        self._bounded = {name: inputs[name].domain for name in inputs if inputs[name].bounded}
        self._kinetic = tuple(incoming.states)
        self._shape = torch.Size([neuron.num_units])
        self._own = frozenset(neuron.params._fields)
        states, params, given = map(len, (kernel.states, kernel.params, kernel.inputs))
        self._before, self._after = pointers(states), pointers(states)
        self._params, self._per_unit = pointers(params), numbers(params)
        self._inputs, self._traces = pointers(given), pointers(states)
        self._steps, self._rows, self._units = numbers(given), numbers(given), numbers(given)
        self._tables = [
            ctypes.addressof(table)
            for table in (
                *(self._before, self._after, self._params, self._per_unit),
                *(self._inputs, self._steps, self._rows, self._units, self._traces),
            )
        ]
        self._nothing = torch.zeros(1, dtype=neuron.dtype)

    def __call__(self, data: Any) -> dict[str, Tensor] | None:
        """Take a step; None, and nothing is changed, where it is for ``eager``, which may say why."""
        neuron, incoming, kernel, shape = self._neuron, self._incoming, self._kernel, self._shape
        received = self._received(data)
        if received is None:
            return None
        buffers: Any = tensors(neuron).buffers
        kinetic = incoming.states
        after: dict[str, Tensor] = {}
        for place, name in enumerate(kernel.states):
            begin = kinetic[name] if name in kinetic else buffers[name]
            if begin.shape != shape or not begin.is_contiguous():
                return None
            after[name] = end = torch.empty_like(begin)
            self._before[place], self._after[place] = begin.data_ptr(), end.data_ptr()
        params = incoming.params(neuron.params)
        for place, name in enumerate(kernel.params):
            value = getattr(params, name)
            if not value.is_contiguous():
                return None
            self._params[place], self._per_unit[place] = value.data_ptr(), value.ndim
        for place, name in enumerate(kernel.inputs):
            values = received[name]
            if values.shape != shape and values.shape != (1,):
                return None
            self._inputs[place], self._units[place] = values.data_ptr(), int(values.shape == shape)
        spiked = torch.zeros(shape, dtype=torch.int8)
        lanes = shape[0]
        call = Call(
            *(lanes, 0, lanes, 1, 1, *self._tables, None, spiked.data_ptr(), lanes, lanes.bit_length()),
            failed=-1,
        )
        if kernel.once(call) is None:
            return None
        incoming.leave([after.pop(name) for name in self._kinetic], False)
        clock = buffers["step_count"]
        # Of the values that arrive nothing is kept.
        inputs = {name: received[name].expand(shape).contiguous() for name in received if name in buffers}
        reported = {} if buffers.get("spiked") is None else {"spiked": spiked}
        neuron.take_over({**after, **inputs, **reported, "step_count": clock + 1})
        return {**inputs, **after, **reported}

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

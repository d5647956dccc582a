"""A population of a network: its step, with those of the synapses that reach it, in a kernel.

What arrives at the end of a step is an input of the kernel, one for each synapse. Spikes go their way between
two calls, as in ``eager``.
"""

from __future__ import annotations

import ctypes
import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, final

import rheobase as rb
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

FACTOR = "factor_"
"""What the parameters are called that an integrator adds: the factors of its step."""
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
    return PopulationStep(neuron, incoming, compiled(setting, frozenset()), setting.factors)


@final
class PopulationSetting(Setting):
    """A few units of a population, with their synapses."""

    def __init__(self, neuron: Neuron, incoming: Any) -> None:
        own = {name: value for name, value in neuron.state.items() if isinstance(value, Tensor)}
        super().__init__(neuron, {**incoming.states, **own})
        self._incoming, self._values = incoming, incoming.params(neuron.params)
        self._own_inputs = tuple(self.data)
        self.integrator: Any = neuron.integrator
        self.factors: dict[str, Tensor] = {}
        ones = next(iter(self.data.values()))
        if callable(getattr(neuron.integrator, "propagation", None)):
            self.integrator = Propagating(neuron, incoming)
            factors = self.integrator.paths.factors
            self.factors = {f"{FACTOR}{k}": _one(each) for k, each in enumerate(factors)}
        self.take_params({**self._values._asdict(), **self.factors})
        self.data |= {f"{ARRIVING}{k}": ones.clone() for k in range(len(incoming.groups))}

    def _from(
        self, states: Any, params: Mapping[str, Tensor], data: Mapping[str, Tensor], *_: Any
    ) -> dict[str, Tensor | None]:
        own = {name: value for name, value in params.items() if name not in self.factors}
        if isinstance(self.integrator, Propagating):
            self.integrator.factors = [params[name] for name in self.factors]
        weights = [data[f"{ARRIVING}{k}"] for k in range(len(self._incoming.groups))]
        new, spiked = self._incoming.step(
            self.neuron,
            self.integrator,
            self.states,
            self._values._replace(**own),
            self._given(data),
            weights,
        )
        if new.get("carry"):
            raise Refusal("the integrator carries something from step to step")
        return {**{name: new[name] for name in self.states}, SPIKED: spiked}

    def _given(self, data: Mapping[str, Tensor]) -> Any:
        """The input of the neuron, as its step has it."""
        schema = self.neuron.schema
        return (
            schema.pack_data(**{name: data[name] for name in schema.inputs})
            if schema.inputs
            else data["input"]
        )

    def _computed(self, params: Any, data: Any) -> dict[str, Tensor | None]:
        raise NotImplementedError


@final
class Propagating:
    """An integrator whose step is a sum of derivatives, with factors that are made once for a run.

    Args:
        neuron: The population.
        incoming: What reaches it.

    Raises:
        Refusal: If its field is not linear.
    """

    adaptive, fresh, field, on_failure = False, True, "linear", "raise"

    def __init__(self, neuron: Neuron, incoming: Any) -> None:
        hold = neuron.state.get("hold")
        # Whoever rests: that somebody may is all that is asked.
        resting = None if hold is None else hold.new_zeros(hold.shape, dtype=torch.bool)
        whole = [torch.ones(neuron.num_units, dtype=neuron.dtype) for _ in neuron.schema.inputs or ("",)]
        given = neuron.schema.pack_data(*whole) if neuron.schema.inputs else whole[0]
        method: Any = neuron.integrator
        field, y = incoming.field(neuron, given, resting)
        try:
            self.paths = method.propagation(field, y, neuron.dt)
        except rb.errors.StructureError as error:
            raise Refusal(str(error)) from error
        self.factors: list[Tensor] = []

    def advance(self, field: Any, y: Tensor, t0: Any, t1: Any, *, carry: Any = None) -> rb.Advance:
        """The step, as the integrator takes it."""
        return rb.Advance(self.paths.taken(y, field(t0, y), field.resting, self.factors))


@final
class _End:
    """The states at the end of a step, and where their addresses are."""

    def __init__(self, tensors: list[Tensor]) -> None:
        self.tensors, self._table = tensors, pointers(len(tensors))
        for place, each in enumerate(tensors):
            self._table[place] = each.data_ptr()
        self.address = ctypes.addressof(self._table)


def _one(factor: Tensor) -> Tensor:
    """A factor as a parameter: a number where it is that of all units."""
    return factor.reshape(()) if factor.shape == (1,) else factor


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
        self._alive = [still, traces]
        common = (self._params, self._per_unit, self._inputs, still, still, self._units, traces)
        self._common = [ctypes.addressof(table) for table in common]
        self._nothing = torch.zeros(1, dtype=neuron.dtype)
        self._last: tuple[Any, dict[str, Tensor]] = (None, {})

    def __call__(self, data: Any) -> dict[str, Tensor] | None:
        """Take a step; None, and nothing is changed, where it is for ``eager``, which may say why."""
        neuron, incoming, kernel, shape = self._neuron, self._incoming, self._kernel, self._shape
        received = self._received(data)
        if received is None:
            return None
        buffers: Any = tensors(neuron).buffers
        kinetic = incoming.states
        states = [kinetic[name] if name in kinetic else buffers[name] for name in kernel.states]
        begin = self._begun(states)
        if begin is None:
            return None
        for place, values in enumerate(received.values()):
            if values.shape != shape and values.shape != (1,):
                return None
            self._inputs[place], self._units[place] = values.data_ptr(), int(values.shape == shape)
        end = self._ends[self._at is self._ends[0]]
        spiked, lanes = torch.zeros(shape, dtype=torch.int8), shape[0]
        call = Call(
            *(lanes, 0, lanes, 1, 1, begin, end.address, *self._common),
            *(None, spiked.data_ptr(), lanes, lanes.bit_length()),
            failed=-1,
        )
        if kernel.once(call) is None:
            return None
        self._at = end
        after = dict(zip(kernel.states, end.tensors, strict=True))
        incoming.leave([after.pop(name) for name in self._kinetic], False)
        inputs = self._inputs_kept(data, received)
        reported = {} if buffers.get("spiked") is None else {"spiked": spiked}
        neuron.take_over({**after, **inputs, **reported, "step_count": buffers["step_count"] + 1})
        return {**inputs, **after, **reported}

    def _begun(self, states: list[Tensor]) -> int | None:
        """Where the addresses of these states are; None where a kernel does not take them."""
        at = self._at
        if at is not None and all(map(operator.is_, states, at.tensors)):
            return at.address
        self._at = None
        for place, state in enumerate(states):
            if state.shape != self._shape or not state.is_contiguous():
                return None
            self._begin[place] = state.data_ptr()
        return ctypes.addressof(self._begin)

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

"""A population of a network: its step, with those of the synapses that reach it, in a kernel.

What arrives at the end of a step is an input of the kernel, one for each synapse. Spikes go their way between
two calls, as in ``eager``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, final

import rheobase as rb
import torch
from torch import Tensor

from .kernels import compiled
from .population_step import ARRIVING, PopulationStep
from .refusal import Refusal
from .setting import Setting
from .suitable import check_suitable
from .tracing import SPIKED

if TYPE_CHECKING:
    from rheobase import Neuron

FACTOR = "factor_"
"""What the parameters are called that an integrator adds: the factors of its step."""


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
    return PopulationStep(neuron, incoming, compiled(setting, frozenset(), stays=True), setting.factors)


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


def _one(factor: Tensor) -> Tensor:
    """A factor as a parameter: a number where it is that of all units."""
    return factor.reshape(()) if factor.shape == (1,) else factor

"""What takes the steps of a layer: its kernels, and which of them a call needs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, final

import torch
from torch import Tensor

from ..refusal import Refusal
from ..suitable import check_stepped
from .compiled import RECIPES, unrolled
from .function import Unrolled
from .halves import halves_of
from .kernel import LayerKernel, kernel_of, segment_of, some
from .proof import check_derivative
from .setting import BEGIN, SCALE, LayerSetting, size_of

if TYPE_CHECKING:
    from rheobase.spi import StepState, Unrolling


@final
class LayerTrainer:
    """Takes the steps of a layer in kernels.

    Args:
        unrolling: What a step does.

    Attributes:
        key: What stands for what a step does; empty before the first kernel.

    Raises:
        Refusal: If it cannot.
    """

    def __init__(self, unrolling: Unrolling) -> None:
        neuron = unrolling.neuron
        check_stepped(neuron)
        if neuron.device.type != "cpu":
            raise Refusal(f"the layer is on {neuron.device}, and kernels for layers are made for the CPU")
        self._unrolling = unrolling
        self._names = tuple(neuron.schema.inputs) or ("",)
        self._kernels: dict[Any, LayerKernel] = {}
        self._seen: dict[str, tuple[Tensor, int, bool]] = {}
        self.key = ""

    def __call__(
        self,
        x: Mapping[str, Tensor],
        sizes: Tensor,
        values: Mapping[str, Tensor],
        scale: Tensor,
        begin: Tensor | None,
        now: StepState,
    ) -> tuple[Tensor, StepState, bool]:
        """See ``rheobase.spi.Trainer``."""
        states = states_of(self._unrolling, now)
        names = self._unrolling.neuron.schema.states
        hold = now.refractory_steps
        if torch.compiler.is_compiling():
            given = [x[name] for name in self._names], sizes, [*values.values()], scale, begin
            out, *after = unrolled(self.key, *given, [*states.values()])
            ends, finite = dict(zip(states, after, strict=True)), True
        else:
            params, kernel = self.ready(sizes, values, scale, begin, states)
            out, finite, *after = Unrolled.apply(  # type: ignore[no-untyped-call]
                kernel,
                *(x[name] for name in self._names),
                *(params[name] for name in kernel.params),
                *(states[name] for name in kernel.states),
            )
            ends = dict(zip(kernel.states, after, strict=True))
        y = torch.stack([ends[name] for name in names])
        end = now._replace(y=y, armed=ends.get("armed"), refractory_steps=ends.get("hold", hold))
        return out, end, finite

    def ready(
        self,
        sizes: Tensor,
        values: Mapping[str, Tensor],
        scale: Tensor,
        begin: Tensor | None,
        states: Mapping[str, Tensor],
    ) -> tuple[dict[str, Tensor], LayerKernel]:
        """What a kernel reads beside inputs and states, and the kernel."""
        params = dict(values)
        alike = self._known("scale", scale, _alike), self._known("sizes", sizes, _alike)
        params[SCALE] = scale[0] if alike[0] else scale
        for row, name in enumerate(self._names):
            params[size_of(name)] = sizes[row, 0] if alike[1] else sizes[row]
        if begin is not None:
            params[BEGIN] = begin
        hold = states.get("hold")
        holds = hold is not None and (
            self._known("tau_ref", values["tau_ref"], self._holds) or bool(some(hold).any())
        )
        key = (holds, tuple([value.ndim for value in params.values()]))
        if key not in self._kernels:
            self._kernels[key] = self._made(params, states, holds)
        return params, self._kernels[key]

    def named(
        self, values: Sequence[Tensor], before: Sequence[Tensor]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Parameters and states by name."""
        schema = self._unrolling.neuron.schema
        beside = ["armed", "hold"] if schema.refractory else ["armed"]
        names = [*schema.states, *beside][: len(before)]
        return dict(zip(schema.parameters, values, strict=True)), dict(zip(names, before, strict=True))

    @property
    def segment(self) -> int:
        """The steps of a segment."""
        return segment_of(store=self._unrolling.store)

    def _made(self, params: Mapping[str, Tensor], states: Mapping[str, Tensor], holds: bool) -> LayerKernel:
        unrolling = self._unrolling
        setting = LayerSetting(unrolling, params, {name: _one(value) for name, value in states.items()})
        learn = [name for name in params if name in unrolling.learn or name == BEGIN]
        halves = halves_of(setting, learn, holds=holds)
        if not self.key:
            # What a step does, whatever of it a kernel leaves out.
            told = repr((halves.pattern, learn, unrolling.store))
            self.key = hashlib.sha256(told.encode()).hexdigest()
            RECIPES[self.key] = self
        kernel = kernel_of(halves, single=unrolling.neuron.dtype == torch.float32, store=unrolling.store)
        check_derivative(kernel, setting, learn)
        return kernel

    def _known(self, name: str, value: Tensor, ask: Any) -> bool:
        """What is true of values, asked again where they changed."""
        version = -1 if value.is_inference() else value._version
        found = self._seen.get(name)
        if found is None or found[0] is not value or found[1] != version:
            found = self._seen[name] = value, version, ask(value)
        return found[2]

    def _holds(self, tau_ref: Tensor) -> bool:
        return bool(torch.round(tau_ref.detach() / self._unrolling.neuron.dt).any())


def states_of(unrolling: Unrolling, now: StepState) -> dict[str, Tensor]:
    """What a kernel goes on from, by name."""
    states = dict(zip(unrolling.neuron.schema.states, now.y.unbind(0), strict=True))
    beside = {"armed": now.armed, "hold": now.refractory_steps}
    return states | {name: value for name, value in beside.items() if value is not None}


def _alike(values: Tensor) -> bool:
    return bool((values == values[..., :1]).all())


def _one(value: Tensor) -> Tensor:
    return value.detach().reshape(-1)[:1].clone()

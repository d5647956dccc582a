"""What takes the steps of a layer: its kernels, and which of them a call needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, final

import torch
from torch import Tensor

from ..refusal import Refusal
from ..suitable import check_stepped
from .function import Unrolled
from .halves import halves_of
from .kernel import LayerKernel, kernel_of
from .setting import BEGIN, SCALE, LayerSetting, size_of

if TYPE_CHECKING:
    from rheobase.spi import StepState, Unrolling


@final
class LayerTrainer:
    """Takes the steps of a layer in kernels.

    Args:
        unrolling: What a step does.

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
        self._seen: dict[str, tuple[Any, bool]] = {}

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
        params, kernel = self.ready(sizes, values, scale, begin, now)
        hold = now.refractory_steps
        states = dict(zip(self._unrolling.neuron.schema.states, now.y.unbind(0), strict=True))
        beside = {"armed": now.armed, "hold": now.refractory_steps}
        states |= {name: value for name, value in beside.items() if value is not None}
        out, finite, *after = Unrolled.apply(  # type: ignore[no-untyped-call]
            kernel,
            *(x[name] for name in self._names),
            *(params[name] for name in kernel.params),
            *(states[name] for name in kernel.states),
        )
        ends = dict(zip(kernel.states, after, strict=True))
        y = torch.stack([ends[name] for name in self._unrolling.neuron.schema.states])
        return (
            out,
            now._replace(y=y, armed=ends.get("armed"), refractory_steps=ends.get("hold", hold)),
            finite,
        )

    def ready(
        self,
        sizes: Tensor,
        values: Mapping[str, Tensor],
        scale: Tensor,
        begin: Tensor | None,
        now: StepState,
    ) -> tuple[dict[str, Tensor], LayerKernel]:
        """What a kernel reads beside inputs and states, and the kernel."""
        params = dict(values)
        alike = self._known("scale", scale, _alike), self._known("sizes", sizes, _alike)
        params[SCALE] = scale[0] if alike[0] else scale
        for row, name in enumerate(self._names):
            params[size_of(name)] = sizes[row, 0] if alike[1] else sizes[row]
        if begin is not None:
            params[BEGIN] = begin
        hold = now.refractory_steps
        holds = hold is not None and (
            self._known("tau_ref", values["tau_ref"], self._holds) or bool(hold.any())
        )
        return params, self._kernel(params, now, holds)

    def _kernel(self, params: Mapping[str, Tensor], now: StepState, holds: bool) -> LayerKernel:
        key = (holds, tuple([value.ndim for value in params.values()]))
        if key not in self._kernels:
            self._kernels[key] = self._made(params, now, holds)
        return self._kernels[key]

    def _made(self, params: Mapping[str, Tensor], now: StepState, holds: bool) -> LayerKernel:
        unrolling, states = self._unrolling, {}
        for name, value in zip(unrolling.neuron.schema.states, now.y.unbind(0), strict=True):
            states[name] = _one(value)
        if now.armed is not None:
            states["armed"] = torch.ones(1, dtype=torch.bool)
        if now.refractory_steps is not None:
            states["hold"] = torch.zeros(1, dtype=torch.int32)
        setting = LayerSetting(unrolling, params, states)
        learn = [name for name in params if name in unrolling.learn or name == BEGIN]
        halves = halves_of(setting, learn, holds=holds)
        return kernel_of(halves, single=unrolling.neuron.dtype == torch.float32, store=unrolling.store)

    def _known(self, name: str, value: Tensor, ask: Any) -> bool:
        """What is true of values, asked again where they changed."""
        stamp = value.data_ptr(), -1 if value.is_inference() else value._version
        found = self._seen.get(name)
        if found is None or found[0] != stamp:
            found = self._seen[name] = stamp, ask(value)
        return found[1]

    def _holds(self, tau_ref: Tensor) -> bool:
        return bool(torch.round(tau_ref.detach() / self._unrolling.neuron.dt).any())


def _alike(values: Tensor) -> bool:
    return bool((values == values[..., :1]).all())


def _one(value: Tensor) -> Tensor:
    return value.detach().reshape(-1)[:1].clone()

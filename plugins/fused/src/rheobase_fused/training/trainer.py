"""What takes the steps of a layer: its kernels, and which of them a call needs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, final

import torch
from rheobase.spi import StepState
from torch import Tensor

from ..refusal import Refusal
from ..suitable import check_stepped
from .compiled import FORM, RECIPES, unrolled
from .function import Unrolled
from .halves import halves_of
from .kernel import LayerKernel, Table, kernel_of, some, table_of
from .layout import segment_of
from .proof import check_derivative
from .setting import BEGIN, SCALE, LayerSetting, size_of

if TYPE_CHECKING:
    from rheobase.spi import Unrolling


_BESIDE = ("armed", "hold")
"""The states beside those that are numbers."""


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
        self._seen: dict[str, tuple[Tensor, int, Any]] = {}
        names = [*neuron.schema.parameters, *([SCALE] * (1 + len(self._names)))]
        names += [BEGIN] if unrolling.voltage else []
        self._learnt = [at for at, name in enumerate(names) if name in unrolling.learn or name == BEGIN]
        self._last: tuple[Any, Tensor | None, int | None, Table, LayerKernel] | None = None
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
        inputs, before = [x[name] for name in self._names], before_of(now)
        if torch.compiler.is_compiling():
            out, *after = unrolled(self.key, inputs, sizes, [*values.values()], scale, begin, before)
            ends, finite = _named(before, after), True
        else:
            params, kernel = self.ready(sizes, values, scale, begin, before)
            learnt = self._learnt if torch.is_grad_enabled() else []
            out, finite, *after = Unrolled.apply(  # type: ignore[no-untyped-call]
                kernel,
                params,
                learnt,
                before[1 : 1 + len(kernel.beside)],
                now.y,
                *inputs,
                *(params.alive[at] for at in learnt),
            )
            ends = dict(zip(("y", *kernel.beside), after, strict=True))
        hold = ends.get("hold", now.refractory_steps)
        return out, StepState(ends["y"], ends.get("armed"), hold), finite

    def ready(
        self,
        sizes: Tensor,
        values: Mapping[str, Tensor],
        scale: Tensor,
        begin: Tensor | None,
        before: Sequence[Tensor],
    ) -> tuple[Table, LayerKernel]:
        """What a kernel reads beside inputs and states, in order, and the kernel."""
        # The same mapping has the same values; what is left of refractory periods may be another.
        hold = before[2] if len(before) > 2 else None
        version = None if hold is None else _version_of(hold)
        last = self._last
        if last is not None and last[0] is values and last[1] is hold and last[2] == version:
            return last[3], last[4]
        params = [*values.values(), *self._known("scale", scale, _one_scale)]
        params += self._known("sizes", sizes, _sizes)
        if begin is not None:
            params.append(begin)
        holds = hold is not None and (
            self._known("tau_ref", values["tau_ref"], self._holds) or self._known("hold", hold, _any)
        )
        key = (holds, *[value.ndim for value in params])
        kernel = self._kernels.get(key)
        if kernel is None:
            names = [*values, SCALE, *(size_of(name) for name in self._names)]
            names += [] if begin is None else [BEGIN]
            kernel = self._made(dict(zip(names, params, strict=True)), before, holds)
            self._kernels[key] = kernel
        table = table_of(params)
        if version != -1 and not self._learnt:
            self._last = values, hold, version, table, kernel
        return table, kernel

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parameters."""
        return tuple(self._unrolling.neuron.schema.parameters)

    @property
    def learnt(self) -> tuple[int, ...]:
        """The places of those of which a derivative is asked."""
        return tuple(at for at, name in enumerate(self.names) if name in self._unrolling.learn)

    @property
    def segment(self) -> int:
        """The steps of a segment."""
        return segment_of(store=self._unrolling.store)

    def _made(self, params: Mapping[str, Tensor], before: Sequence[Tensor], holds: bool) -> LayerKernel:
        unrolling = self._unrolling
        names = unrolling.neuron.schema.states
        rows = [*zip(names, before[0].unbind(0), strict=True), *zip(_BESIDE, before[1:], strict=False)]
        learn = [name for name in params if name in unrolling.learn or name == BEGIN]
        # Not of tensors of inference mode, of which torch does not say what their operations consist of.
        with torch.inference_mode(False):
            setting = LayerSetting(unrolling, params, {name: _one(value) for name, value in rows})
            halves = halves_of(setting, learn, holds=holds)
        if not self.key:
            # What a step does, whatever of it a kernel leaves out.
            told = repr((FORM, halves.pattern, learn, unrolling.store))
            self.key = hashlib.sha256(told.encode()).hexdigest()
            RECIPES[self.key] = self
        kernel = kernel_of(halves, single=unrolling.neuron.dtype == torch.float32, store=unrolling.store)
        with torch.inference_mode(False):
            check_derivative(kernel, setting, learn)
        return kernel

    def _known(self, name: str, value: Tensor, ask: Any) -> Any:
        """What is true of values, asked again where they changed."""
        version = _version_of(value)
        found = self._seen.get(name)
        if found is None or found[0] is not value or found[1] != version or version < 0:
            found = self._seen[name] = value, version, ask(value)
        return found[2]

    def _holds(self, tau_ref: Tensor) -> bool:
        return bool(torch.round(tau_ref.detach() / self._unrolling.neuron.dt).any())


def _version_of(value: Tensor) -> int:
    """How often it was changed; -1 where that is not counted."""
    return -1 if value.is_inference() else value._version


def before_of(now: StepState) -> list[Tensor]:
    """What a kernel goes on from: the numbers, and the states beside them that there are."""
    return [now.y, *(each for each in (now.armed, now.refractory_steps) if each is not None)]


def _named(before: Sequence[Tensor], after: Sequence[Tensor]) -> dict[str, Tensor]:
    return dict(zip(("y", *_BESIDE[: len(before) - 1]), after, strict=True))


def _any(hold: Tensor) -> bool:
    return bool(some(hold).any())


def _one_scale(scale: Tensor) -> list[Tensor]:
    return [_one_for_all(scale)]


def _sizes(sizes: Tensor) -> list[Tensor]:
    return [_one_for_all(row) for row in sizes]


def _one_for_all(values: Tensor) -> Tensor:
    """The one number, where all units have the same."""
    return values[0].clone() if bool((values == values[:1]).all()) else values


def _one(value: Tensor) -> Tensor:
    return value.detach().reshape(-1)[:1].clone()

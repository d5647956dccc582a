"""What a layer is called with: checked, scaled, and with its units in a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..engine.model.declaration import Input
from ..engine.neuron.base import Neuron
from ..errors import InputError, nearest
from ..torch_state import all_finite, first_not_finite, values_visible


def flat_input(
    neuron: Neuron, x: Any, units: torch.Size, sizes: Tensor, *, main: int, second: bool, look: bool = True
) -> tuple[dict[str, Tensor], torch.Size]:
    """The inputs that are given, by name, each ``[T, *batch, N]`` as it is given, and that shape.

    Of a model whose input has no name it is under ``""``. A tensor is the ``main``-th of several. With
    ``look`` values are looked at: they must be finite.
    """
    inputs = neuron.schema.inputs
    names = tuple(inputs) or ("",)
    if not isinstance(x, Mapping):
        x = {names[main]: x}
    elif not x or not inputs:
        raise InputError(f"{neuron.identifier}: x={x!r}; give a tensor")
    for name in x:
        if name not in names:
            raise InputError(
                f"{neuron.identifier} has no input {name!r}{nearest(str(name), names)}; its inputs are "
                f"{', '.join(names)}"
            )
    received = {}
    for name, value in x.items():
        received[name] = _checked(neuron, name, value, units, sizes, second, look)
        if name and inputs[name].bounded:
            size = sizes[names.index(name)]
            _check_domain(_said(neuron, name), received[name].detach() * size, inputs[name])
    shape = next(iter(received.values())).shape
    for name, value in received.items():
        if value.shape != shape:
            raise InputError(
                f"{neuron.identifier}: the input {name!r} has T and batch {list(value.shape[:-1])}, "
                f"and another has {list(shape[:-1])}; give all alike"
            )
    return received, shape


def scaled(
    neuron: Neuron, given: Mapping[str, Tensor], sizes: Tensor, shape: torch.Size
) -> dict[str, Tensor]:
    """All inputs by name, in the model's unit; what is not given has its default."""
    inputs = neuron.schema.inputs
    return {
        name: given[name] * size if name in given else size.new_tensor(inputs[name].default).expand(shape)
        for name, size in zip(tuple(inputs) or ("",), sizes.unbind(0), strict=True)
    }


def unscaled(
    neuron: Neuron, given: Mapping[str, Tensor], sizes: Tensor, shape: torch.Size
) -> dict[str, Tensor]:
    """All inputs by name, as a layer is given them, in units of their sizes."""
    inputs = neuron.schema.inputs
    return {
        name: given[name] if name in given else (inputs[name].default / sizes[row]).expand(shape)
        for row, name in enumerate(tuple(inputs) or ("",))
    }


def _check_domain(said: str, value: Tensor, declared: Input) -> None:
    if values_visible(value) and not bool((inside := declared.domain.contains(value.detach())).all()):
        t, *_, unit = at = (~inside).nonzero()[0].tolist()
        raise InputError(
            f"{said} is {float(value.detach()[tuple(at)]):g} at t = {t}, unit {unit}; it must be "
            f"{declared.range_text}"
        )


def _checked(
    neuron: Neuron, name: str, x: Any, units: torch.Size, sizes: Tensor, second: bool, look: bool
) -> Tensor:
    dtype, dims = sizes.dtype, len(units)
    if not isinstance(x, Tensor):
        raise InputError(f"{_said(neuron, name)} is {type(x).__name__}; give a tensor {_order(second)}")
    shape = x.shape
    if len(shape) < dims + (2 if second else 1) or shape[-dims:] != units:
        raise InputError(
            f"{_said(neuron, name)} has shape {list(shape)}; it must be {_order(second)}, and the units are "
            f"{list(units)}"
        )
    if x.dtype != dtype and (x.is_complex() or torch.promote_types(x.dtype, dtype) != dtype):
        raise InputError(
            f"{_said(neuron, name)} is {x.dtype}, and the layer has {dtype}; convert one of them"
        )
    if x.device != sizes.device:
        raise InputError(
            f"{_said(neuron, name)} is on {x.device}, and the layer on {sizes.device}; move one of them"
        )
    x = x.movedim(1, 0) if second else x
    if look and values_visible(x) and not all_finite(x):
        _refuse_not_finite(_said(neuron, name), x, dims)
    flat: Tensor = x.flatten(-dims) if dims > 1 else x
    return flat if flat.dtype == dtype else flat.to(dtype)


def _said(neuron: Neuron, name: str) -> str:
    """How an input is called in an error."""
    return f"{neuron.identifier}: the input {name!r}" if name else f"{neuron.identifier}: x"


def _order(second: bool) -> str:
    """The dimensions of an input."""
    return "[batch, T, *units]" if second else "[T, *batch, *units]"


def check_finite(neuron: Neuron, given: Mapping[str, Tensor], units: torch.Size) -> None:
    """Refuse inputs ``[T, *batch, N]``, as they are given, that are not finite."""
    for name, value in given.items():
        _refuse_not_finite(_said(neuron, name), value.unflatten(-1, units), len(units))


def _refuse_not_finite(said: str, x: Tensor, dims: int) -> None:
    at = first_not_finite(x)
    if at is not None:
        batch, unit = at[1 : x.ndim - dims], at[x.ndim - dims :]
        raise InputError(
            f"{said} is {float(x.detach()[at])} at t = {at[0]}"
            f"{f', row {_told(batch)}' if batch else ''}, unit {_told(unit)}; give finite numbers"
        )


def _told(index: tuple[int, ...]) -> str:
    return str(index[0]) if len(index) == 1 else str(list(index))

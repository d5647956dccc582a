"""Values given for parameters and states: checked against their declaration and made tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import DeclarationError, ParameterError
from ...philox import key_of
from ...torch_state import broadcast_shape, values_visible
from .branching import called
from .declaration import Parameter, Quantity, State
from .distribution import Distribution, draw
from .owner import Owner


def as_parameter(neuron: Owner, declared: Parameter, value: Any) -> Tensor:
    """A checked value of a parameter as the neuron stores it: a tensor of its own, ``[]`` or ``[units]``."""
    tensor = _as_tensor(neuron, declared, value)
    if tensor.ndim > 1 or (tensor.ndim == 1 and len(tensor) != neuron.num_units):
        raise ParameterError(
            f"{_named(neuron, declared)} has shape {list(tensor.shape)}; give one number, or a tensor "
            "with one "
            f"for each of the {neuron.num_units} units"
        )
    check_domain(neuron, declared, tensor)
    return tensor


def as_state(neuron: Owner, declared: State, value: Any, batch: torch.Size) -> Tensor:
    """A checked value of a state as the neuron stores it: contiguous, ``[*batch, units]``."""
    # The batch is that of the other states; where the value has more dimensions, it keeps them.
    tensor = _as_tensor(neuron, declared, value)
    own = (*batch, neuron.num_units)
    try:
        shape = broadcast_shape(tensor.shape, own)
    except RuntimeError:
        shape = torch.Size()
    if not shape or shape[-1] != neuron.num_units:
        raise ParameterError(
            f"{_named(neuron, declared)} has shape {list(tensor.shape)}; give a number or a tensor that "
            f"broadcasts to [*batch, units] = {list(own)}"
        )
    check_domain(neuron, declared, tensor)
    # A clone: of an expanded tensor several elements are one, which cannot be written to.
    return tensor.expand(shape).clone(memory_format=torch.contiguous_format)


def check_domain(neuron: Owner, declared: Quantity, tensor: Tensor) -> None:
    """Refuse values outside the domain; the message names the first unit and its value."""
    # While compiling, tracing or under a function transform there is nothing to look at.
    if not values_visible(tensor):
        return
    inside = declared.domain.contains(tensor.detach())
    if bool(inside.all()):
        return
    bad = (~inside).nonzero()[0].tolist()
    value = float(tensor.detach()[tuple(bad)])
    where = f" of unit {bad[-1]}" if bad else ""
    raise ParameterError(f"{_named(neuron, declared)}{where} is {value:g}; it must be {declared.range_text}")


def resolve_defaults(neuron: Owner, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of all parameters, as declared: those given, and the defaults of the others."""
    return _Resolver(neuron, given).all()


def initial_value(neuron: Owner, declared: State, params: Any) -> Any:
    """The initial value of a state, given the parameters by name."""
    default = declared.default
    if isinstance(default, str):
        return getattr(params, default)
    if not callable(default):
        return default
    try:
        return called(f"the default of {neuron.schema.owner}.{declared.name}", default, params)
    except AttributeError as error:
        asked = str(error.name)
        # Not about the parameters: an error of the author's own.
        if error.obj is not params:
            raise
        raise DeclarationError(
            f"the default of {neuron.schema.owner}.{declared.name} asks for {asked!r}: "
            f"{neuron.schema.unknown(asked)}"
        ) from error


class _Resolver:
    """The parameters by name, each worked out when it is first asked for."""

    def __init__(self, neuron: Owner, given: Mapping[str, Tensor]) -> None:
        self._neuron = neuron
        self._known = dict(given)
        self._pending: list[str] = []

    def all(self) -> dict[str, Tensor]:
        return {name: getattr(self, name) for name in self._neuron.schema.parameters}

    # A default is a function of the parameters by name, ``p.b``, so they are attributes; asked for one that
    # is not known yet, it works that one out first.
    def __getattr__(self, name: str) -> Any:
        schema = self._neuron.schema
        if name in schema.options:
            return getattr(self._neuron, name)
        if name not in schema.parameters:
            raise DeclarationError(f"a default of {schema.owner} asks for {name!r}: {schema.unknown(name)}")
        if name not in self._known:
            if name in self._pending:
                circle = " -> ".join([*self._pending, name])
                raise DeclarationError(f"{schema.owner}: the defaults go round in a circle: {circle}")
            self._pending.append(name)
            declared = schema.parameters[name]
            default = declared.default
            if isinstance(default, str):
                value = getattr(self, default)
            else:
                what = f"the default of {schema.owner}.{name}"
                value = called(what, default, self) if callable(default) else default
            if isinstance(value, Tensor):
                # Worked out once, from the values of now: it does not follow a parameter that learns.
                value = value.detach()
            self._known[name] = as_parameter(self._neuron, declared, value)
            self._pending.pop()
        return self._known[name]


def _as_tensor(neuron: Owner, declared: Quantity, value: Any) -> Tensor:
    if isinstance(value, nn.Parameter):
        if value.dtype != neuron.dtype or value.device != neuron.device:
            raise ParameterError(
                f"{_named(neuron, declared)} is a torch.nn.Parameter of {value.dtype} on "
                f"{value.device}; the neuron "
                f"has {neuron.dtype} on {neuron.device}; convert one of them, so that the optimizer's "
                "stays this one"
            )
        # The parameter itself: the optimizer that was given it goes on with this one.
        return value
    if isinstance(value, Distribution):
        key = key_of(neuron.seed, neuron.identifier, declared.name)
        value = draw(value, key, 0, neuron.num_units)
    try:
        tensor = value if isinstance(value, Tensor) else torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ParameterError(
            f"{_named(neuron, declared)} is {value!r}; give a number or a tensor, {declared.range_text}"
        ) from error
    if tensor.dtype == torch.bool or tensor.is_complex():
        raise ParameterError(
            f"{_named(neuron, declared)} has the type {tensor.dtype}; give real numbers, "
            f"{declared.range_text}"
        )
    if not isinstance(value, Tensor):
        # From Python numbers, which are double: not by way of torch's default type.
        return torch.as_tensor(value, dtype=neuron.dtype, device=neuron.device).clone()
    # A copy: the caller may go on writing to it.
    return tensor.to(device=neuron.device, dtype=neuron.dtype, copy=True)


def _named(neuron: Owner, declared: Quantity) -> str:
    return f"{neuron.identifier}: the {declared.kind} {declared.name!r}"

"""Where a neuron keeps its tensors: parameters and states as buffers of a torch module.

Buffers follow ``.to()``, ``.double()``, ``state_dict()``, ``deepcopy`` and pickle. A parameter that is
assigned a ``torch.nn.Parameter`` becomes one of the module's parameters instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ...errors import ParameterError, nearest
from ..component import Component
from ..receive import receive
from ..schema import Schema
from ..sweep import Sweep, expand
from ..tracing import transforming
from ..values import as_parameter, as_state, check_domain

_CARRY = "carry_"


class Stored(Component):
    """A component whose declared quantities are its tensors. See :class:`rheobase.Neuron`."""

    schema: ClassVar[Schema]
    _owned: dict[str, Tensor | None]
    _num_units: int

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._initial: dict[str, Tensor] = {}
        self._options: dict[str, str] = {}
        self._carry_names: tuple[str, ...] = ()
        self._remember()

    @property
    def num_units(self) -> int:
        """1 for a neuron, N for an ensemble."""
        units: int = self.__dict__.get("_num_units", 1)
        return units

    @property
    def batch(self) -> torch.Size:
        """The batch dimensions of the states; fixed by the first step after a reset."""
        for name in self.schema.states:
            held = self._buffers.get(name)
            if held is not None:
                return held.shape[:-1]
        return torch.Size()

    # --- setting ---------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        schema = type(self).schema
        if name in schema.parameters:
            self._set_parameter(name, value)
        elif name in schema.states:
            self._keep(name, as_state(self, schema.states[name], value, self.batch))
        elif name in schema.options:
            self._set_option(name, value)
        elif name in schema.inputs or name in ("input", "spiked"):
            self._set_signal(name, value)
        else:
            unknown = schema.declared and not name.startswith("_") and not hasattr(self, name)
            suggestion = nearest(name, schema.settable) if unknown else ""
            if suggestion:
                raise ParameterError(f"{self.identifier} has no attribute {name!r}{suggestion}")
            super().__setattr__(name, value)
            if isinstance(value, Tensor):
                self._remember()

    def _set_parameter(self, name: str, value: Any) -> None:
        if isinstance(value, Sweep):
            value = expand({name: value}, self.num_units)[name]
        tensor = as_parameter(self, self.schema.parameters[name], value)
        if isinstance(tensor, nn.Parameter):
            self._buffers.pop(name, None)
            self._parameters[name] = tensor
            self._remember()
        else:
            self._parameters.pop(name, None)
            self._keep(name, tensor)

    def _set_option(self, name: str, value: Any) -> None:
        choices = self.schema.options[name].choices
        if value not in choices:
            raise ParameterError(
                f"{self.identifier}: the option {name!r} is {value!r}; it must be one of {', '.join(choices)}"
                f"{nearest(str(value), choices)}"
            )
        self._options[name] = value

    def _set_signal(self, name: str, value: Any) -> None:
        if name == "spiked":
            if not isinstance(value, Tensor):
                value = torch.as_tensor(value, device=self.device)
            self._keep(name, value.to(torch.int8))
        else:
            self._keep(name, receive(self, value, f"the input {name!r}"))

    def _keep(self, name: str, value: Tensor) -> None:
        self._buffers[name] = value
        self._owned[name] = value

    # --- function transforms and functional_call -------------------------------------------------

    def _remember(self) -> None:
        """Note which tensors are the neuron's own."""
        self.__dict__["_owned"] = {**self._buffers, **self._parameters}

    def _lent(self) -> bool:
        """Whether ``functional_call`` has put other tensors in the place of the neuron's own."""
        owned = self._owned
        return any(owned.get(name) is not held for name, held in self._buffers.items()) or any(
            owned.get(name) is not held for name, held in self._parameters.items()
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """One step; see ``forward``. Under a function transform, and with the tensors that
        ``functional_call`` lends, the neuron is left as it was."""
        if torch.compiler.is_compiling() or not (transforming() or self._lent()):
            return super().__call__(*args, **kwargs)
        buffers, owned, carry = dict(self._buffers), self._owned, self._carry_names
        try:
            return super().__call__(*args, **kwargs)
        finally:
            self._buffers.clear()
            self._buffers.update(buffers)
            self.__dict__["_owned"] = owned
            self._carry_names = carry

    # --- conversion, saving and copying ----------------------------------------------------------

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        probe = fn(torch.zeros((), dtype=self._dtype, device=self.device))
        self._dtype = probe.dtype
        self._initial = {name: fn(value) for name, value in self._initial.items()}
        self._remember()
        return self

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state.pop("_owned", None)
        state["_buffers"] = {
            name: None if held is None else held.detach().clone() for name, held in self._buffers.items()
        }
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self._remember()

    def _load_from_state_dict(
        self,
        state_dict: Mapping[str, Any],
        prefix: str,
        local_metadata: Mapping[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Take 0-dimensional or ``[units]`` parameters, any batch, and an integrator's carry."""
        schema = self.schema
        for name in self._carry_names:
            self._buffers.pop(f"{_CARRY}{name}", None)
        found = [key.removeprefix(prefix) for key in state_dict if key.startswith(f"{prefix}{_CARRY}")]
        self._carry_names = tuple(key.removeprefix(_CARRY) for key in found)
        for name in found:
            self._buffers[name] = torch.empty_like(state_dict[prefix + name], device=self.device)
        units = self.num_units
        for name, held in [*self._buffers.items(), *self._parameters.items()]:
            saved = state_dict.get(prefix + name)
            if saved is None or held is None or saved.shape == held.shape:
                continue
            shape = list(saved.shape)
            if name in schema.parameters:
                fits, wanted = shape in ([], [units]), f"[] or [{units}]"
            else:
                fits, wanted = bool(shape) and shape[-1] == units, f"[*batch, {units}]"
            if not fits:
                error_msgs.append(f"{self.identifier}: {prefix}{name} has shape {shape}; it must be {wanted}")
                continue
            resized = held.detach().new_empty(shape)
            if name in self._parameters:
                self._parameters[name] = nn.Parameter(resized, requires_grad=held.requires_grad)
            else:
                self._buffers[name] = resized
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )
        for name, declared in schema.parameters.items():
            held = getattr(self, name, None)
            if held is not None:
                check_domain(self, declared, held)
        self._remember()

"""Where a neuron keeps its tensors: parameters and states as buffers of a torch module.

Buffers follow ``.to()``, ``.double()``, ``state_dict()``, ``deepcopy`` and pickle. A parameter that is
assigned a ``torch.nn.Parameter`` becomes one of the module's parameters instead.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ...errors import ParameterError, nearest
from ...torch_state import all_finite, broadcast_shape, lent, transforming
from ..model.distribution import Distribution
from ..model.sweep import Sweep, expand
from ..model.values import as_parameter, as_state, check_domain
from ..step.table import BY_UNIT, TIMES
from .randomness import Randomness
from .receive import receive
from .threads import MARK, occupy, vacate

_CARRY = "carry_"


class Stored(Randomness):
    """A component whose declared quantities are its tensors. See :class:`rheobase.Neuron`."""

    _framework = True

    keeps_graph: bool
    _num_units: int
    _own_forward: ClassVar[bool] = False

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._initial: dict[str, Tensor] = {}
        self._options: dict[str, str] = {}
        # What was given as a distribution, and which parameters nobody gave: what is drawn anew.
        self._spread: dict[str, Distribution] = {}
        self._by_default: set[str] = set()
        self._carry_names: tuple[str, ...] = ()
        # What the last step left; see Stepped. None: nothing is known of it.
        self._kept: Any = None

    @property
    def num_units(self) -> int:
        """1 for a neuron, N for an ensemble."""
        units: int = self.__dict__.get("_num_units", 1)
        return units

    @property
    def batch(self) -> torch.Size:
        """The batch dimensions of the states; fixed by the first step after a reset."""
        batch = torch.Size()
        for name in self.schema.states:
            held = self._buffers.get(name)
            if held is not None and held.shape[:-1] != batch:
                batch = broadcast_shape(batch, held.shape[:-1])
        return batch

    # --- setting ---------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        schema = type(self).schema
        if name in schema.parameters:
            self._set_parameter(name, value)
        elif name in schema.states:
            self._keep(name, as_state(self, schema.states[name], value, self.batch))
        elif name in schema.options:
            self._set_option(name, value)
        elif name in schema.draws:
            raise ParameterError(f"{self.identifier}: {schema.unknown(name)}")
        elif name in schema.inputs or name in ("input", "spiked"):
            self._set_signal(name, value)
        else:
            known = name.startswith("_") or not self.__dict__.get("_ready") or hasattr(self, name)
            suggestion = "" if known or not schema.declared else nearest(name, schema.settable)
            if suggestion:
                raise ParameterError(f"{self.identifier} has no attribute {name!r}{suggestion}")
            super().__setattr__(name, value)

    def _set_parameter(self, name: str, value: Any) -> None:
        if isinstance(value, Sweep):
            value = expand({name: value}, self.num_units, self._stream)[name]
        tensor = as_parameter(self, self.schema.parameters[name], value)
        self._by_default.discard(name)
        self._spread.pop(name, None)
        if isinstance(value, Distribution):
            self._spread[name] = value
        self._put_parameter(name, tensor)

    def _put_parameter(self, name: str, tensor: Tensor) -> None:
        if isinstance(tensor, nn.Parameter):
            self._buffers.pop(name, None)
            self._parameters[name] = tensor
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
        self._kept = None

    def _set_signal(self, name: str, value: Any) -> None:
        if name == "spiked":
            if not isinstance(value, Tensor):
                value = torch.as_tensor(value, device=self.device)
            self._keep(name, value.to(torch.int8, copy=True))
        else:
            self._keep(name, receive(self, value, f"the input {name!r}"))

    def _keep(self, name: str, value: Tensor) -> None:
        self._buffers[name] = value

    # --- function transforms and functional_call -------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """One step; see ``forward``.

        Under a function transform (vmap, grad, ...) and by ``functional_call`` it is a pure function: a
        step from the present state, which is not kept. For several steps there, use :meth:`step`.

        Raises:
            BusyError: If the neuron is running in another thread.
        """
        if torch.compiler.is_compiling():
            return self._call_once(*args, **kwargs)
        # Only the caller's frame tells functional_call, which puts tensors in place and takes them out after.
        pure = transforming() or lent(sys._getframe(1))
        begun = occupy(self)
        try:
            return self._call_purely(*args, **kwargs) if pure else self._call_once(*args, **kwargs)
        finally:
            if begun:
                vacate(self)

    def _call_purely(self, *args: Any, **kwargs: Any) -> Any:
        # A step replaces buffers and writes to none, so a shallow copy is enough to put them back.
        buffers, carry, kept = dict(self._buffers), self._carry_names, self._kept
        try:
            return self._call_once(*args, **kwargs)
        finally:
            self._buffers.clear()
            self._buffers.update(buffers)
            self._carry_names, self._kept = carry, kept

    def _call_once(self, *args: Any, **kwargs: Any) -> Any:
        before = self._buffers["step_count"]
        result = super().__call__(*args, **kwargs)
        # A forward of its own that neither advanced nor committed: the clock is still to tick.
        own = self._buffers["step_count"] is before
        # A forward of its own, or a hook, sets states itself, perhaps after the step of its base class.
        if not self.keeps_graph and (own or not torch.compiler.is_compiling()):
            self.detach_state()
        if own:
            self._tick()
        return result

    def detach_state(self) -> None:
        """Cut the states, and all other buffers, from the graph that they stem from."""
        for name, held in self._buffers.items():
            if held is not None and held.requires_grad and name not in self.schema.parameters:
                self._keep(name, held.detach())

    def take_over(self, values: Mapping[str, Tensor]) -> None:
        """Let tensors be the neuron's: what a backend leaves after its last step, all at once.

        Args:
            values: By the names of buffers: states ``[*batch, units]``, ``armed``, ``hold``, the inputs of
                the last step, ``spiked``, ``step_count``, in the types and on the device that they have. They
                must be nobody else's, without a graph. What is not named stays; of what an integrator
                carries on, nothing does.

        Raises:
            BusyError: If another thread runs the neuron.
        """
        begun = occupy(self)
        try:
            # Not by way of the module's __setattr__, which looks at every name.
            self.__dict__["_kept"] = None
            for name in self._carry_names:
                self._buffers.pop(f"{_CARRY}{name}", None)
            self.__dict__["_carry_names"] = ()
            self._buffers.update(values)  # in one operation of the interpreter
        finally:
            if begun:
                vacate(self)

    def _tick(self) -> None:
        self._keep("step_count", self._counter + 1)

    # --- conversion, saving and copying ----------------------------------------------------------

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        # Torch converts all floating-point buffers alike; times stay float64.
        times = {name: self._buffers[name] for name in TIMES if name in self._buffers}
        super()._apply(fn, recurse)
        for name, before in times.items():
            converted = self._buffers[name]
            if before is not None and converted is not None and converted.dtype != before.dtype:
                self._buffers[name] = before.to(converted.device)
        # What a conversion is to is known from what it makes of a tensor.
        probe = fn(torch.zeros((), dtype=self._dtype, device=self.device))
        self._dtype = probe.dtype
        self._initial = {name: fn(value) for name, value in self._initial.items()}
        return self

    def __getstate__(self) -> dict[str, Any]:
        state = {**self.__dict__, "_kept": None}
        state.pop(MARK, None)
        for store in ("_buffers", "_initial"):
            state[store] = {
                name: None if held is None else held.detach().clone() for name, held in state[store].items()
            }
        # A shallow copy is set apart from its original as well.
        for choice in ("_options", "_spread", "_by_default"):
            state[choice] = state[choice].copy()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        # What was pickled before distributions were known has neither.
        super().__setstate__({"_spread": {}, "_by_default": set(), **state})  # type: ignore[no-untyped-call]

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
        # What is loaded goes into new tensors: those of the neuron may be shared with what it gave out. With
        # ``assign=True`` buffers become what is loaded, where type and device are theirs.
        assign = bool(local_metadata.get("assign_to_params_buffers"))
        saved = {
            key.removeprefix(prefix): value for key, value in state_dict.items() if key.startswith(prefix)
        }
        faults = [fault for name, value in saved.items() if (fault := self._fault(name, value))]
        if faults:
            error_msgs += faults
            return
        self._kept = None
        for name in self._carry_names:
            self._buffers.pop(f"{_CARRY}{name}", None)
        self._carry_names = tuple(name.removeprefix(_CARRY) for name in saved if name.startswith(_CARRY))
        for name in self._carry_names:
            self._buffers[f"{_CARRY}{name}"] = torch.empty_like(saved[f"{_CARRY}{name}"], device=self.device)
        # Torch copies into tensors of the saved shape alone, so such are put in place before.
        for name, value in saved.items():
            held, learnt = self._buffers.get(name), self._parameters.get(name)
            known = held if held is not None else learnt
            if known is None:
                continue
            taken = assign and known.dtype == value.dtype and known.device == value.device
            if held is not None:
                new = torch.empty(value.shape, dtype=held.dtype, device=held.device)
                # What would be copied onto itself is not copied.
                self._buffers[name] = value if taken and not value.requires_grad else new
            elif taken or known.shape != value.shape:
                resized = value.detach() if taken else known.detach().new_empty(value.shape)
                self._parameters[name] = nn.Parameter(resized, requires_grad=known.requires_grad)
        # Assigned above, where that may be; torch is to copy the rest.
        copying = {**local_metadata, "assign_to_params_buffers": False}
        super()._load_from_state_dict(
            state_dict, prefix, copying, strict, missing_keys, unexpected_keys, error_msgs
        )

    def _fault(self, name: str, saved: Any) -> str:
        """What is wrong with the shape of a saved tensor; empty where nothing is."""
        # Values outside a domain raise at once, as everywhere; wrong shapes are gathered, as torch does it.
        schema, units = self.schema, self.num_units
        if not isinstance(saved, Tensor):
            return ""
        shape = list(saved.shape)
        if name in schema.parameters:
            if shape not in ([], [units]):
                return f"{self.identifier}: {name} has shape {shape}; it must be [] or [{units}]"
            check_domain(self, schema.parameters[name], saved)
            return ""
        if name in schema.states and not saved.is_meta and not _finite(saved):
            return f"{self.identifier}: {name} has values that are not finite"
        by_unit = (*schema.states, *schema.inputs, "input", *BY_UNIT)
        if name in by_unit and (not shape or shape[-1] != units):
            return f"{self.identifier}: {name} has shape {shape}; it must be [*batch, {units}]"
        return ""


def _finite(saved: Tensor) -> bool:
    return all_finite(saved) if saved.is_floating_point() else bool(saved.isfinite().all())

"""Where a neuron keeps its tensors: parameters and states as buffers of a torch module, from the start on.

Buffers follow ``.to()``, ``.double()``, ``state_dict()``, ``deepcopy`` and pickle. A parameter that is
assigned a ``torch.nn.Parameter`` becomes one of the module's parameters instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ...errors import ArgumentError, ParameterError, nearest
from ...torch_state import broadcast_shape
from ..integrator import Integrator
from ..model.distribution import Distribution
from ..model.drawing import ONCE, Drawing
from ..model.functions import Model
from ..model.sweep import Sweep, expand
from ..model.values import as_parameter, as_state, resolve_defaults
from ..step.table import TIMES, Has
from .initial import armed_at, initial_states, inputs_at_start, slots_at_start
from .loading import fault_of, make_room
from .randomness import Randomness
from .receive import receive
from .threads import MARK, occupied

_CARRY = "carry_"


class Stored(Randomness):
    """A component whose declared quantities are its tensors. See :class:`rheobase.Neuron`."""

    # What initial states draw is drawn for each unit when it is made or reset, and for each row of a batch
    # when the first step brings one. Until then a change of seed, identifier or type draws it anew. A value
    # that somebody set is left as it is.

    _framework = True

    _model: ClassVar[Model | None] = None
    _event: str
    _num_units: int
    integrator: Integrator

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
        # The initial states of a model with draws, as they were drawn.
        self._begun: dict[str, Tensor] = {}

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

    @property
    def auxiliaries(self) -> tuple[str, ...]:
        """Further buffers that belong to the state, beside the declared ones."""
        return ()

    @property
    def params(self) -> Any:
        """The parameters and options, by name: what the model's functions receive.

        Of a model with draws also what its ``update`` would draw in the step to come.
        """
        return self._drawn(self._counter, self.batch) if self.schema.draws else self._undrawn()

    def _undrawn(self) -> Any:
        values = [self._of(name) for name in self.schema.parameters]
        return self.schema.pack_params(*values, *(getattr(self, name) for name in self.schema.options))

    def _drawn(self, step: Tensor, batch: torch.Size) -> Any:
        """The parameters and options, and what is drawn once in a step."""
        if not self.schema.draws:
            return self._undrawn()
        shape = torch.Size((*batch, self.num_units))
        drawing = Drawing(self.schema, self._stream, step, shape, self.dtype, self.device)
        return drawing.joined(self._undrawn(), ONCE)

    def _of(self, name: str) -> Tensor:
        held = self._buffers.get(name)
        if held is None:
            held = self._parameters.get(name)
        if held is None:
            raise ArgumentError(f"{self.identifier} has no tensor {name!r}")
        return held

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
        elif name == "identifier" and self.__dict__.get("_ready"):
            with self._drawing_again():
                super().__setattr__(name, value)
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
        self.schema.options[name].check(self.identifier, name, value)
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
        with occupied(self):
            # Not by way of the module's __setattr__, which looks at every name.
            self.__dict__["_kept"] = None
            self._drop_carry()
            self._buffers.update(values)  # in one operation of the interpreter

    def _drop_carry(self) -> None:
        for name in self._carry_names:
            self._buffers.pop(f"{_CARRY}{name}", None)
        self.__dict__["_carry_names"] = ()

    # --- the start -------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Register the states at their initial values, and what goes with them."""
        # The integrator begins anew: its first step makes what it carries.
        self._drop_carry()
        initial = self._initial_states(torch.Size())
        for name, value in {**initial, **armed_at(self._model, initial, self._undrawn())}.items():
            self._keep(name, value)
        # Tensors of their own: the neuron's are written to.
        drawn = self.schema.draws or self._spread
        self._begun = {name: value.clone() for name, value in initial.items()} if drawn else {}
        for name in self.auxiliaries:
            self._keep(name, torch.zeros(self.num_units, dtype=self.dtype, device=self.device))
        for name, value in inputs_at_start(self):
            self._keep(name, value)
        shape = next(iter(initial.values()), torch.empty(self.num_units)).shape
        for name, beside in slots_at_start(self, self._has, shape):
            if beside is None:
                self._buffers.pop(name, None)  # of an integrator that is another one since
            else:
                self._keep(name, beside)

    @property
    def _has(self) -> Has:
        model = self._model
        return Has(
            spikes=bool(getattr(self, "spiking", False)),
            threshold=model is not None and model.threshold is not None,
            refractory=self.schema.refractory,
            located=self._event == "located",
            marks=model is not None and self.integrator.on_failure == "mark",
        )

    def _initial_states(self, batch: torch.Size) -> dict[str, Tensor]:
        # Of the step before the first: what initial states draw is apart from what the first step does.
        return initial_states(self, self._initial, self._drawn(torch.full((), -1), batch), batch)

    def _rows_at_start(self, data: Any) -> dict[str, Tensor]:
        """Where the first input brings a batch: the initial states, with draws for each row."""
        inputs = (data,) if isinstance(data, Tensor) else tuple(data)
        batch = broadcast_shape(self.batch, *(value.shape[:-1] for value in inputs))
        # A batch comes with the first step only. Compiled code cannot look at the clock.
        if batch and any(self._of(name).ndim <= len(batch) for name in self._begun):
            return self._redrawn(self._as_drawn(), self._initial_states(batch))
        return {}

    def _as_drawn(self) -> dict[str, Tensor]:
        """Where each state is what it was at the start; nobody set it since."""
        return {name: self._of(name) == begun for name, begun in self._begun.items()}

    def _redrawn(self, drawn: Mapping[str, Tensor], initial: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """New initial states, where nobody set others; and who may spike in the first step."""
        states = {
            name: torch.where(drawn[name].to(value.device), value, self._of(name).to(value))
            for name, value in initial.items()
        }
        return {**states, **armed_at(self._model, initial, self._undrawn())}

    @contextmanager
    def _drawing_again(self) -> Iterator[None]:
        """Draw the initial states again after a change of what they are drawn from; within, it is made."""
        # While the clock stands at zero; a clock on the meta device says nothing.
        fresh = bool(self._begun or self._spread) and not self._counter.is_meta and not self.simulation_step
        drawn = self._as_drawn() if fresh else {}
        yield
        if fresh and not self._counter.is_meta:
            self._spread_again()
            if self._begun:
                self._begun = self._initial_states(self.batch)
                for name, value in self._redrawn(drawn, self._begun).items():
                    self._keep(name, value)

    def _spread_again(self) -> None:
        """Draw the values that were given as distributions again, with the defaults that follow them."""
        if not self._spread:
            return
        schema, spread = self.schema, self._spread
        given = {
            name: as_parameter(self, schema.parameters[name], spread[name])
            if name in spread
            else self._of(name)
            for name in schema.parameters
            if name not in self._by_default
        }
        for name, value in resolve_defaults(self, given).items():
            if name in spread or name in self._by_default:
                self._put_parameter(name, value)
        for name in schema.states:
            if name in spread:
                self._initial[name] = as_state(self, schema.states[name], spread[name], torch.Size())

    def _reseed(self, seed: int | None) -> None:
        with self._drawing_again():
            super()._reseed(seed)

    # --- conversion, saving and copying ----------------------------------------------------------

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        with self._drawing_again():
            # Torch converts all floating-point buffers alike; times stay float64.
            times = {name: self._buffers[name] for name in TIMES if name in self._buffers}
            super()._apply(fn, recurse)
            for name, before in times.items():
                converted = self._buffers[name]
                if before is not None and converted is not None and converted.dtype != before.dtype:
                    self._buffers[name] = before.to(converted.device)
            # What a conversion is to is known from what it makes of a tensor.
            self._dtype = fn(torch.zeros((), dtype=self._dtype, device=self.device)).dtype
            self._initial = {name: fn(value) for name, value in self._initial.items()}
            self._begun = {name: fn(value) for name, value in self._begun.items()}
        return self

    def __getstate__(self) -> dict[str, Any]:
        state = {**self.__dict__, "_kept": None}
        state.pop(MARK, None)
        for store in ("_buffers", "_initial", "_begun"):
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
        assign = bool(local_metadata.get("assign_to_params_buffers"))
        saved = {
            key.removeprefix(prefix): value for key, value in state_dict.items() if key.startswith(prefix)
        }
        faults = [fault for name, value in saved.items() if (fault := fault_of(self, name, value))]
        if faults:
            error_msgs += faults
            return
        self._kept = None
        self._drop_carry()
        self._carry_names = tuple(name.removeprefix(_CARRY) for name in saved if name.startswith(_CARRY))
        for name in self._carry_names:
            self._buffers[f"{_CARRY}{name}"] = torch.empty_like(saved[f"{_CARRY}{name}"], device=self.device)
        make_room(self._buffers, self._parameters, saved, assign)
        # Assigned there, where that may be; torch is to copy the rest.
        copying = {**local_metadata, "assign_to_params_buffers": False}
        super()._load_from_state_dict(
            state_dict, prefix, copying, strict, missing_keys, unexpected_keys, error_msgs
        )
        # What is loaded is what it is, and no longer what was drawn.
        self._spread = {}
        if self._begun and not self._counter.is_meta:
            # The seed may have been loaded too.
            self._begun = self._initial_states(torch.Size())

"""The shell around the pure step of a declared model: inputs in, values checked, results kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from ...errors import ArgumentError, InputError, IntegrationError, nearest
from ...specs import Provenance
from ..aggregate import Aggregator
from ..checks import check_step
from ..dynamics import step as declared_step
from ..integrator import Integrator
from ..model import Model, gap, pack, spread
from ..shapes import broadcast_shape
from ..signals.pieces import at_start, signals_in
from ..signals.timed import receive_timed
from ..slopes import SLOPE, forgotten
from ..tracing import values_visible
from ..values import as_state, initial_value
from .stored import Stored

_BESIDE = ("armed", "hold", "hold_time", "status")
"""What goes on from step to step beside the declared states, in models that have it."""


class Stepped(Stored):
    """A component that is stepped by a declared model. See :class:`rheobase.Neuron`."""

    _model: ClassVar[Model | None] = None
    _event: str
    _input_rules: dict[str, tuple[Aggregator, Provenance | None]]
    aggregate: ClassVar[Callable[..., Tensor]]
    aggregator: Aggregator | None
    integrator: Integrator

    @property
    def auxiliaries(self) -> tuple[str, ...]:
        """Further buffers that belong to the state, beside the declared ones."""
        return ()

    @property
    def params(self) -> Any:
        """The parameters and options, by name: what the model's functions receive."""
        values = [self._of(name) for name in self.schema.parameters]
        return self.schema.pack_params(*values, *(getattr(self, name) for name in self.schema.options))

    @property
    def state(self) -> dict[str, Any]:
        """Everything that :meth:`step` goes on from, by name."""
        names = [*self.schema.states, *(name for name in _BESIDE if name in self._buffers)]
        carry = {name: self._of(f"carry_{name}") for name in self._carry_names}
        return {**{name: self._of(name) for name in names}, "carry": carry or None}

    def step(
        self, state: Mapping[str, Any], params: Any, data: Any, dt: float
    ) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """One step as a pure function: it reads no state of the neuron and changes none.

        Args:
            state: As :attr:`state` gives it.
            params: As :attr:`params` gives it.
            data: The aggregated input, as :meth:`prepare` gives it.
            dt: The time step, ms.

        Returns:
            The state at t + dt, and the outputs of the step: inputs, states and, where the model
            spikes, ``spiked``.
        """
        # What the last step was taken with is not known here.
        state = {**state, "carry": forgotten(state.get("carry"), True)}
        return self._step(state, params, data, dt, moved=True)

    def _step(
        self, state: Mapping[str, Any], params: Any, data: Any, dt: float, *, moved: bool
    ) -> tuple[dict[str, Any], dict[str, Tensor]]:
        if self._model is None:
            raise NotImplementedError(f"{type(self).__name__} has no declared dynamics to step")
        new, outputs = declared_step(
            self._model, self.integrator, self._event, state, params, data, dt, moved=moved
        )
        shape = outputs[next(iter(self.schema.states))].shape
        begin = at_start(data, dt)
        received = begin._asdict() if self.schema.inputs else {"input": begin}
        inputs = {name: spread(value, shape) for name, value in received.items()}
        return new, {**inputs, **outputs}

    @staticmethod
    def _identifiers_of(name: str, data: Mapping[str, Any], identifiers: Any) -> list[str] | None:
        if isinstance(identifiers, Mapping):
            return identifiers.get(name)
        return identifiers if isinstance(data.get(name), (list, tuple)) else None

    def prepare(self, data: Any, identifiers: list[str] | Mapping[str, list[str]] | None = None) -> Any:
        """The input of the next step, aggregated, checked and cast; what :meth:`step` takes as ``data``.

        Tensors, and signals on a clock that starts with the step.
        """
        inputs = self.schema.inputs
        if not inputs and isinstance(identifiers, Mapping):
            raise InputError(f"{self.identifier} has one input; give identifiers as a list of names")
        if not inputs and not isinstance(identifiers, Mapping):
            return receive_timed(self, data, "the input", self.aggregator or self.aggregate, identifiers)
        if not isinstance(data, Mapping):
            if len(inputs) > 1:
                raise InputError(
                    f"{self.identifier} has the inputs {', '.join(inputs)}; give a mapping by these names"
                )
            data = {next(iter(inputs)): data}
        for name in data:
            if name not in inputs:
                raise InputError(
                    f"{self.identifier} has no input {name!r}{nearest(str(name), inputs)}; "
                    f"its inputs are {', '.join(inputs)}"
                )
        received = {
            name: receive_timed(
                self,
                data.get(name, declared.default),
                f"the input {name!r}",
                self._input_rules[name][0],
                self._identifiers_of(name, data, identifiers),
                declared,
            )
            for name, declared in inputs.items()
        }
        return self.schema.pack_data(**received)

    def advance(self, data: Any) -> dict[str, Tensor]:
        """One step on a prepared input: step, check the values, keep the state.

        Args:
            data: The aggregated input, as :meth:`prepare` gives it.

        Returns:
            The outputs of the step; they share memory with the neuron until its next step.
        """
        # Compiled code must not depend on what happened between two steps.
        moved = torch.compiler.is_compiling() or not self._is_settled()
        state = self.state
        if state["carry"] and SLOPE in state["carry"]:
            state["carry"] = forgotten(state["carry"], self._changed(data))
        try:
            new, outputs = self._step(state, self.params, data, self.dt, moved=moved)
        except IntegrationError as error:
            # The integrator counts time from the start of the step.
            raise type(error)(
                f"{self.identifier}, within step {self.simulation_step} (from t = {self.time:g} ms, "
                f"dt = {self.dt:g} ms): {error}"
            ) from error
        check_step(self, at_start(data, self.dt), outputs, new.get("status"))
        if "spike_times" in outputs:
            outputs["spike_times"] = self.time + outputs["spike_times"]
        self.commit(new, outputs)
        return outputs

    def _changed(self, data: Any) -> Tensor | bool:
        """Whose input, states or parameters are not those of the last step; True where that is not known."""
        if self._settled is None or signals_in(data) or not values_visible(self._counter):
            return True
        received = data._asdict() if self.schema.inputs else {"input": data}
        changed: Tensor | bool = False
        for name, (last, version) in self._settled.items():
            now = received.get(name)
            if now is None:
                now = self._of(name)
                if now is last and not now.is_inference() and now._version == version:
                    continue
            # Two equal numbers may have different graphs.
            tracked = now.requires_grad or last.requires_grad
            if tracked or last._version != version or now.dtype != last.dtype or now.device != last.device:
                return True
            if now.ndim > last.ndim > 0:
                return True
            if not torch.equal(spread(now, last.shape) if now.ndim <= last.ndim else now, last):
                changed = changed | (now != last)
        return changed

    def commit(self, state: Mapping[str, Any], outputs: Mapping[str, Tensor]) -> None:
        """Keep the result of a step, and advance the clock."""
        carry = state.get("carry") or {}
        new = {**outputs, **state, **{f"carry_{name}": value for name, value in carry.items()}}
        del new["carry"]
        for name, value in new.items():
            attached = value.requires_grad and not self.keeps_graph
            # Contiguous: a buffer may be written to, an expanded input not.
            self._keep(name, (value.detach() if attached else value).contiguous())
        if self._carry_names != tuple(carry):
            self._carry_names = tuple(carry)
        self._tick()
        self._settle()

    def _settle(self) -> None:
        """Note the tensors that the last step left: whoever writes to them or replaces them moves it."""
        if torch.compiler.is_compiling():
            self._settled = None
            return
        held = {name: self._of(name) for name in self._settling}
        # Inference tensors keep no version, so nothing is known of them.
        known = not any(tensor.is_inference() for tensor in held.values())
        self._settled = {name: (tensor, tensor._version) for name, tensor in held.items()} if known else None

    @property
    def _settling(self) -> tuple[str, ...]:
        """What the field of a step, and who may spike in it, depend on."""
        inputs = tuple(self.schema.inputs) or ("input",)
        hold = ("hold",) if "hold" in self._buffers else ()
        return (*self.schema.states, *self.schema.parameters, *inputs, *hold)

    def _is_settled(self) -> bool:
        if self._settled is None:
            return False
        return all(
            (held := self._of(name)) is tensor and not held.is_inference() and held._version == version
            for name, (tensor, version) in self._settled.items()
        )

    def reset_state(self) -> None:
        """Return to the initial state: states, refractoriness, clock and batch."""
        self._begin()
        self._keep("step_count", torch.zeros_like(self._counter))

    def _of(self, name: str) -> Tensor:
        held = self._buffers.get(name)
        if held is None:
            held = self._parameters.get(name)
        if held is None:
            raise ArgumentError(f"{self.identifier} has no tensor {name!r}")
        return held

    def _begin(self) -> None:
        """Register the states at their initial values, and what goes with them."""
        for name in self._carry_names:
            self._buffers.pop(f"carry_{name}", None)
        self._carry_names = ()
        params = self.params
        values = {
            name: self._initial[name] if name in self._initial else initial_value(self, declared, params)
            for name, declared in self.schema.states.items()
        }
        initial = {
            name: as_state(self, self.schema.states[name], value, torch.Size())
            for name, value in values.items()
        }
        shape = broadcast_shape(*(value.shape for value in initial.values()))
        for name, value in initial.items():
            self._keep(name, value.expand(shape).clone())
        for name in self.auxiliaries:
            self._keep(name, torch.zeros(self.num_units, dtype=self.dtype, device=self.device))
        inputs = {name: declared.default for name, declared in self.schema.inputs.items()} or {"input": 0.0}
        for name, default in inputs.items():
            self._keep(name, torch.full((self.num_units,), default, dtype=self.dtype, device=self.device))
        if self._model is not None and self._model.threshold is not None:
            packed = pack([self._of(name) for name in self.schema.states])
            self._keep("armed", gap(self._model, packed, params) < 0)
            if self.schema.refractory:
                self._keep("hold", torch.zeros(packed.shape[1:], dtype=torch.int32, device=self.device))
                if self._event == "located":
                    # Spikes lie between steps, and so do the ends of refractory periods.
                    part = torch.zeros(packed.shape[1:], dtype=torch.float64, device=self.device)
                    self._keep("hold_time", part)
        if self._model is not None and self.integrator.on_failure == "mark":
            states = (self._of(name).shape for name in self.schema.states)
            shape = broadcast_shape(*states)
            self._keep("status", torch.zeros(shape, dtype=torch.int8, device=self.device))

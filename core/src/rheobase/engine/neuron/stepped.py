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
from ..model import Model, ask, gap, pack, spread
from ..shapes import broadcast_shape
from ..signals.pieces import at_start, signals_in
from ..signals.timed import receive_timed
from ..stepsize import StepWatch, heed
from ..threads import alone
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

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._watch = StepWatch()

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
        state, params = self.state, self.params
        if state["carry"] and "slope" in state["carry"] and (moved or not self._same_input(data)):
            state["carry"] = {name: value for name, value in state["carry"].items() if name != "slope"}
        try:
            new, outputs = self._step(state, params, data, self.dt, moved=moved)
        except IntegrationError as error:
            # The integrator counts time from the start of the step.
            raise type(error)(
                f"{self.identifier}, within step {self.simulation_step} (from t = {self.time:g} ms, "
                f"dt = {self.dt:g} ms): {error}"
            ) from error
        begin = at_start(data, self.dt)
        seen = check_step(self, begin, outputs, new.get("status"))
        if seen and self._model is not None and self._model.dt_max is not None:
            watch = self._watch
            if watch.due(outputs.get("spiked")):
                watch.told = heed(self, state, params, begin)
        if "spike_times" in outputs:
            outputs["spike_times"] = self.time + outputs["spike_times"]
        self.commit(new, outputs)
        return outputs

    def heed_dt_max(self, data: Callable[[], Any] | None = None) -> None:
        """Warn, once in a run, if dt is too large for the model as it stands.

        Steps do so by themselves; ``simulate`` does it around what a backend runs.

        Args:
            data: Gives the input of the next step, as :meth:`prepare` does; by default that of the last.

        Warns:
            StepSizeWarning: If dt is larger than ``dt_max(state, params, data)`` for a unit.
        """
        if self._model is None or self._model.dt_max is None or self._watch.told:
            return
        begin = self._last_input() if data is None else at_start(data(), self.dt)
        self._watch.told = heed(self, self.state, self.params, begin)

    def largest_step(self) -> Tensor | None:
        """``dt_max(state, params, data)`` of the model as it stands, ms; None where that is no function."""
        if self._model is None or self._model.dt_max is None:
            return None
        parts = tuple(self._of(name) for name in self.schema.states)
        return torch.as_tensor(ask(self._model, "dt_max", parts, self.params, self._last_input())).detach()

    def _last_input(self) -> Any:
        inputs = self.schema.inputs
        return self.schema.pack_data(*map(self._of, inputs)) if inputs else self._of("input")

    def _same_input(self, data: Any) -> bool:
        """Whether the input is that of the last step."""
        if signals_in(data):
            return False
        received = data._asdict() if self.schema.inputs else {"input": data}
        for name, value in received.items():
            last = self._of(name)
            if value.ndim > last.ndim or not torch.equal(spread(value, last.shape), last):
                return False
        return True

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
        if not torch.compiler.is_compiling():
            self._settle()

    def _settle(self) -> None:
        """Note the tensors that the last step left: whoever writes to them or replaces them moves it."""
        held = [self._of(name) for name in (*self.schema.states, *self.schema.parameters)]
        # Inference tensors keep no version, so nothing is known of them.
        known = not any(tensor.is_inference() for tensor in held)
        self._settled = [(tensor, tensor._version) for tensor in held] if known else None

    def _is_settled(self) -> bool:
        if self._settled is None:
            return False
        now = [self._of(name) for name in (*self.schema.states, *self.schema.parameters)]
        return all(
            held is tensor and not held.is_inference() and tensor._version == version
            for held, (tensor, version) in zip(now, self._settled, strict=True)
        )

    @alone
    def reset_state(self) -> None:
        """Return to the initial state: states, refractoriness, clock and batch."""
        self._watch.begin()
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

"""The shell around the pure step of a declared model: inputs in, values checked, results kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from ...errors import InputError, IntegrationError, nearest
from ...signal.pieces import at_start, signals_in
from ...specs import Provenance
from ...torch_state import values_visible
from ..aggregate import Aggregator
from ..model.functions import spread
from ..step.dynamics import step as declared_step
from ..step.slopes import SLOPE, forgotten
from ..step.stepsize import StepWatch, heed, largest_step
from .beginning import Beginning
from .checks import check_inputs, check_step, other_events
from .named import NamedState
from .threads import alone
from .timed import receive_timed

_BESIDE = ("armed", "hold", "hold_time", "status")
"""What goes on from step to step beside the declared states, in models that have it."""


class Stepped(Beginning):
    """A component that is stepped by a declared model. See :class:`rheobase.Neuron`."""

    _framework = True

    _own_forward: ClassVar[bool] = False
    _input_rules: dict[str, tuple[Aggregator, Provenance | None]]
    aggregate: ClassVar[Callable[..., Tensor]]
    aggregator: Aggregator | None

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._watch = StepWatch()

    @property
    def state(self) -> NamedState:
        """Everything that :meth:`step` goes on from, by name: as items, and as attributes."""
        return NamedState(self._held())

    def _held(self) -> dict[str, Any]:
        # A plain dictionary: for each step, and for torch.compile.
        names = [*self.schema.states, *(name for name in _BESIDE if name in self._buffers)]
        if self.schema.draws:
            names.append("step_count")
        carry = {name: self._of(f"carry_{name}") for name in self._carry_names}
        return {**{name: self._of(name) for name in names}, "carry": carry or None}

    def step(
        self, state: Mapping[str, Any], params: Any, data: Any, dt: float
    ) -> tuple[NamedState, dict[str, Tensor]]:
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
        new, outputs = self._step(state, params, data, dt, moved=True)
        return NamedState(new), outputs

    def _step(
        self, state: Mapping[str, Any], params: Any, data: Any, dt: float, *, moved: bool
    ) -> tuple[dict[str, Any], dict[str, Tensor]]:
        if self._model is None:
            raise NotImplementedError(f"{type(self).__name__} has no declared dynamics to step")
        new, outputs = declared_step(
            self._model,
            self.integrator,
            self._event,
            state,
            params,
            data,
            dt,
            stream=self._stream if self.schema.draws else None,
            moved=moved,
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

    def _rule_of(self, name: str) -> Aggregator:
        """The aggregator of an input; of the only one of a model whose input has no name, under ``""``."""
        return self._input_rules[name][0] if name else self.aggregator or self.aggregate

    def prepare(self, data: Any, identifiers: list[str] | Mapping[str, list[str]] | None = None) -> Any:
        """The input of the next step, aggregated, checked and cast; what :meth:`step` takes as ``data``.

        For a ``forward`` of a class's own, which may do with it what it likes: signals take part in sums,
        differences, products and quotients with tensors, and their value at the start of the step is
        ``signal(0.0)``.

        Args:
            data: As ``forward`` takes it.
            identifiers: Likewise.

        Returns:
            A tensor ``[*batch, units or 1]``, or a signal on a clock that starts with the step; several of
            these by name for a model that declares its inputs.

        Raises:
            InputError: If it has a wrong type, shape or device, or is not finite. (For a class without a
                ``forward`` of its own the step itself looks at the values.)
        """
        prepared = self._prepare(data, identifiers)
        if self._own_forward:
            named = prepared._asdict() if self.schema.inputs else {"input": prepared}
            # Signals are looked at when they are evaluated.
            seen = {name: each for name, each in named.items() if isinstance(each, Tensor)}
            if all(map(values_visible, seen.values())):
                check_inputs(self, seen)
        return prepared

    def _prepare(self, data: Any, identifiers: Any) -> Any:
        inputs = self.schema.inputs
        if not inputs and isinstance(identifiers, Mapping):
            raise InputError(f"{self.identifier} has one input; give identifiers as a list of names")
        if not inputs and not isinstance(identifiers, Mapping):
            return receive_timed(self, data, "the input", self._rule_of(""), identifiers)
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
                self._rule_of(name),
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
        state, params = self._held(), self._undrawn()
        if self._begun:
            state |= self._rows_at_start(at_start(data, self.dt))
        if state["carry"] and SLOPE in state["carry"]:
            state["carry"] = forgotten(state["carry"], self._changed(data))
        try:
            new, outputs = self._step(state, params, data, self.dt, moved=moved)
        except IntegrationError as error:
            # The integrator counts time from the start of the step.
            raise type(error)(
                f"{self.identifier}, within step {self.simulation_step} (from t = {self.time:g} ms, "
                f"dt = {self.dt:g} ms): {error}{other_events(self)}"
            ) from error
        begin = at_start(data, self.dt)
        seen = check_step(self, begin, outputs, new.get("status"))
        if seen and self._model is not None and self._model.dt_max is not None:
            watch = self._watch
            if watch.due(outputs.get("spiked")):
                watch.told = heed(self, state, params, begin, outputs.get("spiked"))
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
        everybody = torch.ones_like(self._of("step_count"))
        self._watch.told = heed(self, self._held(), self._undrawn(), begin, everybody)

    def largest_step(self) -> Tensor | None:
        """``dt_max(state, params, data)`` of the model as it stands, ms; None where that is no function."""
        if self._model is None or self._model.dt_max is None:
            return None
        parts = tuple(self._of(name) for name in self.schema.states)
        return largest_step(self._model, parts, self._undrawn(), self._last_input()).detach()

    def _last_input(self) -> Any:
        inputs = self.schema.inputs
        return self.schema.pack_data(*map(self._of, inputs)) if inputs else self._of("input")

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
        new.pop("step_count", None)  # Which the clock itself does.
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

    @alone
    def reset_state(self) -> None:
        """Return to the initial state: states, refractoriness, clock and batch."""
        self._watch.begin()
        super().reset_state()

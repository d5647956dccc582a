"""The shell around the pure step of a declared model: inputs in, values checked, results kept."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from ...errors import IntegrationError
from ...signal.segments import at_start, signals_in
from ...specs import Provenance
from ...torch_state import all_finite, called_functionally, transforming, values_visible
from ..aggregate import Aggregator
from ..model.functions import Model, spread
from ..step.arrivals import Arrivals
from ..step.ends import Known
from ..step.grid import NO_TRAINS, Report
from ..step.grid import step as declared_step
from ..step.moments import Moments
from ..step.slopes import SLOPE, forgotten
from ..step.stepsize import StepWatch, heed, largest_step
from ..step.table import BESIDE, GOING_ON, StepState
from .checks import check_inputs, check_step, other_events
from .inputs import receive_inputs
from .kept import Kept, Noted, noted
from .named import NamedState, by_name, packed
from .stored import Stored
from .threads import alone, occupy, vacate


class Incoming(Protocol):
    """What reaches a neuron in a network, as its step asks for it."""

    def taken(self, data: Any) -> tuple[Model, Any]:
        """The model that is stepped, and its input, of that of the neuron."""

    def joined(self, state: StepState, params: Any) -> tuple[StepState, Any]:
        """The state and the parameters of the neuron with those of its synapses."""

    def arrivals(self) -> Arrivals | None:
        """What arrives in the step; None where nothing does."""

    def parted(self, state: StepState) -> tuple[StepState, Sequence[Tensor]]:
        """The neuron's own part of a state, and the rest."""

    def leave(self, rows: Sequence[Tensor], attached: bool) -> None:
        """Keep that rest."""


class Stepped(Stored):
    """A component that is stepped by a declared model. See :class:`rheobase.Neuron`."""

    _framework = True

    keeps_graph: bool
    _own_forward: ClassVar[bool] = False
    _input_rules: dict[str, tuple[Aggregator, Provenance | None]]
    aggregate: ClassVar[Callable[..., Tensor]]
    aggregator: Aggregator | None

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._watch = StepWatch()
        # The names of what a step hangs on, and the buffers and the carry for which they are these.
        self._layout: tuple[Any, tuple[tuple[str, ...], tuple[str, ...]]] = (None, ((), ()))

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
        pure = transforming() or called_functionally(sys._getframe(1))
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

    def _tick(self) -> None:
        self._keep("step_count", self._counter + 1)

    # --- the step, pure --------------------------------------------------------------------------

    @property
    def state(self) -> NamedState:
        """Everything that :meth:`step` goes on from, by name: as items, and as attributes."""
        return NamedState(self._held())

    def _held(self) -> dict[str, Any]:
        names = [*self.schema.states, *(name for name in BESIDE if name in self._buffers)]
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
        clock = state.get("step_count")
        # What the last step was taken with is not known here.
        before = packed(self.schema, state)._replace(carry=forgotten(state.get("carry"), True))
        begin = at_start(data, dt)
        after, report = self._step(before, params, data, dt, Known(), clock, begin)
        return NamedState(by_name(self.schema, after, clock)), self._outputs(after, report, begin)

    def _step(
        self,
        state: StepState,
        params: Any,
        data: Any,
        dt: float,
        known: Known,
        clock: Tensor | None,
        begin: Any,
        visible: bool | None = None,
        incoming: Incoming | None = None,
        trains: Mapping[str, Moments] = NO_TRAINS,
    ) -> tuple[StepState, Report]:
        if self._model is None:
            raise NotImplementedError(f"{type(self).__name__} has no declared dynamics to step")
        model, taken = (self._model, data) if incoming is None else incoming.taken(data)
        return declared_step(
            model,
            self.integrator,
            self._event,
            state,
            params,
            taken,
            dt,
            known=known,
            stream=self._stream if self.schema.draws else None,
            clock=clock,
            begin=begin if taken is data else None,
            visible=visible,
            arrivals=None if incoming is None else incoming.arrivals(),
            trains=trains,
        )

    def _outputs(
        self, state: StepState, report: Report, begin: Any, *, same: bool = False
    ) -> dict[str, Tensor]:
        """What a step reports: inputs, states and spikes; ``same``: the input is that of the last step."""
        rows = state.y.unbind(0)
        shape = rows[0].shape if rows else state.y.shape[1:]
        outputs: dict[str, Tensor] = begin._asdict() if self.schema.inputs else {"input": begin}
        for name, value in outputs.items():
            if value.shape != shape:
                last = self._buffers[name] if same and not value.requires_grad else None
                # What was spread over the units then is so still.
                outputs[name] = spread(value, shape) if last is None or last.shape != shape else last
        outputs.update(zip(self.schema.states, rows, strict=True))
        if state.spiked is not None:
            outputs["spiked"] = state.spiked
        if report.counts is not None and report.times is not None:
            outputs["spike_count"], outputs["spike_times"] = report.counts, report.times
        return outputs

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
                ``forward`` of its own the step itself looks at the values, and at all that a signal gives.)
        """
        # Nearly every input is a tensor as the neuron has them: a copy is all that is needed.
        plain = type(data) is Tensor and identifiers is None and not self.schema.inputs
        if plain and data.dtype is self._dtype and data.ndim == 1 and not self._own_forward:
            units, clock = self.__dict__.get("_num_units", 1), self._buffers["step_count"]
            if clock is not None and data.device == clock.device and data.shape[0] in (1, units):
                return data.clone()
        prepared = receive_inputs(self, data, identifiers, self._rule_of, look=self._own_forward)
        if self._own_forward:
            named = prepared._asdict() if self.schema.inputs else {"input": prepared}
            # Signals are looked at when they are evaluated.
            seen = {name: each for name, each in named.items() if isinstance(each, Tensor)}
            if all(map(values_visible, seen.values())):
                check_inputs(self, seen)
        return prepared

    def advance(
        self, data: Any, incoming: Incoming | None = None, trains: Mapping[str, Moments] = NO_TRAINS
    ) -> dict[str, Tensor]:
        """One step on a prepared input: step, check the values, keep the state.

        Args:
            data: The aggregated input, as :meth:`prepare` gives it.
            incoming: In a network, what reaches the neuron beside it.
            trains: Where spikes are located: by inputs that are jumps, what arrives at times of its own,
                whose sum is in ``data``.

        Returns:
            The outputs of the step; they share memory with the neuron until its next step, and with that
            step's own outputs where nothing happens in it. Copy what you keep.
        """
        # Compiled code must not depend on what happened between two steps, nor a graph that is traced.
        visible = values_visible(self._counter)
        kept: Kept | None = self._kept if visible else None
        if kept is not None and not kept.holds(self._buffers, self._parameters):
            kept = None
        # What a signal gives there is asked once, and holds for all of the step.
        begin = data if isinstance(data, Tensor) else at_start(data, self._dt)
        if kept is None:
            named = self._held()
            if self._begun:
                named |= self._rows_at_start(begin)
            state, params, known = packed(self.schema, named), self._undrawn(), Known()
        else:
            state, params, known = kept.state, kept.params, kept.known
        if state.carry and SLOPE in state.carry:
            last = self._kept if visible and not signals_in(data) else None
            received = data._asdict() if self.schema.inputs else {"input": data}
            changed = True if last is None else last.changed(received, self._of if kept is None else None)
            state = state._replace(carry=forgotten(state.carry, changed))
        clock = self._counter if self.schema.draws else None
        own, own_params = state, params
        if incoming is not None:
            state, params = incoming.joined(state, params)
            if state.carry:
                # The synapses' parameters are not looked at: slopes of the last step are not gone on from.
                state = state._replace(carry=forgotten(state.carry, True))
        try:
            after, report = self._step(
                state, params, data, self._dt, known, clock, begin, visible, incoming, trains
            )
        except IntegrationError as error:
            # The integrator counts time from the start of the step.
            raise type(error)(
                f"{self.identifier}, within step {self.simulation_step} (from t = {self.time:g} ms, "
                f"dt = {self.dt:g} ms): {error}{other_events(self)}"
            ) from error
        rows: Sequence[Tensor] = ()
        if incoming is not None:
            after, rows = incoming.parted(after)
        same = kept is not None and kept.had(data)
        outputs = self._outputs(after, report, begin, same=same)
        finite = report.known.finite
        # A single input has no domain: that it is finite is all that is asked.
        seen = finite and (same or (isinstance(begin, Tensor) and all_finite(begin)))
        seen = seen or check_step(self, begin, outputs, after.status, finite=finite)
        if seen and self._model is not None and self._model.dt_max is not None:
            watch = self._watch
            # Calm: nobody spiked, so nobody need be counted.
            if watch.due(None if report.known.calm else after.spiked):
                before = dict(zip(self.schema.states, own.y.unbind(0), strict=True))
                watch.told = heed(self, before, own_params, begin, after.spiked)
        if report.times is not None:
            outputs["spike_times"] = self.time + report.times
        if incoming is not None:
            incoming.leave(rows, self.keeps_graph)
        if type(self).commit is not Stepped.commit:  # an author's, to whom each step is shown
            self.commit(by_name(self.schema, after, clock), outputs)
            return outputs
        after = self._leave(after, outputs)
        given = data if isinstance(data, Tensor) else None
        self._note(after, own_params, report.known, given, visible=visible)
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
        last = self.schema.lasting(self._last_input())
        return largest_step(self._model, parts, self._undrawn(), last).detach()

    def _last_input(self) -> Any:
        inputs = self.schema.inputs
        return self.schema.pack_data(*map(self._of, inputs)) if inputs else self._of("input")

    def _leave(self, state: StepState, outputs: Mapping[str, Tensor]) -> StepState:
        """Keep the result of a step, and advance the clock; gives the state as it is kept."""
        attached = not self.keeps_graph
        if attached and state.y.requires_grad:
            state = _detached(state)
        buffers, carry = self._buffers, state.carry or {}
        for name, value in outputs.items():
            # Contiguous: a buffer may be written to, an expanded input not.
            kept = value.detach() if attached and value.requires_grad else value
            buffers[name] = kept.contiguous()
        for name, place in GOING_ON:
            beside: Any = state[place]
            if beside is not None:
                buffers[name] = beside if beside.is_contiguous() else beside.contiguous()
        for name, value in carry.items():
            buffers[f"carry_{name}"] = value.contiguous()
        if self._carry_names != tuple(carry):
            self._carry_names = tuple(carry)
        clock = buffers["step_count"]
        buffers["step_count"] = None if clock is None else clock + 1
        return state

    def _note(
        self, state: StepState, params: Any, known: Known, data: Tensor | None, *, visible: bool
    ) -> None:
        """Note the tensors that a step hangs on: whoever writes to one or replaces it changes it."""
        y, kept = state.y, None
        # Inference tensors keep no count; a graph is the caller's; of what is not contiguous the buffers are
        # copies. While values cannot be looked at, what is kept would become a constant of somebody's graph.
        if visible and y.is_contiguous() and not (y.requires_grad or y.is_inference()):
            before: Kept | None = self._kept
            written, given = self._noted_names()
            changing = noted(written, self._buffers, self._parameters)
            if before is not None and params is before.params:
                standing: tuple[Noted, ...] | None = before.standing  # looked at when this step began
            else:
                standing = noted(given, self._buffers, self._parameters)
            if changing is not None and standing is not None:
                seen = data if data is not None and not data.is_inference() else None
                version = -1 if seen is None else seen._version
                kept = Kept(state, params, known, changing, standing, seen, version)
        # By way of the dictionary: ``__setattr__`` looks a name up in all that is declared.
        self.__dict__["_kept"] = kept

    def _noted_names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The names of what a step hangs on: what each step changes, and the parameters."""
        layout = len(self._buffers), self._carry_names
        if self._layout[0] != layout:
            inputs = tuple(self.schema.inputs) or ("input",)
            carried = (f"carry_{name}" for name in self._carry_names)
            beside = (name for name in (*BESIDE, "spiked") if name in self._buffers)
            names = (*self.schema.states, *inputs, *beside, *carried), tuple(self.schema.parameters)
            self.__dict__["_layout"] = layout, names
        return self._layout[1]

    def commit(self, state: Mapping[str, Any], outputs: Mapping[str, Tensor]) -> None:
        """Keep the result of a step that a ``forward`` of a class's own made, and advance the clock.

        Args:
            state: What the next step goes on from, by name, as :meth:`step` gives it; ``carry`` is what an
                integrator carries on, or None. What is not named stays.
            outputs: What the step reports, by name.
        """
        carry = state.get("carry") or {}
        new = {**outputs, **state, **{f"carry_{name}": value for name, value in carry.items()}}
        del new["carry"]
        new.pop("step_count", None)  # Which the clock itself does.
        for name, value in new.items():
            attached = value.requires_grad and not self.keeps_graph
            self._keep(name, (value.detach() if attached else value).contiguous())
        self._carry_names = tuple(carry)
        self._kept = None
        self._tick()

    @alone
    def reset_state(self) -> None:
        """Return to the initial state: states, refractoriness, clock and batch."""
        self._watch.begin()
        self._begin()
        self._keep("step_count", torch.zeros_like(self._counter))


def _detached(state: StepState) -> StepState:
    """The state without its graph."""
    carry = state.carry
    if carry is not None and any(value.requires_grad for value in carry.values()):
        carry = {name: value.detach() for name, value in carry.items()}
    parts = [part.detach() if part is not None and part.requires_grad else part for part in state[:-1]]
    return StepState._make((*parts, carry))

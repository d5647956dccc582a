"""How a neuron begins: its initial states, with what they draw, and what goes with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, ClassVar

import torch
from torch import Tensor

from ...errors import ArgumentError
from ...torch_state import broadcast_shape
from ..integrator import Integrator
from ..model.drawing import ONCE, Drawing
from ..model.functions import Model, gap, pack
from ..model.values import as_parameter, as_state, initial_value, resolve_defaults
from ..step.table import SLOTS, Has
from .stored import Stored


class Beginning(Stored):
    """A component whose declared states have initial values. See :class:`rheobase.Neuron`."""

    # What initial states draw is drawn for each unit when it is made or reset, and for each row of a batch
    # when the first step brings one. Until then a change of seed, identifier or type draws it anew. A value
    # that somebody set is left as it is.

    _framework = True

    _model: ClassVar[Model | None] = None
    _event: str
    integrator: Integrator

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # The initial states of a model with draws, as they were drawn.
        self._begun: dict[str, Tensor] = {}

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

    def _initial_states(self, batch: torch.Size) -> dict[str, Tensor]:
        """The initial value of each state, ``[*batch, units]``; with draws for each row."""
        # Of the step before the first: what initial states draw is apart from what the first step does.
        params = self._drawn(torch.full((), -1), batch)
        values = {
            name: self._initial[name] if name in self._initial else initial_value(self, declared, params)
            for name, declared in self.schema.states.items()
        }
        initial = {
            name: as_state(self, self.schema.states[name], value, batch) for name, value in values.items()
        }
        shape = broadcast_shape(*(value.shape for value in initial.values()))
        return {name: value.expand(shape).clone() for name, value in initial.items()}

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
        return {**states, **self._armed(initial)}

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

    def __setattr__(self, name: str, value: Any) -> None:
        renamed = name == "identifier" and self.__dict__.get("_ready")
        with self._drawing_again() if renamed else nullcontext():
            super().__setattr__(name, value)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        with self._drawing_again():
            super()._apply(fn, recurse)
            self._begun = {name: fn(value) for name, value in self._begun.items()}
        return self

    def __getstate__(self) -> dict[str, Any]:
        begun = {name: value.detach().clone() for name, value in self._begun.items()}
        return {**super().__getstate__(), "_begun": begun}

    def _load_from_state_dict(self, *args: Any) -> None:
        super()._load_from_state_dict(*args)
        # What is loaded is what it is, and no longer what was drawn.
        self._spread = {}
        if self._begun and not self._counter.is_meta:
            # The seed may have been loaded too.
            self._begun = self._initial_states(torch.Size())

    def _armed(self, initial: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Who may spike in its first step: where g < 0 at the initial state."""
        if self._model is None or self._model.threshold is None:
            return {}
        packed = pack([initial[name] for name in self.schema.states])
        return {"armed": gap(self._model, packed, self._undrawn()) < 0}

    def _begin(self) -> None:
        """Register the states at their initial values, and what goes with them."""
        # The integrator begins anew: its first step makes what it carries.
        for name in self._carry_names:
            self._buffers.pop(f"carry_{name}", None)
        self._carry_names = ()
        initial = self._initial_states(torch.Size())
        for name, value in {**initial, **self._armed(initial)}.items():
            self._keep(name, value)
        # Tensors of their own: the neuron's are written to.
        self._begun = (
            {name: value.clone() for name, value in initial.items()}
            if self.schema.draws or self._spread
            else {}
        )
        for name in self.auxiliaries:
            self._keep(name, torch.zeros(self.num_units, dtype=self.dtype, device=self.device))
        inputs = {name: declared.default for name, declared in self.schema.inputs.items()} or {"input": 0.0}
        for name, default in inputs.items():
            self._keep(name, torch.full((self.num_units,), default, dtype=self.dtype, device=self.device))
        states, units = next(iter(initial.values()), torch.empty(self.num_units)).shape, (self.num_units,)
        for slot in SLOTS:
            if not slot.present(self._has):
                self._buffers.pop(slot.name, None)  # of an integrator that is another one since
            elif slot.start is not None:
                shape = states if slot.goes_on else units if slot.shape == "units" else (*units, 1)
                value = torch.full(shape, slot.start, dtype=slot.dtype, device=self.device)
                self._keep(slot.name, value)

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

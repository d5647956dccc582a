"""The functions of a plasticity by themselves, and what a train of spikes of both sides makes of a weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from rheobase.spi import called
from torch import Tensor

from ..synapses.bench import start
from ..synapses.case import DTYPES, SynapseCase
from ..synapses.comparing import size_of
from ..synapses.plastic import weight_within
from ..synapses.subject import SynapseSubject
from ..violation import violated

State = tuple[Tensor, ...]
"""The weight, then the states in the order of their declaration, each ``[synapses]``."""
SIDES = ("on_pre", "on_post")
_FEWEST, _MOST = 8, 256
"""Steps in which an interval between spikes is taken."""


class Bench:
    """A plasticity with values, and its functions.

    Args:
        subject: The plasticity.
        case: What it is given; its units are synapses.

    Attributes:
        names: The weight and the states.
        params: Its parameters, as its functions receive them.
        begin: The weight and the states where they begin.
    """

    def __init__(self, subject: SynapseSubject, case: SynapseCase) -> None:
        self.subject, self.case = subject, case
        state, self.params, _ = start(subject, subject.host, case)
        self.changes = subject.obj.changes
        self.names: tuple[str, ...] = state._fields
        self.dtype = DTYPES[case.dtype]
        self._generator = torch.Generator().manual_seed(case.seed)
        part = 0.2 + 0.6 * self._drawn()
        self.begin: State = (weight_within(subject, case, part).to(self.dtype), *state[1:])

    def _drawn(self) -> Tensor:
        drawn = torch.rand(self.case.units, generator=self._generator, dtype=torch.float64)
        return drawn.to(self.dtype)

    def sides(self) -> list[str]:
        """Those of on_pre and on_post that it defines."""
        return [name for name in SIDES if getattr(self.changes.events, name) is not None]

    def ask(self, name: str, state: Sequence[Tensor]) -> Any:
        """What one of its functions gives."""
        whole = self.changes if name == "derivatives" else self.changes.events
        packed = whole.schema.pack_state(*(state[1:] if name == "derivatives" else state))
        return called(f"{self.subject.obj.__name__}.{name}", getattr(whole, name), packed, self.params)

    def after(self, name: str, state: State) -> State:
        """The weight and the states after a spike."""
        if getattr(self.changes.events, name) is None:
            return state
        given = self.ask(name, state)
        if not isinstance(given, Mapping) or not given.keys() <= {*self.names}:
            told = sorted(given) if isinstance(given, Mapping) else type(given).__name__
            violated(f"{name} gave {told}; it must give new values for some of {', '.join(self.names)}")
        return self._full(name, self.names, given, state)

    def slopes(self, state: State) -> State:
        """The derivatives of the states, per ms."""
        if self.changes.derivatives is None:
            return tuple(torch.zeros_like(row) for row in state[1:])
        given = self.ask("derivatives", state)
        if not isinstance(given, Mapping) or given.keys() != {*self.names[1:]}:
            told = sorted(given) if isinstance(given, Mapping) else type(given).__name__
            violated(f"derivatives gave {told}; it must give one for each of {', '.join(self.names[1:])}")
        return self._full("derivatives", self.names[1:], given, state[1:])

    def _full(
        self, function: str, names: Sequence[str], given: Mapping[str, Any], rows: Sequence[Tensor]
    ) -> State:
        """What was given, in the shape and type of the states; what was not stays."""
        found = []
        for name, row in zip(names, rows, strict=True):
            value = torch.as_tensor(given.get(name, row), dtype=row.dtype)
            if value.ndim > 1 or value.shape not in ((), (1,), row.shape):
                violated(
                    f"{name} of {function} has shape {list(value.shape)}; it must be {list(row.shape)}, one "
                    "for each synapse"
                )
            found.append(value.expand(row.shape))
        return tuple(found)

    def later(self, state: State, elapsed: Tensor, steps: int | None = None) -> State:
        """The states some time later, ms, ``[synapses]``, by the classical Runge-Kutta method.

        Without a number of steps they are halved until that changes a billionth.
        """
        if len(state) == 1:
            return state
        if steps is not None:
            return self._in_steps(state, elapsed, steps)
        steps, found = _FEWEST, self._in_steps(state, elapsed, _FEWEST)
        room = max(1e-9, 8.0 * torch.finfo(self.dtype).eps)
        while steps < _MOST:
            steps, coarse, found = 2 * steps, found, self._in_steps(state, elapsed, 2 * steps)
            # Of order four: fifteen of sixteen parts of the error are gone.
            left = max(size_of(one - other) / 15.0 for one, other in zip(coarse[1:], found[1:], strict=True))
            if left <= room * size_of(*found[1:], *state[1:]):
                break
        return found

    def _in_steps(self, state: State, elapsed: Tensor, steps: int) -> State:
        h = elapsed.to(self.dtype) / steps

        def moved(slopes: State, by: Any) -> State:
            rows = zip(state[1:], slopes, strict=True)
            return (state[0], *(row + by * slope for row, slope in rows))

        for _ in range(steps):
            k1 = self.slopes(state)
            k2 = self.slopes(moved(k1, h / 2))
            k3 = self.slopes(moved(k2, h / 2))
            k4 = self.slopes(moved(k3, h))
            whole = tuple(a + 2 * b + 2 * c + d for a, b, c, d in zip(k1, k2, k3, k4, strict=True))
            state = moved(whole, h / 6)
        return state

    @property
    def slowest(self) -> float:
        """The longest time that a parameter names, ms; 1 ms where none does."""
        times = [
            float(value)
            for (name, each), value in zip(self.subject.schema.parameters.items(), self.params, strict=False)
            if each.unit == "ms" and name != "back_delay"
        ]
        return max([each for each in times if each > 0], default=1.0)

    def reached(self) -> State:
        """What spikes of both sides led to, some time after the last; another at each call."""
        state = self.begin
        for place in range(2 * self.case.spikes):
            state = self.after(SIDES[(place + self.case.seed) % 2], state)
            state = self.later(state, 0.3 * self.slowest * self._drawn(), 8)
        return state

    def results(self, state: State) -> dict[str, Tensor]:
        """What all functions give, by what it is."""
        found = {
            f"{name} after {side}": row
            for side in self.sides()
            for name, row in zip(self.names, self.after(side, state), strict=True)
        }
        slopes = zip(self.names[1:], self.slopes(state), strict=True)
        return found | {f"the derivative of {name}": row for name, row in slopes}

    def told(self, state: State) -> str:
        """States in words."""
        return ", ".join(f"{name} = {row.tolist()}" for name, row in zip(self.names, state, strict=True))

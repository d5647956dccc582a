"""The functions of a synapse by themselves: its states, what moves them, and what comes of them."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Mapping
from typing import Any, NamedTuple

import rheobase as rb
import torch
from rheobase.spi import called
from torch import Tensor

from ..violation import violated
from .case import DTYPES, SynapseCase
from .host import NEVER, Clock
from .plastic import plastic, weight_within
from .subject import SynapseSubject

State = tuple[Tensor, ...]
"""The states, in the order of their declaration."""


class Started(NamedTuple):
    """A synapse where it begins: its states and its parameters, as its functions receive them.

    Attributes:
        state: The states of each target.
        params: The parameters.
        sources: The states of each source.
    """

    state: Any
    params: Any
    sources: Any


def connected(subject: SynapseSubject, host: Any, case: SynapseCase, **more: Any) -> Any:
    """A network in which the synapse reaches each unit of a target, from one of its own: ``a``, ``b``.

    Args:
        subject: The synapse.
        host: The class of the target.
        case: What it is given.
        **more: ``dt``, ``period`` (one for each unit), ``weight``, ``delay``, ``event`` of the target, and
            ``unconnected``, to leave the synapse out.
    """
    dtype, dt = DTYPES[case.dtype], more.get("dt", 0.1)
    period = more.get("period", NEVER)
    net = rb.Network(seed=case.seed)
    net.add("a", rb.create(Clock, case.units, dtype=dtype, dt=dt, event="step", period=period))
    made = {"event": more["event"]} if "event" in more else {}
    net.add("b", rb.create(host, case.units, dtype=dtype, dt=dt, **made))
    if not more.get("unconnected"):
        params = {name: _per_unit(value, dtype) for name, value in case.params.items()}
        each = list(range(case.units))
        synapse = rb.synapse(subject.obj, **params)
        net.connect(
            "a",
            "b",
            (each, each),
            synapse,
            weight=more.get("weight", case.strength),
            delay=more.get("delay", dt),
        )
    return net


def _per_unit(value: Any, dtype: torch.dtype) -> Any:
    return torch.tensor(value, dtype=dtype) if isinstance(value, (list, tuple)) else value


def start(subject: SynapseSubject, host: Any, case: SynapseCase | None = None) -> Started:
    """The synapse where it begins."""
    chosen = SynapseCase(units=2) if case is None else case
    if subject.plastic:
        return _plastic(subject, chosen)
    projection = connected(subject, host, chosen)["a->b"]
    schema, kinetics = subject.own, subject.obj.kinetics
    values = [getattr(projection, name) for name in schema.parameters]
    shape = (*chosen.batch, chosen.units)
    rows = [getattr(projection, name).expand(shape).clone() for name in schema.states]
    return Started(
        schema.pack_state(*rows),
        schema.pack_params(*values, *projection.options.values()),
        kinetics.pack_source(*(getattr(projection, name).clone() for name in kinetics.of_source)),
    )


def _plastic(subject: SynapseSubject, case: SynapseCase) -> Started:
    holder = plastic(subject, case)["a->b"].plasticity
    schema = subject.obj.changes.events.schema
    rows = [getattr(holder, name) for name in subject.schema.states]
    first = torch.full((case.units,), float(weight_within(subject, case, 0.5)), dtype=DTYPES[case.dtype])
    return Started(schema.pack_state(first, *rows), holder.params, ())


class Bench:
    """A synapse with values, and its functions.

    Args:
        subject: The synapse.
        case: What it is given.

    Attributes:
        begin: Its states where they begin.
        sources: Those of each source, likewise.
        params: Its parameters, as its functions receive them.
        post: States of a target, as its output receives them.
        shape: That of a state.
    """

    def __init__(self, subject: SynapseSubject, case: SynapseCase) -> None:
        self.subject, self.case, self.schema = subject, case, subject.own
        self.begin, self.params, self.sources = start(subject, subject.host, case)
        self.shape, self.dtype = torch.Size((*case.batch, case.units)), DTYPES[case.dtype]
        self._generator = torch.Generator().manual_seed(case.seed)
        names = tuple(dict.fromkeys(["voltage", *subject.reads]))
        self.post: Any = namedtuple("state", names)(
            *(-80.0 + 50.0 * self._drawn() if name == "voltage" else self._drawn() for name in names)
        )

    def _drawn(self) -> Tensor:
        return torch.rand(self.shape, generator=self._generator, dtype=torch.float64).to(self.dtype)

    def weights(self) -> Tensor:
        """Weights of about the strength of the case, one for each unit; other ones at each call."""
        return self.case.strength * (0.5 + 1.5 * self._drawn())

    # --- the author's functions --------------------------------------------------------------------------

    def ask(self, name: str, *given: Any) -> Any:
        """Call one of them."""
        return called(f"{self.subject.obj.__name__}.{name}", getattr(self.subject.obj, name), *given)

    def packed(self, state: State) -> Any:
        """States as the functions receive them."""
        return self.schema.pack_state(*state)

    def slopes(self, state: State, params: Any = None) -> State:
        """The derivatives, per ms."""
        given = self.ask("derivatives", self.packed(state), self.params if params is None else params)
        return tuple(
            self._full(self._named(given, name), row)
            for name, row in zip(self.schema.states, state, strict=True)
        )

    def arrive(self, state: State, weight: Tensor, params: Any = None) -> State:
        """The states after a spike."""
        given = self.ask("arrive", self.packed(state), self.params if params is None else params, weight)
        if not isinstance(given, Mapping):
            violated(f"arrive gave {type(given).__name__}; it must give a mapping, state -> its new value")
        return tuple(
            self._full(given[name], row) if name in given else row
            for name, row in zip(self.schema.states, state, strict=True)
        )

    def output(self, state: State, post: Any = None, params: Any = None) -> Tensor:
        """What the target receives."""
        given = self.ask(
            "output",
            self.packed(state),
            self.params if params is None else params,
            self.post if post is None else post,
        )
        return self._full(given, state[0])

    def transmit(self, state: State, elapsed: Tensor, params: Any = None) -> tuple[Tensor, State]:
        """The factor of a spike of each source, and the states of the sources after it."""
        packed = self.subject.obj.kinetics.pack_source(*state)
        given = self.ask("transmit", packed, self.params if params is None else params, elapsed)
        names = self.subject.of_source
        if not (isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], Mapping)):
            violated(
                f"transmit gave {given!r}; it must give (factor, new states), a mapping of {', '.join(names)}"
            )
        factor, changed = given
        unknown = sorted(set(changed) - set(names))
        if unknown:
            violated(f"transmit gave {unknown}, and the states of a source are {sorted(names)}")
        after = tuple(
            self._full(changed[name], row) if name in changed else row
            for name, row in zip(names, state, strict=True)
        )
        return self._full(factor, elapsed), after

    def elapsed(self) -> Tensor:
        """Times since the last spike, from 0.3 to 100 ms, one for each source; other ones at each call."""
        drawn = torch.rand(self.case.units, generator=self._generator, dtype=torch.float64)
        return (10.0 ** (2.5 * drawn - 0.5)).to(self.dtype)

    def sent(self) -> State:
        """States of the sources to which the spikes of the case have led; other ones at each call."""
        if not self.subject.of_source:
            return ()
        state, elapsed = tuple(self.sources), torch.full((self.case.units,), torch.inf, dtype=self.dtype)
        for _ in range(self.case.spikes):
            state = self.transmit(state, elapsed)[1]
            elapsed = self.elapsed()
        return state

    def results(self, state: State, weight: Tensor, post: Any = None) -> dict[str, Tensor]:
        """What the functions of a target's states give, by what it is."""
        names = tuple(self.schema.states)
        found = {f"the derivative of {n}": row for n, row in zip(names, self.slopes(state), strict=True)}
        found |= {f"{n} after a spike": row for n, row in zip(names, self.arrive(state, weight), strict=True)}
        return {**found, "the output": self.output(state, post)}

    def transmitted(self, sources: State, elapsed: Tensor) -> dict[str, Tensor]:
        """What transmit gives, likewise; nothing where there is none."""
        if not self.subject.of_source:
            return {}
        factor, after = self.transmit(sources, elapsed)
        named = zip(self.subject.of_source, after, strict=True)
        return {"the factor": factor, **{f"{name} of the source after a spike": row for name, row in named}}

    def _named(self, given: Any, name: str) -> Any:
        if not isinstance(given, Mapping) or name not in given:
            violated(
                f"derivatives gives nothing for the state {name!r}; it must give the derivative of each state"
            )
        return given[name]

    def _full(self, value: Any, like: Tensor) -> Tensor:
        return torch.as_tensor(value, dtype=like.dtype).expand(like.shape)

    # --- moving on -----------------------------------------------------------------------------------

    @property
    def quickest(self) -> float:
        """The shortest time that a parameter names, ms; 1 ms where none does."""
        return min(self._times(), default=1.0)

    @property
    def slowest(self) -> float:
        """The longest, likewise."""
        return max(self._times(), default=1.0)

    def _times(self) -> list[float]:
        named = zip(self.schema.parameters.items(), self.params, strict=False)
        found = [value for (_, each), value in named if each.unit == "ms"]
        return [float(one) for value in found for one in value.reshape(-1).tolist() if one > 0]

    def later(self, state: State, duration: float, steps: int) -> State:
        """The states after a time without spikes, by the classical Runge-Kutta method."""
        h = duration / steps

        def moved(slopes: State, by: float) -> State:
            return tuple(row + by * slope for row, slope in zip(state, slopes, strict=True))

        for _ in range(steps):
            k1 = self.slopes(state)
            k2 = self.slopes(moved(k1, h / 2))
            k3 = self.slopes(moved(k2, h / 2))
            k4 = self.slopes(moved(k3, h))
            state = tuple(
                row + h / 6 * (a + 2 * b + 2 * c + d)
                for row, a, b, c, d in zip(state, k1, k2, k3, k4, strict=True)
            )
        return state

    def reached(self) -> State:
        """States to which the spikes of the case have led, other ones at each call."""
        state = tuple(self.begin)
        for _ in range(self.case.spikes):
            state = self.arrive(state, self.weights())
            state = self.later(state, 0.7 * self.quickest, 5)
        return state

    def told(self, state: State) -> str:
        """States in words."""
        return ", ".join(
            f"{name} = {row.tolist()}" for name, row in zip(self.schema.states, state, strict=True)
        )

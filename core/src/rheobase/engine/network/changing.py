"""A step of a plasticity: the spikes of both sides at each synapse, in order of time, and what they do."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol, final

import torch
from torch import Tensor

from ...errors import DeclarationError, InputError, ParameterError
from ..model.functions import ask
from ..model.schema import Schema
from ..step.moments import TOLERANCE
from .connectivity import Connectivity
from .happenings import Columns, Happened, Posts, by_target, together
from .plasticity import BACK_DELAY, LAST_EVENT, WEIGHT, Changes
from .underway import Sent, spikes_of


class Holder(Protocol):
    """Who has the weights and the states: a plasticity, as its steps ask for it."""

    learning: bool

    @property
    def identifier(self) -> str:
        """How messages call it."""

    @property
    def changes(self) -> Changes:
        """The functions of its rule."""

    @property
    def schema(self) -> Schema:
        """What its rule declares."""

    @property
    def params(self) -> Any:
        """Its parameters and options, by name."""

    @property
    def connectivity(self) -> Connectivity:
        """Its synapses."""

    @property
    def dt(self) -> float:
        """The time step, ms."""

    @property
    def dtype(self) -> torch.dtype:
        """The type of its states."""

    @property
    def device(self) -> torch.device:
        """Where they are."""

    @property
    def batch(self) -> torch.Size:
        """The batch of its states."""

    def widen(self, batch: torch.Size) -> Mapping[str, Tensor]:
        """Have weights and states for each network of a batch; what they were."""

    def put(self, values: Mapping[str, Tensor]) -> None:
        """Have these weights and states."""

    def held(self, name: str) -> Tensor:
        """The weights, or a state at its last spike, ``[*batch, synapses]``."""

    def writable(self, name: str) -> Tensor:
        """The same, to be written to."""

    def later(self, rows: Sequence[Tensor], elapsed: Tensor) -> list[Tensor]:
        """The states so long after they were these, ms."""


@final
class Changing:
    """What happens at the synapses of a plasticity, and can be taken back until the step is over.

    With a batch each of its networks has synapses of its own: a place is one in the flattened
    ``[*batch, synapses]``.

    Args:
        of: The plasticity, whose states and weights are written to.

    Attributes:
        under_way: Spikes of targets that have not come to the synapses.
        batch: That of the run; None: nobody knows it yet.
    """

    def __init__(self, of: Holder) -> None:
        self._of = of
        self._columns: Columns | None = None
        self.begin(())

    def begin(self, under_way: tuple[Posts, ...]) -> None:
        """As :meth:`restore`, of a run whose batch is not known yet."""
        self.restore(under_way)
        self.batch: torch.Size | None = None
        # Whether it became known in this step, and the weights and states before it was.
        self._first = False
        self._narrow: Mapping[str, Tensor] = {}

    def restore(self, under_way: tuple[Posts, ...]) -> None:
        """Let these be under way, and no others."""
        self.under_way = under_way
        # Of those, what is still so after the step; and with those that the target had in it.
        self._left: tuple[Posts, ...] = ()
        self._later: tuple[Posts, ...] = ()
        self._undo: list[tuple[Tensor, dict[str, Tensor]]] = []
        self._known: Happened | None = None
        self._weights: Tensor | None = None
        self._anew = False

    def in_batch(self, batch: torch.Size) -> None:
        """Have synapses for each network of a batch, that of a population at one of their ends.

        Raises:
            InputError: If there are some for another batch.
        """
        if self.batch is None:
            own, weights = self._of.batch, self._of.held(WEIGHT).shape[:-1]
            if own in (batch, torch.Size()) and weights in (batch, torch.Size()):
                self._narrow = self._of.widen(batch)
                self.batch, self._first = batch, True
                return
            known = weights or own
        else:
            known = self.batch
        if batch != known:
            raise InputError(
                f"{self._of.identifier}: spikes come in the batch {list(batch)}, and there are weights for "
                f"{list(known)}; each network has its own weights, where they change: give all populations "
                "that batch, or call reset_state() and assign one weight for each synapse"
            )

    def arrive(self, label: int, places: Tensor, times: Tensor, distinct: bool) -> Tensor:
        """What spikes that reach their synapses in a step do, and spikes of targets that were under way.

        Args:
            label: The number of the step's end.
            places: Which synapses they reach, int64 ``[n]``.
            times: When, ms, float64 ``[n]``.
            distinct: Whether each reaches another one.

        Returns:
            The weight that each has, ``[n]``.
        """
        self._undo, self._anew = [], False
        parts = [each.split(self._end(label)) for each in self.under_way]
        self._left = self._later = tuple(later for _, later in parts if len(later.who))
        pre = Happened(places, times, torch.zeros_like(places, dtype=torch.bool), distinct)
        self._known = together([pre, *(self._at(now) for now, _ in parts if len(now.who))], places.device)
        self._weights = self._play(self._known)[: len(places)]
        return self._weights

    def settle(self, label: int, spiked: Tensor, times: Tensor | None) -> Tensor | None:
        """What the spikes do that the target had in the step.

        Args:
            label: The number of the step's end.
            spiked: Who spiked, ``[*batch, targets]``.
            times: When, ms, ``[*batch, targets, K]``, NaN in places left over; None: at the step's end.

        Returns:
            None; or, where one came before an arrival of the step and changed what that brings, the weights
            that all arrivals have: the target is to be stepped again with these, and its spikes to be given
            again.
        """
        spikes = spikes_of(label, spiked, times)
        if spikes is None and not self._anew:
            return None
        now, later = self._posts(label, spikes).split(self._end(label))
        self._later = (*self._left, later) if len(later.who) else self._left
        known, weights = self._known, self._weights
        if known is None or weights is None:
            raise RuntimeError(f"{self._of.identifier}: the step had no beginning")
        if not self._anew and (not len(now.who) or known.over_before(now.times)):
            self._play(self._at(now))
            return None
        # As if these spikes had been known when the step began.
        self._put_back()
        self._anew = True
        self._weights = self._play(together([known, self._at(now)], weights.device))[: len(weights)]
        return None if torch.equal(self._weights, weights) else self._weights

    def commit(self) -> None:
        """The step is over: what it did is not taken back any more."""
        self._first, self._narrow = False, {}
        self.restore(self._later)

    def take_back(self) -> None:
        """Undo what the step did."""
        self._put_back(but=self._narrow)
        self._of.put(self._narrow)
        if self._first:
            self.begin(self.under_way)
        self.restore(self.under_way)

    def _put_back(self, but: Collection[str] = ()) -> None:
        for places, values in reversed(self._undo):
            for name in values.keys() - set(but):
                value = values[name]
                self._of.held(name).view(-1)[places] = value
        self._undo = []

    def _end(self, label: int) -> float:
        return label * self._of.dt + TOLERANCE

    def _posts(self, label: int, spikes: Sent | None) -> Posts:
        """The spikes of targets, when they come to the synapses."""
        if spikes is None:
            nobody = torch.empty(0, dtype=torch.int64, device=self._of.device)
            return Posts(nobody, nobody.double())
        at = spikes.times
        if at is None:
            at = torch.full_like(spikes.who, label * self._of.dt, dtype=torch.float64)
        return Posts(spikes.who, at + float(self._of.held(BACK_DELAY)))

    def _at(self, posts: Posts) -> Happened:
        if self._columns is None:
            self._columns = by_target(self._of.connectivity)
        return self._columns.at(posts, of_batch=bool(self._of.batch))

    def _play(self, happened: Happened) -> Tensor:
        """Let spikes happen, at each synapse in order of time; the weight of each synapse after each."""
        of = self._of
        after = torch.empty(len(happened.places), dtype=of.dtype, device=of.device)
        if not len(happened.places):
            return after
        touched, local, turns = happened.turns()
        names = (WEIGHT, *of.schema.states, LAST_EVENT)
        old = {name: of.held(name).view(-1).index_select(0, touched) for name in names}
        new = {name: value.clone() for name, value in old.items()}
        for turn in turns:
            for post in (False, True):
                some = turn[happened.post[turn] == post]
                if len(some):
                    self._happen(new, local[some], happened.times[some], post)
            after[turn] = new[WEIGHT][local[turn]]
        self._undo.append((touched, old))
        for name, value in new.items():
            of.writable(name).view(-1)[touched] = value
        return after

    def _happen(self, rows: dict[str, Tensor], at: Tensor, times: Tensor, post: bool) -> None:
        """One spike at each of these synapses, all of one side."""
        of, names = self._of, tuple(self._of.schema.states)
        states = of.later([rows[name][at] for name in names], times - rows[LAST_EVENT][at])
        changed = self._asked("on_post" if post else "on_pre", (rows[WEIGHT][at], *states), times)
        if not of.learning:
            changed.pop(WEIGHT, None)
        for name, value in {**dict(zip(names, states, strict=True)), **changed}.items():
            rows[name][at] = value
        rows[LAST_EVENT][at] = torch.maximum(times, rows[LAST_EVENT][at])

    def _asked(self, function: str, given: tuple[Tensor, ...], times: Tensor) -> dict[str, Tensor]:
        """What one of the author's functions changes."""
        of, events = self._of, self._of.changes.events
        if getattr(events, function) is None:
            return {}
        known = events.schema.pack_state._fields
        changed = ask(events, function, given, of.params)  # type: ignore[arg-type]
        if not isinstance(changed, Mapping) or not changed.keys() <= {*known}:
            told = sorted(changed) if isinstance(changed, Mapping) else type(changed).__name__
            raise DeclarationError(
                f"{of.schema.owner}.{function} gave {told}; give a mapping of new values for some of "
                f"{', '.join(known)}"
            )
        found = {
            name: torch.as_tensor(value, dtype=of.dtype, device=of.device).detach()
            for name, value in changed.items()
        }
        for name, value in found.items():
            if not bool(value.isfinite().all()):
                raise ParameterError(
                    f"{of.identifier}: {function} gave a {name} that is not finite, at {float(times[0]):g} ms"
                )
        return found

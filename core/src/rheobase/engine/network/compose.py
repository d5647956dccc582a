"""A model composed with the synapses that reach it: one model, whose states are the rows of both.

Composition makes a :class:`~..model.functions.Model` value and no class, so every integrator that takes the
result takes it as it takes any other model. Each author's functions see their own names alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, final

import torch
from torch import Tensor

from ..aggregate import Aggregator
from ..integrator import RungeKutta
from ..model.functions import EXPLAINED, Model, ask_packed, explained, pack, pack_all, wrong_names
from ..model.schema import Schema
from .answers import fit, fit_in_order, fitting, named_rows
from .apart import EXTERNAL, Apart, Joining
from .layout import Part, slices_of, whole_of

_ALONE = RungeKutta(order=4)
"""What steps a synapse whose target makes its own step."""


@final
class Composite:
    """A model with the parts that reach it, in code-point order of their identifiers.

    Args:
        own: The model of the target.
        parts: The synapses.
        rule_of: The aggregator of an input, by its name; of the only one under ``""``.
        sources: Input -> the identifiers of what it has from outside, where that is several; each is an input
            of the whole. None: what comes from outside is one.

    Attributes:
        model: What is integrated: the rows of the target's own states, then those of each part.
        parts: The parts, in order.
        jumps: Whether what arrives by one of them changes a state of the target.
    """

    def __init__(
        self,
        own: Model,
        parts: Sequence[Part],
        rule_of: Callable[[str], Aggregator],
        sources: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.own, self.parts = own, tuple(sorted(parts, key=lambda part: part.identifier))
        self._rules = {name: rule_of(name) for name in {part.input for part in self.parts}}
        self._apart = Apart(own.schema, sources) if sources else None
        self._slices = slices_of(own.schema, self.parts)
        self._rows_of_own = len(own.schema.states)
        self._senders = tuple(part for part in self.parts if part.kinetics.output is not None)
        # Input -> who sends to it, by place among the senders, and what the aggregator knows all by.
        self._sending: dict[str, tuple[list[int], list[str]]] = {}
        for place, part in enumerate(self._senders):
            places, identifiers = self._sending.setdefault(part.input, ([], []))
            places.append(place)
            identifiers.append(part.identifier)
        self._known: tuple[Any, tuple[Any, list[Any]]] | None = None
        self.jumps = any(part.kinetics.into for part in self.parts)
        self.model = Model(
            whole_of(own.schema, self.parts, self._apart),
            None if own.derivatives is None else self._derivatives,
            None if own.threshold is None else self._threshold,
            None if own.reset is None else self._reset,
            None if own.update is None else self._update,
            own.dt_max,
            None if own.release is None else self._release,
            None if own.derivatives is None else self._packed,
        )

    # --- values --------------------------------------------------------------------------------------

    def params(self, own: Any, parts: Iterable[tuple[Sequence[Any], Sequence[Any]]]) -> Any:
        """The parameters of the whole.

        Args:
            own: Those of the target's model.
            parts: The parameters and the options of each part, in order.
        """
        count = len(self.own.schema.parameters)
        values, options = list(own[:count]), list(own[count:])
        for parameters, chosen in parts:
            values += parameters
            options += chosen
        return self.model.schema.pack_params(*values, *options)

    def _unpacked(self, params: Any) -> tuple[Any, list[Any]]:
        """The parameters of the target's model, and those of each part."""
        # All stages of a step are given the same object.
        known = self._known
        if known is not None and known[0] is params:
            return known[1]
        parts = []
        for part, where in zip(self.parts, self._slices, strict=True):
            pack = part.kinetics.schema.pack_params
            parts.append(pack(*params[where.parameters], *params[where.options]))
        found = self._of_the_target(params), parts
        self._known = params, found
        return found

    def _of_the_target(self, params: Any) -> Any:
        own, whole = self.own.schema, self.model.schema
        at = len(whole.parameters)
        chosen = params[at : at + len(own.options)]
        values, drawn = params[: len(own.parameters)], params[at + len(whole.options) :]
        return own.pack_drawn(*values, *chosen, *drawn) if drawn else own.pack_params(*values, *chosen)

    # --- the functions of the whole ----------------------------------------------------------------------

    def _derivatives(self, state: Any, params: Any, data: Any) -> Mapping[str, Any]:
        slopes, changes = self._slopes(state, params, data)
        return self._named([*_in_order(self.own.schema, slopes), *changes])

    def _packed(self, y: Tensor, params: Any, data: Any) -> Tensor:
        """The same, packed: the innermost call of every stage."""
        rows = y.unbind(0)
        slopes, changes = self._slopes(rows, params, data)
        own = fit_in_order(slopes, self.own.schema.states, rows[0])
        if own is not None:
            return pack([*own, *changes])
        named = self._named([*_in_order(self.own.schema, slopes), *changes])
        return pack_all(self.model.schema, named, y, "derivatives")

    def _named(self, rows: Sequence[Any]) -> dict[str, Any]:
        return dict(zip(self.model.schema.states, rows, strict=True))

    def _slopes(self, state: Sequence[Any], params: Any, data: Any) -> tuple[Any, list[Any]]:
        """What the target's ``derivatives`` gives, and the derivatives of the states of all parts."""
        own, (values, of_parts) = self.own.schema, self._unpacked(params)
        post = own.pack_state(*state[: self._rows_of_own])
        changes: list[Any] = []
        outputs: list[Any] = []
        for part, where, given in zip(self.parts, self._slices, of_parts, strict=True):
            kinetics: Any = part.kinetics
            row, asked = kinetics.schema.pack_state(*state[where.states]), "derivatives"
            # As ask_packed() does, written out.
            try:
                if row:
                    changes += _in_rows(part, kinetics.derivatives(row, given), row)
                asked = "output"
                if kinetics.output is not None:
                    outputs.append(kinetics.output(row, given, post))
            except EXPLAINED as error:
                raise explained(kinetics, asked, error, (row, given, post)) from error
        received = self._received(post, outputs, data)
        return ask_packed(self.own, "derivatives", post, values, received), changes

    def _update(self, state: Any, params: Any, data: Any, dt: float) -> Any:
        """The target's own step, with what the synapses send at its start held for all of it."""
        own, (values, of_parts) = self.own.schema, self._unpacked(params)
        post = own.pack_state(*state[: self._rows_of_own])
        rows = [
            part.kinetics.schema.pack_state(*state[where.states])
            for part, where in zip(self.parts, self._slices, strict=True)
        ]
        outputs = [
            ask_packed(part.kinetics, "output", row, given, post)  # type: ignore[arg-type]
            for part, row, given in zip(self.parts, rows, of_parts, strict=True)
            if part.kinetics.output is not None
        ]
        new = ask_packed(self.own, "update", post, values, self._received(post, outputs, data), dt)
        if new is NotImplemented:
            return new
        changes: list[Any] = []
        for part, row, given in zip(self.parts, rows, of_parts, strict=True):
            if row:
                changes += self._kinetic_step(part, row, given, dt)
        return self._named([*_in_order(own, new), *changes])

    def _received(self, post: Any, outputs: Sequence[Any], data: Any) -> Any:
        """The target's input: what comes from outside and all outputs, aggregated once."""
        joining: Joining = {}
        if self._apart is not None:
            data, joining = self._apart.parted(data)
        if not fit(outputs, post[0]):
            outputs = [
                fitting(output, post[0], f"{_told(part)}.output")
                for part, output in zip(self._senders, outputs, strict=True)
            ]
        for name, (places, identifiers) in self._sending.items():
            if name in joining:
                values, names = joining[name]
            else:
                values, names = [getattr(data, name) if name else data], [EXTERNAL]
            sent = outputs if len(places) == len(outputs) else [outputs[place] for place in places]
            # Lists of their own: the aggregator may be anybody's.
            total = self._rules[name]([*values, *sent], [*names, *identifiers])
            data = data._replace(**{name: total}) if name else total
        return data

    def _kinetic_step(self, part: Part, rows: Any, values: Any, dt: float) -> tuple[Any, ...]:
        """A step of the synapse alone, by the classical Runge-Kutta method: no integrator is asked there."""
        names = part.kinetics.schema.pack_state

        def field(t: Any, y: Tensor) -> Tensor:
            row = names(*y.unbind(0))
            slopes = ask_packed(part.kinetics, "derivatives", row, values)  # type: ignore[arg-type]
            return pack(_in_rows(part, slopes, row))

        return _ALONE.advance(field, pack(list(rows)), 0.0, dt).y.unbind(0)

    def _threshold(self, state: Any, params: Any) -> Any:
        return self._of_own("threshold", state, params)

    def _reset(self, state: Any, params: Any) -> Any:
        return self._of_own("reset", state, params)

    def _release(self, state: Any, params: Any) -> Any:
        return self._of_own("release", state, params)

    def _of_own(self, function: str, state: Any, params: Any) -> Any:
        """What a function of the target says of its own states."""
        own = self.own.schema
        post = own.pack_state(*state[: len(own.states)])
        return ask_packed(self.own, function, post, self._unpacked(params)[0])

    # --- arrivals ------------------------------------------------------------------------------------

    def arrive(self, y: Tensor, params: Any, weights: Sequence[Tensor | None], held: Tensor | None) -> Tensor:
        """The states after spikes have arrived.

        Args:
            y: The states, ``[D, *batch, units]``.
            params: The parameters of the whole.
            weights: The sum of the weights that arrive by each part, ``[*batch, units]``; None: nothing.
            held: Who is refractory, bool ``[*batch, units]``; None: nobody. What arrives at a state that
                it holds is lost.

        Returns:
            A new tensor.
        """
        rows = list(y.unbind(0))
        names = tuple(self.own.schema.states)
        for place, (part, weight) in enumerate(zip(self.parts, weights, strict=True)):
            if weight is None:
                continue
            kinetics: Any = part.kinetics
            if kinetics.into:
                at = names.index(kinetics.into)
                if held is not None and kinetics.into in self.own.schema.held:
                    weight = torch.where(held, 0.0, weight)
                rows[at] = rows[at] + weight
                continue
            where = self._slices[place].states
            own = kinetics.schema.pack_state(*rows[where])
            values = self._unpacked(params)[1][place]
            changes = ask_packed(kinetics, "arrive", own, values, weight)
            states = kinetics.schema.states
            usual = type(changes) is dict and bool(changes) and changes.keys() <= states.keys()
            if not usual or not fit(changes.values(), own[0]):
                changes = named_rows(changes, states, own[0], f"{_told(part)}.arrive", some=True)
            for at, name in enumerate(states, start=where.start):
                if name in changes:
                    # Where nothing arrives nothing happens, whatever the author makes of a weight of 0.
                    still, new = rows[at], changes[name]
                    if weight.requires_grad:
                        # But one that is 0 and learns has a derivative there.
                        still = still.detach() + (new - new.detach())
                    rows[at] = torch.where(weight != 0, new, still)
        return torch.stack(rows)


def _told(part: Part) -> str:
    """How messages call a function's place: the projection or receptor, and the synapse's class."""
    return f"{part.identifier}: {part.kinetics.schema.owner}"


def _in_rows(part: Part, given: Any, rows: Any) -> list[Any]:
    """The derivatives of a part's states, whose present values are ``rows``."""
    states = part.kinetics.schema.states
    slopes = fit_in_order(given, states, rows[0])
    if slopes is not None:
        return slopes
    named = named_rows(given, states, rows[0], f"{_told(part)}.derivatives")
    return [named[name] for name in states]


def _in_order(schema: Schema, slopes: Any) -> list[Any]:
    """The derivatives of the target's own states; a mapping with other names is told by whoever packs it."""
    if not isinstance(slopes, Mapping) or slopes.keys() != schema.states.keys():
        # The error that the model alone would give.
        raise wrong_names(schema, slopes, "derivatives")
    return [slopes[name] for name in schema.states]

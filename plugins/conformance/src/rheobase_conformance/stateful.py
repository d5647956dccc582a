"""A state machine for hypothesis: a neuron that is copied, saved and restored on its way stays the same."""

from __future__ import annotations

import copy
import io
import pickle
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple

import torch
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from rheobase import Neuron, SpikingNeuron, simulate
from rheobase.errors import RheobaseError, RheobaseWarning
from torch import Tensor

from .neurons.buffers import IMPORTABLE
from .neurons.case import DTYPES, NeuronCase
from .neurons.running import copied, parting, require_same_runs, same, seeded
from .neurons.subject import NeuronSubject
from .strategies import BATCHES, edges, of_subject, subject_of
from .violation import require, violated

LEVELS = (3.0, 0.0, 10.0, 1.5, -3.0, 30.0)
"""Levels of an input, in multiples of the size of current that moves the model."""

STRONG = 10.0
"""The level at which a neuron is driven away from where it was."""

AFTER = st.integers(1, 4)
"""The steps, at a strong input, after which something is done: so that there is something to keep."""

KICKS = (1.0, -1.0, 0.25, 3.0)
"""Kicks, in multiples of how far the main input moves the voltage."""

FACTORS = (1.05, 0.95, 1.02, 1.0)
"""What a parameter is taken to, as a part of its default."""


def _cases(machine: NeuronMachine) -> st.SearchStrategy[NeuronCase]:
    return of_subject(machine.subject, max_steps=1)


def _assignments(machine: NeuronMachine) -> st.SearchStrategy[tuple[str, float]]:
    subject = machine.subject
    near = [
        (name, float(f"{subject.defaults[name] * factor:.6g}"))
        for name in subject.schema.parameters
        for factor in FACTORS
    ]
    inside = [
        (name, value)
        for name, value in [*near, *edges(subject)]
        if bool(subject.schema.parameters[name].domain.contains(torch.tensor(value, dtype=torch.float64)))
    ]
    return st.sampled_from(inside)


class NeuronMachine(RuleBasedStateMachine):
    """What may be done to a neuron, in any order; see :func:`machine`.

    Two neurons get the same inputs. One only runs; the other, the twin, is copied, saved, pickled and
    restored on its way, and what it leaves behind runs on, so that whatever they share shows.

    Attributes:
        subject: The model.
        neuron: The one that only runs, and is made anew where the twin is reset.
        twin: The other.
    """

    subject: ClassVar[NeuronSubject]

    def __init__(self) -> None:
        super().__init__()
        self.case = NeuronCase()
        self.neuron: Any = None
        self.twin: Any = None
        # What was set since the neuron was made: to make another like it.
        self.settings: list[Callable[[Any], object]] = []
        self.conversions: list[torch.dtype] = []

    # --- rules -----------------------------------------------------------------------------------

    @initialize(case=st.runner().flatmap(_cases))
    def make(self, case: NeuronCase) -> None:
        """Make two neurons alike."""
        self.case = case
        self.neuron, self.twin = self._made(), self._made()

    @rule(level=st.sampled_from(LEVELS), steps=st.integers(1, 12), seed=st.integers(0, 9))
    def step(self, level: float, steps: int, seed: int) -> None:
        """Some steps, the same for both."""
        piece = self._piece(level, steps, seed)
        self._both(lambda neuron: _go(neuron, piece))

    @rule(
        level=st.sampled_from(LEVELS), first=st.integers(1, 6), then=st.integers(1, 6), seed=st.integers(0, 9)
    )
    def simulate_in_pieces(self, level: float, first: int, then: int, seed: int) -> None:
        """One run of the neuron, and two of the twin."""
        piece = self._piece(level, first + then, seed)
        self._both(
            lambda neuron: _simulated(neuron, piece, (first + then,)),
            lambda twin: _simulated(twin, piece, (first, then)),
        )

    @rule(after=AFTER, goes_on=st.booleans())
    def deep_copy(self, after: int, goes_on: bool) -> None:
        """The twin is a deep copy of itself, or stays itself (``goes_on``); the other one is driven away."""
        self.step(STRONG, after, 0)
        made = copy.deepcopy(self.twin)
        self._replace(made, goes_on)

    @rule(after=AFTER)
    def save_and_load(self, after: int) -> None:
        """The twin is a neuron made anew that loaded its ``state_dict``, through a file."""
        self.step(STRONG, after, 0)
        file = io.BytesIO()
        torch.save(self.twin.state_dict(), file)
        file.seek(0)
        made = self._made()
        for dtype in self.conversions:
            made.to(dtype)
        made.load_state_dict(torch.load(file, weights_only=False))
        self._replace(made, False)

    @rule(after=AFTER)
    def go_on_and_restore(self, after: int) -> None:
        """The twin goes on, and loads what was saved before."""
        self.step(STRONG, after, 0)
        content = copy.deepcopy(self.twin.state_dict())
        self._drive_away(self.twin)
        self.twin.load_state_dict(content)

    @precondition(lambda self: IMPORTABLE.has(self.subject))
    @rule(after=AFTER)
    def pickled(self, after: int) -> None:
        """The twin is what was pickled of it."""
        self.step(STRONG, after, 0)
        self._replace(pickle.loads(pickle.dumps(self.twin)), False)

    @precondition(lambda self: "voltage" in self.subject.schema.states)
    @rule(times=st.sampled_from(KICKS))
    def kick(self, times: float) -> None:
        """A kick of both."""
        size = self.subject.sizes.excursion.get("voltage") or 1.0
        self._both(lambda neuron: neuron.inject(float(f"{times * size:.6g}")))

    @precondition(lambda self: bool(self.subject.schema.parameters))
    @rule(assignment=st.runner().flatmap(_assignments))
    def assign(self, assignment: tuple[str, float]) -> None:
        """A parameter of both is set, within its domain."""
        name, value = assignment
        self._set(lambda neuron: setattr(neuron, name, value))

    @rule(dtype=st.sampled_from(list(DTYPES)))
    def convert(self, dtype: str) -> None:
        """Both are converted."""
        self.conversions.append(DTYPES[dtype])
        self._set(lambda neuron: neuron.to(DTYPES[dtype]))

    @rule(after=AFTER, batch=st.sampled_from(BATCHES))
    def reset(self, after: int, batch: tuple[int, ...]) -> None:
        """The twin is reset; the neuron is made anew, with the same settings. The batch may be another."""
        self.step(STRONG, after, 0)
        self.case = replace(self.case, batch=batch)
        self.neuron = self._made()
        for setting in self.settings:
            _told(setting, self.neuron)
        self._both(self._begin)

    # --- invariants ------------------------------------------------------------------------------

    @invariant()
    def they_agree(self) -> None:
        """Clock, states, spikes and all else that is saved are equal to the bit."""
        if self.neuron is None:
            return
        for what in ("simulation_step", "time", "dt", "dtype", "batch"):
            one, other = getattr(self.neuron, what), getattr(self.twin, what)
            require(one == other, f"{what} of the neuron is {one}, and of its twin {other}")
        mine, its = _tensors(self.neuron), _tensors(self.twin)
        require(
            mine.keys() == its.keys(),
            f"the neuron saves {', '.join(mine)}, and its twin {', '.join(its)}",
        )
        for name, value in mine.items():
            if not same(value, its[name]):
                violated(f"of a neuron and its twin {parting(name, value, its[name])}")

    @invariant()
    def states_are_finite(self) -> None:
        """No state is NaN or infinite."""
        for name in self.subject.schema.states if self.neuron is not None else ():
            finite = bool(getattr(self.neuron, name).isfinite().all())
            require(finite, f"{name} is not finite, and no error said so")

    # --- how -------------------------------------------------------------------------------------

    def _made(self) -> Any:
        return self.case.neuron(self.subject.model)

    def _begin(self, neuron: Any) -> None:
        neuron.reset_state()
        seeded(neuron, self.case.seed)

    def _piece(self, level: float, steps: int, seed: int) -> NeuronCase:
        sizes = self.subject.sizes
        drive = {name: (level * (sizes.rheobase[name] or sizes.scale[name]),) for name in self.subject.inputs}
        return replace(self.case, drive=drive, steps=steps, seed=seed)

    def _both(self, do: Callable[[Any], Any], differently: Callable[[Any], Any] | None = None) -> None:
        """Do something with both, and compare what it gives: the same, or the same named error."""
        one, other = _told(do, self.neuron), _told(differently or do, self.twin)
        require(
            one.error == other.error,
            f"the neuron gives {one.error or 'no error'}, and its twin {other.error or 'no error'}",
        )
        require_same_runs(one.seen, other.seen, "a neuron and its twin")

    def _set(self, setting: Callable[[Any], object]) -> None:
        self.settings.append(setting)
        self._both(setting)

    def _replace(self, made: Any, goes_on: bool) -> None:
        """Go on with the other twin, or the old one; and drive away the one that is left behind."""
        left = made if goes_on else self.twin
        self.twin = self.twin if goes_on else made
        self._drive_away(left)

    def _drive_away(self, neuron: Any) -> None:
        _told(lambda left: _go(left, self._piece(STRONG, 8, 11)), neuron)


class _Told(NamedTuple):
    """What came of an operation: what it gave, and the name of the error of ours that it ended with."""

    seen: list[dict[str, Tensor]]
    error: str = ""


def _told(do: Callable[[Any], Any], neuron: Any) -> _Told:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RheobaseWarning)  # strong inputs on purpose
        try:
            seen = do(neuron)
        except RheobaseError as error:
            return _Told([], type(error).__name__)
    return _Told(seen if isinstance(seen, list) else [])


def _tensors(neuron: Any) -> dict[str, Tensor]:
    """What is saved of a neuron; of an extra state of its author's, only a tensor."""
    return {name: value for name, value in neuron.state_dict().items() if isinstance(value, Tensor)}


def _go(neuron: Any, piece: NeuronCase) -> list[dict[str, Tensor]]:
    return [copied(neuron(each)) for each in piece.data(neuron)]


def _simulated(neuron: Any, piece: NeuronCase, lengths: tuple[int, ...]) -> list[dict[str, Tensor]]:
    """The traces and spikes of runs that follow each other, as one."""
    stimulus = piece.stimulus(neuron)
    record = [name for name in neuron.loggable_props if name != "spiked"]
    record += ["spikes"] if isinstance(neuron, SpikingNeuron) else []
    recordings, begin = [], 0
    for steps in lengths:
        part = _rows(stimulus, begin, begin + steps)
        recordings.append(simulate(neuron, part, record=record, backend="eager", progress=False))
        begin += steps
    seen = {name: torch.cat([each.traces[name] for each in recordings]) for name in recordings[0].traces}
    if "spikes" in record:
        for name in ("times", "units", "batch"):
            seen[f"spikes.{name}"] = torch.cat([getattr(each.spikes, name) for each in recordings])
    return [seen]


def _rows(stimulus: Any, begin: int, end: int) -> Any:
    if isinstance(stimulus, Mapping):
        return {name: values[begin:end] for name, values in stimulus.items()}
    return stimulus[begin:end]


def machine(model: type[Neuron] | str) -> type[NeuronMachine]:
    """A state machine of hypothesis for a model: does a neuron stay the same, whatever is done to it?

    In any order two neurons are stepped, simulated in pieces, kicked, given parameters within their domains,
    converted and reset, and one of them is copied, saved and loaded, pickled and restored on its way. At any
    time both must agree to the bit, in clock, states and spikes, and states must be finite; or both end in
    the same :class:`~rheobase.errors.RheobaseError`.

    Args:
        model: A neuron's class, or what :func:`rheobase.conformance.check` takes: a name, a path.

    Returns:
        A class; its ``TestCase`` is a test. Hypothesis' settings tell how much is tried.

    Raises:
        ArgumentError: If it is no neuron model.
        ComponentError: If no model has this name.

    Example:
        >>> from hypothesis import settings
        >>> from rheobase import AnalogNeuron
        >>> TestAnalog = machine(AnalogNeuron).TestCase
        >>> TestAnalog.settings = settings(max_examples=2, stateful_step_count=5, database=None)
        >>> TestAnalog().runTest()
    """
    subject = subject_of(model)
    return type(f"{subject.model.__name__}Machine", (NeuronMachine,), {"subject": subject})

"""Strategies for an author's own tests with hypothesis: cases of a model, from what it declares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from rheobase import Neuron
from rheobase.errors import ArgumentError, nearest
from rheobase.spi import EVENTS

from .finding import find_one
from .neurons import cases
from .neurons.case import DTYPES, NeuronCase
from .neurons.subject import NeuronSubject
from .profiles import PROFILES

BATCHES: tuple[tuple[int, ...], ...] = ((), (2,), (3, 1))
"""The batch dimensions of runs."""


def runs(
    model: type[Neuron] | str,
    *,
    dtypes: Sequence[str] = ("float64", "float32"),
    events: Sequence[str] | None = None,
    batch: bool = True,
    max_steps: int = 60,
) -> st.SearchStrategy[NeuronCase]:
    """Cases of a model: a neuron and a run, for tests of your own.

    Parameters lie up to a tenth from their defaults, shared or one for each unit, and on the edges that
    belong to their domains; options are chosen from; inputs go from silence to thirty times the rheobase,
    which is measured once, when the first test begins. At an edge, or under a strong input, a model may
    refuse to go on: a :class:`~rheobase.errors.RheobaseError` is an answer too.

    Args:
        model: A neuron's class, or what :func:`rheobase.conformance.check` takes: a name, a path.
        dtypes: The floating-point types, of "float64" and "float32".
        events: The event modes, of "crossing", "step" and "located"; by default all that the model has. One
            without a threshold has "crossing" alone.
        batch: Whether some inputs have batch dimensions.
        max_steps: The most steps of a run, from 1 up.

    Returns:
        A strategy. ``case.neuron(cls)``, with the model's class, makes the neuron of a case,
        ``case.data(neuron)`` the input of each step, ``case.stimulus(neuron)`` the same for ``simulate``.

    Raises:
        ArgumentError: If an argument cannot be used.
        ComponentError: If no model has this name.

    Example:
        >>> import rheobase as rb
        >>> from hypothesis import given, settings
        >>> class QIF(rb.SpikingNeuron):
        ...     tau = rb.Parameter(10.0, unit="ms", above=0)
        ...     voltage = rb.State(-1.0, unit="1", at_rest=True)
        ...     @staticmethod
        ...     def derivatives(state, params, data):
        ...         return {"voltage": (state.voltage**2 - 1.0 + data) / params.tau}
        ...     @staticmethod
        ...     def threshold(state, params):
        ...         return state.voltage - 10.0
        ...     @staticmethod
        ...     def reset(state, params):
        ...         return {"voltage": -10.0}
        >>> @settings(max_examples=5, derandomize=True, deadline=None, database=None)
        ... @given(runs(QIF, events=["crossing"], max_steps=10))
        ... def test_the_voltage_stays_below_its_threshold(case):
        ...     neuron = case.neuron(QIF)
        ...     for current in case.data(neuron):
        ...         assert bool((neuron(current)["voltage"] <= 10.0).all())
        >>> test_the_voltage_stays_below_its_threshold()
    """
    subject = subject_of(model)
    _check("dtypes", dtypes, DTYPES)
    if events is not None:
        _check("events", events, EVENTS)
    if isinstance(max_steps, bool) or not isinstance(max_steps, int) or max_steps < 1:
        raise ArgumentError(f"max_steps={max_steps!r} cannot be used; give an integer from 1 up")
    return of_subject(subject, dtypes=dtypes, events=events, batch=batch, max_steps=max_steps)


def of_subject(
    subject: NeuronSubject,
    *,
    dtypes: Sequence[str] = ("float64", "float32"),
    events: Sequence[str] | None = None,
    batch: bool = True,
    max_steps: int = 60,
) -> st.SearchStrategy[NeuronCase]:
    """:func:`runs` of a subject."""

    def measured() -> st.SearchStrategy[NeuronCase]:
        _ = subject.sizes  # here, before the first case, where no limit on the time of a case counts it
        drawn = cases.runs(
            subject,
            PROFILES["standard"],
            units=(2, 1, 5),
            batches=BATCHES if batch else ((),),
            steps=tuple(dict.fromkeys(min(each, max_steps) for each in (30, 12, 1, max_steps))),
            dtypes=dtypes,
            events=event_modes(subject) if events is None else events,
        )
        return st.tuples(drawn, st.sampled_from([None, *edges(subject)])).map(
            lambda pair: _at(subject, *pair)
        )

    return st.deferred(measured)


def subject_of(model: Any) -> NeuronSubject:
    """The subject of a neuron model.

    Raises:
        ArgumentError: If it is none.
        ComponentError: If no model has this name.
    """
    subject = find_one(model, kind="neuron")
    if not isinstance(subject, NeuronSubject):
        raise ArgumentError(f"{model!r} is no neuron model; give a neuron's class or name")
    return subject


def event_modes(subject: NeuronSubject) -> tuple[str, ...]:
    """The event modes that a model has, the usual one first."""
    if not subject.has_threshold:
        return ("crossing",)
    return ("crossing", "step") if subject.own_forward or subject.has_update else EVENTS


def edges(subject: NeuronSubject) -> list[tuple[str, float]]:
    """Parameter and bound, for each bound that belongs to its domain."""
    return [
        (name, float(bound))
        for name, declared in subject.schema.parameters.items()
        for bound in (declared.domain.at_least, declared.domain.at_most)
        if bound is not None
    ]


def _at(subject: NeuronSubject, case: NeuronCase, edge: tuple[str, float] | None) -> NeuronCase:
    """The case with a parameter on an edge, where a model can be made so."""
    if edge is None:
        return case
    params = {**case.params, edge[0]: edge[1]}
    return replace(case, params=params) if cases.can_be_made(subject, params, case.units) else case


def _check(argument: str, given: Sequence[str], known: Sequence[str] | dict[str, Any]) -> None:
    wrong = [given] if isinstance(given, str) else [each for each in given if each not in known]
    if wrong or not given:
        near = nearest(str(wrong[0]), known) if wrong else ""
        raise ArgumentError(f"{argument}={given!r} cannot be used; give some of {', '.join(known)}{near}")

"""A run while it goes on: Ctrl-C comes between its steps, and those who follow it get what was recorded."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import threading
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
import rheobase as rb
import torch
from rheobase import Parameter, SpikingNeuron, State
from rheobase.deferral import Deferral, deferred, deferring
from rheobase.pipeline.watched import Piece, Watch, listening
from torch import Tensor


class Integrating(SpikingNeuron):
    """dV/dt = I, a spike at 1; a signal may come where the derivatives are worked out."""

    voltage = State(0.0, unit="mV", doc="membrane potential")
    size = Parameter(1.0, unit="mV", doc="the threshold")
    countdown = 0
    number = signal.SIGINT

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        Integrating.countdown -= 1
        if Integrating.countdown == 0:
            os.kill(os.getpid(), Integrating.number)
        return {"voltage": data + 0.0 * state.voltage}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        gap: Tensor = state.voltage - params.size
        return gap

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        return {"voltage": 0.0}


@pytest.fixture(autouse=True)
def no_signal() -> Iterator[None]:
    """No signal comes unless a test asks for one."""
    Integrating.countdown, Integrating.number = 0, signal.SIGINT
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def _run(**options: Any) -> tuple[Any, rb.Recording]:
    neuron = rb.create(Integrating, 3)
    current = torch.tensor([0.3, 0.7, 1.1])
    return neuron, rb.simulate(
        neuron, current, 20.0, record=("spikes", "voltage"), backend="eager", **options
    )


@pytest.mark.parametrize("at", [1, 3, 50, 793])
def test_an_interrupt_within_a_step_comes_after_it(at: int) -> None:
    _, whole = _run()
    neuron = rb.create(Integrating, 3)
    Integrating.countdown = at
    with pytest.raises(rb.SimulationInterrupted) as caught:
        rb.simulate(
            neuron,
            torch.tensor([0.3, 0.7, 1.1]),
            20.0,
            record=("spikes", "voltage"),
            backend="eager",
        )
    part = caught.value.recording
    # Four evaluations to a step of Runge-Kutta.
    assert (part.steps, neuron.simulation_step) == ((at + 3) // 4,) * 2
    assert torch.equal(part.traces["voltage"], whole.traces["voltage"][: part.steps])
    assert torch.equal(neuron.voltage, part.traces["voltage"][-1])
    rest = rb.simulate(neuron, torch.tensor([0.3, 0.7, 1.1]), 20.0 - part.duration, backend="eager")
    assert torch.equal(torch.cat([part.spikes.times, rest.spikes.times]), whole.spikes.times)


def test_an_interrupt_in_the_last_step_does_not_lose_the_recording() -> None:
    _, whole = _run()
    Integrating.countdown = 4 * 200
    with pytest.raises(rb.SimulationInterrupted) as caught:
        _run()
    assert caught.value.recording.steps == whole.steps
    assert torch.equal(caught.value.recording.spikes.times, whole.spikes.times)


def test_sigterm_is_heard_like_ctrl_c_where_its_handler_is_the_same() -> None:
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        Integrating.countdown, Integrating.number = 100, signal.SIGTERM
        with pytest.raises(rb.SimulationInterrupted) as caught:
            _run()
        assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGTERM, before)
    assert caught.value.recording.steps == 25


def test_a_handler_of_somebody_s_own_stays_in_its_place() -> None:
    heard = list[int]()
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        Integrating.countdown = 10
        _, recording = _run()
    finally:
        signal.signal(signal.SIGINT, before)
    assert recording.complete
    assert heard == [signal.SIGINT]


def test_a_second_interrupt_comes_at_once_where_the_first_was_not_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr("rheobase.deferral.time.monotonic", lambda: now[0])
    deferral = Deferral()
    for now[0] in (100.0, 100.5, 100.9):
        deferral(signal.SIGINT, None)
    now[0] = 101.1
    with pytest.raises(KeyboardInterrupt):
        deferral(signal.SIGINT, None)


def test_an_interrupt_that_nobody_heeds_is_not_swallowed() -> None:
    with pytest.raises(KeyboardInterrupt), deferred():
        signal.raise_signal(signal.SIGINT)


def test_an_error_goes_before_an_interrupt() -> None:
    def fails() -> None:
        signal.raise_signal(signal.SIGINT)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), deferred():
        fails()


def test_a_run_within_a_run_hears_what_the_outer_one_hears() -> None:
    with deferred() as outer, deferred() as inner:
        assert inner is outer
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            inner.heed()
        outer.heed()


def test_ctrl_c_as_it_begins_to_be_held_back_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(number: int) -> NoReturn:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("signal.getsignal", interrupted)
        with contextlib.suppress(KeyboardInterrupt), deferred():
            pass
    assert not deferring()


def test_other_threads_run_without_signals() -> None:
    found = list[bool]()

    def work() -> None:
        found.append(_run()[1].complete)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [True]


def test_an_interrupted_run_can_be_sent_to_another_process() -> None:
    Integrating.countdown = 40
    with pytest.raises(rb.SimulationInterrupted) as caught:
        _run()
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert torch.equal(again.recording.spikes.times, caught.value.recording.spikes.times)


def test_pieces_meet_where_the_run_goes_on_while_another_thread_asks() -> None:
    class Running(Watch):
        """A block ends between any two looks at how far the run is."""

        @property
        def _done(self) -> int:
            self.looks = getattr(self, "looks", 0) + 1
            return self.looks

        @_done.setter
        def _done(self, value: int) -> None:
            pass

    watch = Running(9, lambda done: None, Deferral(), lambda first, last: Piece(first, last, None, {}))
    pieces = [watch._new() for _ in range(3)]
    assert [piece.first for piece in pieces] == [0, *(piece.last for piece in pieces[:-1])]


@pytest.mark.parametrize(
    ("event", "batch", "grad"),
    [("crossing", (), True), ("crossing", (2,), False), ("located", (), False), ("located", (2,), True)],
)
def test_pieces_one_after_the_other_are_the_recording(event: str, batch: tuple[int, ...], grad: bool) -> None:
    neuron = rb.create(Integrating, 3, event=event)
    rows = torch.linspace(0.2, 1.3, 1300 * 3).reshape(1300, *(1,) * len(batch), 3).expand(1300, *batch, 3)
    pieces = list[Piece]()

    def listen(done: int, new: Any) -> None:
        if done % 1024 == 0 or done == 1300:
            pieces.append(new())

    with listening(listen):
        recording = rb.simulate(
            neuron, rows, record=("spikes", "voltage"), every=7, backend="eager", grad=grad
        )
    assert [(piece.first, piece.last) for piece in pieces] == [(0, 1024), (1024, 1300)]
    spikes = recording.spikes
    for place, whole in enumerate((spikes.times, spikes.units, spikes.batch)):
        assert torch.equal(torch.cat([piece.spikes[place] for piece in pieces if piece.spikes]), whole)
    assert len(recording.spikes) > 100
    traces = torch.cat([piece.traces["voltage"] for piece in pieces])
    assert torch.equal(traces, recording.traces["voltage"])


def test_ctrl_c_is_held_back_from_steps_taken_at_once_only_where_somebody_is_told() -> None:
    def piece(first: int, last: int) -> Piece:
        return Piece(first, last, None, {})

    def handler(**how: Any) -> Any:
        with rb.watched(8, False, piece, **how) as watch:
            found = signal.getsignal(signal.SIGINT)
            watch(8)
        return found

    told: list[int] = []
    assert handler(whole=True) is signal.default_int_handler
    assert isinstance(handler(whole=False), Deferral)
    with listening(lambda done, new: told.append(new().last)):
        assert isinstance(handler(whole=True), Deferral)
    assert told == [8]
    # Within a run that holds it back it stays that run's.
    with deferred() as outer, rb.watched(8, False, whole=True) as watch:
        outer(signal.SIGINT, None)
        with pytest.raises(KeyboardInterrupt):
            watch(8)

"""One neuron, several threads: one runs it, the others are refused, and nothing is mixed."""

from __future__ import annotations

import copy
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase.engine.neuron.threads import MARK
from rheobase.errors import BusyError

ACTIONS = {
    "simulate": lambda neuron: rb.simulate(neuron, 5.0, duration=1.0, record="voltage", backend="eager"),
    "a call": lambda neuron: neuron(5.0),
    "inject": lambda neuron: neuron.inject(1.0),
    "reset_state": lambda neuron: neuron.reset_state(),
}


class Waiting(rb.AnalogNeuron):
    """In the middle of a step it waits for a word."""

    voltage = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state, params, data):
        return {"voltage": data}

    def forward(self, data, identifiers=None):
        if WITHIN is not None:
            WITHIN.set()
            assert GO_ON.wait(10.0)
        return super().forward(data, identifiers)


WITHIN: threading.Event | None = None
GO_ON = threading.Event()


@pytest.fixture
def busy(monkeypatch) -> Any:
    """A neuron that stands in the middle of a step in another thread, or of a run."""
    monkeypatch.setitem(globals(), "WITHIN", threading.Event())
    GO_ON.clear()
    neuron, ended = rb.create(Waiting), []
    threads: list[threading.Thread] = []

    def begin(run: bool) -> Any:
        action = ACTIONS["simulate"] if run else ACTIONS["a call"]
        threads.append(threading.Thread(target=lambda: ended.append(action(neuron))))
        threads[0].start()
        assert WITHIN is not None
        assert WITHIN.wait(10.0)
        return neuron

    def end() -> None:
        GO_ON.set()
        threads[0].join(10.0)

    begin.end = end  # type: ignore[attr-defined]
    yield begin
    end()
    assert len(ended) == 1


@pytest.mark.parametrize("run", [False, True], ids=["in a step", "in a run"])
@pytest.mark.parametrize("action", ACTIONS)
def test_a_neuron_that_runs_in_another_thread_is_refused_and_goes_on_afterwards(busy, action, run):
    neuron = busy(run)
    with pytest.raises(BusyError, match=r"Waiting.*running in another thread.*deepcopy"):
        ACTIONS[action](neuron)
    busy.end()
    assert neuron.simulation_step == (10 if run else 1)
    ACTIONS[action](neuron)
    assert MARK not in vars(neuron)


@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, lambda n: pickle.loads(pickle.dumps(n))])
def test_a_copy_of_a_neuron_that_runs_is_free(busy, copied, monkeypatch):
    free = copied(busy(False))
    monkeypatch.setitem(globals(), "WITHIN", None)
    free(5.0)
    assert free.simulation_step == 1


def test_a_thread_may_enter_a_neuron_that_it_runs():
    class Nested(rb.AnalogNeuron):
        voltage = rb.State(0.0, unit="mV")

        @staticmethod
        def derivatives(state, params, data):
            return {"voltage": data}

        def forward(self, data, identifiers=None):
            self.inject(1.0)
            if not getattr(self, "_entered", False):
                self._entered = True
                self(data)  # a step more
            return super().forward(data, identifiers)

    neuron = rb.create(Nested)
    rb.simulate(neuron, 0.0, duration=0.2, record="voltage", backend="eager")
    assert neuron.simulation_step == 3
    assert float(neuron.voltage) == pytest.approx(3.0)
    assert MARK not in vars(neuron)


def test_a_step_that_fails_leaves_the_neuron_free():
    neuron = rb.create("analog")
    with pytest.raises(rb.errors.InputError):
        neuron(float("nan"))
    with pytest.raises(rb.errors.InputError):
        rb.simulate(neuron, torch.full((3, 1), torch.nan), record="voltage")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(neuron, 1.0).result(10.0)


def test_the_mark_of_a_thread_that_is_gone_holds_nobody_up():
    neuron = rb.create("analog")
    vars(neuron)[MARK] = -1  # no thread has this identifier, as after a fork
    neuron(1.0)
    assert MARK not in vars(neuron)


def test_eight_threads_give_the_steps_of_some_of_them_one_after_the_other():
    neuron = rb.create(Waiting)
    steps = 200

    def run(_: int) -> bool:
        try:
            rb.simulate(neuron, 1.0, duration=steps * 0.1, record="voltage", backend="eager")
        except BusyError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        done = sum(pool.map(run, range(8)))
    assert done >= 1
    assert neuron.simulation_step == done * steps
    # V rises by 0.1 mV in each step.
    assert float(neuron.voltage) == pytest.approx(0.1 * done * steps, rel=1e-4)


def test_different_neurons_run_side_by_side():
    neurons = [rb.create(Waiting) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(
            pool.map(lambda n: rb.simulate(n, 1.0, duration=2.0, record="voltage", backend="eager"), neurons)
        )
    assert [n.simulation_step for n in neurons] == [20] * 4


def test_a_compiled_step_asks_for_no_thread():
    neuron = rb.create(Waiting)
    torch.compile(neuron, backend="eager", fullgraph=True)(torch.tensor([1.0]))
    assert neuron.simulation_step == 1

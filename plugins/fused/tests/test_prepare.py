"""A prepared run is, call after call, one run of simulate, to the last bit, whatever is done between."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import Input, Parameter, SpikingNeuron, State
from torch import Tensor

GAIN = 1.0


class Driven(SpikingNeuron):
    """A leaky integrator with a conductance, and a gain that is no parameter."""

    volt_thresh = Parameter(10.0, unit="mV")
    tau = Parameter(5.0, unit="ms", above=0)
    tau_ref = Parameter(0.3, unit="ms", at_least=0)
    voltage = State(0.0, unit="mV", at_rest=True)
    trace = State(0.0, unit="mV", at_rest=True)
    drive = Input(unit="mV")
    conductance = Input(unit="1", at_least=0)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        leak = (1.0 + data.conductance) * state.voltage
        return {
            "voltage": (GAIN * data.drive - leak - state.trace) / params.tau,
            "trace": (0.1 * state.voltage - state.trace) / params.tau,
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - params.volt_thresh

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": 0.0 * params.tau, "trace": state.trace + 0.2}


RECORD = ("spikes", "voltage", "spiked")


def inputs(steps: int, *shape: int, seed: int = 0, wide: bool = True) -> dict[str, Tensor]:
    made = torch.Generator().manual_seed(seed)
    drive = 120.0 * torch.rand(steps, *shape, generator=made)
    wet = torch.rand(steps, *(shape if wide else (1,)), generator=made)
    return {"drive": drive, "conductance": wet}


def alike(one: Any, other: Any) -> bool:
    saved, also = one.state_dict(), other.state_dict()
    return saved.keys() == also.keys() and all(
        torch.equal(saved[name].nan_to_num(-1.0), also[name].nan_to_num(-1.0)) for name in saved
    )


def nothing(neuron: Any) -> None:
    pass


def assigned(neuron: Any) -> None:
    neuron.tau = 3.0


def written(neuron: Any) -> None:
    neuron.tau.data.fill_(3.0)


def by_unit(neuron: Any) -> None:
    neuron.tau = torch.linspace(3.0, 8.0, neuron.num_units)


def kicked(neuron: Any) -> None:
    neuron.inject(torch.full((neuron.num_units,), 7.0))


def begun_again(neuron: Any) -> None:
    neuron.reset_state()


def loaded(neuron: Any) -> None:
    neuron.load_state_dict(neuron.state_dict())


def longer_steps(neuron: Any) -> None:
    neuron.reset_state()
    neuron.dt = 0.2


def made_double(neuron: Any) -> None:
    neuron.double()


def other_integrator(neuron: Any) -> None:
    neuron.integrator = rb.integrator("rk2")


def other_order(neuron: Any) -> None:
    neuron.integrator.order = 2


def other_gain(neuron: Any) -> None:
    globals()["GAIN"] = 1.25


CHANGES = (
    *(nothing, assigned, written, by_unit, kicked, begun_again, loaded),
    *(longer_steps, made_double, other_integrator, other_order, other_gain),
)


@pytest.fixture(autouse=True)
def gain() -> Any:
    yield
    globals()["GAIN"] = 1.0


def named(value: Any) -> str:
    return getattr(value, "__name__", str(value))


@pytest.mark.parametrize(
    ("backend", "change"),
    [
        *(("fused", change) for change in CHANGES),
        *(("eager", change) for change in (written, by_unit, longer_steps, other_gain)),
    ],
    ids=named,
)
def test_calls_are_one_run_whatever_is_done_between_them(
    differences: Any, backend: str, change: Callable[[Any], None]
) -> None:
    made = [rb.create(Driven, num_units=5, integrator=rb.integrator("rk4"), tau_ref=0.2) for _ in range(2)]
    prepared, plain = made
    run = rb.prepare(prepared, backend=backend, record=RECORD)
    kept = []
    for call, steps in enumerate((8, 8, 3, 8, 1, 8)):
        if call == 3:
            change(prepared)
            if change is not other_gain:
                change(plain)
        x = inputs(steps, 5, seed=call, wide=call % 2 == 0)
        kept.append((run(x), rb.simulate(plain, x, record=RECORD, backend=backend)))
    # Looked at only now, when later calls have been.
    assert not any(differences(one, other) for one, other in kept)
    assert alike(prepared, plain)
    assert sum(len(one.spikes) for one, _ in kept) > 3
    assert kept[-1][0].first_step == kept[-1][1].first_step
    assert kept[0][0].provenance == kept[0][1].provenance


@pytest.mark.parametrize("shape", [(1,), (5,), (3, 1), (3, 5), (2, 2, 5)], ids=str)
@pytest.mark.parametrize("by_units", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_batches_and_single_units_are_taken_too(
    differences: Any, shape: tuple[int, ...], by_units: bool, dtype: torch.dtype
) -> None:
    units = shape[-1]
    made = [rb.create(Driven, num_units=units, dtype=dtype) for _ in range(2)]
    for neuron in made:
        if by_units:
            neuron.tau = torch.linspace(3.0, 8.0, units)
    run = rb.prepare(made[0], backend="fused", record=RECORD, every=4)
    for call in range(4):
        x = inputs(8, *shape, seed=call)
        one = run(x)
        other = rb.simulate(made[1], x, record=RECORD, every=4, backend="fused")
        assert not differences(one, other)
        assert one.batch_shape == shape[:-1]
    assert alike(*made)


def test_many_steps_in_several_blocks_and_on_several_threads_are_the_same(differences: Any) -> None:
    made = [rb.create("lif", num_units=600) for _ in range(2)]
    run = rb.prepare(made[0], backend="fused", record=("spikes", "voltage"), every=100)
    for steps in (8, 2000, 8):
        x = 400.0 * torch.rand(steps, 600, generator=torch.Generator().manual_seed(steps))
        other = rb.simulate(made[1], x, record=("spikes", "voltage"), every=100, backend="fused")
        assert not differences(run(x), other)
    assert alike(*made)


def test_located_spikes_and_recorded_inputs_take_the_long_way(differences: Any) -> None:
    made = [rb.create("lif", num_units=3, event="located") for _ in range(2)]
    run = rb.prepare(made[0], backend="fused", record=("spikes", "input", "voltage"))
    for call in range(4):
        x = 900.0 * torch.rand(40, 3, generator=torch.Generator().manual_seed(call))
        other = rb.simulate(made[1], x, record=("spikes", "input", "voltage"), backend="fused")
        assert not differences(run(x), other)
        assert len(other.spikes) > 0
    assert alike(*made)


def test_what_is_wrong_with_an_input_is_told_as_simulate_tells_it_and_changes_nothing() -> None:
    neuron: Any = rb.create(Driven, num_units=2)
    run = rb.prepare(neuron, backend="fused")
    run(inputs(8, 2))
    before = neuron.state_dict()
    bad = inputs(8, 2)
    bad["drive"][5, 1] = torch.nan
    with pytest.raises(rb.errors.InputError, match=r"nan for unit 1 in step 5"):
        run(bad)
    bad = inputs(8, 2)
    bad["conductance"][0, 1] = -1.0
    with pytest.raises(rb.errors.ParameterError, match="'conductance' of unit 1 is -1"):
        run(bad)
    with pytest.raises(
        rb.errors.StimulusError, match=r"give one row for each step|as many steps as its input has rows"
    ):
        run({"drive": torch.ones(2)})
    assert all(torch.equal(before[name], value) for name, value in neuron.state_dict().items())


def test_ctrl_c_leaves_the_neuron_whole_and_gives_what_was_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    neuron: Any = rb.create("lif", num_units=3)
    run = rb.prepare(neuron, backend="fused", record="voltage")
    x = torch.full((8, 3), 100.0)
    run(x)
    taken = neuron.take_over

    def struck(values: Any) -> None:
        taken(values)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setitem(neuron.__dict__, "take_over", struck)
    with pytest.raises(rb.SimulationInterrupted) as caught:
        run(x)
    monkeypatch.undo()
    assert torch.equal(caught.value.recording.traces["voltage"][-1], neuron.voltage)
    assert neuron.simulation_step == 16
    assert run(x).first_step == 16


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("followed", [False, True])
def test_ctrl_c_beside_the_last_step_finds_all_steps_of_a_call_or_none(
    when: str, followed: bool, differences: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rheobase.pipeline.watched import listening

    neuron, twin = (rb.create("lif", num_units=3) for _ in range(2))
    run, also = (rb.prepare(each, backend="fused") for each in (neuron, twin))
    x, told = torch.full((30, 3), 300.0), list[int]()
    taken = neuron.take_over

    def struck(values: Any) -> None:
        if when == "after":
            taken(values)
        os.kill(os.getpid(), signal.SIGINT)
        if when == "before":
            taken(values)

    monkeypatch.setitem(neuron.__dict__, "take_over", struck)
    listeners = listening(lambda done, new: told.append(done)) if followed else contextlib.nullcontext()
    with listeners, pytest.raises(KeyboardInterrupt) as caught:
        run(x)
    monkeypatch.undo()
    # Held back for those who follow the run, it comes after the steps; else where it comes.
    if followed or when == "after":
        first = also(x)
        assert isinstance(caught.value, rb.SimulationInterrupted)
        assert caught.value.recording.spikes.times.tolist() == first.spikes.times.tolist() != []
    assert told == ([30] if followed else [])
    assert alike(neuron, twin)
    assert not differences(run(x), also(x))


def test_another_thread_is_refused_while_one_runs() -> None:
    neuron: Any = rb.create("lif", num_units=3)
    run = rb.prepare(neuron, backend="fused")
    found: list[BaseException] = []

    def elsewhere() -> None:
        try:
            run(torch.ones(8, 3))
        except rb.errors.BusyError as error:
            found.append(error)

    from rheobase.engine.neuron.threads import occupied

    with occupied(neuron):
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
    assert len(found) == 1


def test_a_refusal_is_an_error_where_the_backend_was_named_and_a_note_where_it_was_not() -> None:
    neuron = rb.create("lif", num_units=2, integrator="rk45")
    with pytest.raises(rb.errors.BackendError, match="chooses its own steps"):
        rb.prepare(neuron, backend="fused")
    run = rb.prepare(neuron)
    assert run.backend == "eager"
    recording = run(torch.full((4, 2), 150.0))
    assert "chooses its own steps" in (recording.provenance["backend"].note or "")
    assert recording.provenance["backend"].name == "eager"
    assert rb.prepare(rb.create("lif")).backend == "fused"


def test_a_graph_goes_on_from_call_to_call() -> None:
    neuron: Any = rb.create("lif", grad=True, tau_mem=torch.nn.Parameter(torch.tensor(5.0)))
    run = rb.prepare(neuron, record="voltage")
    assert run.backend == "eager"
    run(torch.full((4, 1), 50.0))
    last = run(torch.full((4, 1), 50.0)).traces["voltage"][-1]
    twin: Any = rb.create("lif", grad=True, tau_mem=torch.nn.Parameter(torch.tensor(5.0)))
    whole = rb.simulate(twin, torch.full((8, 1), 50.0), record="voltage").traces["voltage"][-1]
    (one,), (other,) = (
        torch.autograd.grad(end.sum(), which.tau_mem) for end, which in ((last, neuron), (whole, twin))
    )
    assert torch.equal(one, other)
    assert one != 0


def test_a_large_dt_is_warned_of_once_in_a_prepared_run() -> None:
    neuron: Any = rb.create("lif", dt=0.1)
    neuron.tau_mem = 0.05
    run = rb.prepare(neuron, backend="fused")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for _ in range(40):
            run(torch.full((2, 1), 10.0))
    assert [each.category for each in warned] == [rb.errors.StepSizeWarning]


def test_a_journal_hears_of_the_steps_of_each_call() -> None:
    from rheobase.pipeline.watched import listening

    run, told = rb.prepare(rb.create("lif", num_units=2), backend="fused", record="voltage"), []
    with listening(lambda done, new: told.append((done, len(new().traces["voltage"])))):
        run(torch.ones(8, 2))
        run(torch.ones(4, 2))
    assert told == [(8, 8), (4, 4)]


def test_some_units_are_recorded_as_simulate_does() -> None:
    made = [rb.create("lif", num_units=4) for _ in range(2)]
    record = {"spikes": [1, 3], "voltage": [2]}
    run = rb.prepare(made[0], backend="fused", record=record)
    eager = rb.prepare(made[1], backend="eager", record=record)
    for _ in range(3):
        x = torch.full((40, 4), 400.0)
        one, other = run(x), eager(x)
        assert one.traces["voltage"].shape == other.traces["voltage"].shape == (40, 1)
        assert one.spikes.units.tolist() == other.spikes.units.tolist() != []
        assert one.counts().tolist() == other.counts().tolist()

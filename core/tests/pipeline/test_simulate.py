"""Runs of a declared model against the same steps by hand, and against closed forms."""

from __future__ import annotations

import functools
import io
import math
import signal

import pytest
import rheobase as rb
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rheobase import errors, stimulus
from rheobase.pipeline.durations import steps_of
from rheobase.pipeline.progress import progress_bar

# Whatever backends are installed: these tests are about the one that is the truth for them.
simulate = functools.partial(rb.simulate, backend="eager")


class Lif(rb.SpikingNeuron):
    """tau dV/dt = -V + R I, a spike at 15 mV, then 0 mV for tau_ref."""

    tau_mem = rb.Parameter(10.0, unit="ms", above=0)
    tau_ref = rb.Parameter(2.0, unit="ms", at_least=0)
    resistance = rb.Parameter(0.04, unit="GOhm")
    voltage = rb.State(0.0, unit="mV", at_rest=True)

    @staticmethod
    def derivatives(state, params, data):
        return {"voltage": (params.resistance * data - state.voltage) / params.tau_mem}

    @staticmethod
    def threshold(state, params):
        return state.voltage - 15.0

    @staticmethod
    def reset(state, params):
        return {"voltage": 0.0}


class TwoInputs(Lif):
    fast = rb.Input(unit="pA")
    slow = rb.Input(unit="pA")

    @staticmethod
    def derivatives(state, params, data):
        drive = params.resistance * (data.fast + 2.0 * data.slow)
        return {"voltage": (drive - state.voltage) / params.tau_mem}


class ByForward(rb.SpikingNeuron):
    """No equations: a unit spikes in each step in which it receives more than its voltage."""

    def forward(self, data, identifiers=None):
        self.input = self.prepare(data, identifiers).expand(self.num_units).clone()
        self.spiked = (self.input > 1.0).to(torch.int8)
        self.voltage = self.voltage + self.input
        return self.loggable_state()


def lif(num_units=1, **more):
    return rb.create(Lif, num_units, **more)


NOISE = stimulus.OrnsteinUhlenbeck(400.0, 300.0, tau=5.0, seed=3)


def by_hand(neuron, rows):
    """Spikes and voltages of one step after another through ``forward``."""
    spikes, voltages = [], []
    for n, row in enumerate(rows):
        out = neuron(row)
        voltages.append(out["voltage"])
        spikes += [((n + 1) * neuron.dt, unit) for (unit,) in torch.nonzero(out["spiked"]).tolist()]
    return spikes, torch.stack(voltages)


def listed(recording):
    s = recording.spikes
    return list(zip(s.times.tolist(), s.units.tolist(), s.batch.tolist(), strict=True))


def test_a_run_is_its_steps_one_by_one():
    rows = NOISE.rows(0, 2000, 0.1, 3)
    spikes, voltages = by_hand(lif(3), rows)
    rec = simulate(lif(3), NOISE, 200.0, record=("spikes", "voltage", "input", "spiked"))
    assert listed(rec) == [(time, unit, 0) for time, unit in spikes]
    assert len(rec.spikes) > 10
    assert torch.equal(rec.traces["voltage"], voltages)
    assert torch.equal(rec.traces["input"], rows)
    assert torch.equal(
        torch.nonzero(rec.traces["spiked"]),
        torch.stack([(rec.spikes.times / 0.1).round().long() - 1, rec.spikes.units], dim=1),
    )
    assert (rec.dt, rec.steps, rec.duration, rec.num_units, rec.complete) == (0.1, 2000, 200.0, 3, True)


def test_spike_times_are_multiples_of_dt_and_no_running_sum():
    rec = simulate(lif(), 500.0, 500.0)
    steps = (rec.spikes.times / 0.1).round()
    assert torch.equal(rec.spikes.times, steps * 0.1)
    assert rec.spikes.times.dtype == torch.float64


def test_a_constant_current_gives_the_interval_of_the_closed_form():
    # ISI = t_ref + tau ln(R I / (R I - 15)); on the grid each part may last up to one step longer.
    rec = simulate(lif(dtype=torch.float64), 600.0, 200.0)
    truth = 2.0 + 10.0 * math.log(24.0 / 9.0)
    assert len(rec.spikes) == 1 + int((200.0 - (truth - 2.0)) / rec.isi().mean())
    assert ((rec.isi() >= truth - 1e-9) & (rec.isi() < truth + 0.1 + 1e-9)).all()


@functools.cache
def whole_run():
    return simulate(lif(2), NOISE, 60.0, record=("spikes", "voltage"))


@settings(max_examples=8, deadline=None)
@given(cut=st.integers(1, 599))
def test_two_runs_are_one_run(cut):
    whole, neuron = whole_run(), lif(2)
    first = simulate(neuron, NOISE, cut * 0.1, record=("spikes", "voltage"))
    second = simulate(neuron, NOISE, (600 - cut) * 0.1, record=("spikes", "voltage"))
    assert listed(first) + listed(second) == listed(whole)
    assert torch.equal(
        torch.cat([first.traces["voltage"], second.traces["voltage"]]), whole.traces["voltage"]
    )
    assert torch.equal(torch.cat([first.times, second.times]), whole.times)
    assert second.first_step == cut


@pytest.mark.parametrize(
    "current", [700.0, torch.tensor(700.0), torch.tensor([700.0]), torch.full((3,), 700.0)]
)
def test_numbers_scalars_and_one_value_for_each_unit_are_constant(current):
    truth = simulate(lif(3), stimulus.Constant(700.0), 50.0, record=("spikes", "voltage"))
    rec = simulate(lif(3), current, 50.0, record=("spikes", "voltage"))
    assert listed(rec) == listed(truth)
    assert len(truth.spikes) > 3
    assert torch.equal(rec.traces["voltage"], truth.traces["voltage"])


def test_a_tensor_with_rows_gives_one_to_each_step_of_the_run():
    rows = NOISE.rows(0, 300, 0.1, 2)
    for given_ in (rows, rows.double(), rows.numpy()):
        neuron = lif(2)
        simulate(neuron, 0.0, 5.0)
        rec = simulate(neuron, given_, record=("voltage", "input"))
        assert torch.equal(rec.traces["input"], rows)
        assert rec.times[0] == 51 * 0.1
    single = simulate(lif(2), rows[:, :1], 30.0, record="input")
    assert torch.equal(single.traces["input"], rows[:, :1].expand(300, 2))


def test_a_batch_is_recorded_with_its_shape_and_counted_row_by_row():
    current = torch.tensor([0.0, 500.0, 900.0, 700.0, 1500.0, 900.0]).reshape(2, 3, 1).expand(400, 2, 3, 2)
    rec = simulate(lif(2), current, record=("spikes", "voltage"))
    assert rec.traces["voltage"].shape == (400, 2, 3, 2)
    assert rec.batch_shape == (2, 3)
    for b, amplitude in enumerate([0.0, 500.0, 900.0, 700.0, 1500.0, 900.0]):
        alone = simulate(lif(), amplitude, 40.0)
        for unit in (0, 1):
            assert torch.equal(rec.spikes.of(unit, b), alone.spikes.times)
            assert rec.counts().reshape(6, 2)[b, unit] == len(alone.spikes)
    keys = [(t, u, b) for t, u, b in listed(rec)]
    assert keys == sorted(keys)


def test_inputs_by_name_are_driven_by_name():
    named = simulate(
        rb.create(TwoInputs), {"fast": stimulus.Step(300.0, start=5.0), "slow": 150.0}, 50.0, record="voltage"
    )
    summed = simulate(
        lif(), stimulus.Constant(300.0) + stimulus.Step(300.0, start=5.0), 50.0, record="voltage"
    )
    # The sums are formed in another order: a few roundings of float32 at 15 mV.
    assert torch.allclose(named.traces["voltage"], summed.traces["voltage"], atol=1e-4)
    with pytest.raises(errors.InputError, match=r"names the input 'fats'.*did you mean 'fast'"):
        simulate(rb.create(TwoInputs), {"fats": 1.0}, 1.0)


def test_a_class_with_a_forward_of_its_own_is_driven_through_it():
    neuron = rb.create(ByForward, 2, dt=0.5)
    rec = simulate(neuron, torch.tensor([[0.0, 2.0], [3.0, 0.5]]), record=("spikes", "voltage"))
    assert listed(rec) == [(0.5, 1, 0), (1.0, 0, 0)]
    assert rec.traces["voltage"].tolist() == [[0.0, 2.0], [3.0, 2.5]]


def test_a_forward_that_leaves_out_what_it_can_log_is_named():
    class Silent(ByForward):
        def forward(self, data, identifiers=None):
            return {"voltage": super().forward(data, identifiers)["voltage"]}

    with pytest.raises(errors.ArgumentError, match="forward returned no 'spiked', only voltage"):
        simulate(rb.create(Silent), 2.0, 1.0)


def test_forward_hooks_see_every_step():
    neuron, seen = lif(), []
    neuron.register_forward_hook(lambda module, args, out: seen.append(out["voltage"].item()))
    rec = simulate(neuron, 300.0, 2.0, record="voltage")
    assert seen == rec.traces["voltage"].flatten().tolist()


def test_an_analog_neuron_has_traces_and_no_spikes():
    neuron = rb.create("analog", dt=0.5)
    rec = simulate(neuron, stimulus.Ramp(2.0), 2.0, record="voltage")
    assert rec.traces["voltage"].flatten().tolist() == [0.0, 1.0, 2.0, 3.0]
    assert not rec.spikes.recorded
    with pytest.raises(
        errors.ArgumentError, match="emits no spikes to record; record one or more of: input, volt"
    ):
        simulate(neuron, 1.0, 1.0)


@pytest.mark.parametrize("loaded", [False, True])
def test_spikes_that_were_not_recorded_are_no_silence(loaded, tmp_path):
    rec = simulate(lif(), 900.0, 50.0, record="voltage")
    assert "0 spikes" not in repr(rec)
    if loaded:
        rec.save(tmp_path / "run.npz")
        rec = rb.Recording.load(tmp_path / "run.npz")
    for ask in (rec.counts, rec.rates, rec.isi, rec.cv, lambda: len(rec.spikes), lambda: rec.spikes.times):
        with pytest.raises(errors.ArgumentError, match=r"not recorded.*record=\('spikes'"):
            ask()


def test_more_steps_than_can_be_counted_are_refused():
    with pytest.raises(errors.ArgumentError, match="more than can be counted"):
        simulate(rb.create("analog", dt=1e-300), 1.0, 1.0, record="voltage")


def test_the_duration_defaults_to_what_is_left_of_the_stimulus():
    held = stimulus.Samples(torch.full((8,), 300.0), 0.25)
    neuron = lif()
    assert simulate(neuron, held, 0.5).steps == 5
    assert simulate(neuron, held).steps == 15
    with pytest.raises(errors.StimulusError, match=r"clock at 2 ms.*has ended by then.*reset_state"):
        simulate(neuron, held)
    with pytest.raises(errors.ArgumentError, match="no end, and no duration"):
        simulate(neuron, stimulus.Constant(1.0))


def test_a_run_that_outlasts_its_stimulus_is_refused_before_it_starts():
    neuron = lif()
    with pytest.raises(
        errors.StimulusError, match=r"duration is 2\.1 ms, and the stimulus ends at 2 ms.*at most 2 ms"
    ):
        simulate(neuron, stimulus.Samples(torch.ones(8), 0.25), 2.1)
    with pytest.raises(
        errors.StimulusError, match=r"20 rows, 2 ms at dt = 0\.1 ms, and the duration is 3 ms, 30 steps"
    ):
        simulate(neuron, torch.ones(20, 1), 3.0)
    assert neuron.simulation_step == 0


@pytest.mark.parametrize(
    ("duration", "says"),
    [
        (0.25, r"no multiple of the time step 0\.1 ms; the nearest is 0\.2 ms, 2 steps"),
        (0.01, r"the nearest is 0\.1 ms, 1 step"),
        (0.0, "finite time above 0"),
        (-1.0, "finite time above 0"),
        (math.nan, "finite time above 0"),
        (math.inf, "finite time above 0"),
        ("10", "finite time above 0"),
    ],
)
def test_a_duration_that_is_no_multiple_of_dt_is_refused_with_the_nearest(duration, says):
    with pytest.raises(errors.ArgumentError, match=says):
        simulate(lif(), 1.0, duration)


@given(steps=st.integers(1, 10**9), per_ms=st.integers(1, 1000))
def test_durations_that_were_rounded_are_still_whole_steps(steps, per_ms):
    assert steps_of(steps / per_ms, 1 / per_ms) == steps
    assert steps_of(steps * (1 / per_ms), 1 / per_ms) == steps


@pytest.mark.parametrize(
    ("current", "says"),
    [
        (torch.ones(3), r"\[3\], the neuron has 2 units.*unsqueeze"),
        (torch.ones(5, 3), r"\[5, 3\], the neuron has 2 units.*\[steps, \*batch, 2\]"),
        (torch.ones(5, 2, dtype=torch.int64), r"torch\.int64; give a real"),
        (torch.ones(2, dtype=torch.complex64), "complex64"),
        (torch.ones(0, 2), r"empty tensor \[0, 2\]"),
        (torch.tensor([1.0, math.nan]), "nan for unit 1"),
        (torch.tensor([[1.0, 1.0], [1.0, 1.0], [math.inf, 1.0]]), "inf for unit 0 in step 2"),
        (torch.tensor([[1.0], [-math.inf], [1.0]]), "-inf for every unit in step 1"),
        (torch.ones(3, 2, device="meta"), "on meta, the neuron is on cpu"),
        ("200", "of type str"),
        (True, "of type bool"),
        (None, "of type NoneType"),
    ],
)
def test_a_current_that_cannot_be_used_is_refused_before_the_run(current, says):
    neuron = lif(2)
    with pytest.raises(errors.InputError, match=says):
        simulate(neuron, current, 0.3)
    assert neuron.simulation_step == 0


def test_a_stimulus_for_another_number_of_units_is_refused():
    with pytest.raises(errors.StimulusError, match="made for 3 units, the neuron has 2"):
        simulate(lif(2), stimulus.Constant(torch.ones(3)), 1.0)


def test_what_cannot_be_recorded_is_refused_with_the_nearest():
    with pytest.raises(
        errors.ArgumentError, match=r"'voltag'; did you mean 'voltage'.*spikes, input, voltage"
    ):
        simulate(lif(), 1.0, 1.0, record=("voltag",))
    with pytest.raises(errors.ArgumentError, match="give a neuron"):
        simulate("lif", 1.0, 1.0)


def test_no_graph_grows_unless_it_is_asked_for():
    current = torch.full((20, 1), 300.0, requires_grad=True)
    assert not simulate(lif(), current, record="voltage").traces["voltage"].requires_grad
    neuron = lif()
    assert simulate(neuron, current, record="voltage").complete
    assert not neuron.voltage.requires_grad
    trace = simulate(lif(dtype=torch.float64), current, record="voltage", grad=True).traces["voltage"]
    (slope,) = torch.autograd.grad(trace[-1].sum(), current)
    # V_20 = R dt/tau sum of e^{-(20 - n) dt/tau} I_n, for steps far below tau:
    # exactly R (1 - q) q^(19 - n) with q = e^{-dt/tau}, which RK4 meets to dt^5.
    q = math.exp(-0.01)
    truth = torch.tensor([0.04 * (1 - q) * q ** (19 - n) for n in range(20)])
    assert torch.allclose(slope.flatten(), truth, rtol=1e-5)
    assert neuron.keeps_graph is False


@pytest.mark.parametrize("grad", [True, False])
def test_torch_records_operations_only_if_gradients_are_asked_for(grad):
    seen = []

    class Watched(Lif):
        @staticmethod
        def derivatives(state, params, data):
            seen.append(torch.is_grad_enabled())
            return Lif.derivatives(state, params, data)

    simulate(rb.create(Watched), 1.0, 0.2, grad=grad)
    assert set(seen) == {grad}
    assert torch.is_grad_enabled()


def test_ctrl_c_leaves_what_was_recorded_marked_incomplete():
    class Interrupting(stimulus.Stimulus):
        """Rows as long as they are asked for before step 1500; then Ctrl-C."""

        def rows(self, first, count, dt, num_units, *, dtype=torch.float32, device=None):
            if first + count > 1500:
                signal.raise_signal(signal.SIGINT)
            return torch.full((count, 1), 700.0, dtype=dtype)

    neuron = lif(2)
    with pytest.raises(rb.SimulationInterrupted, match="interrupted after 1024 of 3000") as caught:
        simulate(neuron, Interrupting(), 300.0, record=("spikes", "voltage"))
    rec = caught.value.recording
    truth = simulate(lif(2), 700.0, 102.4, record=("spikes", "voltage"))
    assert isinstance(caught.value, KeyboardInterrupt)
    assert not rec.complete
    assert rec.steps == neuron.simulation_step == 1024
    assert torch.equal(rec.traces["voltage"], truth.traces["voltage"])
    assert listed(rec) == listed(truth)
    assert rec.provenance.keys() == truth.provenance.keys()


def test_ctrl_c_within_a_step_leaves_the_steps_before_it():
    class Stopping(Lif):
        calls = 0

        @staticmethod
        def derivatives(state, params, data):
            Stopping.calls += 1
            if Stopping.calls == 4 * 37 + 2:  # in the second stage of step 37
                raise KeyboardInterrupt
            return Lif.derivatives(state, params, data)

    for grad in (False, True):
        Stopping.calls = 0
        neuron = rb.create(Stopping)
        with pytest.raises(rb.SimulationInterrupted) as caught:
            simulate(neuron, 700.0, 30.0, record="voltage", grad=grad)
        assert caught.value.recording.traces["voltage"].shape == (37, 1)
        assert neuron.simulation_step == 37
        assert neuron.keeps_graph is False


def test_provenance_names_all_four_parts():
    rec = simulate(lif(), 1.0, 1.0)
    assert rec.provenance.keys() == {"model", "integrator", "aggregator", "backend"}
    assert rec.provenance["backend"].as_dict() == {
        "name": "eager",
        "distribution": "rheobase",
        "version": rec.provenance["backend"].version,
    }
    assert rec.model == "Lif"


def test_a_progress_bar_is_shown_when_asked_for_and_kept_away_otherwise(capsys):
    simulate(lif(), 1.0, 5.0, progress=True)
    assert "100%" in capsys.readouterr().err
    simulate(lif(), 1.0, 5.0, progress=False)
    simulate(lif(), 1.0, 5.0)
    assert capsys.readouterr().err == ""


def test_on_a_terminal_only_a_run_of_over_a_second_gets_a_bar(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    now = [0.0]
    monkeypatch.setattr("rheobase.pipeline.progress.time.perf_counter", lambda: now[0])
    for elapsed, shown in ((0.9, False), (1.1, True)):
        monkeypatch.setattr("sys.stderr", terminal := Terminal())
        now[0] = 0.0
        with progress_bar(200, None) as tick:
            tick(50)
            now[0] = elapsed
            tick(100)
        assert ("simulating" in terminal.getvalue()) is shown

"""Models that explode past their threshold, and all others, under strong drive: spikes, under every method,
or an error that says what to do.

The exponential neuron of CONTRIBUTING is the hard case. At its peak the voltage rises by 4e14 mV per ms, and
the pole is 5e-15 ms away: less than float32 resolves within a step of 0.1 ms, and little more than float64
does. The truth is DOP853, which follows the upstroke with the voltage in place of the time, as M. Henon,
On the numerical computation of Poincare maps (1982), Physica D 5(2-3), 412-414.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rheobase as rb
import torch
from rheobase.conformance.neurons.subject import NeuronSubject
from rheobase.pointing import module_of_file

ROOT = Path(__file__).resolve().parents[1]
ZOO = ROOT / "plugins" / "conformance" / "tests" / "zoo"
METHODS = ("rk4", "rk45", "tsit5", "rk23")
ADAPTIVE = METHODS[1:]
EVENTS = ("crossing", "step", "located")
DTYPES = (torch.float32, torch.float64)


@cache
def contributed() -> dict[str, type[rb.Neuron]]:
    """The models of CONTRIBUTING, by the names of their classes."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    found: dict[str, type[rb.Neuron]] = {}
    for code in re.findall(r"^```python\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE):
        if re.search(r"^class \w+\((Spiking|Analog)Neuron\)", code, flags=re.MULTILINE):
            names: dict[str, Any] = {"__name__": "contributed"}
            exec(compile(code, "CONTRIBUTING.md", "exec"), names)
            found |= {name: value for name, value in names.items() if _is_own_model(value)}
    return found


def _is_own_model(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, rb.Neuron) and value.__module__ == "contributed"


def adex() -> Any:
    return contributed()["Adex"]


@cache
def reference(current: float, end: float, delta_t: float = 2.0) -> tuple[tuple[float, ...], float]:
    """The spikes of CONTRIBUTING's AdEx, and w after the last of them, by DOP853 at 1e-12."""
    integrate = pytest.importorskip("scipy.integrate", reason="scipy is not installed (extra 'dev')")
    settings = {"method": "DOP853", "rtol": 1e-12, "atol": 1e-12}

    def field(v: float, w: float) -> tuple[float, float]:
        upstroke = 30.0 * delta_t * np.exp(min((v + 50.4) / delta_t, 700.0))
        return (-30.0 * (v + 70.6) + upstroke - w + current) / 281.0, (4.0 * (v + 70.6) - w) / 144.0

    def slope(t: float, y: Any) -> tuple[float, float]:
        return field(*y)

    def upstroke_begins(t: float, y: Any) -> float:
        return float(y[0] - high)

    def by_voltage(v: float, y: Any) -> tuple[float, float]:
        rise, pull = field(v, y[1])
        return 1.0 / rise, pull / rise

    high = -50.4 + 10.0 * delta_t
    upstroke_begins.terminal, upstroke_begins.direction = True, 1.0  # type: ignore[attr-defined]
    time, state, spikes = 0.0, (-70.6, 0.0), []
    while True:
        run = integrate.solve_ivp(slope, (time, end), state, events=upstroke_begins, **settings)
        if run.status != 1:
            return tuple(spikes), state[1]
        start = [run.t_events[0][0], run.y_events[0][0][1]]
        time, w = integrate.solve_ivp(by_voltage, (high, 20.0), start, **settings).y[:, -1]
        if time > end:
            return tuple(spikes), state[1]
        spikes.append(float(time))
        state = (-70.6, w + 80.5)


def run(model: Any, currents: list[float], duration: float, **settings: Any) -> tuple[Any, list[np.ndarray]]:
    """A neuron after a run, and the spikes of each unit."""
    neuron = rb.create(model, len(currents), **settings)
    drive = torch.tensor(currents, dtype=neuron.dtype)
    spikes = rb.simulate(neuron, drive, duration, backend="eager").spikes
    return neuron, [spikes.of(unit).numpy() for unit in range(len(currents))]


# --- the exponential neuron of CONTRIBUTING -------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("method", ADAPTIVE)
def test_the_exponential_neuron_spikes_where_the_reference_does(method: str, dtype: torch.dtype) -> None:
    end = 1.0 if method == "rk23" else 2.0  # it takes three times as many steps
    train, _ = reference(10000.0, end)
    assert len(train) == round(end)
    _, (located,) = run(adex(), [10000.0], end, integrator=method, event="located", dtype=dtype)
    # Of 70 mV, which rise by 35 mV per ms, a step errs by 1e-8 (float64) or 1.2e-6 (float32), ten times what
    # float32 resolves: 2e-8 and 2e-6 ms, and some few of them add up.
    assert np.abs(located - train).max() < (1e-5 if dtype == torch.float32 else 1e-7)
    _, (crossing,) = run(adex(), [10000.0], end, integrator=method, event="crossing", dtype=dtype)
    # What is reported is the end of the step, where the voltage goes on from its reset: a step late at most.
    assert len(crossing) == len(train)
    assert crossing[0] == pytest.approx(np.ceil(train[0] / 0.1) * 0.1)
    assert np.all((crossing - train > 0.0) & (crossing - train < 0.2))


@pytest.mark.parametrize("dt", [0.025, 0.1])
def test_the_default_method_locates_the_spikes_of_the_exponential_neuron(dt: float) -> None:
    # So many that for some the pole is just where float32 has its next time.
    currents = torch.linspace(4000.0, 20000.0, 200).tolist()
    neuron, trains = run(adex(), currents, 2.5, event="located", dt=dt)
    assert bool(neuron.voltage.isfinite().all() & neuron.w.isfinite().all())
    for unit in (0, 100, 199):
        expected, _ = reference(currents[unit], 2.5)
        assert len(trains[unit]) == len(expected) > 0
        # Half a step at each spike: across the upstroke a step of a fixed size has no accuracy of its own.
        assert np.abs(trains[unit] - expected).max() < 0.5 * dt * len(expected)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("method", ["rk4", "rk45"])
@pytest.mark.parametrize("event", ["crossing", "located"])
def test_a_pole_nearer_than_any_type_resolves_is_a_spike(event: str, method: str, dtype: torch.dtype) -> None:
    # exp(704) is beyond float32, and the speed beyond it is of no type.
    neuron, (train,) = run(adex(), [10000.0], 1.5, integrator=method, event=event, dtype=dtype, delta_t=0.1)
    expected, w = reference(10000.0, 1.5, 0.1)
    assert len(train) == len(expected) == 2
    if method == "rk45" and event == "located":
        assert np.abs(train - expected).max() < 1e-5
        # w after the last spike, on the way back down to 4 nS times some 10 mV.
        assert float(neuron.w) == pytest.approx(w, abs=1.0)


@pytest.mark.parametrize("method", ["rk4", "rk45"])
def test_the_reset_sees_the_voltage_at_the_threshold_and_not_the_explosion(method: str) -> None:
    class Falling(adex()):  # type: ignore[misc]
        """It falls by 90 mV from where it is."""

        @staticmethod
        def reset(state: Any, params: Any) -> Any:
            return {"voltage": state.voltage - 90.0, "w": state.w + params.b}

    currents = torch.linspace(9000.0, 11000.0, 200 if method == "rk4" else 2)
    neuron = rb.create(Falling, len(currents), integrator=method, event="located")
    spikes = 0
    for _ in range(11):
        spiked = neuron(currents)["spiked"].bool()
        # From 20 - 90 mV it rises by less than 40 mV per ms, for less than 0.1 ms.
        assert bool((neuron.voltage[spiked] > -70.01).all() & (neuron.voltage[spiked] < -66.0).all())
        spikes += int(spiked.sum())
    assert spikes == len(currents)


def test_one_long_step_locates_poles_that_are_near_for_its_length() -> None:
    expected, _ = reference(10000.0, 4.0)
    method = rb.integrator("rk45", rtol=1e-9)
    settings = {"integrator": method, "event": "located", "dtype": torch.float64, "dt": 4.0}
    _, (train,) = run(adex(), [10000.0], 4.0, **settings)
    assert len(train) == len(expected) == 4
    assert np.abs(train - expected).max() < 1e-9


def test_a_unit_on_the_way_to_a_pole_is_the_same_alone_and_in_company() -> None:
    settings = {"integrator": "rk45", "event": "located"}
    currents = [3000.0, 10000.0, 100.0, 9990.0]
    together, trains = run(adex(), currents, 1.0, **settings)
    for unit, current in enumerate(currents):
        alone, (train,) = run(adex(), [current], 1.0, **settings)
        assert np.array_equal(train, trains[unit])
        assert alone.voltage[0] == together.voltage[unit]
        assert alone.w[0] == together.w[unit]
    assert len(trains[1]) == 1


def test_the_time_of_a_spike_before_a_pole_has_its_gradient() -> None:
    current = torch.tensor([10000.0], dtype=torch.float64, requires_grad=True)
    neuron = rb.create(adex(), integrator="rk45", event="located", dtype=torch.float64, grad=True, dt=1.0)
    out = neuron(current)
    (slope,) = torch.autograd.grad(out["spike_times"].sum(), current)
    (later,), (sooner,) = (reference(current, 1.0)[0] for current in (9999.0, 10001.0))
    assert slope.item() == pytest.approx((sooner - later) / 2.0, rel=1e-4)


@pytest.mark.parametrize("method", ["rk4", "rk45"])
def test_where_the_step_goes_past_the_pole_the_error_names_the_modes_that_serve(method: str) -> None:
    with pytest.raises(rb.errors.IntegrationError, match=r"event='crossing' \(.*\) or event='located'"):
        run(adex(), [10000.0], 2.0, integrator=method, event="step")


# --- no spike where there is none -----------------------------------------------------------------


class Wall(rb.SpikingNeuron):
    """dV/dt = speed (level - V): as fast as may be, to a level that may be below the threshold at 1."""

    speed = rb.Parameter(1e20, unit="1/ms", above=0)
    level = rb.Parameter(0.9, unit="1")
    voltage = rb.State(0.0, unit="1")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": params.speed * (params.level - state.voltage)}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 1.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage)}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("event", ["crossing", "located"])
@pytest.mark.parametrize("method", ADAPTIVE)
def test_a_unit_that_is_too_fast_but_slows_before_its_threshold_is_an_error_and_no_spike(
    method: str, event: str, dtype: torch.dtype
) -> None:
    # At its first speed it would cross after 1e-20 ms, which no step resolves; in truth it never does.
    with pytest.raises(rb.errors.StepUnderflowError, match="for unit 0 at t = 0 ms"):
        run(Wall, [0.0], 0.1, integrator=method, event=event, dtype=dtype)


# --- every sound model ----------------------------------------------------------------------------

DRIVES = (1.05, 2.0, 5.0, 20.0)
"""In units of the rheobase; or, for models that have none, of an input that moves them visibly."""


@cache
def models() -> dict[str, Any]:
    """The sound models of the zoo, and those of CONTRIBUTING, once each where both have one."""
    found: dict[str, Any] = dict(contributed())
    for file in sorted(ZOO.glob("sound_*.py")):
        module = module_of_file(file)
        for name in module.SOUND:
            model = getattr(module, name)
            if isinstance(model, type) and issubclass(model, rb.Neuron) and name not in found:
                found[f"{file.stem}-{name}"] = model
    return found


@cache
def subject(name: str) -> NeuronSubject:
    return NeuronSubject(name, name, models()[name])


def outcome(name: str, duration: float, **settings: Any) -> tuple[list[int] | None, str]:
    """Drive a model, all drives in one ensemble: the spikes of each unit, or None and the error."""
    judged = subject(name)
    sizes, model = judged.sizes, judged.model
    main = sizes.main
    size = sizes.rheobase[main] or sizes.scale[main]
    dt = float(rb.create(model).dt)
    try:
        neuron = rb.create(model, len(DRIVES), **settings)
        drive: Any = torch.tensor([size * part for part in DRIVES], dtype=neuron.dtype)
        if neuron.schema.declared and neuron.schema.inputs:
            drive = {main: drive}
        spikes = torch.zeros(len(DRIVES), dtype=torch.int64)
        for _ in range(round(duration / dt)):
            out = neuron(drive)
            spikes += out.get("spike_count", out.get("spiked", torch.zeros_like(spikes))).to(torch.int64)
    except rb.errors.RheobaseError as error:
        return None, f"{type(error).__name__}: {error}"
    for state in neuron.schema.states:
        assert bool(getattr(neuron, state).isfinite().all())
    return spikes.tolist(), ""


ACTIONABLE = re.compile(r"use |raise |try |give |choose |check ")
"""Errors say what to do next."""


def judge(name: str, counts: list[int] | None, error: str, event: str) -> None:
    """Spikes at all drives above the rheobase, or an error that a user can act on."""
    if counts is None:
        assert ACTIONABLE.search(error), error
        if event == "step" and subject(name).has_threshold and subject(name).has_reset:
            assert "event='located'" in error, error
    elif subject(name).sizes.rheobase[subject(name).sizes.main]:
        assert min(counts) > 0, counts


SAMPLE = ("Adex", "sound_classics-AdEx", "sound_events-Quadratic", "sound_neurons-HighReset")


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("method", METHODS)
def test_a_strong_drive_gives_spikes_or_an_error_to_act_on(method: str, event: str) -> None:
    place = METHODS.index(method) * len(EVENTS) + EVENTS.index(event)
    name, dtype = SAMPLE[place % len(SAMPLE)], DTYPES[place % 3 == 0]
    counts, error = outcome(name, 5.0, integrator=method, event=event, dtype=dtype)
    if counts is None:
        assert event == "step", error
        judge(name, counts, error, event)
    else:
        assert counts[-1] > 0


@pytest.mark.by_hand
@pytest.mark.parametrize("name", list(models()))
def test_every_sound_model_spikes_under_every_method_or_says_what_to_do(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for method in METHODS:
        for event in EVENTS:
            for dtype in DTYPES:
                counts, error = outcome(name, 200.0, integrator=method, event=event, dtype=dtype)
                with capsys.disabled():
                    print(name, method, event, dtype, error if counts is None else counts, flush=True)
                judge(name, counts, error, event)


@pytest.mark.by_hand
def test_the_table_of_the_exponential_neuron(capsys: pytest.CaptureFixture[str]) -> None:
    drives = [700.0, 1000.0, 2500.0, 10000.0]
    truth = [len(reference(drive, 200.0)[0]) for drive in drives]

    def tell(*words: Any) -> None:
        with capsys.disabled():
            print(*words, flush=True)

    tell("\nDOP853", drives, "pA", truth)
    for method in METHODS:
        for event in EVENTS:
            for dtype in DTYPES:
                settings = {"integrator": method, "event": event, "dtype": dtype}
                if event == "step":
                    with pytest.raises(rb.errors.IntegrationError, match="event='located'") as caught:
                        run(adex(), drives, 200.0, **settings)
                    tell(method, event, dtype, caught.type.__name__)
                    continue
                _, trains = run(adex(), drives, 200.0, **settings)
                counts = [len(train) for train in trains]
                tell(method, event, dtype, counts)
                if event == "located" and method != "rk4":
                    assert counts == truth
                # A step of 0.1 ms late at each of so many intervals, or less.
                assert all(
                    abs(one - other) <= 1 + other // 20 for one, other in zip(counts, truth, strict=True)
                )

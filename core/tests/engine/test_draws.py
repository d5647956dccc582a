"""Declared draws: random numbers that follow from seed, unit, row, step and event."""

from __future__ import annotations

import copy
import math
import pickle
import warnings
from typing import Any

import numpy as np
import pytest
import rheobase as rb
import torch
from rheobase.errors import ArgumentError, DeclarationError, ParameterError
from torch import Tensor


class Gif(rb.SpikingNeuron):
    """A constant hazard: a spike where its integral reaches a unit exponential number, a Poisson process."""

    rate = rb.Parameter(0.05, unit="kHz", at_least=0, doc="hazard")
    target = rb.Draw("exponential", doc="what the integral of the hazard reaches")
    total = rb.State(0.0, unit="1", doc="integral of the hazard")
    level = rb.State(lambda p: p.target, unit="1", doc="target of the next spike")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Tensor]:
        return {"total": params.rate + 0.0 * data * state.total, "level": 0.0 * state.level}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        return state.total - state.level

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        return {"total": 0.0, "level": params.target}


class Both(Gif):
    """Draws in its update and at its spikes, by one name; ``seen`` is what the update drew last."""

    seen = rb.State(0.0, unit="1", doc="what the update drew")

    @staticmethod
    def update(state: Any, params: Any, data: Any, dt: float) -> dict[str, Tensor]:
        return {"total": state.total + params.rate * dt, "level": state.level, "seen": params.target}


def spikes_of(neuron: Any, duration: float, drive: Any = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Times and lanes of the spikes, lane after lane."""
    spikes = rb.simulate(neuron, drive, duration=duration, backend="eager").spikes
    lanes = (spikes.units + neuron.num_units * spikes.batch).numpy()
    order = np.lexsort((spikes.times.numpy(), lanes))
    return spikes.times.numpy()[order], lanes[order]


def levels(neuron: Any, steps: int, drive: Any = 0.0) -> Tensor:
    """The target of each unit, from the initial one on: ``[steps + 1, *batch, units]``."""
    first = neuron.level
    rows = [neuron(drive)["level"] for _ in range(steps)]
    return torch.stack([first.expand_as(rows[0]), *rows])


def uniform_parts(between: np.ndarray, dt: float | None, longest: float) -> np.ndarray:
    """Intervals as numbers that are uniform on (0, 1) where the process is Poisson, of 50 Hz.

    An interval on the grid is a whole number of steps; where in its last step it ended is taken at random.
    """

    def within(t: np.ndarray) -> np.ndarray:
        return -np.expm1(-t / 20.0)

    if dt is None:
        return within(between) / within(np.array(longest))
    low, high = within(between - dt), within(between)
    inside = np.random.default_rng(0).uniform(size=len(between))
    return (low + inside * (high - low)) / within(np.array(longest))


# The number of units and the run, ms: a few thousand spikes each.
RUNS = [
    ("crossing", 1.0, (500,), 400.0),
    ("step", 1.0, (500,), 400.0),
    ("located", 1.0, (5, 100), 400.0),
    ("crossing", 0.1, (1000,), 60.0),
    ("located", 0.1, (1000,), 60.0),
]


@pytest.mark.parametrize(("event", "dt", "lanes", "duration"), RUNS)
def test_a_constant_hazard_gives_a_poisson_process(
    event: str, dt: float, lanes: tuple[int, ...], duration: float
) -> None:
    stats = pytest.importorskip("scipy.stats")
    neuron = rb.create(Gif, lanes[-1], event=event, dt=dt, dtype=torch.float64, seed=1)
    times, whose = spikes_of(neuron, duration, torch.zeros(round(duration / dt), *lanes))
    # A spike ends its step, and the next interval begins with the next step: a whole number of steps, of
    # mean dt / (1 - exp(-rate dt)). Located spikes are where they are.
    mean = 20.0 if event == "located" else dt / -math.expm1(-dt / 20.0)
    expected = math.prod(lanes) * duration / mean
    # Four standard deviations of a Poisson count; the seed is fixed.
    assert abs(len(times) - expected) < 4.0 * expected**0.5
    # Intervals that begin in the first half, and would end in the run were they half as long as it: an
    # interval knows nothing of where it begins, so these are all that are so short.
    half = duration / 2.0
    inside = (np.diff(whose) == 0) & (times[:-1] <= half)
    between = np.diff(times)[inside]
    between = between[between <= half + 1e-9]
    assert len(between) > 1000
    parts = uniform_parts(between, None if event == "located" else dt, half)
    assert stats.kstest(parts, "uniform").pvalue > 1e-3
    if duration > 300.0:
        # The coefficient of variation of n intervals has the standard error 1 / sqrt(n).
        truth = 1.0 if event == "located" else math.exp(-dt / 40.0)
        assert abs(between.std() / between.mean() - truth) < 4.0 / len(between) ** 0.5


def test_several_spikes_of_one_step_draw_each_their_own() -> None:
    neuron = rb.create(Gif, 200, event="located", dt=1.0, rate=5.0, dtype=torch.float64)
    times, whose = spikes_of(neuron, 20.0)
    between = np.diff(times)[np.diff(whose) == 0]
    assert len(np.unique(between.round(9))) == len(between)
    assert abs(between.mean() - 0.2) < 4.0 * 0.2 / len(between) ** 0.5


@pytest.mark.parametrize(
    ("distribution", "law"),
    [("exponential", ("expon", ())), ("uniform", ("uniform", ())), ("normal", ("norm", ()))],
)
def test_draws_have_their_distribution_over_units_and_over_steps(
    distribution: str, law: tuple[str, tuple[()]]
) -> None:
    stats = pytest.importorskip("scipy.stats")

    class Kind(rb.AnalogNeuron):
        noise = rb.Draw(distribution)
        voltage = rb.State(0.0, unit="mV")

        @staticmethod
        def update(state: Any, params: Any, data: Any, dt: float) -> dict[str, Tensor]:
            return {"voltage": params.noise}

    neuron = rb.create(Kind, 40, dtype=torch.float64)
    values = torch.stack([neuron(0.0)["voltage"] for _ in range(100)])
    assert len(values.unique()) == values.numel()
    assert stats.kstest(values.flatten(), *law).pvalue > 1e-3
    centred = (values - values.mean()) / values.std()
    for other in (centred.roll(1, 0), centred.roll(1, 1)):
        # The correlation of 4,000 pairs has the standard error 1 / sqrt(4000).
        assert abs(float((centred * other).mean())) < 4.0 / 4000**0.5


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_rounding_keeps_a_draw_within_its_open_bounds(dtype: torch.dtype) -> None:
    from rheobase.engine.model.drawing import _numbers

    extremes = np.array([[0, 0, 0, 0], [2**64 - 1, 0, 0, 0]], dtype=np.uint64)
    for distribution, most in (("uniform", 1.0), ("exponential", math.inf)):
        values = _numbers(extremes, distribution, dtype).to(dtype)
        assert bool(((values > 0) & (values < most)).all()), values


def test_the_first_units_draw_what_they_draw_in_a_smaller_ensemble() -> None:
    whole, part = rb.create(Gif, 7, dt=1.0, rate=0.5), rb.create(Gif, 3, dt=1.0, rate=0.5)
    assert torch.equal(levels(whole, 20)[:, :3], levels(part, 20))


@pytest.mark.parametrize("event", ["crossing", "step", "located"])
def test_rows_of_a_batch_have_draws_of_their_own_from_the_first_one_on(event: str) -> None:
    batch, alone = (rb.create(Gif, 3, dt=1.0, rate=0.5, event=event) for _ in range(2))
    rows = levels(batch, 20, torch.zeros(2, 2, 3))
    assert torch.equal(rows[:, 0, 0], levels(alone, 20))
    # After one step most targets are the initial ones; no two are alike.
    assert len(rows[1].unique()) == 12
    assert torch.equal(batch.level, rows[-1])


def test_a_state_that_was_set_is_not_drawn_again() -> None:
    neuron = rb.create(Gif, 2, dt=1.0, rate=0.0)
    neuron.level = torch.tensor([float(neuron.level[0]), 0.75])
    rows = neuron(torch.zeros(3, 2))["level"]
    assert rows[:, 1].tolist() == [0.75] * 3
    given = rb.create(Gif, 2, dt=1.0, level=0.75)
    assert given(torch.zeros(3, 2))["level"].unique().tolist() == [0.75]


def test_a_step_that_fails_leaves_the_neuron_as_it_was() -> None:
    neuron = rb.create(Gif, 2, dt=1.0)
    before = neuron.state_dict()
    with pytest.raises(rb.errors.InputError, match="nan"):
        neuron(torch.tensor([[0.0, 0.0], [0.0, math.nan]]))
    assert all(torch.equal(value, neuron.state_dict()[name]) for name, value in before.items())


def test_the_event_modes_draw_the_same_where_spikes_share_a_step() -> None:
    # A rate so low that no two spikes of a unit lie in neighbouring steps.
    found = {
        event: levels(rb.create(Gif, 50, dt=1.0, rate=0.02, event=event, dtype=torch.float64), 30)
        for event in ("crossing", "step", "located")
    }
    assert len(found["located"].unique()) > 60
    assert torch.equal(found["crossing"], found["step"])
    # Located spikes come earlier after the first, by what is left of a step; their draws are of those steps.
    same = (found["crossing"] == found["located"]).double().mean()
    assert float(same) > 0.8


@pytest.mark.parametrize(
    "again",
    [
        copy.deepcopy,
        lambda neuron: pickle.loads(pickle.dumps(neuron)),
        lambda neuron: _loaded(neuron.state_dict(), neuron.seed + 1),
    ],
    ids=["deepcopy", "pickle", "state_dict"],
)
@pytest.mark.parametrize("done", [0, 7])
@pytest.mark.parametrize("batch", [(), (2,)])
def test_a_run_that_is_split_draws_what_the_whole_run_does(again: Any, done: int, batch: tuple[int]) -> None:
    whole, first = (rb.create(Gif, 3, dt=1.0, rate=0.5, seed=3) for _ in range(2))
    drive = torch.zeros(*batch, 3)
    for _ in range(done):
        whole(drive), first(drive)
    expected = levels(whole, 10, drive)
    assert torch.equal(levels(again(first), 10, drive)[1:], expected[1:])


def _loaded(saved: Any, seed: int) -> Any:
    fresh = rb.create(Gif, 3, dt=1.0, rate=0.5, seed=seed)
    fresh.load_state_dict(saved)
    return fresh


def test_a_state_dict_carries_the_seed_and_is_refused_without() -> None:
    saved = rb.create(Gif, 3, seed=5).state_dict()
    assert saved["draw_seed"].tolist() == 5
    fresh = rb.create(Gif, 3)
    fresh.load_state_dict(saved)
    assert fresh.seed == 5
    del saved["draw_seed"]
    with pytest.raises(RuntimeError, match="seed"):
        rb.create(Gif, 3).load_state_dict(saved)
    assert "draw_seed" not in rb.create("analog", seed=1).state_dict()


def test_a_functional_call_takes_the_whole_state_dict() -> None:
    neuron = rb.create(Gif, 3, seed=5)
    saved, current = neuron.state_dict(), torch.zeros(3)
    out = torch.func.functional_call(neuron, saved, (current,))
    for name, value in neuron(current).items():
        assert torch.equal(out[name], value), name


def test_seed_identifier_and_name_of_the_draw_tell_numbers_apart() -> None:
    class Two(Gif):
        other = rb.Draw("exponential")
        second = rb.State(lambda p: p.other, unit="1")

        @staticmethod
        def derivatives(state: Any, params: Any, data: Any) -> dict[str, Tensor]:
            still = 0.0 * state.level
            return {"total": params.rate + still, "level": still, "second": still}

    made = [rb.create(Two, 5), rb.create(Two, 5, seed=1), rb.create(Two, 5, identifier="second")]
    values = torch.cat([tensor for neuron in made for tensor in (neuron.level, neuron.second)])
    assert len(values.unique()) == 30
    assert torch.equal(rb.create(Two, 5, seed=0).level, made[0].level)
    assert torch.equal(rb.create(Two, 5, seed=None).level, made[0].level)


def test_a_new_seed_or_name_or_type_at_the_start_draws_the_initial_states_anew() -> None:
    wanted = rb.create(Gif, 4, seed=7, identifier="late", dtype=torch.float64)
    neuron = rb.create(Gif, 4)
    neuron.seed = 7
    neuron.identifier = "late"
    neuron.double()
    assert torch.equal(neuron.level, wanted.level)
    drive = torch.zeros(2, 4)
    assert torch.equal(neuron(drive)["level"], wanted(drive)["level"])
    # In mid-run it holds for what is drawn from there on.
    before = neuron.level
    neuron.seed = 8
    assert torch.equal(neuron.level, before)
    neuron.reset_state()
    assert torch.equal(neuron.level, rb.create(Gif, 4, seed=8, identifier="late", dtype=torch.float64).level)


def test_a_model_by_name_draws_by_that_name() -> None:
    class Offer:
        @rb.hookimpl
        def rheobase_neurons(self) -> list[rb.NeuronSpec]:
            return [rb.NeuronSpec("chance", f"{__name__}:Gif")]

    with rb.register(Offer()):
        neuron = rb.create("chance", 4)
    assert neuron.identifier == "chance"
    assert torch.equal(neuron.level, rb.create(Gif, 4, identifier="chance").level)
    first = neuron.level
    neuron.reset_state()
    assert torch.equal(neuron.level, first)


@pytest.mark.parametrize("seed", [-1, 1.5, "1", True, 2**63, torch.tensor(1)])
def test_what_is_no_seed_is_refused(seed: Any) -> None:
    with pytest.raises(ArgumentError, match=r"seed=.*integer from 0 up"):
        rb.create(Gif, seed=seed)
    neuron = rb.create(Gif)
    with pytest.raises(ArgumentError, match="seed="):
        neuron.seed = seed


def test_update_and_reset_of_one_step_draw_different_numbers() -> None:
    neuron = rb.create(Both, 50, dt=1.0, rate=10.0)
    for _ in range(3):
        out = neuron(0.0)
        assert bool(out["spiked"].any())
        assert not bool((out["seen"] == out["level"]).any())
        assert len(torch.cat([out["seen"], out["level"]]).unique()) == 100


@pytest.mark.parametrize("function", ["derivatives", "threshold"])
def test_derivatives_and_threshold_cannot_read_a_draw(function: str) -> None:
    bodies: dict[str, Any] = {
        "derivatives": lambda state, params, data: {"total": params.target, "level": params.target},
        "threshold": lambda state, params: state.total - params.target,
    }
    model: Any = type("Wrong", (Gif,), {function: staticmethod(bodies[function])})
    with pytest.raises(DeclarationError, match=rf"Wrong.{function} asks for 'target'.*keep .* in a State"):
        rb.create(model)(0.0)


def test_a_draw_is_neither_given_nor_set_nor_a_default_of_a_parameter() -> None:
    with pytest.raises(ParameterError, match=r"'?target'? is a draw.*seed"):
        rb.create(Gif, target=1.0)
    with pytest.raises(ParameterError, match=r"target is a draw.*seed"):
        rb.create(Gif).target = 1.0
    with pytest.raises(DeclarationError, match="'target', which is no parameter but a draw"):
        type("Wrong", (Gif,), {"level_gap": rb.Parameter("target", unit="1")})
    computed: Any = type("Wrong", (Gif,), {"level_gap": rb.Parameter(lambda p: p.target, unit="1")})
    with pytest.raises(DeclarationError, match="target is a draw"):
        rb.create(computed)
    with pytest.raises(DeclarationError, match=r"'gaussian'.*exponential, uniform, normal"):
        rb.Draw("gaussian")
    with pytest.raises(DeclarationError, match="did you mean 'normal'"):
        rb.Draw("norml")


def test_a_state_may_name_a_draw_as_its_default() -> None:
    named: Any = type("Named", (Gif,), {"level": rb.State("target", unit="1")})
    assert torch.equal(rb.create(named, 3, identifier="a").level, rb.create(Gif, 3, identifier="a").level)


def test_on_a_neuron_a_draw_is_what_its_update_would_draw_next() -> None:
    neuron = rb.create(Both, 3, dt=1.0, rate=0.0)
    for drive in (torch.zeros(2, 3), torch.zeros(2, 3)):
        expected = neuron.target.clone()
        seen = neuron(drive)["seen"]
        assert torch.equal(seen[0], expected if expected.ndim == 1 else expected[0])
    assert neuron.target.shape == (2, 3)
    assert torch.equal(neuron.params.target, neuron.target)


def test_the_global_generators_are_left_alone() -> None:
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].tobytes()  # noqa: NPY002
    levels(rb.create(Gif, 3, rate=10.0), 20)
    assert torch.equal(torch.get_rng_state(), before)
    assert np.random.get_state()[1].tobytes() == numpy_before  # noqa: NPY002


def test_a_compiled_step_draws_the_same_without_a_graph_break() -> None:
    torch._dynamo.reset()
    for drive in (torch.zeros(3), torch.zeros(2, 3)):
        eager, twin = (rb.create(Gif, 3, dt=1.0, rate=0.5) for _ in range(2))
        step = torch.compile(twin, backend="eager", fullgraph=True)
        for _ in range(8):
            assert torch.equal(step(drive)["level"], eager(drive)["level"])
    torch._dynamo.reset()


def test_the_pure_step_draws_by_the_clock_in_its_state() -> None:
    neuron = rb.create(Gif, 3, dt=1.0, rate=5.0)
    state, seen = neuron.state, []
    for _ in range(4):
        state, outputs = neuron.step(state, neuron.params, neuron.prepare(0.0), neuron.dt)
        seen.append(outputs["level"])
    assert torch.equal(torch.stack(seen), levels(neuron, 4)[1:])
    assert int(state["step_count"]) == 4


def test_under_vmap_each_call_is_a_run_of_its_own() -> None:
    neuron = rb.create(Gif, 3, dt=1.0, rate=5.0)
    rows = torch.func.vmap(neuron)(torch.zeros(2, 3))["level"]
    assert torch.equal(rows, neuron(torch.zeros(3))["level"].expand(2, 3))


def test_gradients_see_a_constant() -> None:
    rate = torch.nn.Parameter(torch.tensor(0.5))
    neuron = rb.create(Gif, 20, dt=1.0, rate=rate, grad=True, event="located")
    total = sum(neuron(0.0)["total"].sum() for _ in range(5))
    total.backward(retain_graph=True)
    assert rate.grad is not None
    assert bool(rate.grad.isfinite())
    rate.grad = None
    neuron.level.sum().backward()
    assert rate.grad is None or rate.grad.tolist() == 0.0


def test_a_seed_also_seeds_the_generator_of_a_stochastic_model() -> None:
    class Noise(rb.AnalogNeuron):
        stochastic = True

    given, by_hand, plain = rb.create(Noise, seed=7), rb.create(Noise), rb.create(Noise)
    by_hand.generator.manual_seed(7)
    assert given.generator.initial_seed() == 7
    assert torch.equal(given.generator.get_state(), by_hand.generator.get_state())
    assert plain.generator.initial_seed() == torch.Generator().initial_seed()
    plain.seed = 7
    assert torch.equal(given.generator.get_state(), plain.generator.get_state())


def test_random_sweeps_without_a_seed_take_that_of_the_neuron_and_count_units() -> None:
    sweep = rb.Sweep.random(0.1, 0.2)
    made = [rb.create(Gif, 5, rate=sweep, seed=seed).rate for seed in (0, 1)]
    assert len(torch.cat(made).unique()) == 10
    assert torch.equal(rb.create(Gif, 3, rate=sweep, seed=1).rate, made[1][:3])
    heterogeneous = rb.create(Gif, 5, seed=1)
    heterogeneous.heterogenize(rate=sweep)
    assert torch.equal(heterogeneous.rate, made[1])
    # With a seed of its own, whatever the neuron's; by unit, too.
    own = rb.Sweep.random(0.1, 0.2, seed=4)
    large, small = rb.create(Gif, 20, rate=own, seed=9).rate, rb.create(Gif, 3, rate=own).rate
    assert torch.equal(large[:3], small)


@pytest.mark.parametrize(
    "name",
    ["seed", "learn", "surrogate", "gradient", "recurrent", "readout", "backend", "memory", "identifier"],
)
@pytest.mark.parametrize(
    "declared",
    [
        lambda: rb.Parameter(1.0, unit="1"),
        lambda: rb.State(1.0, unit="1"),
        lambda: rb.Input(unit="1"),
        lambda: rb.Option("a", "b"),
        lambda: rb.Draw("normal"),
    ],
    ids=["parameter", "state", "input", "option", "draw"],
)
def test_names_of_arguments_to_come_are_reserved(name: str, declared: Any) -> None:
    item = declared()
    with pytest.raises(
        DeclarationError, match=rf"Model.{name}: the name is reserved.*rename the {item.kind}"
    ):
        type("Model", (rb.AnalogNeuron,), {name: item})


def test_spread_units_draw_what_their_neighbours_would() -> None:
    # Units that spike far apart are drawn one by one, those that are near in one go.
    from rheobase.engine.model.drawing import ONCE, Drawing

    size = torch.Size((2, 30_000))
    drawing = Drawing(
        Gif.schema, rb.create(Gif)._stream, torch.tensor(5), size, torch.float64, torch.device("cpu")
    )
    params = rb.create(Gif).params[:1]
    whole = drawing.joined(params, ONCE).target.flatten()
    who = torch.tensor([59_999, 3, 4, 29_999, 30_000, 12_345, 12_346, 45_000])
    assert torch.equal(drawing.joined(params, ONCE, who).target, whole[who])
    events = torch.tensor([1, 2, 1, 2, 1, 2, 1, 2])
    apart = drawing.joined(params, events, who).target
    for event in (1, 2):
        chosen = events == event
        assert torch.equal(apart[chosen], drawing.joined(params, event).target.flatten()[who[chosen]])


def test_a_model_that_draws_in_its_update_may_have_a_largest_step() -> None:
    class Watched(Both):
        @staticmethod
        def dt_max(state: Any, params: Any, data: Any) -> Tensor:
            return 0.5 + 0.0 * state.total

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        neuron = rb.create(Watched, 3, dt=1.0)
        assert bool(neuron(torch.zeros(2, 3))["seen"].all())

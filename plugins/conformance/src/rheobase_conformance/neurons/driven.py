"""Driven models: what they fire, and when, does not hang on dt, and does not end where drive is strong."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from rheobase.errors import RheobaseError
from torch import Tensor

from ..drawing import drawn_by
from ..profiles import Profile
from ..property import prop
from ..vacuous import vacuous
from ..violation import violated
from .case import NeuronCase
from .needs import CONTINUOUS, DETERMINISTIC, LASTING, OWN_STEPS, RESET, SPIKES, THRESHOLD
from .probing import amount, feed, gap, pulled, spikes_in, trajectory
from .subject import NeuronSubject


def plain_neurons(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """The model with its defaults, for which its rheobase was measured."""

    def draw(draw_from: st.DrawFn) -> NeuronCase:
        return NeuronCase(
            dt=subject.dt,
            dtype=draw_from(st.sampled_from(["float32", "float64"])),
            event=draw_from(st.sampled_from(["crossing", "step"])) if subject.has_threshold else "crossing",
            seed=draw_from(st.integers(0, 99)),
        )

    return drawn_by(draw)


STRONGER = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)

BY_CHANCE = 48
"""The units of each strength, where spikes come by chance: one may wait for long, and not so many."""


@prop(
    "neuron",
    "strong-drive-never-silences",
    "numerics",
    cases=plain_neurons,
    share=0.5,
    needs=(THRESHOLD, RESET),
    why="a model that falls silent under strong drive has lost its threshold in its arithmetic",
)
def a_model_whose_reset_lowers_g_fires_under_any_drive(subject: NeuronSubject, case: NeuronCase) -> None:
    """Where the reset lowers g, 5 to 100 times the rheobase give half the spikes of twice it, or more."""
    subject.rheobase()
    latency = subject.latency
    if latency is None:
        vacuous("twice its rheobase gives no spike within the window")
    strengths = torch.tensor(STRONGER, dtype=torch.float64)
    copies = BY_CHANCE if subject.stochastic else 1
    while len(strengths) > 2:
        neuron = case.neuron(subject.model, num_units=copies * len(strengths))
        once = round(latency / neuron.dt)
        steps = max(min(3 * once, 200), round(1.2 * once), 20)
        counts, lowers = torch.zeros(len(strengths), dtype=torch.int64), True
        data = feed(subject, neuron, strengths.repeat(copies))
        try:
            for _ in range(steps):
                out = neuron(data)
                fired = spikes_in(out, neuron)
                counts += fired.view(copies, -1).sum(dim=0)
                lowers = lowers and not bool((fired & ~_below(subject, neuron)).any())
        except RheobaseError:
            strengths = strengths[:-1]  # A named error is no silence.
            continue
        # The first is left to itself: at the rheobase the first spike may take the whole window.
        reference = int(counts[1])
        if not lowers:
            vacuous("a reset leaves g at zero or above")
        if reference < 1:
            vacuous("twice its rheobase gives no spike within the run")
        wrong = (counts < max(1, (reference + 1) // 2))[2:]
        if bool(wrong.any()):
            unit = int(wrong.nonzero()[0]) + 2
            of_units = f", {copies} units" if copies > 1 else ""
            violated(
                f"{subject.sizes.main} at {float(strengths[unit]):g} times its rheobase gives "
                f"{int(counts[unit])} spikes in {steps * neuron.dt:g} ms ({case.dtype}{of_units}), and at "
                f"twice its rheobase {reference}; strong drive must not silence a model whose reset lowers g"
            )
        return
    vacuous("stronger drive ends in a named error")


def _below(subject: NeuronSubject, neuron: Any) -> Tensor:
    return gap(subject, neuron, pulled(neuron)) < 0


def double_neurons(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """The model with its defaults, in double precision."""
    return st.just(NeuronCase(dt=subject.dt))


SPEEDS = (3.0, 10.0, 30.0)
COUNT = 3
"""How many spikes of a unit are compared: the first ones, before small differences grow."""


@prop(
    "neuron",
    "spike-times-converge",
    "numerics",
    cases=double_neurons,
    needs=(SPIKES, DETERMINISTIC, CONTINUOUS, LASTING),
    why="spike trains that change with every dt are those of the step, not of the model",
)
def spike_times_settle_as_dt_falls(subject: NeuronSubject, case: NeuronCase) -> None:
    """The first spikes of a driven model come at times that settle as dt falls."""
    subject.rheobase()
    told: list[str] = []
    last: tuple[Tensor, float] | None = None
    length = min(max(1.5 * (subject.latency or 0.0), 20 * subject.dt), 60 * subject.dt)
    for halving in range(5):
        neuron = case.neuron(subject.model, num_units=len(SPEEDS), dt=subject.dt / 2**halving)
        try:
            times = trajectory(neuron, feed(subject, neuron, SPEEDS), round(length / neuron.dt)).when(COUNT)
        except RheobaseError:
            last = None
            continue
        told.append(f"{neuron.dt:g}: {_listed(times)}")
        if last is not None and _near(last[0], times, last[1], length):
            return
        last = times, neuron.dt
    if len(told) < 3:
        vacuous("most of the runs end in a named error")
    violated(
        f"the first spikes at {', '.join(f'{speed:g}' for speed in SPEEDS)} times the rheobase come, by dt "
        "(ms), at "
        f"{'; '.join(told)} ms; they must settle"
    )


def _near(coarse: Tensor, fine: Tensor, dt: float, length: float) -> bool:
    # Each spike lies within a step; what is left of one goes on into the next interval.
    many = torch.arange(1, COUNT + 1).unsqueeze(1)
    allowed = 1.6 * many * dt + 0.1 * torch.nan_to_num(fine)
    # A spike near the end may fall beyond it.
    end = length - 3 * COUNT * dt - 0.1 * length
    inside = (torch.nan_to_num(coarse, nan=length) < end) | (torch.nan_to_num(fine, nan=length) < end)
    close = (coarse - fine).abs() <= allowed
    return bool((~inside | close).all())


def _listed(times: Tensor) -> str:
    return " / ".join(
        ", ".join(f"{float(value):.4g}" for value in times[:, unit] if bool(value.isfinite())) or "none"
        for unit in range(times.shape[1])
    )


FAST = (10.0, 30.0)


@prop(
    "neuron",
    "events-agree",
    "numerics",
    cases=double_neurons,
    needs=(THRESHOLD, OWN_STEPS, DETERMINISTIC),
    why="where in a step an event is handled may change its digits, not the model",
)
def the_three_rules_of_events_give_one_first_spike(subject: NeuronSubject, case: NeuronCase) -> None:
    """The first spike is the same, within two steps, by "crossing", "step" and "located" events."""
    subject.rheobase()
    firsts: dict[str, Tensor] = {}
    dt, steps = subject.dt, 16
    for event in ("crossing", "step", "located"):
        try:
            neuron = case.neuron(subject.model, num_units=len(FAST), event=event)
            firsts[event] = trajectory(neuron, feed(subject, neuron, FAST), steps).when(1)
        except RheobaseError:  # noqa: PERF203 - too strong for one rule, or the model makes its own steps
            continue
    if sum(bool(times.isfinite().any()) for times in firsts.values()) < 2:
        vacuous("fewer than two rules of events give a spike within the run")
    for event, times in firsts.items():
        base = firsts.get("crossing", times)
        far = ~((times - base).abs() <= 2.01 * dt) & (times.isfinite() | base.isfinite())
        # One that comes at the end of the run may just miss it.
        far &= torch.minimum(times.nan_to_num(1e300), base.nan_to_num(1e300)) <= (steps - 2) * dt
        if bool(far.any()):
            violated(
                f"with dt = {dt:g} ms the first spikes at {', '.join(f'{s:g}' for s in FAST)} times the "
                f"rheobase come at {_listed(base)} ms by event='crossing', and at {_listed(times)} ms by "
                f"{event!r}"
            )


@prop(
    "neuron",
    "silent-below-its-rheobase",
    "numerics",
    cases=double_neurons,
    needs=(SPIKES, DETERMINISTIC),
    why="a spike without a crossing is noise that the model does not declare",
)
def no_unit_of_many_spikes_at_an_input_that_is_too_weak(subject: NeuronSubject, case: NeuronCase) -> None:
    """At inputs that gave no spike when the rheobase was measured, none of many units spikes."""
    main = subject.sizes.main
    found, quiet = subject.rheobase(), subject.sizes.quiet.get(main, ())
    if not quiet:
        vacuous("no input was found at which it is silent")
    neuron = case.neuron(subject.model, num_units=512)
    values = torch.tensor(quiet, dtype=torch.float64).repeat(512)[:512]
    data = feed(subject, neuron, values / found)
    steps = min(40, round(subject.sizes.window / neuron.dt))
    for step in range(steps):
        fired = spikes_in(neuron(data), neuron)
        if bool(fired.any()):
            unit = int(fired.nonzero()[0])
            violated(
                f"{int(fired.sum())} of 512 units spike in step {step}, one of them at "
                f"{amount(subject, main, float(values[unit]))}, which "
                f"is below the rheobase of {found:g}; no spike without a crossing, unless the model is "
                "declared "
                "stochastic"
            )

"""Numbers of a plasticity: its traces, its bounds, and the course of a weight in a network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from rheobase.errors import RheobaseError

from ..property import prop
from ..synapses.case import SynapseCase
from ..synapses.cases import can_be_made, plain, values_of
from ..synapses.comparing import size_of
from ..synapses.continuing import saved_in_between
from ..synapses.needs import BOUNDS, PARAMETERS, PLASTIC, TRACES
from ..synapses.plastic import plastic, weight_within
from ..synapses.subject import SynapseSubject
from ..violation import Violation, require, violated
from .bench import SIDES, Bench, State

_PERIODS = (
    torch.tensor([3.0, 4.0, 7.5], dtype=torch.float64),
    torch.tensor([4.5, 3.5, 5.0], dtype=torch.float64),
)
"""Of sources and targets, ms: pairs of either order, some at one time."""


def _three(case: SynapseCase) -> SynapseCase:
    return replace(case, units=3, batch=())


@prop(
    "synapse",
    "linear-between-spikes",
    "numerics",
    cases=plain,
    needs=[PLASTIC],
    why="between spikes nothing is computed: the exact solution of what is linear is taken",
)
def linear_between_spikes(subject: SynapseSubject, case: SynapseCase) -> None:
    """The derivatives are linear in the states, however large these are."""
    bench = Bench(subject, replace(case, units=3))
    if len(bench.names) == 1:
        return
    rest = tuple(torch.zeros_like(row) for row in bench.begin)
    zero = bench.slopes(rest)
    for size in (1e-3, 1.0, -7.0, 40.0, 1e3):
        one = (
            rest[0],
            *(size * (0.3 + torch.rand(3, generator=_drawn(case), dtype=row.dtype)) for row in rest[1:]),
        )
        half = (rest[0], *(0.5 * row for row in one[1:]))
        for name, base, whole, part in zip(
            bench.names[1:], zero, bench.slopes(one), bench.slopes(half), strict=True
        ):
            apart = (whole - base) - 2.0 * (part - base)
            require(
                bool((apart.abs() <= 1e-9 * max(size_of(whole, base), 1e-300)).all()),
                f"the derivative of {name} is {whole.tolist()} at {bench.told(one)}, {part.tolist()} at half "
                f"of these, and {base.tolist()} at zero: no line goes through them",
            )


def _drawn(case: SynapseCase) -> torch.Generator:
    return torch.Generator().manual_seed(case.seed)


@prop(
    "synapse",
    "traces-return-to-rest",
    "numerics",
    cases=plain,
    needs=[PLASTIC, TRACES],
    why="one spike would be paired with all that ever come after it",
)
def traces_return_to_rest(subject: SynapseSubject, case: SynapseCase) -> None:
    """Long after the last spike the states that are declared at_rest are where they began."""
    bench = Bench(subject, replace(case, spikes=3))
    state = bench.reached()
    largest = max((size_of(state[bench.names.index(name)]) for name in subject.traces), default=0.0)
    wait = torch.full_like(state[0], 12.0 * bench.slowest)
    state = bench.later(state, wait, 600)
    for name in subject.traces:
        place = bench.names.index(name)
        left = size_of(state[place] - bench.begin[place])
        require(
            left <= 1e-2 * max(1.0, largest),
            f"{name} is {left:g} from where it began {float(wait[0]):g} ms after the last spike, twelve "
            "times the longest time constant",
        )


@prop(
    "synapse",
    "weights-stay-within-bounds",
    "numerics",
    cases=plain,
    needs=[PLASTIC, BOUNDS],
    why="a weight of the wrong sign turns excitation into inhibition",
)
def weights_stay_within_bounds(subject: SynapseSubject, case: SynapseCase) -> None:
    """No train of spikes takes a weight beyond the low and high of the plasticity."""
    bench = Bench(subject, case)
    bounds = {name: float(getattr(bench.params, name)) for name in subject.bounds}
    edges = [bench.begin[0], *(torch.full_like(bench.begin[0], each) for each in bounds.values())]
    # Steps as large as the bounds are apart: by far more changes than it makes in a usual run.
    for first in edges:
        for sides in (
            SIDES,
            ("on_post", "on_pre"),
            ("on_pre",) * 3 + ("on_post",),
            ("on_post",) * 3 + ("on_pre",),
        ):
            state: State = (first, *bench.begin[1:])
            for _ in range(60):
                for side in sides:
                    state = bench.after(side, state)
                    _require_within(state[0], bounds, side)
                state = bench.later(state, torch.full_like(first, 0.02 * bench.slowest), 4)


def _require_within(weight: torch.Tensor, bounds: dict[str, float], side: str) -> None:
    low, high = bounds.get("low"), bounds.get("high")
    beyond = (low is not None and bool((weight < low).any())) or (
        high is not None and bool((weight > high).any())
    )
    if beyond or not bool(weight.isfinite().all()):
        violated(f"after {side} the weights are {weight.tolist()}, and their bounds are {bounds}")


@prop(
    "synapse",
    "weights-change",
    "components",
    cases=plain,
    needs=[PLASTIC],
    why="a plasticity by which no weight changes is none",
)
def weights_change(subject: SynapseSubject, case: SynapseCase) -> None:
    """Spikes of both sides change each weight."""
    bench = Bench(subject, replace(case, spikes=0))
    found = []
    for sides in (SIDES, ("on_post", "on_pre")):
        state = bench.begin
        for side in sides * 4:
            state = bench.later(bench.after(side, state), torch.full_like(state[0], 0.1 * bench.slowest), 4)
        found.append(state[0])
    for place, before in enumerate(bench.begin[0]):
        if all(float(after[place]) == float(before) for after in found):
            violated(
                f"the weight {float(before):g} is the same after four spikes of either side, in both orders"
            )


@prop(
    "synapse",
    "changes-are-finite",
    "numerics",
    cases=plain,
    needs=[PLASTIC],
    why="before the first spike a trace is zero, and after a burst it is large",
)
def changes_are_finite(subject: SynapseSubject, case: SynapseCase) -> None:
    """Its functions are finite at the start, after many spikes, and with values far from the usual ones."""
    usual, declared = values_of(subject), subject.schema.parameters
    tried: list[dict[str, float]] = [{}]
    for name, value in usual.items():
        edges = (declared[name].domain.at_least, declared[name].domain.at_most)
        tried += [{name: each} for each in (0.1 * value, 10.0 * value, *(e for e in edges if e is not None))]
    for params in tried:
        each = replace(case, params=params)
        if not can_be_made(subject, each):
            continue
        try:
            _require_finite(Bench(subject, each), params)
        except Violation:
            raise
        except RheobaseError:
            continue  # in words


def _require_finite(bench: Bench, params: dict[str, float]) -> None:
    state = bench.begin
    for count in range(30):
        for name, value in bench.results(state).items():
            require(
                bool(value.isfinite().all()),
                f"with {params or 'the values that it declares'} {name} is {value.tolist()} at "
                f"{bench.told(state)}",
            )
        state = bench.after(SIDES[count % 2], state)


@prop(
    "synapse",
    "changes-agree-in-float32",
    "numerics",
    cases=plain,
    needs=[PLASTIC],
    why="large networks run in single precision",
)
def changes_agree_in_float32(subject: SynapseSubject, case: SynapseCase) -> None:
    """Each function gives in float32 what it gives in float64, to a few thousand units of the last place."""
    double, single = Bench(subject, case), Bench(subject, replace(case, dtype="float32"))
    narrow = tuple(row.float() for row in double.reached())
    # Both begin at numbers that float32 has, also in their parameters.
    double.params = type(double.params)(
        *(each.double() if isinstance(each, torch.Tensor) else each for each in single.params)
    )
    wide = tuple(row.double() for row in narrow)
    others = single.results(narrow)
    for name, one in double.results(wide).items():
        room = 1e4 * torch.finfo(torch.float32).eps * max(size_of(one), 1e-3 * size_of(*wide))
        require(
            bool(((one - others[name].double()).abs() <= room).all()),
            f"{name} is {one.tolist()} in float64 and {others[name].tolist()} in float32",
        )


@prop(
    "synapse",
    "plasticity-parameters-count",
    "numerics",
    cases=plain,
    needs=[PLASTIC, PARAMETERS],
    share=0.25,
    why="a parameter that changes nothing is one that somebody will tune",
)
def plasticity_parameters_count(subject: SynapseSubject, case: SynapseCase) -> None:
    """Each parameter that is declared changes what the functions give, somewhere."""
    case = replace(case, params={}, spikes=3, units=3)
    before = _all_of_it(subject, case)
    idle = []
    for name, value in values_of(subject).items():
        if name == "back_delay":
            continue
        tried = [
            replace(case, params={name: each})
            for each in (1.1 * value, 0.9 * value, value + 0.1, value - 0.1)
        ]
        taken = [each for each in tried if can_be_made(subject, each)]
        if taken and all(_equal(_all_of_it(subject, each), before) for each in taken):
            idle.append(name)
    require(not idle, f"{', '.join(idle)}: moved by a tenth it changes nothing; drop it, or use it")


def _all_of_it(subject: SynapseSubject, case: SynapseCase) -> list[torch.Tensor]:
    bench = Bench(subject, case)
    found: list[torch.Tensor] = []
    bounds = [float(getattr(bench.params, name)) for name in subject.bounds]
    for first in (bench.begin[0], *(torch.full_like(bench.begin[0], each) for each in bounds)):
        state: State = (first, *bench.begin[1:])
        for side in (*SIDES, *SIDES, "on_post", "on_pre", "on_post"):
            state = bench.later(bench.after(side, state), torch.full_like(first, 0.2 * bench.slowest), 8)
            found += state
    return found


def _equal(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@prop(
    "synapse",
    "course-of-its-functions",
    "numerics",
    cases=plain,
    needs=[PLASTIC],
    share=0.25,
    why="what is driven by events must be what its equations say, at the spikes' own times",
)
def course_of_its_functions(subject: SynapseSubject, case: SynapseCase) -> None:
    """In a network, on the grid and off it, weights are those of its functions, spike by spike."""
    case = _three(case)
    for event in ("step", "located"):
        net = plastic(subject, case, period=_PERIODS, event=event, delay=1.0)
        spikes: list[list[tuple[float, int]]] = [[] for _ in range(3)]
        back = float(net["a->b"].plasticity.back_delay)
        for step in range(60):
            outputs = net()
            end = 0.5 * (step + 1)
            for side, (part, later) in enumerate((("a", 1.0), ("b", back))):
                for unit, when in _times(outputs[part], end):
                    spikes[unit].append((when + later, side))
        _require_course(Bench(subject, case), net["a->b"], spikes, 30.0, event)


def _times(outputs: dict[str, torch.Tensor], end: float) -> list[tuple[int, float]]:
    """Who spiked in a step, and when."""
    found = []
    for unit in outputs["spiked"].nonzero().reshape(-1).tolist():
        times = outputs["spike_times"][unit].tolist() if "spike_times" in outputs else [end]
        found += [(unit, time) for time in times if time == time]
    return found


def _require_course(bench: Bench, projection: Any, spikes: Any, end: float, event: str) -> None:
    for unit, events in enumerate(spikes):
        state = tuple(row[unit : unit + 1] for row in bench.begin)
        state = (torch.full_like(state[0], float(weight_within(bench.subject, bench.case, 0.5))), *state[1:])
        now = 0.0
        # Off the grid spikes at one time differ in their last digits: that of the source is first.
        for time, side in sorted(((round(time, 7), side) for time, side in events if time <= end + 1e-9)):
            state = bench.later(state, torch.full_like(state[0], time - now))
            state, now = bench.after(SIDES[side], state), time
        found, must = float(projection.weight[unit]), float(state[0])
        require(
            abs(found - must) <= 1e-6 * max(1.0, abs(must)),
            f"with event={event!r} the weight of synapse {unit} is {found!r} after 30 ms, and {must!r} by "
            f"its functions, one spike after the other: {len(events)} spikes",
        )


@prop(
    "synapse",
    "plasticity-saved-in-the-middle",
    "state",
    cases=plain,
    needs=[PLASTIC],
    share=0.25,
    why="a run that is saved and loaded must go on as if nothing had been",
)
def saved_in_the_middle(subject: SynapseSubject, case: SynapseCase) -> None:
    """A copy, and another network that loads the state, go on with the same bits."""
    case = _three(case)

    def made() -> Any:
        return plastic(subject, case, period=_PERIODS, delay=2.0)

    saved_in_between(made, 19, 21)

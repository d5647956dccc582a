"""Spikes of a neuron that is integrated by it: in every event mode, and at their own times."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from rheobase import Event, Integrator, create
from torch import Tensor

from ..profiles import Profile
from ..property import Need, prop
from ..subject import IntegratorSubject
from ..violation import require
from .case import IntegratorCase
from .models import TAU, Filter, Leak, first_spike, periods
from .stepping import ADAPTIVE, FACTORY, ORDER, ROUNDING, SMALLEST, advanced, order_of, slack

LOCATED = Need(
    lambda subject: subject.claims.events == "located", "it claims no crossings of its own (events='base')"
)
TAU_REF = 0.75


def currents(subject: IntegratorSubject, profile: Profile) -> st.SearchStrategy[IntegratorCase]:
    """Units with currents of their own, by the rates of a case."""
    return st.builds(
        IntegratorCase, dt=st.sampled_from([0.25, 0.125]), units=st.just(3), seed=st.integers(0, 99)
    )


def _current(case: IntegratorCase) -> Tensor:
    return 2.0 + case.rates()


def _spikes(
    model: Any, method: Integrator, event: str, dt: float, current: Tensor, steps: int
) -> tuple[Tensor, list[list[float]]]:
    """How many spikes each unit has, and when, ms."""
    neuron = create(model, len(current), integrator=method, event=event, dt=dt, dtype=torch.float64)
    count = torch.zeros(len(current), dtype=torch.int64)
    times: list[list[float]] = [[] for _ in current]
    for _ in range(steps):
        out = neuron(current)
        count += out["spike_count" if event == "located" else "spiked"].to(torch.int64)
        for unit, some in enumerate(out["spike_times"].tolist() if event == "located" else []):
            times[unit] += [time for time in some if time == time]
    return count, times


@prop(
    "integrator",
    "serves-every-event-mode",
    "components",
    cases=currents,
    needs=(ORDER,),
    share=0.5,
    why="a modeller chooses model, integrator and event mode freely",
)
def it_serves_every_event_mode(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """A leaky neuron integrated by it has the spikes of the closed form, in every event mode."""
    current = _current(case)
    wanted = periods(current) + TAU_REF
    steps = round(2.5 * float(wanted.median()) / case.dt)
    span = steps * case.dt + TAU_REF
    for event in ("located", "crossing", "step"):
        # On the grid a spike comes up to a step late, and so does the next period begin.
        late = 0.0 if event == "located" else 1.5 * case.dt
        count, _ = _spikes(Leak, subject.quick(), event, case.dt, current, steps)
        for unit, period in enumerate(wanted.tolist()):
            least, most = int(span / (1.05 * period + late)), int(span / (0.95 * period))
            require(
                least <= int(count[unit]) <= most,
                f"event={event!r}: unit {unit} with the current {current[unit].item():.3f} has "
                f"{int(count[unit])} "
                f"spikes in {steps} steps of {case.dt} ms, and must have {least} to {most}: one each "
                f"{period:.3f} ms",
            )


@prop(
    "integrator",
    "holds-end",
    "components",
    cases=currents,
    needs=(ORDER, ADAPTIVE, FACTORY),
    share=0.5,
    why="the slope within a refractory period is zero; one that keeps it goes on from there by small steps",
)
def it_goes_on_when_a_hold_ends(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """A neuron is right to the tolerance from its first free step on, and the same alone and in company."""
    current = _current(case)
    tolerance = 1e-6 if subject.claims.order >= 4 else 1e-5
    steps = round((float(periods(current).max()) + 2.0 * TAU_REF + 1.0) / case.dt)
    for event in ("located", "crossing", "step"):
        whole = _free_steps(subject.with_tolerance(tolerance), event, case.dt, current, steps, tolerance)
        if not subject.claims.per_unit:
            continue
        for unit in range(case.units):
            own = current[unit : unit + 1]
            alone = _free_steps(subject.with_tolerance(tolerance), event, case.dt, own, steps, tolerance)
            apart = (alone[:, 0] - whole[:, unit]).abs()
            first = int(apart.argmax())
            require(
                float(apart.max()) <= ROUNDING,
                f"event={event!r}: in step {first} of {case.dt} ms unit {unit} has the voltage "
                f"{whole[first, unit].item()} among {case.units}, and {alone[first, 0].item()} alone; what "
                "is carried for a unit must not depend on the others",
            )


def _free_steps(
    method: Integrator, event: str, dt: float, current: Tensor, steps: int, tolerance: float
) -> Tensor:
    """The voltages of :class:`Leak` after each step; where it was free it is held against the closed form."""
    neuron = create(Leak, len(current), integrator=method, event=event, dt=dt, dtype=torch.float64)
    # When each unit became free; on the grid it is looked at at each step.
    free = torch.zeros_like(current)
    voltages = []
    for step in range(steps):
        before, held, now = neuron.voltage, neuron.state["hold"] > 0, (step + 1) * dt
        out = neuron(current)
        if event == "located":
            times = torch.cat(
                [out["spike_times"].nan_to_num(nan=-1.0), -torch.ones_like(current)[:, None]], 1
            )
            last = times.amax(dim=1)
            free = torch.where(last >= 0.0, last + TAU_REF, free)
            start, span, moving = 0.0 * current, now - free, free <= now
        else:
            start, span, moving = before, torch.full_like(current, dt), ~held & (out["spiked"] == 0)
        exact = current + (start - current) * torch.exp(-span / TAU)
        error = torch.where(moving, (out["voltage"] - exact).abs(), 0.0)
        unit = int(error.argmax())
        # A step may err by the tolerance, of numbers about one; what several of them, or a spike's time, add
        # to it is allowed for.
        require(
            float(error.max()) <= 10.0 * tolerance,
            f"event={event!r}: in step {step} of {dt} ms unit {unit} of {len(current)}, with the current "
            f"{current[unit].item():.3f}, goes to {out['voltage'][unit].item()}, and must to "
            f"{exact[unit].item()} (tolerance {tolerance:g}). Nothing that is carried may be taken for the "
            "slope at the start but carry['slope']: a refractory period that ends leaves the state as it is, "
            "and changes the field",
        )
        voltages.append(out["voltage"])
    return torch.stack(voltages)


@prop(
    "integrator",
    "located-times-converge",
    "components",
    cases=currents,
    needs=(ORDER,),
    share=0.5,
    why="a located spike is worth what its time is: at the end of a step it is of order one",
)
def located_times_converge(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """Times of located spikes are right to rounding, or converge with the order that is claimed for them."""
    claim = subject.claims.event_order or subject.claims.order
    current = _current(case)
    for model in (Leak, Filter):
        nth, exact = (1, 2.0 * periods(current) + TAU_REF) if model is Leak else (0, first_spike(current))
        errors, steps = [], []
        for halving in range(5 if claim < 3 else 4):
            dt = 0.5**halving
            method = subject.with_step(dt)
            _, times = _spikes(model, method, "located", dt, current, int(1.3 * float(exact.max()) / dt) + 2)
            found = [each[nth] if len(each) > nth else float("nan") for each in times]
            errors.append(float((torch.tensor(found, dtype=torch.float64) - exact).square().mean().sqrt()))
            steps.append(dt)
            if len(errors) == 2 and max(errors) <= 10 * ROUNDING:
                break
        measured = order_of(steps, errors, floor=SMALLEST)
        require(
            measured.order is None or measured.order >= claim - 0.4,
            f"the times of located spikes of {model.__name__} converge with order {measured.order}, and "
            f"{claim} is "
            f"claimed; steps and errors, ms: {measured.told}",
        )


@prop(
    "integrator",
    "stops-at-crossings",
    "components",
    cases=lambda subject, profile: st.builds(
        IntegratorCase,
        problem=st.just("rotation"),
        dt=st.just(0.0625),
        units=st.just(4),
        seed=st.integers(0, 99),
    ),
    needs=(LOCATED,),
    why="a reset happens where the unit stands: at its crossing, and not at the end of the step",
)
def it_stops_at_crossings(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """A unit that crosses stops there, on the upper side; others go to t1, to the bit."""
    method, field, dt, rates = subject.quick(), case.field(), case.dt, case.rates()
    # The sine reaches one half in 0.4 of the step, but for the last unit, which begins far below.
    ahead = torch.tensor([0.4, 0.4, 0.55, 20.0], dtype=torch.float64) * dt
    phase = torch.pi / 6.0 - rates * ahead
    y = torch.stack([torch.cos(phase), torch.sin(phase)])
    t0 = torch.full((4,), 2.0, dtype=torch.float64)
    t1 = t0 + dt * torch.tensor([1.0, 0.0, 1.0, 1.0], dtype=torch.float64)
    event = Event(lambda state: state[1] - 0.5, torch.ones(4, dtype=torch.bool))
    result = method.advance(field, y, t0, t1, event=event)  # type: ignore[call-arg]
    crossed = torch.zeros(4, dtype=torch.bool) if result.crossed is None else result.crossed.expand(4)
    require(
        crossed.tolist() == [True, False, True, False],
        "units 0 and 2 cross in the step, unit 1 has no time and unit 3 is far away; "
        f"crossed={crossed.tolist()}",
    )
    reached = t1 if result.t is None else result.t.expand(4)
    for unit in (0, 2):
        late = (reached[unit] - t0[unit] - ahead[unit]).item()
        require(
            abs(late) <= 0.2 * dt,
            f"unit {unit} crosses {ahead[unit].item():.4g} ms after t0, and was stopped "
            f"{(reached[unit] - t0[unit]).item():.4g} ms after it, with t1 - t0 = {dt}",
        )
        above = (result.y[1, unit] - 0.5).item()
        require(
            -1e-9 <= above <= 1e-3,
            f"unit {unit} was stopped at g = {above:.3g}; it must stand at the crossing, where g is 0, "
            "on its upper side",
        )
    require(
        torch.equal(reached[[1, 3]], t1[[1, 3]].to(reached.dtype)),
        f"units that do not cross reached {reached[[1, 3]].tolist()}, and t1 is {t1[[1, 3]].tolist()}",
    )
    require(torch.equal(result.y[:, 1], y[:, 1]), "unit 1 had no time to go, and its state has changed")
    plain = advanced(subject.quick(), field, y, t0, t1).y[:, 3]
    apart = (result.y[:, 3] - plain).abs().max().item()
    require(
        apart <= slack(subject),
        f"unit 3 does not cross, and gets {result.y[:, 3].tolist()}; without an event {plain.tolist()}",
    )


@prop(
    "integrator",
    "serves-a-neuron",
    "components",
    cases=currents,
    needs=(ORDER,),
    share=0.5,
    why="a modeller uses it through create(..., integrator=name)",
)
def it_serves_a_neuron(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """A neuron without spikes follows the closed form, step by step, in float64 and in float32."""
    current = 0.5 * case.rates()
    for dtype, rounding in ((torch.float64, ROUNDING), (torch.float32, 1e-4)):
        neuron = create(Leak, 3, integrator=subject.make(), dt=case.dt, dtype=dtype)
        steps = 12
        for _ in range(steps):
            out = neuron(current.to(dtype))
        exact = -current * torch.expm1(torch.tensor(-steps * case.dt / TAU, dtype=torch.float64))
        error = (out["voltage"].double() - exact).abs().max().item()
        bound = (
            (case.dt / TAU) ** min(subject.claims.order, 4)
            + rounding
            + (1e-4 if subject.claims.adaptive else 0.0)
        )
        require(
            out["voltage"].dtype == dtype and error <= bound,
            f"after {steps} steps of {case.dt} ms the voltage is {out['voltage'].tolist()} "
            f"({out['voltage'].dtype}), and "
            f"must be {exact.tolist()} ({dtype}), to {bound:.2g}",
        )

"""A model as a layer that gives times of spikes: those of its neuron, with the derivatives they have."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import rheobase as rb
import torch
from rheobase.errors import EventModeError, IntegrationError, NonFiniteStateError
from torch import Tensor

from ..property import prop
from ..vacuous import vacuous
from ..violation import require, violated
from .lessons import TRAINABLE, UNITS, drawn, enough, given_to, inside_input, layer_of, size_of
from .needs import CONTINUOUS
from .subject import NeuronSubject

TIMED = (*TRAINABLE, CONTINUOUS)
STEPS, MOST = 20, 200
"""The fewest and the most steps of a run."""
_STRONG, _WIDE = 10.0, 2.0
"""The drive, in sizes of the model, and the step, at most, in its own: spikes come within few steps."""
_MANY = 12
"""The most spikes of a unit in a run."""
_FAINT, _CLOSE = 1e-6, 1e-4
"""A step of a difference, relative to the drive, and how well two of them must agree to mean anything."""
_QUIET = (0.0, -_STRONG)
"""Inputs under which a unit may be silent, in sizes: a model that spikes without any is held back."""
_NEAR = 1e-6
"""The largest distance of the times of a layer from its neuron's, in steps."""


def _layer(subject: NeuronSubject) -> rb.Layer:
    # A model that declares a largest step has it already.
    wide = _WIDE if subject.schema.dt_max is None else 1.0
    try:
        return layer_of(subject, dt=wide * subject.dt, gradient="times")
    except EventModeError as error:
        vacuous(f"its spikes have no times of their own: {error}")


def _drive(layer: rb.Layer, subject: NeuronSubject, seed: int = 0) -> Tensor:
    """An input ``[steps, UNITS]`` of ten sizes on average, another one in each step."""
    x = drawn(subject, MOST, _STRONG, (), seed)
    return x[: _length(layer, subject, x)] if seed else x[: _first_length(subject)]


@lru_cache(maxsize=4)
def _first_length(subject: NeuronSubject) -> int:
    # Three properties begin with it.
    return _length(_layer(subject), subject, drawn(subject, MOST, _STRONG, (), 0))


def _length(layer: rb.Layer, subject: NeuronSubject, x: Tensor) -> int:
    """For how many steps of an input there are enough spikes, and not too many."""
    state, count = None, torch.zeros(UNITS)

    def spiked(part: Tensor) -> Tensor:
        nonlocal state, count
        times, state = layer(given_to(subject, part), state=state, return_state=True)
        new: Tensor = (~times.isnan()).sum(dim=-1)
        count = count + new
        return new

    try:
        length = enough(subject, spiked, x, STEPS)
    except (IntegrationError, EventModeError) as error:
        vacuous(f"the run ends in a named error: {error}")
    if float(count.max()) > _MANY:
        with torch.no_grad():
            # What fires without end tells within few steps what there is to tell, and a spike takes its time.
            while length > 1 and _times(layer, subject, x[:length]).shape[-1] > _MANY:
                length //= 2
    return length


def _times(layer: rb.Layer, subject: NeuronSubject, x: Tensor) -> Tensor:
    try:
        out: Tensor = layer(given_to(subject, x))
    except (NonFiniteStateError, IntegrationError, EventModeError) as error:
        vacuous(f"the run ends in a named error: {error}")
    return out


@prop(
    "neuron",
    "layer-times-as-its-neuron",
    "training",
    needs=TIMED,
    why="what is trained is to be the model that is simulated, with a graph and without one",
)
def a_layer_has_the_times_of_its_neuron(subject: NeuronSubject) -> None:
    """With gradient="times" a layer gives the times of its neuron's spikes, with a graph and without one."""
    layer = _layer(subject)
    x = _drive(layer, subject)
    with torch.no_grad():
        plain = _times(layer, subject, x)
    neuron: Any = layer.neuron
    expected: list[list[float]] = [[] for _ in range(UNITS)]
    for row in x:
        given = neuron(given_to(subject, row))["spike_times"]
        for unit, found in enumerate(given.tolist()):
            expected[unit] += [time for time in found if time == time]
    runs = {"without a graph": plain, "with a graph": _times(layer, subject, x.clone().requires_grad_())}
    for which, times in runs.items():
        for unit, told in enumerate(expected):
            seen = [time for time in times[unit].tolist() if time == time]
            if len(seen) != len(told):
                violated(
                    f"{which} its layer has {len(seen)} spikes of unit {unit}, and its neuron {len(told)}: "
                    "something depends on the graph"
                )
            for place, (one, other) in enumerate(zip(seen, told, strict=True)):
                require(
                    abs(one - other) <= _NEAR * neuron.dt,
                    f"{which} spike {place} of unit {unit} of its layer is at {one:.9g} ms, and that of its "
                    f"neuron at {other:.9g} ms: something depends on the graph",
                )
    if not any(expected):
        vacuous("it does not spike in its runs, however long they are")


@prop(
    "neuron",
    "layer-time-gradient-equals-differences",
    "training",
    needs=TIMED,
    why="where derivatives are exact, one that is wrong is a fault of the model: in its slopes, or its reset",
)
def the_gradient_of_times_is_that_of_differences(subject: NeuronSubject) -> None:
    """Through resets, gradients of the times of spikes by the input are central differences."""
    layer = _layer(subject)
    for seed in range(3):
        x = _drive(layer, subject, seed)
        along = 2.0 * torch.rand(x.shape, dtype=x.dtype, generator=torch.Generator().manual_seed(seed)) - 1.0
        times = _times(layer, subject, x.requires_grad_())
        there = ~times.detach().isnan()
        if not bool(there.any()):
            continue
        # Later spikes, which depend on earlier ones, as well as the first.
        weights = torch.where(there, 1.0 + torch.arange(times.shape[-1], dtype=x.dtype), 0.0)
        (gradient,) = torch.autograd.grad((weights * times.nan_to_num(0.0)).sum(), x)
        step = _FAINT * float(x.detach().abs().max())
        ends = [x + sign * h * along for h in (step, 0.5 * step) for sign in (1.0, -1.0)]
        with torch.no_grad():
            # Each row of a batch is a run of its own.
            over, under, near_over, near_under = moved = _times(layer, subject, torch.stack(ends, 1))
        # Where a spike comes or goes within the step, or a course bends, there is nothing to compare.
        if moved.shape[1:] != times.shape or not bool((~moved.isnan() == there).all()):
            continue
        gone = [(weights * each.nan_to_num(0.0)).sum() for each in (over - under, near_over - near_under)]
        slopes, found = (
            (float(gone[0]) / (2.0 * step), float(gone[1]) / step),
            float((gradient * along).sum()),
        )
        size = float((gradient * along).abs().sum()) + abs(slopes[1])
        if abs(slopes[0] - slopes[1]) > _CLOSE * size:
            continue
        # Where nothing moves a spike, as what arrives as a jump does not, all of them are 0.
        require(
            abs(found - slopes[1]) <= 20.0 * _CLOSE * size,
            f"the sum of the times of its spikes, weighted, changes by {slopes[1]:.8g} ms for each unit of "
            f"the input in a direction, and its gradient says {found:.8g} ms",
        )
        return
    vacuous("in none of the runs two differences agreed")


@prop(
    "neuron",
    "layer-missing-spike-has-no-gradient",
    "training",
    needs=TIMED,
    why="a unit without a spike has no time to move; whatever it learns there is made up",
)
def a_missing_spike_has_no_gradient(subject: NeuronSubject) -> None:
    """A unit that does not spike, beside others that do, has no time, and its input the gradient 0."""
    layer = _layer(subject)
    x = _drive(layer, subject)
    for quiet in _QUIET:
        x[:, -1] = inside_input(subject, torch.full_like(x[:, -1], quiet * size_of(subject)))
        with torch.no_grad():
            silent = bool(_times(layer, subject, x)[-1].isnan().all())
        if silent:
            break
    else:
        vacuous("it spikes without an input, and with one that is negative, if it may be")
    times = _times(layer, subject, x.requires_grad_())
    if bool(times.isnan().all()):
        vacuous("with an input it does not spike in the run either")
    (gradient,) = torch.autograd.grad(times.nansum(), x)
    worst = float(gradient[:, -1].abs().max())
    require(
        worst == 0.0,
        f"a unit without a spike has the gradient {worst:.3g} by its input, of the times of other units",
    )
    require(bool(gradient.isfinite().all()), "beside it the gradient of the others is not finite")

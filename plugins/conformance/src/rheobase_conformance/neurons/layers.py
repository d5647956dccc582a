"""A model as a layer: the spikes of its neuron, and a gradient that training can follow."""

from __future__ import annotations

from typing import Any

import torch
from rheobase.errors import NonFiniteStateError
from torch import Tensor

from ..property import prop
from ..vacuous import vacuous
from ..violation import require, violated
from .lessons import (
    STEPS,
    TRAINABLE,
    UNITS,
    drive_of,
    given_to,
    inside_input,
    layer_of,
    learnable,
    steps_of,
    through,
)
from .subject import NeuronSubject

SEEDS = 3
_FAINT, _CLOSE = 1e-6, 1e-4
"""A step of a difference, relative to the drive, and how well two of them must agree to mean anything."""


@prop(
    "neuron",
    "layer-spikes-as-its-neuron",
    "training",
    needs=TRAINABLE,
    why="what is trained is to be the model that is simulated, with a graph and without one",
)
def a_layer_spikes_as_its_neuron(subject: NeuronSubject) -> None:
    """A layer has the spikes of its neuron, with a graph and without one, and the same in a second call."""
    layer, x = layer_of(subject), drive_of(subject)
    neuron: Any = layer.neuron
    try:
        rows = [neuron({subject.sizes.main: row} if subject.schema.inputs else row)["spiked"] for row in x]
    except NonFiniteStateError as error:
        vacuous(f"the run ends in a named error: {error}")
    expected = torch.stack(rows).double()
    with torch.no_grad():
        plain = through(layer, subject, x)
    runs = {"without a graph": plain}
    for which in ("with a graph", "in a second call"):
        runs[which] = through(layer, subject, x.clone().requires_grad_()).detach()
    for which, spikes in runs.items():
        other = (spikes != expected).nonzero()
        if len(other):
            t, row, unit = other[0].tolist()
            violated(
                f"{which} its layer has {int(spikes[t, row, unit])} spikes in step {t}, row {row}, unit "
                f"{unit}, and its neuron {int(expected[t, row, unit])}: something depends on the graph, or "
                "on earlier calls"
            )
    if not bool(expected.any()):
        vacuous("it does not spike in its runs, however long they are")


@prop(
    "neuron",
    "layer-gradient-equals-differences",
    "training",
    needs=TRAINABLE,
    why="through spikes and resets training follows the gradient alone; a wrong one trains another model",
)
def the_gradient_of_a_layer_is_that_of_differences(subject: NeuronSubject) -> None:
    """With S(u) for spikes, gradients by the input are central differences, resets attached or not."""
    # Where the run is long, differences may be of no use at its end, and of use in its beginning.
    if not any(_compared(subject, steps) for steps in dict.fromkeys((steps_of(subject), STEPS))):
        vacuous("in none of the runs two differences agreed")


def _compared(subject: NeuronSubject, steps: int) -> int:
    """In how many runs of so many steps there were differences to compare the gradient with."""
    compared = 0
    draws = [_direction(subject, steps, seed) for seed in range(SEEDS)]
    x, along, weights = (torch.cat(each, dim=1) for each in zip(*draws, strict=True))
    sizes = torch.stack([_FAINT * row.abs().max() for row in x.unbind(1)]).view(-1, 1)
    # Without a reset nothing is attached: both are one run.
    for reset in ("detached", "attached") if subject.has_reset else ("detached",):
        smooth = layer_of(subject, reset=reset).smoothed()
        given = x.clone().requires_grad_()
        out = _followed(through(smooth, subject, given))
        (gradient,) = torch.autograd.grad((weights * out).sum(), given)
        # The ends of all differences are rows of one call: two of a step, and two of half of it.
        moves = [sign * h * along for h in (sizes, 0.5 * sizes) for sign in (1.0, -1.0)]
        with torch.no_grad():
            ends = through(smooth, subject, torch.cat([x + move for move in moves], dim=1)).chunk(4, dim=1)
        slopes = [
            (weights * (up - down)).sum(dim=(0, 2)) / (2.0 * h.squeeze(1))
            for up, down, h in ((*ends[:2], sizes), (*ends[2:], 0.5 * sizes))
        ]
        for row in range(SEEDS):
            part = (gradient * along)[:, row]
            found, coarse, fine = float(part.sum()), float(slopes[0][row]), float(slopes[1][row])
            size = float(part.abs().sum()) + abs(fine)
            # Where a spike comes or goes within the step, the two of them are apart.
            if abs(coarse - fine) > _CLOSE * size or not size:
                continue
            compared += 1
            require(
                abs(found - fine) <= 20.0 * _CLOSE * size,
                f"with reset={reset!r} the sum of its spikes, weighted, changes by {fine:.8g} for each "
                f"unit of the input in a direction, and its gradient says {found:.8g}",
            )
    return compared


def _followed(out: Tensor) -> Tensor:
    """What a layer gives, where it hangs on the input."""
    if not out.requires_grad:
        vacuous("nothing that it gives hangs on its input")
    return out


def _direction(subject: NeuronSubject, steps: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """An input, a direction in which it is moved, and the weights of the spikes, each of one row."""
    x = drive_of(subject, batch=1, seed=seed, steps=steps)
    generator = torch.Generator().manual_seed(seed)
    along = 2.0 * torch.rand(x.shape, dtype=x.dtype, generator=generator) - 1.0
    return x, along, torch.rand(x.shape, dtype=x.dtype, generator=generator)


@prop(
    "neuron",
    "layer-rows-learn-alone",
    "training",
    needs=TRAINABLE,
    why="what a row of a batch learns must not hang on the others, least of all on one that explodes",
)
def rows_of_a_layer_learn_alone(subject: NeuronSubject) -> None:
    """A row has the same gradient, to the bit, alone and beside rows of ten times the input."""
    layer, x = layer_of(subject), drive_of(subject, batch=3)
    x[:, 1:] = inside_input(subject, 10.0 * x[:, 1:])
    together = x.clone().requires_grad_()
    out = _followed(through(layer, subject, together))
    (of_one,) = torch.autograd.grad(out[:, 0].sum(), together, retain_graph=True)
    require(not of_one[:, 1:].any(), "the spikes of a row have a gradient by the input of another")
    (beside,) = torch.autograd.grad(out.sum(), together)
    lone = x[:, :1].clone().requires_grad_()
    (alone,) = torch.autograd.grad(through(layer, subject, lone).sum(), lone)
    far = (alone[:, 0] - beside[:, 0]).abs()
    # Vectorised functions may round the last digit otherwise in the rest of a row.
    most = 1e-9 * float(alone.abs().max())
    if float(far.max()) > most:
        t, unit = divmod(int(far.argmax()), UNITS)
        violated(
            f"the gradient by the input of step {t}, unit {unit} is {float(alone[t, 0, unit]):.8g} alone, "
            f"and {float(beside[t, 0, unit]):.8g} beside two other rows"
        )


@prop(
    "neuron",
    "layer-gradient-finite",
    "training",
    needs=TRAINABLE,
    why="one gradient that is no number ends a training",
)
def the_gradient_of_a_layer_is_finite(subject: NeuronSubject) -> None:
    """From no input to a hundred rheobases, gradients by the input and by all that can learn are finite."""
    layer, told = layer_of(subject, learn=learnable(subject)), False
    for times in (0.0, 1.0, 100.0):
        x = drive_of(subject, times).requires_grad_()
        try:
            out = layer(given_to(subject, x))
        except NonFiniteStateError:
            continue  # An error that is named; what can be said of smaller inputs is.
        if not out.requires_grad:
            continue
        told = True
        leaves = {"the input": x, **dict(layer.raw.named_parameters())}
        found = torch.autograd.grad(out.sum(), list(leaves.values()), allow_unused=True)
        for name, gradient in zip(leaves, found, strict=True):
            if gradient is not None and not bool(gradient.isfinite().all()):
                bad = float(gradient[~gradient.isfinite()].reshape(-1)[0])
                violated(f"at {times:g} rheobases the gradient of the spikes by {name} is {bad}")
    if not told:
        vacuous("each run ends in a named error")

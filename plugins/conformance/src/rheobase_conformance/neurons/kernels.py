"""What is asked of a backend that takes the steps of layers: the output and gradients of eager."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch
from rheobase.errors import BackendError, NonFiniteStateError
from torch import Tensor

from ..property import prop
from ..vacuous import vacuous
from ..violation import violated
from .lessons import STEPS, TRAINABLE, drive_of, given_to, layer_of, learnable
from .subject import NeuronSubject

CLOSE = 1e-12
"""How far float64 may be from eager: so much of the largest, times the largest derivative, by which rounding
grows on its way back."""
_USUAL = 10.0
"""By how many times its last place a step may round: what :data:`CLOSE` is made for."""


@prop(
    "neuron",
    "layer-learns-the-same-in-each-backend",
    "training",
    needs=TRAINABLE,
    level="standard",
    why="the backend is chosen for its speed; it must not choose what is learned",
)
def layers_learn_the_same_in_each_backend(subject: NeuronSubject) -> None:
    """An installed backend that takes a layer gives the output, state and gradients of eager, or refuses."""
    taken = 0
    for component in rb.list_components("backend"):
        name, source = component.spec.name, component.provenance.distribution
        if name != "eager":
            taken += require_same_learning(subject, name if source is None else f"{source}:{name}", name)
    if not taken:
        vacuous("no installed backend takes a layer of it")


def require_same_learning(subject: NeuronSubject, target: str, name: str) -> bool:
    """Refuse a backend whose layer has another output, state or gradient than that of eager.

    Args:
        subject: The model.
        target: The name by which the backend is asked for.
        name: Its own name, for messages.

    Returns:
        Whether it takes layers of this model.
    """
    learn, drive = learnable(subject), drive_of(subject)
    # An attached reset has the terms of a detached one among its own.
    how: Any = {"reset": "attached", "learn": learn}
    try:
        other = layer_of(subject, backend=target, **how)
    except BackendError:
        return False
    try:
        expected = _learned(layer_of(subject, backend="eager", **how), subject, drive)
    except NonFiniteStateError as error:
        vacuous(f"the run ends in a named error: {error}")
    found = _learned(other, subject, drive)
    # How roughly the model itself rounds is only asked for where that may be the reason.
    if _differing(expected, found, 1.0) and (
        wrong := _differing(expected, found, _roughness(subject, drive))
    ):
        violated(f"the backend {name!r}: {wrong}")
    return True


def _learned(layer: rb.Layer, subject: NeuronSubject, drive: Tensor) -> dict[str, Tensor]:
    """The output, the state at the end, and the gradients of a weighted sum of them."""
    x = drive.clone().requires_grad_()
    out, state = layer(given_to(subject, x), return_state=True)
    generator = torch.Generator().manual_seed(1)
    total: Any = 0.0
    found = {"the output": out.detach()}
    for name, value in {"output": out, **state}.items():
        if name != "output":
            found[f"the state {name}"] = value.detach()
        if value.requires_grad and name != "spikes":
            weights = torch.rand(value.shape, dtype=value.dtype, generator=generator) - 0.3
            total = total + (value * weights).sum()
    leaves = {"the input": x, **dict(layer.raw.named_parameters())}
    gradients = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
    for (name, leaf), gradient in zip(leaves.items(), gradients, strict=True):
        value = torch.zeros_like(leaf) if gradient is None else gradient
        found[f"the gradient by {name}"] = value
    return found


def _roughness(subject: NeuronSubject, drive: Tensor) -> float:
    """How many times more than is usual a step rounds, seen of float32 where nobody spikes; 1 or more."""
    fine, coarse = (layer_of(subject, backend="eager", dtype=each) for each in (torch.float64, torch.float32))
    begin, worst = None, 0.0
    with torch.no_grad():
        for row in drive[:STEPS].split(1):
            out, after = fine(given_to(subject, row), state=begin, return_state=True)
            if begin is not None:
                rounded = {
                    name: each.float() if each.is_floating_point() else each for name, each in begin.items()
                }
                other, near = coarse(given_to(subject, row.float()), state=rounded, return_state=True)
                silent = ((out == 0) & (other == 0))[0]
                for name in subject.schema.states:
                    far = (near[name] - after[name]).abs() / after[name].abs().clamp(min=1.0)
                    worst = max(worst, *far[silent & far.isfinite()].tolist(), 0.0)
            begin = after
    return max(1.0, worst / torch.finfo(torch.float32).eps / _USUAL)


def _differing(expected: dict[str, Tensor], found: dict[str, Tensor], rough: float) -> str:
    """What is further from eager than rounding, of a model that rounds so roughly; empty: nothing."""
    growth = max(1.0, float(expected["the gradient by the input"].abs().nan_to_num().max()))
    for name, one in expected.items():
        other = found[name].double() if name in found else torch.full_like(one.double(), torch.nan)
        one = one.double()
        finite = one.isfinite()
        size = float(one[finite].abs().max()) if bool(finite.any()) else 0.0
        grown = growth if name.startswith("the gradient") else 1.0
        # Parameters gather what all steps, rows and units give, each with its rounding.
        gathered = float(expected["the output"].numel()) if one.ndim < 2 else 1.0
        room = CLOSE * max(1.0, size) * grown * gathered * rough
        wrong = finite & ~((one - other).abs() <= room)
        if bool(wrong.any()):
            at = tuple(wrong.nonzero()[0].tolist())
            return f"{name} is {float(other[at]):.12g} at {list(at)}, and in eager {float(one[at]):.12g}"
    return ""

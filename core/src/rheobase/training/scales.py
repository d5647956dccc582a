"""The sizes by which a layer's numbers are of order 1: of input, distance to threshold, and output.

Each is measured once, when the layer is made, for each unit.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from ..engine.model.functions import Model, gap
from ..engine.neuron.base import Neuron
from ..engine.step.field import ModelField
from ..engine.trace import linear
from ..errors import ArgumentError, StructureError
from ..pipeline.rheobase import WINDOW, search

INPUTS = ("step", "rheobase", "native")
"""What x = 1 may stand for."""


def is_linear(neuron: Neuron) -> bool:
    """Whether the derivatives are linear in the states, for all states."""
    try:
        linear(_field(neuron, 0.0), 0.0, _start(neuron))
    except (StructureError, ArgumentError):
        return False
    return True


def distance(neuron: Neuron) -> Tensor:
    """How far the initial state is from threshold, ``[units]``: by it u = g / scale is -1 there."""
    size = gap(_model(neuron), _start(neuron), neuron.params).detach().abs()
    zero = (size == 0).nonzero()
    if len(zero):
        raise ArgumentError(
            f"{neuron.identifier}: unit {int(zero[0])} begins at its threshold, so that nothing tells how "
            "large a distance from it is; choose other parameters or an initial state"
        )
    return size


def displacement(neuron: Neuron) -> Tensor:
    """By how much a constant input of 1 moves the first state in the end, ``[units]``; or 1."""
    try:
        still, driven = (linear(_field(neuron, value), 0.0, _start(neuron)) for value in (0.0, 1.0))
        # [D, D, units]: matrix y + offset = 0 where it comes to rest.
        matrix = still.matrix.expand(*still.matrix.shape[:2], neuron.num_units).movedim(-1, 0)
        rate = (driven.slopes - still.slopes).T.double()
        # Without a place of rest the matrix is singular, and this is infinite or no number.
        moved: Tensor = torch.linalg.solve_ex(matrix.double(), -rate).result[:, 0]
    except (StructureError, ArgumentError):
        moved = _settled(neuron, 1.0) - _settled(neuron, 0.0)
    # One that a constant input moves nowhere, or without end, keeps its own unit.
    usable = moved.isfinite() & (moved != 0)
    return torch.where(usable, moved, 1.0).to(neuron.dtype)


def input_size(neuron: Neuron, kind: str, name: str | None) -> Tensor:
    """What x = 1 stands for, in the unit of an input, ``[units]``; infinite where nothing fires a unit."""
    if kind == "native":
        return torch.ones(neuron.num_units, dtype=neuron.dtype, device=neuron.device)
    size = search(neuron, name, window=neuron.dt if kind == "step" else WINDOW)
    if name is None:
        return size
    # Of several, one may take units away from threshold, and so fast that a step overshoots and fires them.
    little = torch.where(size.isfinite(), size / 1000.0, 0.0)
    return torch.where(_after(neuron, name, little) >= _after(neuron, name, 0.0 * little), size, torch.inf)


def _after(neuron: Neuron, name: str, more: Tensor) -> Tensor:
    """g after a step with something more of an input, ``[units]``."""
    twin = copy.deepcopy(neuron)
    twin.reset_state()
    with torch.no_grad():
        twin({name: more + neuron.schema.inputs[name].default})
        return gap(_model(twin), _start(twin), twin.params)


def check_size(neuron: Neuron, size: Tensor, kind: str) -> None:
    """Refuse a size that is zero or infinite, by the unit."""
    armed = neuron._buffers.get("armed")
    for bad, why in (
        (size == 0, "fires without input"),
        # Before the cause that it would seem to have.
        (
            ~size.isfinite() & (False if armed is None else ~armed),
            "begins at or above its threshold and cannot spike before it has been below",
        ),
        (~size.isfinite(), "does not fire, however large it is"),
    ):
        if bool(bad.any()):
            within = "one step" if kind == "step" else f"{WINDOW:g} ms"
            raise ArgumentError(
                f"{neuron.identifier}: input={kind!r} takes as 1 the least input that fires a unit within "
                f"{within}, and unit {int(bad.nonzero()[0])} {why}; give input='native', in the model's "
                "own unit, or other parameters or an initial state"
            )


def _model(neuron: Neuron) -> Model:
    model = neuron._model
    if model is None:
        raise ArgumentError(f"{neuron.identifier} declares no dynamics")
    return model


def _start(neuron: Neuron) -> Tensor:
    return torch.stack([neuron._of(name).detach() for name in neuron.schema.states])


def _field(neuron: Neuron, value: float) -> ModelField:
    shape = torch.Size((neuron.num_units,))
    inputs = neuron.schema.inputs
    data = torch.full(shape, value, dtype=neuron.dtype, device=neuron.device)
    if inputs:
        others = {name: torch.full_like(data, each.default) for name, each in inputs.items()}
        first = next(iter(inputs))
        data = neuron.schema.lasting(neuron.schema.pack_data(**{**others, first: others[first] + data}))
    return ModelField(_model(neuron), neuron.params, data, shape)


def _settled(neuron: Neuron, value: float) -> Tensor:
    """The first state after a long time at a constant input."""
    twin = copy.deepcopy(neuron)
    twin.reset_state()
    twin._watch.told = True
    first = next(iter(twin.schema.states))
    data = torch.full((neuron.num_units,), value, dtype=neuron.dtype, device=neuron.device)
    for _ in range(round(WINDOW / twin.dt)):
        twin(data)
    return twin._of(first).double()

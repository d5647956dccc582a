"""How much current moves a model: its rheobase, measured, and a size for models that do not spike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ...engine.create import create, integrator
from ...engine.neuron.base import Neuron
from ...engine.neuron.spiking import SpikingNeuron
from ...errors import RheobaseError

WINDOW = 100.0
"""How long a current flows while it is looked for, ms."""

MOST_STEPS = 1500
"""The steps at most that this takes: models of short steps are looked at for a shorter time."""

_OCTAVES = 48
_LOWEST = -16


@dataclass(frozen=True)
class Sizes:
    """Currents that move a model, by input, in the unit of each.

    Attributes:
        rheobase: The smallest constant input, to 5%, that makes the silent model spike within the window,
            the other inputs at their defaults; negative where only such inputs do; None where none does, and
            for a model that spikes without any.
        scale: The rheobase where there is one; else an input, above zero, that changes the states visibly.
        window: The time in which it was looked for, ms.
    """

    rheobase: Mapping[str, float | None]
    scale: Mapping[str, float]
    window: float


def sizes(model: type[Neuron]) -> Sizes:
    """Measure a model, with its default parameters.

    Args:
        model: Its class.
    """
    names = tuple(model.schema.inputs) if model.schema.declared and model.schema.inputs else ("input",)
    dt = create(model, dtype=torch.float64).dt
    steps = max(1, min(round(WINDOW / dt), MOST_STEPS))
    rheobase: dict[str, float | None] = {}
    scale: dict[str, float] = {}
    for name in names:
        found = _rheobase(model, name, steps)
        rheobase[name] = found
        scale[name] = abs(found) if found else _visible(model, name, steps)
    return Sizes(rheobase, scale, steps * dt)


def _rheobase(model: type[Neuron], name: str, steps: int) -> float | None:
    if not issubclass(model, SpikingNeuron):
        return None
    ladder = 2.0 ** torch.arange(_LOWEST, _LOWEST + _OCTAVES, dtype=torch.float64)
    allowed = _allowed(model, name, torch.cat([torch.zeros(1), ladder, -ladder]).double())
    fired = _run(model, name, allowed, steps)[0]
    if bool(fired[allowed == 0].any()):
        return None
    for sign in (1.0, -1.0):
        able = allowed[fired & (allowed * sign > 0)].abs()
        if len(able):
            top = float(able.min())
            # Between the last that is too weak and the first that is not.
            fine = sign * top * torch.linspace(0.5, 1.0, 12, dtype=torch.float64)
            good = fine[_run(model, name, fine, steps)[0]].abs()
            return sign * float(f"{float(good.min()) if len(good) else top:.3g}")
    return None


def _visible(model: type[Neuron], name: str, steps: int) -> float:
    """The smallest input of the ladder that moves a state by a tenth of its size, or of one unit."""
    ladder = 2.0 ** torch.arange(_LOWEST, _LOWEST + _OCTAVES, dtype=torch.float64)
    values = _allowed(model, name, torch.cat([torch.zeros(1, dtype=torch.float64), ladder]))
    if not len(values):
        return 1.0
    ends = _run(model, name, values, steps)[1]
    if not ends:
        return 1.0
    rest = {state: end[..., :1] for state, end in ends.items()}
    moved = torch.zeros(len(values), dtype=torch.bool)
    for state, end in ends.items():
        far = (end - rest[state]).abs() > 0.1 * rest[state].abs().clamp(min=1.0)
        moved |= far.reshape(-1, len(values)).any(dim=0) & end.reshape(-1, len(values)).isfinite().all(dim=0)
    good = values[moved]
    return float(good.min()) if len(good) else 1.0


def _allowed(model: type[Neuron], name: str, values: Tensor) -> Tensor:
    declared = model.schema.inputs.get(name) if model.schema.declared else None
    return values if declared is None else values[declared.domain.contains(values)]


def _run(model: type[Neuron], name: str, values: Tensor, steps: int) -> tuple[Tensor, dict[str, Tensor]]:
    """Who spiked, and the last states, one unit for each value. A unit that fails did not spike."""
    if not len(values):
        return torch.zeros(0, dtype=torch.bool), {}
    try:
        return _run_together(model, name, values, steps)
    except RheobaseError:
        # Some explode and stop the others: the weaker half by itself, and the stronger counts as silent.
        if len(values) == 1:
            return torch.zeros(1, dtype=torch.bool), {}
        weak = values.abs() <= values.abs().median()
        if bool(weak.all()):
            weak[values.abs().argmax()] = False
        fired = torch.zeros(len(values), dtype=torch.bool)
        part, ends = _run(model, name, values[weak], steps)
        fired[weak] = part
        whole = {}
        for state, end in ends.items():
            whole[state] = torch.full((*end.shape[:-1], len(values)), torch.nan, dtype=end.dtype)
            whole[state][..., weak] = end
        return fired, whole


def _run_together(
    model: type[Neuron], name: str, values: Tensor, steps: int
) -> tuple[Tensor, dict[str, Tensor]]:
    method = integrator("rk4", on_failure="mark")
    neuron = create(model, len(values), dtype=torch.float64, integrator=method)
    data = {name: values} if neuron.schema.inputs and neuron.schema.declared else values
    fired = torch.zeros(len(values), dtype=torch.bool)
    for _ in range(steps):
        out = neuron(data)
        if "spiked" in out:
            fired |= out["spiked"].reshape(-1, len(values)).bool().any(dim=0)
    ends = {state: getattr(neuron, state).detach().clone() for state in neuron.schema.states}
    return fired, ends

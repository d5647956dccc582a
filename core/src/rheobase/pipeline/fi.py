"""The f-I curve: how fast a model fires under constant currents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import torch
from torch import Tensor

from ..engine.create import create
from ..errors import ArgumentError
from .simulate import simulate

if TYPE_CHECKING:
    from ..engine.neuron.base import Neuron


@final
@dataclass(frozen=True, eq=False)
class FICurve:
    """Firing rates over currents.

    Args:
        currents: The currents, float64 ``[n]``.
        rates: The firing rate under each, in spikes per second, float64 ``[n]``.
        model: The model's name.
        unit: The currents' unit, where the model declares its input.
    """

    currents: Tensor
    rates: Tensor
    model: str = ""
    unit: str = ""


def fi_curve(
    name_or_class: str | type[Neuron],
    currents: Sequence[float] | Tensor,
    *,
    duration: float = 1000.0,
    settle: float = 0.0,
    backend: str = "auto",
    **arguments: Any,
) -> FICurve:
    """Measure a model's f-I curve: one unit for each current, all in one run.

    Args:
        name_or_class: The name of an installed model, or a class.
        currents: The constant currents, in the unit of the model's input.
        duration: How long spikes are counted, in ms. Default 1000. The rate is their number over it, so
            its error is up to 1000 / duration Hz.
        settle: How long the current flows before, in ms. Default 0.
        backend: As in :func:`rheobase.simulate`.
        **arguments: Further arguments of :func:`rheobase.create`: parameters, dt, integrator, ...

    Returns:
        The curve.

    Raises:
        ArgumentError: If the currents are no numbers, or the model emits no spikes.
    """
    try:
        given = torch.as_tensor(currents, dtype=torch.float64).reshape(-1)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ArgumentError(f"currents={currents!r} cannot be used; give a sequence of numbers") from error
    if not len(given):
        raise ArgumentError("currents is empty; give one current or more")
    neuron = create(name_or_class, len(given), **arguments)
    current = given.to(neuron.device)
    if settle:
        # Not counted, and not lost: the next run goes on from here.
        simulate(neuron, current, settle, backend=backend, progress=False)
    recording = simulate(neuron, current, duration, backend=backend)
    inputs = list(neuron.schema.inputs.values())
    return FICurve(given, recording.rates(), recording.model, inputs[0].unit if len(inputs) == 1 else "")

"""What a model does with pulses of current: its response, its rebound from below, and how it adapts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import torch
from torch import Tensor

from ..engine.create import create
from ..errors import ArgumentError
from .drawing import check_plot, placed, write_figure
from .recording import Recording
from .rheobase import find_rheobase
from .simulate import simulate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..engine.neuron.base import Neuron

LEVELS = (0.5, 1.0, 2.0, -1.0)
"""The pulses, in parts of the current: three up, and one down, from which a model may rebound."""


@final
@dataclass(frozen=True, eq=False)
class Characterisation:
    """A model under pulses: a unit for each level.

    Args:
        recording: The run, with spikes, where the model has them, and the trace of its first state.
        current: The current of the level 1, in the unit of the input.
        levels: The pulse of each unit, in parts of the current.
        start: When the pulses begin, ms.
        stop: When they end, ms.
        unit: The current's unit, where the model declares its input.
    """

    recording: Recording
    current: float
    levels: tuple[float, ...]
    start: float
    stop: float
    unit: str = ""

    def intervals(self, unit: int) -> Tensor:
        """The intervals between the spikes of a unit within its pulse, ms, float64."""
        spikes = self.recording.spikes
        own = (spikes.units == unit) & (spikes.times > self.start) & (spikes.times <= self.stop)
        return spikes.times[own].detach().diff()


def characterise(
    name_or_class: str | type[Neuron],
    current: float | None = None,
    *,
    duration: float = 400.0,
    **arguments: Any,
) -> Characterisation:
    """Drive a model with pulses of half a current, the current, twice the current, and its negative.

    Args:
        name_or_class: The name of an installed model, or a class.
        current: The current, in the unit of the model's input; of several inputs, of the first. Default: one
            and a half times the rheobase.
        duration: The length of the run, ms; the pulses last from a quarter to three quarters of it. Default
            400.
        **arguments: Further arguments of :func:`rheobase.create`: parameters, preset, dt, ...

    Raises:
        ArgumentError: If no current is given, and the model has no rheobase.

    Example:
        >>> import rheobase as rb
        >>> class Leaky(rb.SpikingNeuron):
        ...     voltage = rb.State(0.0, unit="mV")
        ...     @staticmethod
        ...     def derivatives(state, params, data):
        ...         return {"voltage": (data - state.voltage) / 10.0}
        ...     @staticmethod
        ...     def threshold(state, params):
        ...         return state.voltage - 20.0
        ...     @staticmethod
        ...     def reset(state, params):
        ...         return {"voltage": 0.0}
        >>> seen = rb.plots.characterise(Leaky)
        >>> round(seen.current, 1), seen.recording.counts().tolist(), round(float(seen.intervals(2)[0]), 1)
        (30.0, [0, 18, 48, 0], 4.1)
    """
    if current is None:
        least = float(find_rheobase(create(name_or_class, 1, **arguments))[0])
        if not 0 < least < float("inf"):
            who = name_or_class if isinstance(name_or_class, str) else name_or_class.__name__
            raise ArgumentError(
                f"the rheobase of {who} is {least:g}, so no current follows from it; give current=..."
            )
        current = 1.5 * least
    neuron = create(name_or_class, len(LEVELS), **arguments)
    steps = round(duration / neuron.dt)
    first, last = steps // 4, steps - steps // 4
    rows = torch.zeros(steps, len(LEVELS), dtype=neuron.dtype, device=neuron.device)
    rows[first:last] = current * torch.tensor(LEVELS).to(rows)
    inputs = neuron.schema.inputs
    state = next(iter(neuron.schema.states))
    drive: Any = {next(iter(inputs)): rows} if inputs else rows
    record = ("spikes", state) if getattr(neuron, "spiking", False) else (state,)
    run = simulate(neuron, drive, steps * neuron.dt, record=record, progress=False)
    unit = next(iter(inputs.values())).unit if inputs else ""
    return Characterisation(run, float(current), LEVELS, first * neuron.dt, last * neuron.dt, unit)


def plot_characterisation(
    measured: Characterisation,
    path: str | os.PathLike[str] | None = None,
    *,
    title: str | None = None,
    ax: Sequence[Axes] | None = None,
) -> Figure:
    """Draw the responses to pulses, the rebound, and the intervals of the spikes, in three panels.

    Args:
        measured: What :func:`characterise` measured.
        path: Where to write the picture; its ending says the kind. Default: nowhere.
        title: A title; by default the model's name.
        ax: Where to draw: three axes, in a figure of your own. Default: a new figure.

    Returns:
        The figure; a new one has no window.

    Raises:
        RheobaseError: If matplotlib is missing.
        ArgumentError: If there are not three axes.
        OutputError: If the path cannot be written, or its ending is of no kind that can be drawn.
    """
    if path is not None:
        check_plot(path)
    figure, axes = placed(ax, ["pulses", "rebound", "adaptation"], (11.0, 3.2), across=True)
    pulses, rebound, adaptation = axes
    run = measured.recording
    ((name, trace),) = run.traces.items()
    times, lines = run.times.numpy(), trace.detach().cpu().float()
    for place, level in enumerate(measured.levels):
        axis = pulses if level > 0 else rebound
        axis.plot(
            times,
            lines[:, place].numpy(),
            linewidth=0.8,
            label=_amount(level * measured.current, measured.unit),
        )
        between = measured.intervals(place)
        if level > 0 and len(between):
            label = _amount(level * measured.current, measured.unit)
            adaptation.plot(range(1, len(between) + 1), between.numpy(), ".-", color=f"C{place}", label=label)
    unit = run.trace_units.get(name)
    for axis, what in ((pulses, "pulses"), (rebound, "a pulse down, and what follows")):
        axis.axvspan(measured.start, measured.stop, color="0.93", zorder=0)
        axis.set_xlabel("time (ms)")
        axis.set_ylabel(f"{name} ({unit})" if unit else name)
        axis.set_title(what, loc="left", fontsize="medium")
        axis.legend(frameon=False, fontsize="small")
    adaptation.set_xlabel("interval")
    adaptation.set_ylabel("length (ms)")
    adaptation.set_title("intervals within the pulse", loc="left", fontsize="medium")
    if adaptation.lines:
        adaptation.set_ylim(bottom=0.0)
        adaptation.legend(frameon=False, fontsize="small")
    if ax is None:
        figure.suptitle(run.model if title is None else title)
    elif title is not None:
        pulses.set_title(title, loc="left")
    if path is not None:
        write_figure(figure, path)
    return figure


def _amount(current: float, unit: str) -> str:
    return f"{current:.4g}" if unit in ("", "1") else f"{current:.4g} {unit}"

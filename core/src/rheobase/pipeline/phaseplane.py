"""The phase plane of a model: nullclines of two states, the field between them, and a run through it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..engine.create import create
from ..engine.model.hazard import LEFT
from ..engine.step.field import ModelField
from ..errors import ArgumentError, nearest
from .drawing import check_plot, placed, write_figure
from .simulate import simulate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..engine.neuron.base import Neuron

FINE, COARSE = 121, 16
"""Points along an axis at which the slopes are asked for the nullclines, and for the arrows."""
MARGIN = 0.15
"""What is shown beside the run, as a part of its range."""


def plot_phase_plane(
    name_or_class: str | type[Neuron],
    current: float = 0.0,
    path: str | os.PathLike[str] | None = None,
    *,
    duration: float = 200.0,
    states: Sequence[str] | None = None,
    x: tuple[float, float] | None = None,
    y: tuple[float, float] | None = None,
    title: str | None = None,
    ax: Axes | None = None,
    **arguments: Any,
) -> Figure:
    """Draw the phase plane of two states under a constant current.

    The nullclines are where the slope of a state is zero, found numerically from ``derivatives``; arrows show
    the direction of the field, and a line the run from the initial state. Further states of the model are at
    their initial values in the field, and move in the run.

    Args:
        name_or_class: The name of an installed model, or a class.
        current: The constant current, in the unit of the model's input; of several inputs, of the first.
        path: Where to write the picture; its ending says the kind. Default: nowhere.
        duration: How long the run is, ms. Default 200.
        states: The two states, horizontal and vertical. Default: those of a model that declares two;
            ``hazard_left``, which follows from a hazard, is none of them.
        x: The least and the largest value of the first; default: those of the run, and a margin.
        y: Likewise of the second.
        title: A title; by default the model's name and the current.
        ax: Where to draw, in a figure of your own. Default: a new figure.
        **arguments: Further arguments of :func:`rheobase.create`: parameters, preset, dt, ...

    Returns:
        The figure; a new one has no window.

    Raises:
        ArgumentError: If the model has no derivatives, or not two states and none are named.
        RheobaseError: If matplotlib is missing.
        OutputError: If the path cannot be written, or its ending is of no kind that can be drawn.
    """
    if path is not None:
        check_plot(path)
    figure, (axis,) = placed(ax, ["phase plane"], (6.0, 4.5))
    neuron = create(name_or_class, 1, **arguments)
    schema, model = neuron.schema, neuron._model
    if model is None or model.derivatives is None:
        raise ArgumentError(
            f"{schema.owner} has no derivatives, and so no field to draw; give a model that has"
        )
    pair = _pair(schema.states, states, schema.owner)
    first = next(iter(schema.inputs), "")
    given = {first: torch.tensor([current])} if first else {"": torch.tensor([current])}
    field = _field(neuron, given)
    y0 = torch.stack([getattr(neuron, name).detach() for name in schema.states])
    drive: Any = {first: current} if first else current
    run = simulate(neuron, drive, duration, record=pair, progress=False)
    course = [
        torch.cat([y0[list(schema.states).index(name)], run.traces[name][:, 0]]).numpy() for name in pair
    ]
    spans = [_span(values, asked) for values, asked in zip(course, (x, y), strict=True)]
    rows = [list(schema.states).index(name) for name in pair]

    across, up, slopes = _slopes(field, y0, rows, spans, FINE)
    lines = []
    for place, (name, color) in enumerate(zip(pair, ("tab:blue", "tab:orange"), strict=True)):
        # Where a slope has one sign all over there is no nullcline, of which matplotlib would warn.
        if np.nanmin(slopes[place]) < 0 < np.nanmax(slopes[place]):
            axis.contour(across, up, slopes[place], levels=[0.0], colors=[color], linewidths=1.5)
        (line,) = axis.plot([], [], color=color, label=f"d{name}/dt = 0")
        lines.append(line)
    across, up, slopes = _slopes(field, y0, rows, spans, COARSE)
    # In parts of the picture, so that arrows point where the run goes in it.
    part = [slopes[place] / (high - low) for place, (low, high) in enumerate(spans)]
    with np.errstate(invalid="ignore", divide="ignore"):
        length = np.hypot(*part)
        arrows = [np.nan_to_num(each / length) for each in part]
    axis.quiver(across, up, *arrows, color="0.75", angles="uv", width=0.003, zorder=0)
    axis.plot(*course, color="black", linewidth=0.8)
    axis.plot(course[0][0], course[1][0], "o", color="black", markersize=4)
    axis.set_xlim(*spans[0])
    axis.set_ylim(*spans[1])
    units = [schema.states[name].unit for name in pair]
    labels = [name if unit == "1" else f"{name} ({unit})" for name, unit in zip(pair, units, strict=True)]
    axis.set_xlabel(labels[0])
    axis.set_ylabel(labels[1])
    axis.legend(handles=lines, loc="upper right", frameon=False)
    axis.set_title(f"{run.model}, {current:g}" if title is None else title, loc="left")
    if path is not None:
        write_figure(figure, path)
    return figure


def _pair(states: Any, asked: Sequence[str] | None, owner: str) -> tuple[str, str]:
    """The two states."""
    # How near a spike by chance is says nothing of the field of the others.
    own = tuple(name for name in states if name != LEFT)
    names = own if asked is None else tuple(asked)
    for name in names:
        if name not in states:
            raise ArgumentError(
                f"{owner} has no state {name!r}{nearest(name, states)}; it has {', '.join(states)}"
            )
    if len(names) != 2 or names[0] == names[1]:
        raise ArgumentError(
            f"{owner} has {len(own)} state{'s' * (len(own) != 1)}: {', '.join(own)}; "
            + ("a phase plane has two" if len(own) < 2 else "name two: states=(..., ...)")
        )
    return names[0], names[1]


def _field(neuron: Any, given: dict[str, Tensor]) -> ModelField:
    """The model's field under a constant input, for any number of points side by side."""
    schema, like = neuron.schema, {"dtype": neuron.dtype, "device": neuron.device}
    data: Any = given[next(iter(given))].to(**like)
    if schema.inputs:
        values = {name: torch.tensor([float(each.default)], **like) for name, each in schema.inputs.items()}
        data = schema.lasting(schema.pack_data(**{**values, **{k: v.to(**like) for k, v in given.items()}}))
    return ModelField(neuron._model, neuron.params, data, torch.Size((1,)))


def _slopes(
    field: ModelField, y0: Tensor, rows: Sequence[int], spans: Sequence[tuple[float, float]], count: int
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Points of a grid, and the slopes of the two states there; NaN where they are not finite."""
    across, up = np.meshgrid(*(np.linspace(low, high, count) for low, high in spans))
    y = y0.expand(-1, across.size).clone()
    for row, values in zip(rows, (across, up), strict=True):
        y[row] = torch.as_tensor(values.reshape(-1)).to(y)
    with torch.no_grad():
        found = field(0.0, y)
    slopes = [found[row].double().cpu().numpy().reshape(across.shape) for row in rows]
    return across, up, [np.where(np.isfinite(each), each, np.nan) for each in slopes]


def _span(values: np.ndarray, asked: tuple[float, float] | None) -> tuple[float, float]:
    """What an axis shows."""
    if asked is not None:
        low, high = map(float, asked)
        if not low < high:
            raise ArgumentError(f"the range {asked} is empty; give the lesser value first")
        return low, high
    low, high = float(values.min()), float(values.max())
    margin = MARGIN * (high - low) or max(1.0, abs(high)) * MARGIN
    return low - margin, high + margin

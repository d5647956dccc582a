"""Drawing recordings, and writing pictures, by matplotlib (the ``plot`` extra)."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError, OutputError, RheobaseError
from ..files import check_writable, write
from .results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_TRACES = 10
"""Lines in one panel; with more, nothing could be seen."""


def plot_recording(
    recording: Results,
    path: str | os.PathLike[str] | None = None,
    *,
    title: str | None = None,
    ax: Axes | Sequence[Axes] | None = None,
) -> Figure:
    """Draw a recording: a panel for each trace, over a raster of the spikes.

    A panel shows the first ten units at most; the raster shows all of them. In a notebook the figure shows
    itself as the value of a cell.

    Args:
        recording: The recording.
        path: Where to write the picture; its ending says the kind (PNG, PDF, SVG, ...). Default: nowhere.
        title: A title; by default the model's name.
        ax: Where to draw, in a figure of your own: as many axes as there are panels; one may stand alone.
            Default: a new figure.

    Returns:
        The figure, a ``matplotlib.figure.Figure``; a new one has no window.

    Raises:
        RheobaseError: If matplotlib is missing.
        ArgumentError: If there are more or fewer axes than panels.
        OutputError: If the path cannot be written, or its ending is of no kind that can be drawn.
    """
    if path is not None:
        check_plot(path)
    names = list(recording.traces)
    heights = [2.0] * len(names) + ([1.2] if recording.spikes.recorded or not names else [])
    panels = [*names, *(["spikes"] if len(heights) > len(names) else [])]
    figure, axes = placed(ax, panels, (9.0, 1.0 + sum(heights)), heights)
    times = recording.times.numpy()
    for axis, name in zip(axes, names, strict=False):
        # float(): numpy has no bfloat16. A line for each unit of each batch index.
        lines = recording.traces[name].detach().cpu().float().flatten(1)
        axis.plot(times, lines[:, :_MOST_TRACES].numpy(), linewidth=0.8)
        unit = recording.trace_units.get(name)
        axis.set_ylabel(f"{name} ({unit})" if unit else name)
    if recording.spikes.recorded:
        _raster(axes[-1], recording)
    axes[-1].set_xlabel("time (ms)")
    start = recording.first_step * recording.dt
    axes[-1].set_xlim(start, start + max(recording.duration, recording.dt))
    cut = "" if recording.complete else " (interrupted)"
    axes[0].set_title((recording.model if title is None else title) + cut, loc="left")
    if path is not None:
        write_figure(figure, path)
    return figure


def plot_raster(
    recording: Results,
    path: str | os.PathLike[str] | None = None,
    *,
    title: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw the spikes of a recording alone: a row for each unit of each batch index.

    Args:
        recording: The recording.
        path: Where to write the picture; its ending says the kind. Default: nowhere.
        title: A title; by default the model's name.
        ax: Where to draw, in a figure of your own. Default: a new figure.

    Returns:
        The figure; a new one has no window.

    Raises:
        RheobaseError: If matplotlib is missing.
        ArgumentError: If no spikes were recorded.
        OutputError: If the path cannot be written, or its ending is of no kind that can be drawn.
    """
    if not recording.spikes.recorded:
        raise ArgumentError("the recording has no spikes to draw; record them: record=('spikes', ...)")
    if path is not None:
        check_plot(path)
    figure, (axis,) = placed(ax, ["spikes"], (9.0, 3.0))
    _raster(axis, recording)
    axis.set_xlabel("time (ms)")
    start = recording.first_step * recording.dt
    axis.set_xlim(start, start + max(recording.duration, recording.dt))
    axis.set_title(recording.model if title is None else title, loc="left")
    if path is not None:
        write_figure(figure, path)
    return figure


def placed(
    ax: Axes | Sequence[Axes] | None,
    panels: Sequence[str],
    size: tuple[float, float],
    heights: Sequence[float] | None = None,
    *,
    across: bool = False,
) -> tuple[Figure, list[Axes]]:
    """Axes for panels, and their figure: those that the user gave, or new ones below, or beside, each other.

    Args:
        ax: What the user gave.
        panels: What each panel shows, for messages.
        size: Of a new figure, inches.
        heights: Of its panels, below each other on one axis of time.
        across: Whether they stand beside each other.
    """
    if ax is not None:
        axes = list(ax) if isinstance(ax, Iterable) else [ax]
        if len(axes) != len(panels):
            count = f"{len(panels)} panels" if len(panels) > 1 else "1 panel"
            raise ArgumentError(
                f"{len(axes)} axes were given for {count}: {', '.join(panels)}; give one for each"
            )
        figure: Any = axes[0].get_figure()
        return figure, axes
    figure = new_figure(size)
    if across:
        return figure, list(figure.subplots(1, len(panels), squeeze=False)[0])
    ratios = {"height_ratios": list(heights or [1.0] * len(panels))}
    return figure, list(figure.subplots(len(panels), 1, sharex=True, squeeze=False, gridspec_kw=ratios)[:, 0])


def _raster(axis: Any, recording: Results) -> None:
    spikes = recording.spikes
    count = recording.num_units * math.prod(recording.batch_shape)
    # A row for each unit of each batch index, units of one batch index together.
    rows = (spikes.batch * recording.num_units + spikes.units).numpy()
    axis.plot(
        spikes.times.detach().numpy(), rows, "|", color="black", markersize=6 if len(rows) < 2000 else 2
    )
    axis.set_ylabel("unit")
    axis.set_ylim(-0.5, count - 0.5)
    if count > 1:
        axis.yaxis.get_major_locator().set_params(integer=True)
    else:
        axis.set_yticks([0])


def check_plot(path: str | os.PathLike[str]) -> Path:
    """Make sure that a picture can be drawn and written, before anything is computed for it."""
    # What can be drawn depends on the matplotlib that is there, so a canvas is asked.
    known = sorted(new_figure((1.0, 1.0)).canvas.get_supported_filetypes())
    ending = _ending(path)
    if ending not in known:
        raise OutputError(
            f"cannot draw {os.fspath(path)!r}: the ending {ending!r} is of no kind of picture; "
            f"give one of {', '.join(known)}"
        )
    return check_writable(path)


def new_figure(size: tuple[float, float]) -> Figure:
    """A figure without a window; its size in inches."""
    try:
        # Not pyplot, which would choose a window system and keep the figure: this works anywhere.
        import matplotlib.figure  # noqa: F401  # where it is missing, Picture may be there of earlier

        from .picture import Picture
    except ImportError as error:
        raise RheobaseError(
            "plots need matplotlib, which is not installed; install it by: pip install 'rheobase[plot]'"
        ) from error
    return Picture(figsize=size, layout="constrained")


def write_figure(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a picture, whole or not at all, in the format of the path's ending."""
    # Into memory first, so that a failure while drawing touches no file.
    drawn = io.BytesIO()
    figure.savefig(drawn, format=_ending(path), dpi=150)
    write(path, drawn.getvalue())


def _ending(path: str | os.PathLike[str]) -> str:
    return Path(path).suffix.lower().removeprefix(".")

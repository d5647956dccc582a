"""A picture of a network's run: a raster by population, and the rate of each."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .drawing import check_plot, placed, write_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .results import Results

BIN = 5.0
"""The width of a bar of the rates, ms."""


def plot_network(
    recording: Mapping[str, Results],
    path: str | os.PathLike[str] | None = None,
    *,
    ax: Sequence[Axes] | None = None,
) -> Figure:
    """Draw a raster of the spikes of a network by population, with the rate of each below it.

    Args:
        recording: The recording of a network; what has no spikes is left out.
        path: Where to write the picture; its ending says the kind. Default: nowhere.
        ax: Where to draw, in a figure of your own: two axes, of the raster and of the rates. Default: a new
            figure.

    Returns:
        The figure; a new one has no window.

    Raises:
        RheobaseError: If matplotlib is missing.
        ArgumentError: If other than two axes are given.
        OutputError: If the path cannot be written.
    """
    if path is not None:
        check_plot(path)
    spiking = {name: part for name, part in recording.items() if part.spikes.recorded}
    figure, (raster, rates) = placed(ax, ["spikes", "rates"], (9.0, 5.5), [3.0, 1.5])
    first, ticks = 0, []
    for name, part in spiking.items():
        times = part.spikes.times.detach().numpy()
        units = part.spikes.units.numpy()
        (points,) = raster.plot(times, units + first, ".", markersize=1.5)
        ticks.append((first + part.num_units / 2, name))
        start = part.first_step * part.dt
        bins = max(1, round(part.duration / BIN))
        count, edges = np.histogram(times, bins=bins, range=(start, start + part.duration))
        rows = part.num_units * max(1, int(np.prod(part.batch_shape)))
        width = part.duration / bins
        rates.stairs(count / (rows * width * 1e-3), edges, label=name, color=points.get_color())
        first += part.num_units
    raster.set_yticks([at for at, _ in ticks], [name for _, name in ticks])
    raster.set_ylabel("population")
    rates.set_ylabel("rate (1/s)")
    rates.set_xlabel("time (ms)")
    if spiking:
        rates.legend(loc="upper right", frameon=False)
    if path is not None:
        write_figure(figure, path)
    return figure

"""A picture of a network's run: a raster by population, and the rate of each."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from .drawing import check_plot, new_figure, write_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .results import Results

BIN = 5.0
"""The width of a bar of the rates, ms."""


def plot_network(recording: Mapping[str, Results], path: str | os.PathLike[str] | None = None) -> Figure:
    """See :meth:`NetworkRecording.plot`."""
    if path is not None:
        check_plot(path)
    spiking = {name: part for name, part in recording.items() if part.spikes.recorded}
    figure = new_figure((9.0, 5.5))
    raster, rates = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [3.0, 1.5]})
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

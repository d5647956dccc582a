"""Histograms of the weights and of the delays of projections."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..engine.network.network import Network
from ..engine.network.projection import Projection
from ..errors import ArgumentError, shown
from .drawing import check_plot, placed, write_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import Tensor

_BINS = 50


def plot_weights(
    projections: Network | Projection | Sequence[Projection],
    path: str | os.PathLike[str] | None = None,
    *,
    bins: int = _BINS,
    title: str = "",
    ax: Axes | None = None,
) -> Figure:
    """Draw how many synapses have which weight, as they are now, for one projection or several.

    Args:
        projections: A projection, several, or a network, of which all are drawn.
        path: Where to write the picture; its ending says the kind. Default: nowhere.
        bins: How many bars the range of all has.
        title: A title.
        ax: Where to draw, in a figure of your own. Default: a new figure.

    Returns:
        The figure; a new one has no window.

    Raises:
        RheobaseError: If matplotlib is missing.
        ArgumentError: If no projection was given, or none has a synapse.
        OutputError: If the path cannot be written.

    Example:
        >>> import rheobase as rb
        >>> class Pulse(rb.Synapse):
        ...     weight_unit, into = "mV", "voltage"
        >>> class Leaky(rb.AnalogNeuron):
        ...     voltage = rb.State(0.0, unit="mV")
        ...     @staticmethod
        ...     def derivatives(state, params, data):
        ...         return {"voltage": data - state.voltage}
        >>> net = rb.Network()
        >>> cells = net.add("cells", rb.create(Leaky, 3))
        >>> some = net.connect("cells", "cells", ([0, 1], [1, 2]), rb.synapse(Pulse), weight=[0.5, 0.7])
        >>> figure = rb.plots.plot_weights(some)
        >>> figure.axes[0].get_xlabel()
        'weight (mV)'
    """
    every = _projections(projections)
    # Of a batch those of each of its networks.
    values = {
        each.identifier: each.weights.detach().expand(*each.weights.shape[:-1], each.synapses).reshape(-1)
        for each in every
    }
    units = {each.loggable_units["weight"] for each in every}
    unit = f" ({units.pop()})" if len(units) == 1 else ""
    return _histogram(values, f"weight{unit}", path, bins, title, ax)


def plot_delays(
    projections: Network | Projection | Sequence[Projection],
    path: str | os.PathLike[str] | None = None,
    *,
    bins: int = _BINS,
    title: str = "",
    ax: Axes | None = None,
) -> Figure:
    """Draw how many synapses have which delay; see :func:`plot_weights`.

    Where delays are whole steps, each bar is of as many of them as the others, ``bins`` being the most.
    """
    every = _projections(projections)
    values = {each.identifier: each.delay for each in every}
    step = max(each.dt for each in every) if all(each.delays.steps is not None for each in every) else None
    return _histogram(values, "delay (ms)", path, bins, title, ax, step)


def _projections(given: Network | Projection | Sequence[Projection]) -> list[Projection]:
    if isinstance(given, Network):
        every = list(given.projections.values())
    else:
        several = isinstance(given, Iterable) and not isinstance(given, (str, bytes))
        every = list(given) if several else [given]  # type: ignore[list-item]
    for each in every:
        if not isinstance(each, Projection):
            raise ArgumentError(
                f"{shown(each)} is no projection; give net['E->I'], several such, or a network"
            )
    if not any(each.synapses for each in every):
        raise ArgumentError("there is no synapse to draw; give a projection with one or more")
    return every


def _histogram(
    values: Mapping[str, Tensor],
    label: str,
    path: str | os.PathLike[str] | None,
    bins: int,
    title: str,
    ax: Axes | None,
    step: float | None = None,
) -> Figure:
    import numpy as np

    if isinstance(bins, bool) or not isinstance(bins, int) or bins < 1:
        raise ArgumentError(f"bins={shown(bins)} cannot be used; give a number from 1 up")
    if path is not None:
        check_plot(path)
    figure, (axis,) = placed(ax, [label], (6.0, 4.0))
    # float(): numpy has no bfloat16.
    arrays = {name: each.cpu().double().numpy() for name, each in values.items()}
    filled = [each for each in arrays.values() if len(each)]
    least, most = min(float(each.min()) for each in filled), max(float(each.max()) for each in filled)
    edges = np.histogram_bin_edges([least, most], bins)
    if step is not None:
        # Otherwise some bars would have more multiples of the step in them than others.
        count = round((most - least) / step) + 1
        each_has = math.ceil(count / bins)
        edges = least + step * (each_has * np.arange(math.ceil(count / each_has) + 1) - 0.5)
    for name, array in arrays.items():
        axis.stairs(np.histogram(array, edges)[0], edges, label=name)
    axis.set_xlabel(label)
    axis.set_ylabel("synapses")
    axis.set_title(title, loc="left")
    axis.legend(frameon=False)
    if path is not None:
        write_figure(figure, path)
    return figure

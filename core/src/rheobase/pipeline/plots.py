"""Pictures of recordings and f-I curves, by matplotlib (the ``plot`` extra). Public as ``rheobase.plots``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import ArgumentError
from .characterisation import Characterisation, characterise, plot_characterisation
from .drawing import check_plot, placed, plot_raster, plot_recording, write_figure
from .fi import FICurve, fi_curve
from .phaseplane import plot_phase_plane

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "Characterisation",
    "FICurve",
    "characterise",
    "check_plot",
    "fi_curve",
    "plot_characterisation",
    "plot_fi_curve",
    "plot_phase_plane",
    "plot_raster",
    "plot_recording",
]


def plot_fi_curve(
    curves: FICurve | Sequence[FICurve],
    path: str | os.PathLike[str] | None = None,
    *,
    title: str = "",
    ax: Axes | None = None,
) -> Figure:
    """Draw the firing rate over the current, for one model or several.

    Args:
        curves: What :func:`fi_curve` measured.
        path: Where to write the picture; its ending says the kind. Default: nowhere.
        title: A title.
        ax: Where to draw, in a figure of your own. Default: a new figure.

    Returns:
        The figure; a new one has no window.

    Raises:
        RheobaseError: If matplotlib is missing.
        OutputError: If the path cannot be written.
    """
    every = [curves] if isinstance(curves, FICurve) else list(curves)
    if not every:
        raise ArgumentError("there is no curve to draw; give one FICurve or more")
    if path is not None:
        check_plot(path)
    figure, (axis,) = placed(ax, ["firing rate"], (6.0, 4.0))
    for curve in every:
        axis.plot(curve.currents.detach().numpy(), curve.rates.detach().numpy(), ".-", label=curve.model)
    unit = {curve.unit for curve in every}
    axis.set_xlabel(f"current ({unit.pop()})" if len(unit) == 1 and "" not in unit else "current")
    axis.set_ylabel("firing rate (Hz)")
    axis.set_title(title, loc="left")
    if any(curve.model for curve in every):
        axis.legend()
    if path is not None:
        write_figure(figure, path)
    return figure

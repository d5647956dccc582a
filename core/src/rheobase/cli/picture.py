"""The picture of the demo: the current on top, one voltage below the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..pipeline.recording import Recording


def draw(
    path: Path, current: Sequence[float], titles: Sequence[str], recordings: Sequence[Recording]
) -> None:
    """Draw recordings of one unit each under one current, given per step in units of each one's rheobase."""
    from ..pipeline.drawing import new_figure, write_figure

    figure = new_figure((9.0, 1.5 * (len(recordings) + 1)))
    axes = figure.subplots(len(recordings) + 1, 1, sharex=True, squeeze=False)[:, 0]
    times = [recordings[0].dt * (step + 1) for step in range(len(current))]
    axes[0].plot(times, current, color="0.4", linewidth=0.8)
    axes[0].set_ylabel("rheobases")
    axes[0].set_title("One current, scaled for each model", loc="left", fontsize="medium")
    for axis, title, recording in zip(axes[1:], titles, recordings, strict=True):
        for name, trace in recording.traces.items():
            axis.plot(times, trace.flatten().tolist(), linewidth=0.8)
            unit = recording.trace_units.get(name, "1")
            axis.set_ylabel(name if unit == "1" else unit)
        # The marks go to the upper edge of the trace, whatever its state is measured in.
        top = axis.get_ylim()[1]
        spikes = recording.spikes.times.tolist()
        if spikes:  # marks that are none and not clipped leave the figure no room
            axis.plot(spikes, [top] * len(spikes), "|", color="black", markersize=8, clip_on=False)
        axis.set_title(title, loc="left", fontsize="medium")
    axes[-1].set_xlabel("time (ms)")
    write_figure(figure, path)

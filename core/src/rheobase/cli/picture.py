"""The picture of the demo: the current on top, one voltage below the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..pipeline.recording import Recording


def draw(path: Path, titles: Sequence[str], recordings: Sequence[Recording], units: Sequence[str]) -> None:
    """Draw recordings of one unit each, driven by the same current.

    Args:
        path: Where the picture goes.
        titles: One for each recording.
        recordings: With traces ``input`` and ``voltage``.
        units: The current's unit in each.

    Raises:
        OutputError: If the file cannot be written.
    """
    from ..pipeline.drawing import new_figure, write_figure

    figure = new_figure((9.0, 1.5 * (len(recordings) + 1)))
    axes = figure.subplots(len(recordings) + 1, 1, sharex=True, squeeze=False)[:, 0]
    first = recordings[0]
    times = [first.dt * (step + 1) for step in range(len(first.traces["input"]))]
    axes[0].plot(times, first.traces["input"].flatten().tolist(), color="0.4", linewidth=0.8)
    unit = "" if units[0] == "1" else f" ({units[0]})"
    axes[0].set_ylabel(f"current{unit}")
    axes[0].set_title("One current, scaled for each model", loc="left", fontsize="medium")
    for axis, title, recording in zip(axes[1:], titles, recordings, strict=True):
        axis.plot(times, recording.traces["voltage"].flatten().tolist(), linewidth=0.8)
        top = axis.get_ylim()[1]
        spikes = recording.spikes.times.tolist()
        axis.plot(spikes, [top] * len(spikes), "|", color="black", markersize=8, clip_on=False)
        axis.set_ylabel("mV")
        axis.set_title(title, loc="left", fontsize="medium")
    axes[-1].set_xlabel("time (ms)")
    write_figure(figure, path)
